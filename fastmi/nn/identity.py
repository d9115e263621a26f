"""What shapes a training, in plain values that tell its checkpoint from those of other runs."""

from __future__ import annotations

import dis
import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from functools import partial
from inspect import signature
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from fastmi.nn.options import Training

__all__ = ["describe", "differences", "fingerprint", "identify", "is_identity"]

_CHUNK = 1 << 24
# How a step is computed and where its state lies, which depends on the version of torch and the
# device, and what a schedule changes along the way.
_NO_MATTER = {
    "capturable",
    "differentiable",
    "foreach",
    "fused",
    "last_epoch",
    "verbose",
}
# Key of the options of the optimizer and the schedule, of which versions of torch have their own.
# No name that a caller adds contains a space.
_VERSIONED = "options of torch"
# Key of the description of the model, of which a message names the first difference.
_MODEL = "parts of the model"
# Descriptions of functions, which are longer than this, help nobody in a message.
_LONG = 60
#: Names under which fingerprints stand, with what a message calls the fingerprinted.
_SAMPLES = {"data": "data", "held_out": "held-out data"}


def fingerprint(samples: Iterable[Tensor | NDArray[Any]]) -> str:
    """Return a hash of the bytes, shapes and types of samples.

    Args:
        samples: Tensors on any device, or arrays.
    """
    digest = hashlib.blake2b(digest_size=16)
    for one in samples:
        kind = str(one.dtype).removeprefix("torch.")
        digest.update(f"{kind} {tuple(one.shape)} ".encode())
        memory = _memory(one)
        # An interrupt is heard between chunks.
        for start in range(0, len(memory), _CHUNK):
            digest.update(memory[start : start + _CHUNK])
    return digest.hexdigest()


def identify(
    model: nn.Module,
    data: tuple[Tensor, ...],
    held_out: tuple[Tensor, ...],
    functions: Mapping[str, object],
    options: Training,
    optimizer: Optimizer,
    schedule: LRScheduler | None,
    others: Mapping[str, object],
) -> dict[str, Any]:
    """Return what a checkpoint must share with the run that goes on from it.

    Free are the number of steps, unless the schedule depends on it, when to evaluate, how long to
    be patient, threads, progress, and by which means (compiled, as a graph) steps are taken.

    Args:
        model: The module before its training.
        data: See :func:`fastmi.nn.train`.
        held_out: See there.
        functions: The loss and its siblings, by name.
        options: See there.
        optimizer: The optimizer before its first step.
        schedule: The schedule before its first step.
        others: What the caller adds; see `identity` there.
    """
    identity: dict[str, Any] = {
        "n": len(data[0]),
        "device": data[0].device.type,
        "dtype": [str(tensor.dtype).removeprefix("torch.") for tensor in data],
        "batch_size": options.batch_size,
        "seed": options.seed,
        "clip_norm": options.clip_norm,
        # The number may change; without one, the parameters that are kept are others.
        "patience": None if options.patience is None else "set",
        "optimizer": type(optimizer).__name__,
        "schedule": None if schedule is None else type(schedule).__name__,
        "steps": options.steps if isinstance(options.schedule, str) else None,
    }
    for number, group in enumerate(optimizer.param_groups):
        of_group = f" of group {number}" if number else ""
        own = {f"{name}{of_group}": value for name, value in _plain(group).items()}
        identity[_VERSIONED] = identity.get(_VERSIONED, {}) | own
    if schedule is not None and not isinstance(options.schedule, str):
        own = {f"{name} of schedule": one for name, one in _plain(schedule.state_dict()).items()}
        identity[_VERSIONED] |= own
    for named in (others, functions):
        identity |= {name: describe(one) for name, one in named.items()}
    identity[_MODEL] = _module_parts(model)
    if "data" not in others:
        identity["data"] = fingerprint(data)
        identity["held_out"] = fingerprint(held_out)
    return identity


def differences(theirs: Mapping[str, Any], ours: Mapping[str, Any], where: str) -> str:
    """Return in words what differs between a saved identity and that of the run; "" if nothing.

    Options of optimizers and schedules that only one version of torch has do not count.

    Args:
        theirs: The saved one.
        ours: That of the run.
        where: The file, for the message.
    """
    said = [
        f"{where} is of other {what}"
        for name, what in _SAMPLES.items()
        if theirs.get(name) != ours.get(name)
    ]
    versioned = [name for name in ours[_VERSIONED] if name in theirs[_VERSIONED]]
    plain = [name for name in {**ours, **theirs} if name not in (_VERSIONED, _MODEL, *_SAMPLES)]
    got, now = (
        # A name that one of them lacks is None there.
        {name: whole.get(name) for name in plain}
        | {name: whole[_VERSIONED][name] for name in versioned}
        for whole in (theirs, ours)
    )
    names = [name for name in now if got[name] != now[name]]
    long = [name for name in names if max(map(len, map(repr, (got[name], now[name])))) > _LONG]
    said += [f"{where} is of another {name}" for name in long]
    short = [name for name in names if name not in long]
    if short:
        before, after = (
            ", ".join(f"{name}={flat[name]!r}" for name in short) for flat in (got, now)
        )
        said.append(f"got {before} in {where}, {after} now")
    if said:
        return f"checkpoint must be of the same run; {'; '.join(said)}"
    for name in {**theirs[_MODEL], **ours[_MODEL]}:
        one, other = (whole[_MODEL].get(name, "nothing") for whole in (theirs, ours))
        if one != other:
            return (
                f"checkpoint must be of the same model; got {name}: {one} in {where}, {other} now"
            )
    return ""


