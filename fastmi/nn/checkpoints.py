"""Checkpoints of a training: the state of a run, tied to what shapes the run."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from fastmi.nn import checkpoint_files
from fastmi.nn.identity import differences, is_identity
from fastmi.nn.optimizers import make_optimizer
from fastmi.nn.options import Training
from fastmi.nn.state_bytes import from_bytes, to_buffers

__all__ = ["Checkpoint", "restore_optimizer", "restore_schedule"]

State = dict[str, Any]

_NUMBERS = ("position", "step", "best_score", "best_step", "waited", "seconds")


class Checkpoint:
    """The checkpoint of one run.

    Args:
        path: The file; a link stays one, and the file that it leads to is written.
        identity: What the run must share with the one that the file is of.

    Raises:
        OSError: The file cannot be written.
        ValueError: It is no file, but a device, for example.
    """

    def __init__(self, path: str | os.PathLike[str], identity: Mapping[str, Any]) -> None:
        self.path = Path(os.path.realpath(path))
        # As text, from which nothing but plain values comes back.
        self._identity = json.dumps(identity)
        try:
            checkpoint_files.prepare(self.path)
        except OSError as error:
            raise self._unwritable(error, "nothing is trained") from error
        except ValueError as error:
            raise self._unusable(str(error)) from None

    def write(self, state: State, kept: str) -> None:
        """Replace the file.

        Args:
            state: The state of the run: plain values and tensors.
            kept: What becomes of the training if that fails, for the message.

        Raises:
            OSError: The file cannot be written; the old one is as it was.
            TypeError: The state holds something else.
        """
        content = self.content(state)
        try:
            checkpoint_files.write(self.path, content)
        except OSError as error:
            raise self._unwritable(error, f"a file there is of an earlier one; {kept}") from error

    def content(self, state: State) -> list[Any]:
        """Return what :meth:`write` writes, as buffers."""
        try:
            return to_buffers({"run": self._identity, "state": state})
        except TypeError as error:
            raise TypeError(
                f"checkpoint can hold tensors, numbers and strings in dicts and lists only; "
                f"got {error} of the state of the training"
            ) from None

    def read(self, like: State, options: Training, device: torch.device) -> State | None:
        """Return the state in the file, None if there is no file.

        Args:
            like: A state of the same run, whose form that of the file must have.
            options: Options of the run.
            device: The device of the run.

        Raises:
            OSError: The file cannot be read.
            ValueError: It is damaged, no checkpoint, or one of another run.
        """
        try:
            content = checkpoint_files.read(self.path)
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise self._unusable(str(error)) from None
        try:
            saved = from_bytes(content, device)
            theirs = _identity_of(saved)
        except ValueError as error:
            raise self._unusable(f"is damaged: {error}") from None
        other = differences(theirs, json.loads(self._identity), repr(str(self.path)))
        if other:
            raise ValueError(other)
        state: State = saved["state"]
        try:
            _check(state, like)
        except ValueError as error:
            raise self._unusable(f"is damaged: {error}") from None
        if state["step"] > options.steps:
            raise ValueError(
                f"steps must be at least those of checkpoint {str(self.path)!r}, "
                f"{state['step']}; got steps={options.steps}"
            )
        return state

    def refuse(self, error: Exception) -> ValueError:
        """Return the error for a file whose content something cannot be set to."""
        return self._unusable(f"is damaged: {type(error).__name__}: {error}")

    def _unusable(self, why: str) -> ValueError:
        return ValueError(
            f"checkpoint must be a file that an earlier run wrote; got {str(self.path)!r}, "
            f"which {why}"
        )

    def _unwritable(self, error: OSError, then: str) -> OSError:
        """Return an error of the same kind that says what was not written."""
        text = f"{error.strerror}: the checkpoint is not written, {then}"
        return type(error)(error.errno, text, str(self.path))


def restore_optimizer(optimizer: Optimizer, saved: Any, options: Training) -> None:
    """Set the state of an optimizer, or raise some exception.

    That of an optimizer of the user's, whose form is not known, may be whatever its
    ``load_state_dict`` takes.
    """
    own = optimizer.state_dict()["param_groups"]
    if len(saved["param_groups"]) != len(own):
        raise ValueError("optimizer has another number of groups")
    groups = []
    for group, like in zip(saved["param_groups"], own, strict=True):
        # Numbers may change on the way. What is on or off, such as by which means a step is taken,
        # is up to this run, and versions of torch have options of their own.
        fixed = {name for name, one in like.items() if one is None or isinstance(one, bool)}
        known = {name: group[name] for name in like.keys() - fixed if name in group}
        for name, value in known.items():
            _alike(value, like[name], f"optimizer {name}")
        groups.append(like | known)
    if isinstance(options.optimizer, str):
        parameters = [one for group in optimizer.param_groups for one in group["params"]]
        # A fused step would read past the end of a tensor that is too short.
        for number, kept in saved["state"].items():
            _alike(kept, _after_a_step(parameters[number], options), f"optimizer state {number}")
    optimizer.load_state_dict({"state": saved["state"], "param_groups": groups})


def _after_a_step(parameter: Tensor, options: Training) -> Any:
    """Return what an optimizer that a name stands for keeps for a parameter."""
    other = nn.Parameter(parameter.detach().clone())
    other.grad = torch.zeros_like(other)
    optimizer = make_optimizer([other], options)
    optimizer.step()
    return optimizer.state_dict()["state"][0]


def restore_schedule(schedule: LRScheduler, saved: Any) -> None:
    """Set the state of a schedule, or raise some exception.

    What only another version of torch has in it is left out.
    """
    own = schedule.state_dict()
    known = {name: value for name, value in saved.items() if name in own}
    for name, value in known.items():
        _alike(value, own[name], f"schedule {name}")
    schedule.load_state_dict(known)


def _identity_of(saved: Any) -> dict[str, Any]:
    """Return the identity in what a file holds; raise ValueError if the form is wrong."""
    if not isinstance(saved, dict) or saved.keys() != {"run", "state"}:
        raise ValueError("its parts are not those of a checkpoint")
    try:
        run: Any = json.loads(saved["run"])
    except (TypeError, ValueError, RecursionError):
        run = None
    if not is_identity(run):
        raise ValueError("it does not say of which run it is")
    return dict(run)


def _check(state: Any, like: State) -> None:
    """Raise ValueError unless a state can be one of the run that the state `like` is of."""
    if not isinstance(state, dict) or state.keys() != like.keys():
        raise ValueError("its parts are not those of a checkpoint")
    for name in ("model", "kept", "generator", "random", "order", *_NUMBERS):
        _alike(state[name], like[name], name)
    for name in ("optimizer", "schedule", "loss"):
        # What is in them, their own methods take or refuse.
        if not isinstance(state[name], type(like[name])):
            raise ValueError(f"{name} is a {type(state[name]).__name__}")
    for name, kind in (("steps", int), ("train", float), ("validation", float)):
        if not isinstance(state[name], list) or {type(one) for one in state[name]} - {kind}:
            raise ValueError(f"{name} is no list of numbers")
    order, steps, step = state["order"], state["steps"], state["step"]
    counted = torch.arange(len(order), device=order.device)
    rises = all(one < other for one, other in zip([0, *steps], steps, strict=False))
    if not (
        torch.equal(order.sort().values, counted)
        and 0 <= state["position"] <= len(order)
        and 0 <= state["best_step"] <= step
        and 0 <= state["waited"] <= len(steps)
        and rises
        and steps[-1:] == [step]
        and len(state["train"]) == len(state["validation"]) == len(steps)
        and math.isfinite(state["seconds"])
    ):
        raise ValueError("its numbers do not fit each other")


def _alike(value: Any, like: Any, name: str) -> None:
    """Raise ValueError unless a value has the form of another: kinds, keys, shapes and types."""
    fits = type(value) is type(like)
    if isinstance(like, Tensor):
        # A parameter of the model is read back as a tensor.
        fits = isinstance(value, Tensor) and _form(value) == _form(like)
    elif isinstance(like, dict):
        fits = isinstance(value, dict) and value.keys() == like.keys()
        for key in like if fits else ():
            _alike(value[key], like[key], f"{name} {key}")
    elif isinstance(like, list | tuple):
        fits = fits and len(value) == len(like)
        for one, other in zip(value, like, strict=True) if fits else ():
            _alike(one, other, name)
    elif isinstance(like, int | float) and not isinstance(like, bool):
        fits = type(value) in (int, float) and (isinstance(like, float) or type(value) is int)
    if not fits:
        raise ValueError(f"{name} has another form than that of the run")


def _form(tensor: Tensor) -> tuple[Any, ...]:
    return tensor.shape, tensor.dtype, tensor.device.type
