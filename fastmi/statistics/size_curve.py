"""How an estimate changes with the number of samples, and what that says about its bias."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmi._cautions import Caution, announce
from fastmi._checks import Seed, as_k, check_integer, check_noise, check_search, generator
from fastmi._docs import describes_options
from fastmi._estimate import Estimate, number_of, small_sample_warnings, with_cautions
from fastmi._extras import Progress
from fastmi._results import Table
from fastmi._tasks import run, streams
from fastmi.estimators._halves import of_series
from fastmi.estimators._measure import make_measure, method_named, read_samples

Floats = NDArray[np.float64]

# Halvings of the samples. Each contrast of sizes down to n / 4 needs the same contrast in a half.
_HALVINGS = 3
# Parts of one cut: 2 halves, 4 quarters and 8 eighths.
_PARTS = 2 ** (_HALVINGS + 1) - 2
_MOST_CUTS = 100_000
# How many of its errors a change must have to be one: 3 % of t with 10 degrees of freedom.
_CLEAR = 2.5
# Exponents below this one are said to be no line in 1 / n.
_LINEAR = 0.75
# Weights of the sizes n, n / 2 and n / 4 in the quantities that are derived from a curve.
_LINE = (2.0, -1.0, 0.0)
_DRIFT = (1.0, 0.0, -1.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class SizeCurve(Table):
    """Estimates from fewer and fewer samples.

    Attributes:
        estimate: Estimate from all samples.
        sizes: Numbers of samples, n, n // 2, n // 4 and n // 8, shape (4,).
        means: Mean estimates over disjoint random parts of these sizes, shape (4,), in nats.
        errors: Their standard errors, shape (4,), in nats; ``errors[0]`` is that of `estimate`.
        drift: Rise from n / 4 to n samples, ``means[0] - means[2]``, in nats.
        drift_error: Its standard error in nats. It is too large, by a third for neighbours and more
            for smooth estimators, because it does not allow for the average over the cuts.
        extrapolated: Where the line through the two largest sizes, in 1 / n, reaches 1 / n = 0:
            ``2 means[0] - means[1]``, in nats.
        extrapolated_error: Its standard error in nats. It does not contain that the curve may not
            be a line.
        warnings: Reasons to distrust the estimate, each one sentence; the call that made them has
            issued them as :class:`fastmi.EstimateWarning`.
    """

    estimate: Estimate
    sizes: NDArray[np.int64] = field(repr=False)
    means: Floats = field(repr=False)
    errors: Floats = field(repr=False)
    drift: float
    drift_error: float
    extrapolated: float
    extrapolated_error: float
    warnings: tuple[Caution, ...] = field(default=(), repr=False)

    @property
    def exponent(self) -> float:
        """Power of 1 / n with which the curve approaches its end, from the last two halvings.

        1 is what the extrapolation takes for granted; below it, the extrapolated value is too near
        to the estimate. NaN where the curve has no clear drift, or does not level off.
        """
        steps = self.means[:2] - self.means[1:3]
        if not abs(self.drift) > _CLEAR * self.drift_error or steps.prod() <= 0:
            return math.nan
        return math.log2(steps[1] / steps[0])

    def _rows(self) -> dict[str, Sequence[Any]]:
        return {
            "n": self.sizes.tolist(),
            "mean": self.means.tolist(),
            "stderr": self.errors.tolist(),
        }

    def _about(self) -> dict[str, Any]:
        return {
            "estimate": float(self.estimate),
            "method": self.estimate.method,
            "k": self.estimate.k,
            "drift": self.drift,
            "drift_error": self.drift_error,
            "extrapolated": self.extrapolated,
            "extrapolated_error": self.extrapolated_error,
            "exponent": self.exponent,
            "warnings": list(self.warnings),
        }

    def __str__(self) -> str:
        about = ", ".join(number_of(self.warnings))
        return (
            f"{float(self.estimate):.4g} ± {self.errors[0]:.2g} nats from n={self.sizes[0]}, "
            f"{self.drift:+.2g} ± {self.drift_error:.2g} since n / 4, "
            f"{self.extrapolated:.4g} ± {self.extrapolated_error:.2g} extrapolated in 1 / n"
            f"{f' ({about})' * bool(about)}"
        )

    def plot(self, ax: Any = None, *, unit: str = "nats") -> Any:
        """Draw the means over 1 / n with :func:`fastmi.plot.size_curve`.

        Args:
            ax: matplotlib Axes to draw into; None for a new figure.
            unit: "nats" or "bits".

        Returns:
            The Axes.

        Raises:
            ImportError: matplotlib is not installed.
        """
        from fastmi import plot

        return plot.size_curve(self, ax, unit=unit)


@describes_options()
def size_curve(
    x: object,
    y: object,
    z: object = None,
    *,
    cuts: int = 10,
    k: int = 3,
    method: str | None = None,
    n_jobs: int | None = None,
    noise: float | None = None,
    seed: Seed | None = None,
    progress: Progress = False,
    **options: Any,
) -> SizeCurve:
    """Estimate mutual information from n, n / 2, n / 4 and n / 8 samples.

    A number that still moves with n has a bias, which no error bar contains. The samples are halved
    at random three times over, and estimates are averaged over the parts of each size. The line
    through the two largest sizes is extrapolated in 1 / n (Strong et al. 1998,
    https://doi.org/10.1103/PhysRevLett.80.197; Holmes and Nemenman 2019,
    https://doi.org/10.1103/PhysRevE.100.022404). The error of each mean, and of each difference of
    them, is taken from the two halves of a cut, which are independent: a quarter of the squared
    difference of what the halves give, averaged over the cuts.

    Take the extrapolation as a direction and not as a result. The bias of estimators from
    neighbours falls as a small power of 1 / n in many columns, and the line falls short: for "ksg1"
    and 1000 normal samples with correlation 0.5 in each pair of columns, the bias and that of the
    extrapolated value are -0.03 and -0.01 of 0.43 nats in 3 + 3 columns, -0.21 and -0.16 of 0.72 in
    5 + 5, and -0.85 and -0.78 of 1.44 in 10 + 10. In one column and for independent variables,
    where there is no bias, it adds a third to the scatter.

    Args:
        x: Samples, shape (n, dx) or (n,).
        y: Samples, shape (n, dy) or (n,).
        z: Samples of the condition, shape (n, dz) or (n,); None for no condition.
        cuts: Number of times that the samples are cut anew, which takes as long as three estimates
            from all samples.
        k: Number of neighbours, one integer for all sizes.
        method: Name of a method of :func:`fastmi.mi`, by default "ksg1"; with `z` a name of a
            method of :func:`fastmi.cmi`, by default "fp".
        n_jobs: Number of threads, which share the parts; None or -1 as in :func:`fastmi.mi`.
            Networks are trained one after another, by as many threads as torch uses.
        seed: Seed of noise, cuts and trainings; any value that
            :func:`numpy.random.default_rng` accepts.
        **options: Further options of the method.

    Warns:
        EstimateWarning: The estimate moves with n beyond its error, so that it is a bound at most.

    Raises:
        TypeError: Samples that are not real numbers, an option of the wrong type or unknown.
        ValueError: Samples of wrong shape or length or not finite, an option out of range;
            too few samples for an estimate from an eighth of them.
    """
    if not isinstance(as_k(k), int):
        raise TypeError(f"k must be one integer; got k={k!r}")
    check_search("chebyshev", "auto", n_jobs)
    check_noise(noise)
    number = check_integer("cuts", cuts, 2, _MOST_CUTS)
    rng = generator(seed)
    given = (x, y) if z is None else (x, y, z)
    row = method_named(method, conditional=z is not None)
    measure = make_measure(size_curve, row, k=k, options=options)
    blocks = read_samples(row, given, ("x", "y", "z")[: len(given)])
    blocks, cautions = measure.settle(blocks, noise=noise, seed=seed, rng=rng, n_jobs=n_jobs)
    estimate = with_cautions(measure(blocks, n_jobs, rng)[0], cautions)
    n = len(blocks[0])
    orders, seeds = streams(rng, number), streams(rng, number * _PARTS)

    def part(task: int, threads: int) -> float:
        cut, own = divmod(task, _PARTS)
        order = np.random.default_rng(orders[cut]).permutation(n)
        rows = _rows_of_part(order, *_level(own))
        draws = np.random.default_rng(seeds[task])
        try:
            parts = [block[rows] for block in blocks]
            return float(measure(parts, threads, draws, repeated=True)[0])
        except ValueError as error:
            raise ValueError(
                f"size_curve must have enough samples for estimates from an eighth of them; got "
                f"n={n}, and {len(rows)} of them give: {error}"
            ) from None

    threads = 1 if row.trains else n_jobs
    count = number * _PARTS
    found = np.array(run(part, count, n_jobs=threads, progress=progress, what="parts"))
    return announce(_curve(estimate, n, found.reshape(number, _PARTS)))


def _level(number: int) -> tuple[int, int]:
    """Return how often the part with this number is halved, and its position among such parts."""
    level = (number + 2).bit_length() - 1
    return level, number + 2 - 2**level


def _rows_of_part(order: NDArray[np.int64], level: int, position: int) -> NDArray[np.int64]:
    """Return the rows of a part: those of an order, halved `level` times, in their own order."""
    for bit in reversed(range(level)):
        m = len(order) // 2
        order = order[m : 2 * m] if position >> bit & 1 else order[:m]
    return np.sort(order)


def _curve(estimate: Estimate, n: int, parts: Floats) -> SizeCurve:
    """Return the curve of the estimates from the parts of each cut, shape (cuts, parts)."""
    sizes = np.array([n >> level for level in range(_HALVINGS + 1)], dtype=np.int64)
    cautions = [*estimate.warnings, *of_series(estimate.local)]
    k = estimate.k or 1
    if not small_sample_warnings(n, k):
        cautions += _of_few(int(sizes[-1]), k)
    if not (math.isfinite(estimate) and np.isfinite(parts).all()):
        nothing = np.full(len(sizes), math.nan)
        text = "estimates from parts of the samples are infinite, and their curve has no value"
        return SizeCurve(
            estimate=estimate,
            sizes=sizes,
            means=nothing,
            errors=nothing.copy(),
            drift=math.nan,
            drift_error=math.nan,
            extrapolated=math.nan,
            extrapolated_error=math.nan,
            warnings=(*cautions, Caution(text, "infinite")),
        )
    # Mean estimates in each of the two halves of each cut, shape (levels, 2, cuts).
    levels = np.split(parts, [2, 6], axis=1)
    halves = np.array([each.reshape(len(parts), 2, -1).mean(axis=2).T for each in levels])
    means = np.array([float(estimate), *halves.mean(axis=(1, 2))])
    errors = [_error(of_size) for of_size in halves]
    # Estimates from all samples scatter as the means over halves do.
    errors.insert(0, errors[0])
    drift, drift_error = float(means[:3] @ _DRIFT), _error(np.tensordot(_DRIFT, halves, 1))
    curve = SizeCurve(
        estimate=estimate,
        sizes=sizes,
        means=means,
        errors=np.array(errors),
        drift=drift,
        drift_error=drift_error,
        extrapolated=float(means[:3] @ _LINE),
        extrapolated_error=_error(np.tensordot(_LINE, halves, 1)),
    )
    return replace(curve, warnings=(*cautions, *_of_drift(curve)))


def _error(halves: Floats) -> float:
    """Return the standard error of the mean of what two independent halves give.

    Args:
        halves: What they give in each cut, shape (2, cuts).
    """
    first, second = halves
    return float(np.sqrt(((first - second) ** 2).mean() / 4))


def _of_few(n: int, k: int) -> tuple[Caution, ...]:
    """Return a caution if the smallest parts, of n samples, say little about larger ones."""
    if not small_sample_warnings(n, k):
        return ()
    text = (
        f"the smallest parts have {n} samples, which are few for k={k}: the curve may bend there, "
        "and its errors may be off by a third"
    )
    return (Caution(text, "few_for_error"),)


def _of_drift(curve: SizeCurve) -> tuple[Caution, ...]:
    """Return a caution if the estimate moves with n, clearly and by more than its error."""
    error = float(curve.errors[0])
    last = float(curve.means[0] - curve.means[1])
    clear = abs(curve.drift) > _CLEAR * curve.drift_error
    if not clear or abs(last) <= error or last * curve.drift < 0:
        return ()
    rises = curve.drift > 0
    before = float(curve.means[1] - curve.means[2])
    slow = (
        f"; the line to {curve.extrapolated:.4g} at 1 / n = 0 falls short, since the step before "
        f"the last was {abs(before):.2g} and not twice the {abs(last):.2g} of the last"
        if curve.exponent < _LINEAR
        else ""
    )
    text = (
        f"the estimate still {'rises' if rises else 'falls'} with n: by "
        f"{abs(curve.drift):.2g} ± {curve.drift_error:.1g} nats from n / 4 to n, and by more than "
        f"its error of {error:.2g} from n / 2 to n: take it as "
        f"{'a lower' if rises else 'an upper'} bound{slow}"
    )
    return (Caution(text, "drift"),)
