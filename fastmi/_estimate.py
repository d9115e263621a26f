"""The result that every estimator returns, and the curves of a training behind it."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._cautions import Caution, Note
from fastmi._checks import transposed
from fastmi._results import Table

Local: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class History(Table):
    """How an estimate changed while a model was trained.

    Two are equal if all but their times are. ``to_frame()`` has a row for each evaluation.

    Attributes:
        steps: Training steps done at each evaluation, int64, shape (e,).
        train: Running estimate on training batches, nats, mean since the previous evaluation,
            shape (e,).
        validation: Estimate on held-out data, nats, shape (e,).
        best_step: Step whose parameters were kept.
        stopped: Why the training ended: "steps" (all done) or "patience" (no better score).
        seconds: Wall time of the training.
        cuda_graph: Whether the training steps were replayed as a CUDA graph.
    """

    steps: NDArray[np.int64]
    train: NDArray[np.float64]
    validation: NDArray[np.float64]
    best_step: int
    stopped: str
    seconds: float = field(compare=False)
    cuda_graph: bool = False

    def _rows(self) -> dict[str, Sequence[Any]]:
        return {
            "step": self.steps.tolist(),
            "train": self.train.tolist(),
            "validation": self.validation.tolist(),
        }

    def _about(self) -> dict[str, Any]:
        names = ("best_step", "stopped", "seconds", "cuda_graph")
        return {name: getattr(self, name) for name in names}


class Twin(NamedTuple):
    """A law of known information that resembles the samples, from which their bias is read.

    Attributes:
        reference: Its information in nats.
        tail_index: Degrees of freedom of its t copula; infinity for a Gaussian copula.
    """

    reference: float
    tail_index: float

    def __str__(self) -> str:
        tails = math.isfinite(self.tail_index)
        law = f"t copula, {self.tail_index:.3g} degrees of freedom" if tails else "Gaussian copula"
        return f"{self.reference:.4g} nats, {law}"

    def to_dict(self) -> dict[str, float | None]:
        """Return the fields as JSON-able values; the tail index of a Gaussian copula is None."""
        tails = self.tail_index if math.isfinite(self.tail_index) else None
        return {"reference": self.reference, "tail_index": tails}


class Estimate(float):
    """An estimate in nats: a float that remembers how it was made.

    Arithmetic gives plain floats. The value is raw: it can be negative, and is never clipped.

    Attributes:
        stderr: Standard error in nats, which does not contain the bias. By default
            ``std(local) / sqrt(n)``, which takes the local values as independent: for neighbours,
            which they share, it is 5 to 35 % too small. Where a bias was subtracted, it holds the
            error of the bias too. With ``error="half"`` it is the standard deviation of estimates
            from random halves of the samples, which is right or up to a third too large.
        counts: Neighbours of each sample in each margin, int64, shape (m, n); None where the
            method counts none.
        k: Number of neighbours; None where the method searches none.
        n: Number of samples.
        dims: Number of columns of each argument.
        method: Name of the method that made it.
        algorithm: Neighbour search that ran, of the joint space where there are several: "tree",
            "brute" or "sort"; "none" if there was none.
        units: Always "nats".
        seconds: Wall time of the call, shared by all k of one call.
        device: Device that it ran on, for example "cpu" or "cuda:0".
        curve: Scale and value at each step of a sweep, shape (s, 2); None where there is none.
        history: Curves of the training, a :class:`fastmi.nn.History`; None where nothing is
            trained.
        terms: Further quantities that the method estimates, by name, in nats, for example the two
            cross-entropies whose difference is the value. Empty for most methods.
        model: What a training has found, a torch module that takes samples and returns their
            pointwise information, see :meth:`pointwise`; None where nothing is trained.
        bias: Bias in nats that was estimated and subtracted; 0 where none was.
        uncorrected: The value before that, in nats.
        twin: Law from which the bias was read; None where there is none.
        components: Estimates that the value is made of, by name; empty for most methods.
        interval: Lowest and highest value, in nats, between which the information lies with the
            probability that the method states; None where it gives none.
    """

    __slots__ = (
        "_local",
        "_warnings",
        "algorithm",
        "bias",
        "components",
        "counts",
        "curve",
        "device",
        "dims",
        "history",
        "interval",
        "k",
        "method",
        "model",
        "n",
        "seconds",
        "stderr",
        "terms",
        "twin",
    )

    stderr: float
    counts: NDArray[np.int64] | None
    k: int | None
    n: int
    dims: tuple[int, ...]
    method: str
    algorithm: str
    seconds: float
    device: str
    curve: NDArray[np.float64] | None
    history: History | None
    terms: dict[str, float]
    model: Any
    bias: float
    twin: Twin | None
    components: dict[str, Estimate]
    interval: tuple[float, float] | None
    _local: Local | Callable[[], Local]
    _warnings: tuple[Caution, ...] | Callable[[], tuple[Caution, ...]]

    def __new__(
        cls,
        value: float,
        *,
        k: int | None,
        n: int,
        dims: tuple[int, ...],
        method: str,
        stderr: float,
        local: Local | Callable[[], Local],
        warnings: tuple[Caution, ...] | Callable[[], tuple[Caution, ...]] = (),
        algorithm: str = "none",
        counts: NDArray[np.int64] | None = None,
        seconds: float = 0.0,
        device: str = "cpu",
        curve: NDArray[np.float64] | None = None,
        history: History | None = None,
        terms: dict[str, float] | None = None,
        model: Any = None,
        bias: float = 0.0,
        twin: Twin | None = None,
        components: dict[str, Estimate] | None = None,
        interval: tuple[float, float] | None = None,
    ) -> Estimate:
        """Make an estimate; a callable `local` or `warnings` is called when first read.

        Most callers of a short ``mi()`` read neither of the two, and each costs as much as
        the rest of the Python around the kernel. The callables must be picklable.
        """
        self = super().__new__(cls, value)
        self.k = k
        self.n = n
        self.dims = dims
        self.method = method
        self.stderr = stderr
        self._local = local
        self._warnings = warnings if n >= min(dims) else partial(_transposed, n, dims, warnings)
        self.algorithm = algorithm
        if counts is not None:
            counts.flags.writeable = False  # `local` and `warnings` are derived from them later
        self.counts = counts
        self.seconds = seconds
        self.device = device
        self.curve = curve
        self.history = history
        self.terms = terms or {}
        self.model = model
        self.bias = bias
        self.twin = twin
        self.components = components or {}
        self.interval = interval
        return self

    @property
    def units(self) -> str:
        """Unit of the value and of every other amount of information here."""
        return "nats"

    @property
    def bits(self) -> float:
        """The value in bits."""
        return float(self) / math.log(2.0)

    @property
    def uncorrected(self) -> float:
        """The value in nats before the bias was subtracted."""
        return float(self) + self.bias

    @property
    def local(self) -> Local:
        """Contribution of each sample in nats, shape (n,); their mean is the uncorrected value."""
        if callable(self._local):
            self._local = self._local()
        return self._local

    @property
    def warnings(self) -> tuple[Caution, ...]:
        """Reasons to distrust the value, each one sentence; empty if none is known.

        The function that returned the estimate has issued them as :class:`EstimateWarning`.
        Each has a ``kind``, a short name that does not depend on the numbers in the sentence.
        """
        if callable(self._warnings):
            self._warnings = self._warnings()
        return self._warnings

    def pointwise(self, *samples: object) -> Local:
        """Return what the trained model says about samples, those of the training or new ones.

        The pointwise information of a sample is log p(x, y) / (p(x) p(y)); its mean over samples
        of the same distribution is the information. The held-out samples that gave the estimate
        have their `local`.

        Args:
            *samples: Samples of each variable, shape (m, d) or (m,), in the order in which the
                estimator took them, with the same columns.

        Returns:
            Shape (m,), nats.

        Raises:
            TypeError: Samples of too few or too many variables, or that are not real numbers.
            ValueError: No model was trained; samples of wrong shape or length, or not finite.
        """
        if self.model is None:
            raise ValueError(
                f"pointwise() needs a trained model; method={self.method!r} trains none, "
                "and the values of its own samples are in local"
            )
        found: Local = self.model.pointwise(*samples)
        return found

    def plot(self, ax: Any = None, *, unit: str = "nats") -> Any:
        """Draw the curves of the training, or of the sweep.

        These are :func:`fastmi.plot.training` and :func:`fastmi.plot.sweep`.

        Args:
            ax: matplotlib Axes to draw into; None for a new figure.
            unit: "nats" or "bits".

        Returns:
            The Axes.

        Raises:
            ImportError: matplotlib is not installed.
            ValueError: The estimate has neither a training nor a sweep behind it.
        """
        if self.history is None and self.curve is None:
            raise ValueError(
                f"plot() needs a training or a sweep; method={self.method!r} has neither"
            )
        from fastmi import plot

        draw = plot.sweep if self.history is None else plot.training
        return draw(self, ax, unit=unit)

    def to_dict(self) -> dict[str, Any]:
        """Return everything except the arrays, as JSON-able values."""
        return {
            "value": float(self),
            "units": self.units,
            "bits": self.bits,
            "stderr": self.stderr,
            "interval": None if self.interval is None else list(self.interval),
            "bias": self.bias,
            "uncorrected": self.uncorrected,
            "twin": None if self.twin is None else self.twin.to_dict(),
            "method": self.method,
            "k": self.k,
            "n": self.n,
            "dims": list(self.dims),
            "algorithm": self.algorithm,
            "device": self.device,
            "seconds": self.seconds,
            "terms": dict(self.terms),
            "components": {name: each.to_dict() for name, each in self.components.items()},
            "warnings": list(self.warnings),
        }

    def __repr__(self) -> str:
        parts = [
            f"{float(self):.6g} nats",
            f"stderr={self.stderr:.2g}",
            *((f"bias={self.bias:.2g}",) if self.bias else ()),
            *((f"interval={_ends(self.interval)}",) if self.interval else ()),
            f"method={self.method!r}",
            *((f"k={self.k}",) if self.k is not None else ()),
            f"n={self.n}",
            f"dims={self.dims}",
        ]
        parts += number_of(self.warnings)
        return f"Estimate({', '.join(parts)})"

    def __str__(self) -> str:
        error = "" if math.isnan(self.stderr) else f" ± {self.stderr:.2g}"
        return " ".join([f"{float(self):.4g}{error} nats", *_in_brackets(self.warnings)])

    def __format__(self, spec: str) -> str:
        # As any float, so that a value in a table or a file reads back to the last digit.
        return float(self).__format__(spec)

    def _repr_html_(self) -> str:
        rows = [
            ("value", f"{float(self):.6g} nats = {self.bits:.6g} bits"),
            ("standard error", f"{self.stderr:.2g} nats"),
            *((("interval", f"{_ends(self.interval)} nats"),) if self.interval else ()),
            *((("bias subtracted", f"{self.bias:.2g} nats"),) if self.bias else ()),
            *((("twin", str(self.twin)),) if self.twin else ()),
            *((name.replace("_", " "), str(each)) for name, each in self.components.items()),
            (
                "method",
                self.method if self.k is None else f"{self.method}, k={self.k}, {self.algorithm}",
            ),
            ("samples", f"n={self.n}, dims={self.dims}"),
            ("time", f"{self.seconds:.3g} s on {self.device}"),
            *((name.replace("_", " "), f"{term:.6g} nats") for name, term in self.terms.items()),
            *(("warning", text) for text in self.warnings),
        ]
        cells = "".join(
            f"<tr><th>{head}</th><td>{html.escape(text)}</td></tr>" for head, text in rows
        )
        return f"<table>{cells}</table>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (float(self), _fields(self))


def _transposed(
    n: int,
    dims: tuple[int, ...],
    warnings: tuple[Caution, ...] | Callable[[], tuple[Caution, ...]],
) -> tuple[Caution, ...]:
    """Return the warnings, and one that each variable has more columns than samples."""
    others = warnings() if callable(warnings) else warnings
    if any(each.kind == "transposed" for each in others):  # those of an estimate that was copied
        return others
    text = f"each variable has more columns than rows; {transposed(n, dims)}"
    return (*others, Caution(text, "transposed"))


def _restore(value: float, fields: dict[str, Any]) -> Estimate:
    return Estimate(value, **fields)


def _fields(estimate: Estimate) -> dict[str, Any]:
    return {name.removeprefix("_"): getattr(estimate, name) for name in Estimate.__slots__}


def changed(estimate: Estimate, value: float, **fields: Any) -> Estimate:
    """Return a copy of the estimate with another value and other fields."""
    return _restore(value, {**_fields(estimate), **fields})


def with_cautions(estimate: Estimate, cautions: Sequence[Caution]) -> Estimate:
    """Return the estimate, with these cautions in the place of its own of the same kinds."""
    if cautions:
        kinds = {caution.kind for caution in cautions}
        own = tuple(caution for caution in estimate.warnings if caution.kind not in kinds)
        estimate._warnings = (*cautions, *own)
    return estimate


def number_of(warnings: Sequence[Caution]) -> list[str]:
    """Return how many warnings and how many notes there are, in words, as a list; [] for none."""
    notes = sum(isinstance(each, Note) for each in warnings)
    numbers = {"warning": len(warnings) - notes, "note": notes}
    return [f"{count} {word}{'s' if count > 1 else ''}" for word, count in numbers.items() if count]


def _ends(interval: tuple[float, float]) -> str:
    return f"({interval[0]:.4g}, {interval[1]:.4g})"


def _in_brackets(warnings: Sequence[Caution]) -> list[str]:
    text = ", ".join(number_of(warnings))
    return [f"({text})"] if text else []


def few_samples(n: int, k: int) -> bool:
    """Return whether n is too small for k neighbours to be local."""
    return n < 50 or n < 10 * k


def small_sample_warnings(n: int, k: int) -> list[Caution]:
    """Return a warning if n is too small for k neighbours to be local."""
    if not few_samples(n, k):
        return []
    text = (
        f"n={n} samples are few for k={k}: below 50, or below 10 k, bias and scatter are "
        "often as large as the value"
    )
    return [Caution(text, "few_samples")]