def is_identity(value: Any) -> bool:
    """Return whether :func:`differences` can take a value."""
    if not isinstance(value, dict):
        return False
    return all(isinstance(value.get(name), dict) for name in (_VERSIONED, _MODEL))


def describe(value: object) -> Any:
    """Return a plain value that tells `value`, an option or a function, from others.

    Of a function of the user's these are its name, the names and floats in its code, and the
    numbers, strings and names of functions that it finds in variables around it and in the
    defaults of its parameters. Of an object they are such attributes.
    """
    if isinstance(value, float) and math.isnan(value):
        return "nan"  # which equals itself
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [describe(one) for one in value]
    if isinstance(value, dict):
        return {str(name): describe(one) for name, one in value.items()}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Tensor):
        return fingerprint([value])
    if isinstance(value, partial):
        return [describe(value.func), describe(value.args), describe(value.keywords)]
    if isinstance(value, MethodType):
        return describe(value.__func__)
    if isinstance(value, FunctionType):
        return _function(value)
    if isinstance(value, BuiltinFunctionType | type):
        return value.__qualname__
    if is_dataclass(value):
        own = {field.name: getattr(value, field.name) for field in fields(value)}
        return [type(value).__qualname__, describe(own)]
    if isinstance(value, nn.Module):
        return _module_parts(value)
    # What the checkpoint holds of it changes along the way.
    state = value.state_dict() if hasattr(value, "state_dict") else {}
    attributes = getattr(value, "__dict__", {})
    own = _settings({name: attributes[name] for name in attributes.keys() - state.keys()})
    return [type(value).__qualname__, own] if own else type(value).__qualname__


def _memory(samples: Tensor | NDArray[Any]) -> Any:
    """Return the bytes of samples as an array."""
    if not isinstance(samples, Tensor):
        return np.ascontiguousarray(samples).reshape(-1).view(np.uint8)
    flat = samples.detach().resolve_conj().cpu().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy() if len(flat) else np.empty(0, np.uint8)


def _function(function: FunctionType) -> Any:
    if str(function.__module__).partition(".")[0] == "fastmi":
        return function.__qualname__
    # The bytes of the code, and integers, differ between versions of Python.
    codes = [*_codes(function.__code__)]
    names = {name for code in codes for name in (*code.co_names, *code.co_freevars)}
    constants = {one for code in codes for one in code.co_consts if isinstance(one, float)}
    steps = [(one.opname, one.argval) for code in codes for one in dis.get_instructions(code)]
    # An attribute may have the name of a global variable that has nothing to do with it.
    loaded = {name for step, name in steps if step == "LOAD_GLOBAL"}
    around = {name: function.__globals__[name] for name in loaded & function.__globals__.keys()}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with suppress(ValueError):  # it is not yet bound
            around[name] = cell.cell_contents
    for name, parameter in signature(function).parameters.items():
        around[name] = parameter.default
    # What the function sets itself, such as a counter, changes along the way.
    changed = {name for step, name in steps if step in ("STORE_GLOBAL", "STORE_DEREF")}
    settings = _settings({name: around[name] for name in around.keys() - changed})
    return [function.__qualname__, sorted(names), sorted(map(repr, constants)), settings]


def _codes(code: CodeType) -> Iterator[CodeType]:
    """Yield a code and the codes in it."""
    yield code
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _codes(inner)


def _settings(named: Mapping[str, Any]) -> dict[str, Any]:
    """Return the plain values among others but for lists, which may grow along the way."""
    return {
        name: describe(_short(one))
        for name, one in sorted(named.items())
        if name[0] != "_" and _is_plain(one) and not isinstance(one, list)
    }


def _module_parts(model: nn.Module) -> dict[str, str]:
    """Return each module inside `model` with its plain attributes, and each tensor of its state."""
    parts = {}
    for name, module in model.named_modules():
        options = _settings({key: one for key, one in vars(module).items() if key != "training"})
        shown = ", ".join(f"{key}={one!r}" for key, one in options.items())
        parts[name or "the whole"] = f"{type(module).__qualname__}({shown})"
    trained = {name for name, one in model.named_parameters() if one.requires_grad}
    for name, one in model.state_dict().items():
        if isinstance(one, Tensor):
            kind = str(one.dtype).removeprefix("torch.")
            parts[name] = f"{kind} {tuple(one.shape)}{'' if name in trained else ', not trained'}"
    return parts


def _is_plain(value: object) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    kinds = (bool, int, float, str, type(None), FunctionType, BuiltinFunctionType)
    return isinstance(value, kinds)


def _short(value: Any) -> Any:
    """Return a plain value with the names of functions in their place."""
    if isinstance(value, list | tuple):
        return [_short(one) for one in value]
    return value.__qualname__ if callable(value) else value


def _plain(options: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the options of an optimizer or a schedule that are numbers, strings and the like."""
    found = {}
    for name, value in options.items():
        one = value.item() if isinstance(value, Tensor) and value.numel() == 1 else value
        if isinstance(one, dict):
            one = [[key, each] for key, each in one.items() if _is_plain(each)]
        if name not in _NO_MATTER and name != "params" and _is_plain(one):
            found[str(name)] = describe(one)
    return found
