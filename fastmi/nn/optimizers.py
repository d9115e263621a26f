"""Optimizers and schedules of the step size from the options of a training."""

from __future__ import annotations

from functools import lru_cache
from inspect import signature
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

from fastmi.nn.options import OPTIMIZERS, Training


def make_optimizer(parameters: list[nn.Parameter], options: Training) -> Optimizer:
    """Return the optimizer that the options name or make, fused where torch can fuse it."""
    optimizer: Optimizer
    if not isinstance(options.optimizer, str):
        optimizer = options.optimizer(parameters)
        if not isinstance(optimizer, Optimizer):
            raise TypeError(
                f"optimizer must return a torch.optim.Optimizer; got {type(optimizer).__name__}"
            )
        _check_step("optimizer", optimizer)
        return optimizer
    make: Any = OPTIMIZERS[options.optimizer]
    arguments: dict[str, Any] = {"lr": options.lr}
    # An optimizer that a CUDA graph can hold may round differently. The choice therefore depends on
    # the device and not on whether there is a graph, so that a graph changes no number.
    if parameters[0].is_cuda and not capture_obstacle(options):
        if "capturable" in signature(make).parameters:
            arguments["capturable"] = True
        if options.schedule is not None:
            # A schedule writes into this tensor, from which the graph reads.
            arguments["lr"] = torch.tensor(options.lr, device=parameters[0].device)
    if options.optimizer == "adamax":
        optimizer = make(parameters, **arguments)
        return optimizer
    try:
        optimizer = make(parameters, **arguments, fused=True)
    except (RuntimeError, TypeError):
        # torch fuses on some devices only, and which ones depends on its version.
        optimizer = make(parameters, **arguments)
    return optimizer


def capture_obstacle(options: Training) -> str:
    """Return what prevents a CUDA graph from holding the optimizer's steps, "" if nothing does."""
    if not isinstance(options.optimizer, str):
        return "the optimizer is a function, of which it is not known whether it can be captured"
    flags = signature(OPTIMIZERS[options.optimizer]).parameters
    if options.optimizer != "sgd" and "capturable" not in flags:
        return f"the {options.optimizer} of this version of torch cannot be captured"
    if options.schedule is None:
        return ""
    if not isinstance(options.schedule, str):
        return "the schedule is a function, which may change what a graph keeps"
    # SGD reads a step size on the device without moving it only if it is fused.
    if (options.optimizer == "sgd" and "fused" not in flags) or not _schedules_fill_in():
        return f"schedules of {options.optimizer} in this version of torch cannot be captured"
    return ""


@lru_cache(maxsize=1)
def _schedules_fill_in() -> bool:
    """Return whether a schedule writes into a step size that is a tensor.

    Older versions of torch replace the tensor instead.
    """
    rate = torch.tensor(1.0)
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=rate)
    schedule = LambdaLR(optimizer, lambda step: 0.5**step)
    for expected in (0.5, 0.25):
        optimizer.step()
        schedule.step()
        if optimizer.param_groups[0]["lr"] is not rate or float(rate) != expected:
            return False
    return True


def make_schedule(optimizer: Optimizer, options: Training) -> LRScheduler | None:
    """Return the schedule that the options name or make, None if they have none."""
    if options.schedule is None:
        return None
    if isinstance(options.schedule, str):
        return LambdaLR(optimizer, lambda step: max(1.0 - step / options.steps, 0.0))
    schedule = options.schedule(optimizer)
    if not isinstance(schedule, LRScheduler):
        raise TypeError(
            f"schedule must return a torch.optim.lr_scheduler.LRScheduler; "
            f"got {type(schedule).__name__}"
        )
    _check_step("schedule", schedule)
    return schedule


def _check_step(option: str, made: Optimizer | LRScheduler) -> None:
    """Raise TypeError if ``step()`` needs an argument, as those of LBFGS and ReduceLROnPlateau."""
    needed = [p.name for p in signature(made.step).parameters.values() if p.default is p.empty]
    if needed:
        raise TypeError(
            f"{option} must return one whose step() needs no argument; "
            f"got {type(made).__name__}, which needs {', '.join(needed)}"
        )
