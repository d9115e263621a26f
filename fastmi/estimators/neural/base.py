"""What the neural estimators share: options, samples, the split, the training, the result."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from time import perf_counter
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from fastmi._checks import check_choice
from fastmi._estimate import Estimate, History
from fastmi._extras import Progress, load
from fastmi._feasible import feasible_limit
from fastmi._inputs import as_blocks
from fastmi.normalize import check_normalize, normalize_blocks

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler

    from fastmi.nn.training import Training

Array = NDArray[Any]

_DTYPES: dict[str, Any] = {"float32": np.float32, "float64": np.float64}
# Fewest held-out samples that say anything about a trained model.
_FEWEST_HELD_OUT = 4
# Most of them that every evaluation of the training looks at: with more it would cost as much as
# the updates.
_MOST_WATCHED = 10_000
# Below it `feasible_limit` is not defined, and a standard error is a guess.
_FEW_HELD_OUT = 50
# Share of a column's largest value below which its spread is coarse in float32: there rounding
# is 6e-4 of the spread, which hides what exceeds some 7 nats.
_COARSE = 1e-4


class Reading(Protocol):
    """What a trained model says about samples."""

    @property
    def value(self) -> float:
        """Nats."""

    @property
    def local(self) -> NDArray[np.float64]:
        """Contribution of each sample, shape (m,)."""

    @property
    def stderr(self) -> float:
        """Standard error of the value."""


class Fit(Protocol):
    """A model with all that the training loop and the result need of it."""

    @property
    def model(self) -> nn.Module:
        """What is trained."""

    @property
    def loss(self) -> Callable[..., Any]:
        """``loss(*batch)``, see :func:`fastmi.nn.train`."""

    @property
    def score(self) -> Callable[..., float] | None:
        """``score(*held_out)``, see :func:`fastmi.nn.train`."""

    @property
    def estimate(self) -> Callable[..., float]:
        """``estimate(*samples)`` in nats, perhaps on a part of the samples."""

    @property
    def read(self) -> Callable[..., Any]:
        """``read(*samples)``, a :class:`Reading` of all of them."""


@dataclass(frozen=True)
class Split:
    """Samples by use, each a list of tensors (one per variable) on the device.

    Attributes:
        train: For the updates.
        select: For curve and patience.
        report: For the value; apart from `select` if that chooses the parameters.
        warnings: Of the normalisation.
        n: Samples in all.
    """

    train: tuple[Tensor, ...]
    select: tuple[Tensor, ...]
    report: tuple[Tensor, ...]
    warnings: tuple[str, ...]
    n: int

    def map(self, pick: Callable[..., tuple[Tensor, ...]]) -> Split:
        """Return the split whose tensors are ``pick(*tensors)`` of each part."""
        train, select, report = pick(*self.train), pick(*self.select), pick(*self.report)
        return Split(train, select, report, self.warnings, self.n)


@dataclass(frozen=True, kw_only=True)
class NeuralEstimator:
    """Options of every estimator that trains a network; a base class.

    A part of the samples is held out; the value and its ``local`` are of that part, with the
    parameters frozen. With `patience`, half of the held-out samples (at most 10 000) choose the
    parameters and the others give the value, so that the choice does not flatter it.

    Args:
        steps: Number of updates.
        batch_size: Samples in each.
        lr: Step size.
        optimizer: "adam", "adamax", "adamw", "sgd", or a function from parameters to optimizer.
        schedule: "linear", the rate falls to 0 over all `steps`; or a function that makes a
            schedule from the optimizer, stepped once per update. None: one rate throughout.
        clip_norm: Largest Euclidean norm of the gradient; None for no clipping.
        eval_every: Updates between evaluations; None for ``steps // 50``, at least 1.
        patience: Evaluations without a better score before stopping, the best parameters
            being kept; None for all steps and the last parameters.
        seed: Of split, initial parameters and batches; None for a fresh one.
        compile: Pass the loss through :func:`torch.compile`.
        cuda_graph: Whether steps on a GPU are replayed as one CUDA graph: None for where that is
            known to work, True to insist; see :class:`fastmi.nn.Training`.
        progress: A bar with the running estimate, or a function called once per step.
        checkpoint: File written at each evaluation.
        resume: Go on from `checkpoint` if it exists; needs a `seed`.
        device: "auto" (where the samples are) or a torch device: "cpu", "cuda:1".
        dtype: "float32" or "float64", of network and samples. Means and log-sum-exp are
            accumulated in float64 either way.
        test_size: Share of the samples held out, in (0, 1), unless they are given.
        normalize: None, or how to scale each variable by itself, held-out samples included:
            "local", "global", "global-linf", "global-corrected", "rank" or "copula", see
            :mod:`fastmi.normalize`.

    Raises:
        ImportError: torch is not installed.
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
    patience: int | None = 10
    seed: int | None = None
    compile: bool = False
    cuda_graph: bool | None = None
    progress: Progress = False
    checkpoint: str | os.PathLike[str] | None = None
    resume: bool = False
    device: str = "auto"
    dtype: str = "float32"
    test_size: float = 0.2
    normalize: str | None = None

    #: Name in the tables of :mod:`fastmi.estimators`.
    method: ClassVar[str]

    def __post_init__(self) -> None:
        load("torch", extra="torch", needed_by=f"method={self.method!r}")
        self._training()
        if self.resume and self.seed is None:
            raise ValueError("resume=True needs a seed, so that the split is the same; got None")
        check_choice("dtype", self.dtype, _DTYPES)
        check_normalize(self.normalize)
        size = self.test_size
        if isinstance(size, bool) or not isinstance(size, int | float | np.number):
            raise TypeError(
                f"test_size must be a real number; got test_size={size!r} ({type(size).__name__})"
            )
        if not 0.0 < size < 1.0:
            raise ValueError(f"test_size must be in (0, 1); got test_size={size!r}")

    def _training(self) -> Training:
        from fastmi.nn.training import Training

        names = (field.name for field in fields(Training))
        return Training(**{name: getattr(self, name) for name in names})

    def _make_fit(self, train: tuple[Tensor, ...]) -> Fit:
        """Return an untrained model for samples like `train`; torch's generators are seeded."""
        raise NotImplementedError

    def _trust(self, reading: Any, train_reading: Any) -> list[str]:
        """Return reasons to distrust the value."""
        return [
            *_gap_warning(reading, train_reading),
            *_limit_warning(reading.value, len(reading.local)),
        ]

    def _estimate(
        self, variables: Sequence[object], names: Sequence[str], test: object
    ) -> Estimate:
        start = perf_counter()
        split = self._split(variables, names, test)
        reading, history, found = self._run(split)
        return Estimate(
            reading.value,
            k=None,
            n=split.n,
            dims=tuple(tensor.shape[1] for tensor in split.train),
            method=self.method,
            stderr=reading.stderr,
            local=reading.local,
            warnings=(*split.warnings, *found),
            algorithm="none",
            seconds=perf_counter() - start,
            device=str(split.train[0].device),
            history=history,
            terms=reading.terms,
        )

    def _run(self, split: Split) -> tuple[Any, History, list[str]]:
        """Train a model and read it: the reading, the curves, reasons to distrust them."""
        import torch

        from fastmi.nn.training import train

        options = self._training()
        with torch.random.fork_rng(devices=[]):
            # The CPU's generator only: torch.manual_seed would seed those of every GPU, too.
            if options.seed is None:
                torch.default_generator.seed()
            else:
                torch.default_generator.manual_seed(options.seed)
            fit = self._make_fit(split.train)
        fit.model.to(split.train[0].device, split.train[0].dtype)
        history = train(
            fit.model,
            split.train,
            split.select,
            loss=fit.loss,
            estimate=fit.estimate,
            score=fit.score,
            options=options,
        )
        with torch.no_grad():
            reading = fit.read(*split.report)
            # As many as are held out, so that both readings scatter alike.
            alike = fit.read(*(tensor[: len(reading.local)] for tensor in split.train))
        return reading, history, self._trust(reading, alike)

    def _split(self, variables: Sequence[object], names: Sequence[str], test: object) -> Split:
        import torch

        device = self._device(variables)
        blocks = as_blocks([_on_host(variable) for variable in variables], names)
        n = len(blocks[0])
        if test is None:
            held_out = round(self.test_size * n)
            order = np.random.default_rng(self.seed).permutation(n)
        else:
            others = _test_blocks(test, blocks, names)
            held_out = len(others[0])
            blocks = [np.concatenate(pair) for pair in zip(blocks, others, strict=True)]
            order = np.arange(n + held_out)
            n += held_out
        if held_out < _FEWEST_HELD_OUT or n - held_out < self.batch_size:
            raise ValueError(
                f"batch_size must be at most the number of training samples, and at least "
                f"{_FEWEST_HELD_OUT} samples be held out; got batch_size={self.batch_size}, "
                f"{n - held_out} training and {held_out} held-out samples"
            )
        found: tuple[str, ...] = ()
        if self.normalize is not None:
            blocks, found = normalize_blocks(blocks, names, self.normalize)
        dtype = _DTYPES[self.dtype]
        if dtype is np.float32:
            found = (*found, *_rounding_warnings(blocks, names))
        with np.errstate(over="ignore"):
            blocks = [block[order].astype(dtype, copy=False) for block in blocks]
        for block, name in zip(blocks, names, strict=True):
            if not np.isfinite(block).all():
                raise ValueError(
                    f"{name} must fit dtype={self.dtype!r}; got values beyond its range: "
                    "normalize, or use dtype='float64'"
                )
        tensors = [torch.from_numpy(block).to(device) for block in blocks]

        def rows(first: int, last: int) -> tuple[Tensor, ...]:
            return tuple(tensor[first:last] for tensor in tensors)

        border = n - held_out
        if self.patience is None:
            watched = min(n, border + _MOST_WATCHED)
            return Split(rows(0, border), rows(border, watched), rows(border, n), found, n)
        middle = border + min(held_out // 2, _MOST_WATCHED)
        return Split(rows(0, border), rows(border, middle), rows(middle, n), found, n)

    def _device(self, variables: Sequence[object]) -> Any:
        import torch

        devices = {variable.device for variable in variables if isinstance(variable, torch.Tensor)}
        if self.device == "auto":
            if len(devices) > 1:
                raise ValueError(
                    f"tensors must be on one device; got {', '.join(sorted(map(str, devices)))}: "
                    "name one with device="
                )
            return devices.pop() if devices else torch.device("cpu")
        try:
            device = torch.device(self.device)
            torch.empty(0, device=device)
            torch.Generator(device)
        except (RuntimeError, TypeError, AssertionError) as error:
            raise ValueError(
                f"device must be 'auto' or a device that torch can use; "
                f"got device={self.device!r}: {error}"
            ) from error
        return device


def _on_host(variable: object) -> object:
    """Return tensors of other devices as CPU tensors: samples are validated in one place."""
    device = getattr(variable, "device", None)
    if getattr(device, "type", "cpu") == "cpu":
        return variable
    moved: Any = variable
    return moved.detach().cpu()


def _test_blocks(test: object, blocks: Sequence[Array], names: Sequence[str]) -> list[Array]:
    if not isinstance(test, tuple | list) or len(test) != len(blocks):
        listed = ", ".join(f"{name}_test" for name in names)
        raise TypeError(f"test must be a tuple ({listed}); got {type(test).__name__}")
    others = as_blocks([_on_host(one) for one in test], [f"{name}_test" for name in names])
    for block, other, name in zip(blocks, others, names, strict=True):
        if block.shape[1] != other.shape[1]:
            raise ValueError(
                f"{name} and {name}_test must have the same number of columns; "
                f"got {block.shape[1]} and {other.shape[1]}"
            )
    return others


def _rounding_warnings(blocks: Sequence[Array], names: Sequence[str]) -> list[str]:
    """Return what float32 would lose of float64 columns that lie far from zero."""
    found = []
    for block, name in zip(blocks, names, strict=True):
        if block.dtype == np.float32:
            continue
        largest = np.abs(block).max(axis=0)
        spread = (block / np.where(largest > 0.0, largest, 1.0)).std(axis=0)
        coarse = np.flatnonzero((spread > 0.0) & (spread < _COARSE))
        if coarse.size:
            found.append(
                f"columns {', '.join(map(str, coarse))} of {name} vary by less than {_COARSE:g} of "
                "their largest value, which float32 rounds coarsely: centre them, or use "
                "dtype='float64'"
            )
    return found


def _gap_warning(reading: Reading, train_reading: Reading) -> list[str]:
    gap = train_reading.value - reading.value
    scatter = math.hypot(reading.stderr, train_reading.stderr)
    if not gap > max(3.0 * scatter, 0.1 * max(abs(reading.value), 0.5)):
        return []
    return [
        f"the model is overfitted: {train_reading.value:.3g} nats on training samples, "
        f"{reading.value:.3g} on held-out ones: more samples, a smaller network, fewer steps or "
        "patience would help"
    ]


def _limit_warning(value: float, m: int) -> list[str]:
    if m < _FEW_HELD_OUT:
        return [f"{m} held-out samples give the value: stderr is unreliable below {_FEW_HELD_OUT}"]
    if not value > feasible_limit(m):
        return []
    return [
        f"the value exceeds {feasible_limit(m):.3g} nats, the most that {m} held-out samples can "
        "certify as a lower bound (McAllester and Stratos 2020)"
    ]
