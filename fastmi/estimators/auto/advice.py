"""What to know of samples before their information is estimated, and which method suits them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._autocorrelation import row_order
from fastmi._cautions import quiet
from fastmi._inputs import as_blocks, is_empty
from fastmi._plug_in import OF_TWO, OF_TWO_GIVEN_THIRD
from fastmi._pool import heed_stop
from fastmi.estimators._copula import Copula, ascending, fit
from fastmi.estimators.auto.cautions import SAMPLES_EACH, may_follow
from fastmi.estimators.auto.kinds import (
    CONSTANT,
    Kind,
    continuous_of,
    described,
    kinds_of,
    method_for,
    mixed_of,
    with_codes,
)
from fastmi.estimators.auto.pipelines import scores_of
from fastmi.estimators.auto.rules import tolerance
from fastmi.estimators.neighbors._copies import count_copies, tells_copies
from fastmi.estimators.neighbors._ties import with_trace
from fastmi.estimators.neighbors._twin import draw_twin
from fastmi.estimators.neighbors.conditional import ConditionalKSG
from fastmi.estimators.neighbors.ksg import KSG
from fastmi.ops.coincidences import coincidences

Array: TypeAlias = NDArray[Any]

# Rows that are looked at, and rows of the twin that KSG is tried on.
_ROWS, _TRIED = 20_000, 5000
_COPIES = 0.01
# Time of "auto" over that of KSG, about, and what a column adds to it.
_TIMES, _TIMES_EACH = 8.0, 0.1
# Columns in which a search compares all rows; with one it takes about n log n.
_ALL_ROWS = 30
# Share of log n - 1 above which KSG nears what it can show.
_CEILING_SHARE = 0.8


@dataclass(frozen=True)
class Recommendation:
    """Which method suits samples, and why; ``print`` shows it as a report.

    Attributes:
        method: Name for :func:`fastmi.mi`, or :func:`fastmi.cmi` where there is a z.
        options: Further options for it.
        reasons: Why, one sentence each.
        distrust: What to be careful about, one sentence each; empty if nothing was seen.
        n: Number of samples.
        dims: Number of columns of each argument.
        reference: Information in nats of the Gaussian or t copula that resembles the samples; None
            where there is none.
        tail_index: Degrees of freedom of that copula; infinity for a Gaussian one.
        predicted_bias: Error in nats that "ksg1" ("fp") makes on samples of that copula of the same
            size, or of 5000 rows if there are more; None where it was not tried.
        seconds: About how long the estimate takes on one thread; None where it is not known.
    """

    method: str
    options: dict[str, Any]
    reasons: tuple[str, ...]
    distrust: tuple[str, ...]
    n: int
    dims: tuple[int, ...]
    reference: float | None = None
    tail_index: float | None = None
    predicted_bias: float | None = None
    seconds: float | None = None

    def __str__(self) -> str:
        function = "cmi(x, y, z" if len(self.dims) == 3 else "mi(x, y"
        given = [f"method={self.method!r}"]
        given += [f"{name}={value!r}" for name, value in self.options.items()]
        lines = [f"fastmi.{function}, {', '.join(given)})"]
        lines += [f"  - {reason}" for reason in self.reasons]
        if self.seconds is not None:
            lines.append(f"  - it takes about {self.seconds:.2g} s on one thread")
        if self.distrust:
            lines += ["Be careful:", *(f"  - {each}" for each in self.distrust)]
        return "\n".join(lines)


def recommend(x: object, y: object, z: object = None) -> Recommendation:
    """Say which method suits samples, and what to distrust, without estimating their information.

    It looks at the kind of values, at ties and copies, at the number of columns, at the order of
    the rows and at the tails, and reads from one *twin* (samples of a Gaussian or t copula that
    resembles these) how far KSG is off on samples of this size and shape.

    Args:
        x: Samples, shape (n, dx) or (n,): numbers, or classes of any type in every column.
        y: Samples, shape (n, dy) or (n,), row i paired with row i of `x`.
        z: Samples of a condition, shape (n, dz) or (n,). None or no columns ask about I(X; Y).

    Returns:
        The recommendation; ``fastmi.mi(x, y, method=r.method, **r.options)`` follows it.

    Raises:
        TypeError: Samples that are neither real numbers nor classes.
        ValueError: Samples of wrong shape or length, not finite.
    """
    arrays = (x, y) if is_empty(z) else (x, y, z)
    names = "xyz"[: len(arrays)]
    read, labels = with_codes(arrays, names)
    blocks = as_blocks(read, names)
    kinds = kinds_of(blocks, labels)
    n, dims = len(blocks[0]), tuple(block.shape[1] for block in blocks)
    distrust = _copies(blocks)
    method = method_for(kinds, n)
    flat = [name for name, kind in zip(names, kinds, strict=True) if kind.name == CONSTANT]
    plain = "fp" if len(blocks) == 3 else "ksg1"
    if "x" in flat or "y" in flat:
        reason = f"{flat[0]} is constant, and nothing depends on it: leave it out"
        return Recommendation(plain, {}, (reason,), tuple(distrust), n, dims)
    if method is not None:
        reasons = described(names, kinds)
        if method == "ross" and continuous_of(kinds) == 1:
            # It takes the classes as y, which "auto" sees to.
            method = "auto"
            reasons.append("'auto' takes them as 'ross' does, with the classes as y")
        return Recommendation(method, {}, tuple(reasons), tuple(distrust), n, dims)
    return _for_continuous(blocks, names, kinds, plain, distrust)


def _copies(blocks: Sequence[Array]) -> list[str]:
    """Return what to say about rows that are copies of others."""
    n = len(blocks[0])
    if not coincidences(blocks).copies:
        return []
    copied, _ = count_copies(list(blocks), tells_copies)
    if copied <= _COPIES * n:
        return []
    return [
        f"{copied} of {n} rows are exact copies of others, which look like dependence: keep one of "
        "each, unless they were measured anew"
    ]


def _for_continuous(
    blocks: list[Array],
    names: Sequence[str],
    kinds: Sequence[Kind],
    plain: str,
    distrust: list[str],
) -> Recommendation:
    """Return the recommendation for continuous variables."""
    n, dims = len(blocks[0]), tuple(block.shape[1] for block in blocks)
    heed_stop()
    mixed = mixed_of(kinds)
    separate = with_trace(blocks, None) if mixed else blocks
    scores, _ = scores_of([block[:_ROWS] for block in separate], names)
    if not scores[-1].shape[1]:
        scores = scores[:2]
    columns = sum(block.shape[1] for block in scores)
    reasons = [f"{n} samples of {columns} columns that vary"]
    if mixed:
        about = ", ".join(described(names, kinds))
        reasons.append(f"{about}: a trace of noise separates equal values")
    elif any(kind.repeats for kind in kinds):
        reasons.append("values repeat as rounded ones do, and a trace of noise separates them")
    if n < SAMPLES_EACH * columns:
        distrust.append(
            f"{n} samples are few for {columns} columns: ten for each column are better"
        )
    options: dict[str, Any] = {}
    lag = _memory(scores)
    if lag:
        options["theiler"] = lag
        reasons.append(
            f"rows that follow each other are alike, as in a time series: those within {lag} steps "
            "are left out as neighbours"
        )
        distrust.append(
            "standard errors and intervals take rows as independent: see jackknife_error with "
            "n_blocks=20, and permutation_test with scheme='circular'"
        )
        if lag >= n // 10:
            distrust.append(
                "rows stay alike over a tenth of the samples and more, as in random walks and "
                "trends, of which independent ones look dependent: compare differences of rows"
            )
        if columns > 2:
            distrust.append(
                "if the rows are no series and were only sorted, for example by class, take "
                "method='auto' without theiler=, which allows for many columns"
            )
    law = fit(scores, OF_TWO if len(scores) == 2 else OF_TWO_GIVEN_THIRD)
    if law is None:
        distrust.append(
            "there are no more samples than columns: use fewer columns"
            if n <= columns + 1
            else "one variable determines a combination of the columns of the other: if this is "
            "exact, the information is infinite"
        )
        return Recommendation(plain, options, tuple(reasons), tuple(distrust), n, dims)
    bias, error, seconds = _tried(law, scores)
    tried = min(n, _TRIED)
    seconds *= (n / tried) ** (1.0 + min(columns / _ALL_ROWS, 1.0))
    reference = law.reference
    reasons.append(
        f"a {_family(law)} that resembles them has {reference:.3g} nats, of which {plain!r} is "
        f"expected to miss {max(-bias, 0.0):.2g}"
    )
    off = abs(bias) > max(tolerance(reference), 3.0 * error)
    if not lag and (columns > 2 or off):
        method = "auto"
        seconds *= _TIMES + _TIMES_EACH * columns
        reasons.append(
            "'auto' subtracts this bias, and looks for dependence that columns without any hide"
        )
    else:
        method = plain
        if off:
            distrust.append(f"the estimate is expected to be {abs(bias):.2g} nats too low")
    if reference > _CEILING_SHARE * (math.log(n) - 1.0):
        distrust.append(
            f"{reference:.3g} nats are close to the most that {n} samples can show, about log n"
        )
    return Recommendation(
        method,
        options,
        tuple(reasons),
        tuple(distrust),
        n,
        dims,
        reference,
        law.tail_index,
        bias,
        seconds,
    )


def _memory(scores: Sequence[Array]) -> int:
    """Return the lag from which autocorrelations are below 1/e; 0 where rows are no series."""
    if not all(map(may_follow, scores[:2])) or not row_order(scores).matters:
        return 0
    n = len(scores[0])
    for lag in range(1, max(2, n // 10)):
        largest = 0.0
        for block in scores[:2]:
            products = np.einsum("ij,ij->j", block[lag:], block[:-lag])
            largest = max(largest, float((products / np.einsum("ij,ij->j", block, block)).max()))
        if largest < math.exp(-1.0):
            return lag
    return n // 10


def _tried(law: Copula, scores: Sequence[Array]) -> tuple[float, float, float]:
    """Return the error of KSG on one twin, its standard error, and the seconds that it took."""
    few = [block[:_TRIED] for block in scores]
    twin = draw_twin(law, list(map(ascending, few)), np.random.default_rng(0))
    start = perf_counter()
    ksg = KSG if len(twin) == 2 else ConditionalKSG
    with quiet():
        found: Any = ksg(k=3, n_jobs=1, noise=0.0).estimate(*twin)
    seconds = perf_counter() - start
    return float(found) - law.reference, found.stderr, seconds


def _family(law: Copula) -> str:
    if math.isinf(law.tail_index):
        return "Gaussian copula"
    return f"t copula with {law.tail_index:.2g} degrees of freedom"
