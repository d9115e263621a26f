"""Optimizers and learning-rate schedules from the options of a training."""

from __future__ import annotations

from inspect import signature
from typing import Any

from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

from fastmi.nn.options import OPTIMIZERS, Training


def make_optimizer(parameters: list[nn.Parameter], options: Training) -> Optimizer:
    """Return the optimizer that the options name or make; fused where torch can."""
    optimizer: Optimizer
    if not isinstance(options.optimizer, str):
        optimizer = options.optimizer(parameters)
        if not isinstance(optimizer, Optimizer):
            raise TypeError(
                f"optimizer must return a torch.optim.Optimizer; got {type(optimizer).__name__}"
            )
        return optimizer
    make: Any = OPTIMIZERS[options.optimizer]
    arguments: dict[str, Any] = {"lr": options.lr}
    # Kernels that a CUDA graph can hold compute other bits for some optimizers: so the flag goes
    # by the device, and a graph changes no number.
    if parameters[0].device.type == "cuda" and "capturable" in signature(make).parameters:
        arguments["capturable"] = True
    if options.optimizer == "adamax":
        optimizer = make(parameters, **arguments)
        return optimizer
    try:
        optimizer = make(parameters, **arguments, fused=True)
    except (RuntimeError, TypeError):
        # torch fuses on some devices only, and which ones depends on its version.
        optimizer = make(parameters, **arguments)
    return optimizer


def can_be_captured(optimizer: str) -> bool:
    """Return whether a CUDA graph can hold the steps of a named optimizer."""
    return optimizer == "sgd" or "capturable" in signature(OPTIMIZERS[optimizer]).parameters


def make_schedule(optimizer: Optimizer, options: Training) -> LRScheduler | None:
    """Return the schedule that the options make, None if they have none."""
    if options.schedule is None:
        return None
    if isinstance(options.schedule, str):
        # Of the step alone, so that a resumed run may have more of them.
        return LambdaLR(optimizer, lambda step: max(1.0 - step / options.steps, 0.0))
    schedule = options.schedule(optimizer)
    if not isinstance(schedule, LRScheduler):
        raise TypeError(
            f"schedule must return a torch.optim.lr_scheduler.LRScheduler; "
            f"got {type(schedule).__name__}"
        )
    return schedule
