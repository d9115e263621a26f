"""Options of the training loop."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from fastmi._checks import check_choice, check_flag, check_integer, check_real
from fastmi._extras import Progress

OPTIMIZERS: dict[str, type[Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamax": torch.optim.Adamax,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
}
SCHEDULES = ("linear",)
# The largest seed that torch's generators take.
_MOST_SEED = (1 << 64) - 1


@dataclass(frozen=True, kw_only=True)
class Training:
    """Options of :func:`fastmi.nn.train`.

    Args:
        steps: Number of updates.
        batch_size: Number of samples in each update.
        lr: Step size; an `optimizer` that is a function ignores it.
        optimizer: "adam", "adamax", "adamw", "sgd", or a function that takes the parameters and
            returns an optimizer.
        schedule: "linear" lets the step size fall to 0 over all `steps`; a function takes the
            optimizer and returns a schedule, which is stepped once per update; None leaves the
            step size as it is.
        clip_norm: Largest Euclidean norm of the gradient; a longer one is scaled down to it. None
            for no clipping.
        eval_every: Number of updates between evaluations; None for ``steps // 50``, at least 1.
        patience: Number of evaluations without a better score after which the training stops; the
            parameters with the best score, possibly the initial ones, are kept. None takes all the
            steps and keeps the last parameters.
        seed: Seed of the batches and of whatever the model draws; None for a fresh one.
        compile: True passes the loss through :func:`torch.compile`.
        cuda_graph: Whether the steps on a GPU are replayed as one CUDA graph, which saves the cost
            of launching kernels for small batches and changes no number. None does so where the
            loss has an attribute ``capturable`` that is true, as the flows' loss has, unless
            `compile`, or a `schedule` or an `optimizer` that is a function, prevents it. True
            raises ValueError if the steps cannot be captured.
        progress: True for a bar with the running estimate, which needs tqdm; "auto" for one where
            stderr is a terminal and tqdm is installed; or a function to call once per step.
        checkpoint: Path of a file that every evaluation replaces, in a folder that exists. Whoever
            reads it, also after a crash, finds the state of one evaluation, whole. Reading it runs
            no code.
        resume: True goes on from `checkpoint` if that file exists, and gives what the run would
            have given without a break. The run must share with the one that wrote the file all that
            shapes it: data, model, loss, optimizer, schedule, `clip_norm`, `batch_size`, `seed`,
            types of numbers, kind of device, whether there is a `patience`, and of an estimator all
            options. Free are `steps` (no fewer than are done; the same ones with
            ``schedule="linear"``, which depends on them), `eval_every`, the number of `patience`,
            `compile`, `cuda_graph`, `progress` and the number of threads. Of functions of yours
            their names are compared, the names and floats in them, and the numbers, strings and
            names of functions in their defaults and in variables around them.

    Raises:
        TypeError: An option of the wrong type.
        ValueError: An option out of range.
    """

    steps: int = 5000
    batch_size: int = 128
    lr: float = 5e-4
    optimizer: str | Callable[[Iterable[nn.Parameter]], Optimizer] = "adam"
    schedule: str | Callable[[Optimizer], LRScheduler] | None = None
    clip_norm: float | None = None
    eval_every: int | None = None
    patience: int | None = None
    seed: int | None = None
    compile: bool = False
    cuda_graph: bool | None = None
    progress: Progress = False
    checkpoint: str | os.PathLike[str] | None = None
    resume: bool = False

    def __post_init__(self) -> None:
        # Stored as plain numbers: torch's generators and checkpoints take no NumPy scalars.
        for name, least in (("steps", 1), ("batch_size", 1), ("eval_every", 1), ("patience", 1)):
            value = getattr(self, name)
            if value is not None or name in ("steps", "batch_size"):
                object.__setattr__(self, name, check_integer(name, value, least))
        if self.seed is not None:
            object.__setattr__(self, "seed", check_integer("seed", self.seed, 0, _MOST_SEED))
        object.__setattr__(self, "lr", check_real("lr", self.lr, 0.0, ends="()"))
        if self.clip_norm is not None:
            norm = check_real("clip_norm", self.clip_norm, 0.0, ends="()")
            object.__setattr__(self, "clip_norm", norm)
        if isinstance(self.optimizer, str):
            check_choice("optimizer", self.optimizer, OPTIMIZERS)
        elif not callable(self.optimizer):
            raise TypeError(
                f"optimizer must be a name or a function of the parameters; "
                f"got optimizer={self.optimizer!r} ({type(self.optimizer).__name__})"
            )
        if isinstance(self.schedule, str):
            check_choice("schedule", self.schedule, SCHEDULES)
        elif self.schedule is not None and not callable(self.schedule):
            raise TypeError(
                f"schedule must be None, a name or a function of the optimizer; "
                f"got schedule={self.schedule!r} ({type(self.schedule).__name__})"
            )
        for name in ("compile", "resume"):
            check_flag(name, getattr(self, name))
        if self.cuda_graph is not None:
            check_flag("cuda_graph", self.cuda_graph)
        if not (
            isinstance(self.progress, bool) or callable(self.progress) or self.progress == "auto"
        ):
            raise TypeError(
                "progress must be True, False, 'auto' or a function; "
                f"got {_described(self, 'progress')}"
            )
        if self.checkpoint is not None and not isinstance(self.checkpoint, str | os.PathLike):
            raise TypeError(
                f"checkpoint must be None or a path; got {_described(self, 'checkpoint')}"
            )
        if self.checkpoint is not None:
            path = Path(self.checkpoint)
            if not path.name or path.is_dir() or not path.parent.is_dir():
                raise ValueError(
                    f"checkpoint must be a file in a folder that exists; "
                    f"got {_described(self, 'checkpoint')}"
                )
        if self.resume and self.checkpoint is None:
            raise ValueError("resume=True needs checkpoint, the file to go on from; got None")


def _described(options: Training, name: str) -> str:
    value = getattr(options, name)
    return f"{name}={value!r} ({type(value).__name__})"
