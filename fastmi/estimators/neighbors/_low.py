"""Whether a KSG estimate in several columns is far too low, by a reference that costs little.

KSG loses dependence in many columns, because a ball around a sample that holds k neighbours is then
as wide as the distribution. The reference is the information of the Gaussian copula with the
correlations of the samples, or of the t copula with their tails, both of a part of the rows. It
allows for its own scatter. A second sign is what KSG would lose on that Gaussian: it shows also
where the samples hold more than the reference sees.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._blocks import glance
from fastmi._cautions import Caution, is_quiet
from fastmi._plug_in import OF_TWO, lowered, plug_in_bias
from fastmi.estimators._copula import normal_scores, whiten
from fastmi.estimators._tails import t_quantiles, tail_term
from fastmi.estimators.neighbors._shown import shown_by_ksg
from fastmi.estimators.neighbors.base import Array, Terms, widths

Floats: TypeAlias = NDArray[np.float64]
Cautions: TypeAlias = tuple[Caution, ...]

# Rows that the reference is made of: a quarter of all between these bounds, and at least so many
# for each column. Where they leave it open whether the estimate is too low, it is made of so many
# times as many. In one thread it takes 1 to 3 % of the time of the search from n = 10 000 on, up to
# 5 % where it is left open, and a third at n = 1000.
_FEWEST, _MOST, _PER_COLUMN, _SECOND_LOOK = 500, 1000, 5, 3
# In few columns the second look, which takes as long as the search of 1000 rows, is made if there
# are so many times as many rows as the first had.
_WORTH_IT = 4
# Columns up to which KSG loses less than is named of any Gaussian that it shows at all.
_FEW_COLUMNS = 4
# Nats, and share of the value, that an estimate may miss without a word.
_MISSING, _MISSING_SHARE = 0.05, 0.1
# Standard errors by which the reference must be above the estimate.
_ERRORS = 2.0
# Canonical correlation beyond which one block determines a direction of the other.
_DETERMINED = 1.0 - 1e-10
# Half of the range from the first to the third quartile of a standard normal.
_QUARTILE = 0.6744897501960817
# Distance between neighbouring values of a column, as a share of its quartiles' distance, below
# which they are of one class but for noise; and share of such values that makes classes of them.
_NEAR, _REPEATED = 1e-7, 0.05
# Smallest positive number, and logarithm of the ratio of scales beyond which the smaller column
# decides nothing.
_TINY, _LEAST_LOG_SCALE = 5e-324, 40.0
# Tail indices, and for normal scores of a t copula without correlations the covariance of the
# squares of two columns.
_TAIL_INDICES = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.0, 10.0, 15.0, 30.0, 100.0)
_SQUARES = (
    1.4929, 1.2025, 0.9845, 0.8243, 0.7045, 0.5404, 0.4350, 0.3096, 0.2141, 0.1404, 0.0686, 0.0202
)  # fmt: skip


class Reference(NamedTuple):
    """Information of a copula that the samples resemble.

    Attributes:
        gaussian: That of the Gaussian copula in nats, less `_ERRORS` standard errors, at least 0.
        information: That of the Gaussian copula and what the tails add, in nats.
        stderr: Its standard error.
        rows: Rows that it is made of.
        pairs: Canonical pairs: directions of x, shape (dx, pairs), of y, shape (dy, pairs), and
            what each contributes to the information in nats, shape (pairs,).
        bases: What turns white coordinates of x and of y into their columns, shapes (d, rank).
        log_scale: Logarithms of the scales of the columns as they came, shape (d,).
    """

    gaussian: float
    information: float
    stderr: float
    rows: int
    pairs: tuple[Floats, Floats, Floats]
    bases: tuple[Floats, Floats]
    log_scale: Floats

    @property
    def at_least(self) -> float:
        """The information less `_ERRORS` standard errors."""
        return self.information - _ERRORS * self.stderr

    def shown(self, n: int, k: int) -> float:
        """Return what KSG shows of the Gaussian copula whose information is `gaussian`."""
        left, right, each = self.pairs
        kept = np.sqrt(-np.expm1(-2.0 * lowered(each, self.gaussian)))
        (dx, _), (dy, _) = (basis.shape for basis in self.bases)
        correlation = np.empty((dx + dy, dx + dy))
        correlation[:dx, :dx], correlation[dx:, dx:] = (basis @ basis.T for basis in self.bases)
        correlation[:dx, dx:] = (left * kept) @ right.T
        correlation[dx:, :dx] = correlation[:dx, dx:].T
        return shown_by_ksg(correlation, self.log_scale, dx, n=n, k=k)


def name_low(
    terms: Sequence[Terms],
    ks: Sequence[int],
    blocks: Sequence[Array],
    *,
    metric: str,
    twin: bool = True,
) -> list[Terms]:
    """Return the terms of KSG or its like, with a warning where a value is far too low.

    Args:
        terms: Terms of each number of neighbours.
        ks: Numbers of neighbours.
        blocks: x and y.
        metric: Metric inside each block.
        twin: Whether the method has a correction to be named.
    """
    n, dims = len(blocks[0]), widths(blocks)
    if sum(dims) <= 2 or n <= 2 * sum(dims) + 10:
        return list(terms)
    found: list[Cautions | Callable[[], Cautions]] = []
    look = _Look(list(blocks), metric, twin)
    for one, k in zip(terms, ks, strict=True):
        # Where nobody is told of warnings, as with surrogates, they wait until they are read.
        later = partial(_joined, one.warnings, look, one.value, k)
        found.append(later if is_quiet() else later())
    return [one._replace(warnings=warnings) for one, warnings in zip(terms, found, strict=True)]


class _Look:
    """The reference of two blocks, made when first needed, of more rows if that tells more."""

    def __init__(self, blocks: list[Array], metric: str, twin: bool) -> None:
        self._blocks = blocks
        self._advice = "method='auto'" + (" or bias_correction='twin'" if twin else "")
        self._metric = metric
        self._references: dict[int, Reference | None] = {}

    def cautions(self, value: float, k: int) -> Cautions:
        """Return a caution if an estimate in nats with k neighbours is far too low, else none."""
        n, columns = len(self._blocks[0]), sum(widths(self._blocks))
        reference = self._reference(1)
        if reference is None:
            return ()
        missing = self._missing(reference, value, k)
        more = n >= _WORTH_IT * reference.rows or (n > reference.rows and columns > _FEW_COLUMNS)
        likely = reference.information + reference.stderr - value
        if more and not _matters(missing, value) and _matters(likely, value):
            reference = self._reference(_SECOND_LOOK) or reference
            missing = self._missing(reference, value, k)
        if not _matters(missing, value):
            return ()
        text = (
            f"the estimate {value:.2g} is about {missing:.2g} nats too low, or more: a copula "
            f"fitted to the samples has {reference.information:.2g} nats, and the k={k} neighbours "
            f"are not near in {columns} columns at n={n}; use {self._advice}"
        )
        return (Caution(text, "low"),)

    def _missing(self, reference: Reference, value: float, k: int) -> float:
        """Return the nats that are missing by either sign, or less than matter."""
        missing = reference.at_least - value
        if (
            _matters(missing, value)
            or self._metric != "chebyshev"
            or sum(widths(self._blocks)) <= _FEW_COLUMNS
            or reference.gaussian <= _MISSING
        ):
            return missing
        return max(missing, reference.gaussian - reference.shown(len(self._blocks[0]), k))

    def _reference(self, times: int) -> Reference | None:
        if times not in self._references:
            part = min(len(self._blocks[0]) // 4, _MOST)
            rows = max(_FEWEST, part, _PER_COLUMN * sum(widths(self._blocks)))
            self._references[times] = reference_of(self._blocks, times * rows)
        return self._references[times]


def _joined(
    before: Cautions | Callable[[], Cautions], look: _Look, value: float, k: int
) -> Cautions:
    return (*(before() if callable(before) else before), *look.cautions(value, k))


def _matters(missing: float, value: float) -> bool:
    return missing > max(_MISSING, _MISSING_SHARE * (value + missing))


def reference_of(blocks: Sequence[Array], rows: int) -> Reference | None:
    """Return the reference of two blocks, made of about so many of their rows.

    It is None where one block determines the other, where nothing varies or where rows are few.
    """
    dx = blocks[0].shape[1]
    found = glance(blocks, 2 * rows)
    if not found:
        return None
    scores, log_scale, classes = _scores([block[:: max(1, len(block) // rows)] for block in found])
    m = scores.shape[1]
    (basis_x, u), (basis_y, v) = whiten(scores[:dx].T), whiten(scores[dx:].T)
    ranks = u.shape[1], v.shape[1]
    if min(ranks) == 0:
        return None
    # Rows of a series that resemble the ones before count as fewer.
    worth = int(m / _persistence(u, v))
    if worth <= 2 * sum(ranks) + 10:
        return None
    left, rho, right = np.linalg.svd(u.T @ v / m, full_matrices=False)
    if rho[0] > _DETERMINED:
        return None
    pairs = ranks[0] * ranks[1]
    paired = max(float((rho**2).sum()) - pairs / worth, 0.0)
    # What rows far out in both blocks add to the squares of correlations by chance.
    squares = float((u**2).sum(axis=1) @ (v**2).sum(axis=1)) / m - pairs - 2.0 * paired
    each = -0.5 * np.log1p(-(rho**2))
    bias = plug_in_bias(worth, ranks, OF_TWO) + max(squares, 0.0) / (2.0 * worth)
    raw = float(each.sum()) - bias
    error = math.sqrt(paired / worth + pairs / (2.0 * worth * worth))
    spread = 2.0 / math.sqrt(pairs * worth)
    tails, least = (
        (0.0, 0.0)
        if classes
        else (
            _by_tails(each_pair, ranks) for each_pair in (squares / pairs, squares / pairs - spread)
        )
    )
    return Reference(
        gaussian=max(raw - _ERRORS * error, 0.0),
        information=max(raw, 0.0) + tails,
        stderr=math.hypot(error, tails - least),
        rows=m,
        pairs=(basis_x @ left, basis_y @ right.T, each),
        bases=(basis_x, basis_y),
        log_scale=log_scale,
    )


def _scores(rows: Sequence[Array]) -> tuple[Floats, Floats, bool]:
    """Return normal scores, shape (d, m), the logarithms of the columns' scales, and of classes.

    The latter is whether a column takes so few values, up to noise that separates them, that the
    squares of its scores tell nothing of tails.
    """
    m = len(rows[0])
    across = np.concatenate([block.T for block in rows], dtype=np.float64)
    order = np.argsort(across, axis=1)
    ordered = np.take_along_axis(across, order, axis=1)
    # Halves, because a difference may overflow. What repeats so often that its quartiles are equal
    # has its whole range instead; and a constant counts as very small.
    half = 0.5 * ordered
    range_ = half[:, 3 * m // 4] - half[:, m // 4]
    range_ = np.where(range_ > 0.0, range_, half[:, -1] - half[:, 0])
    log_scale = np.log(np.maximum(range_, _TINY)) - math.log(_QUARTILE)
    log_scale = np.maximum(log_scale, float(log_scale.max()) - _LEAST_LOG_SCALE)
    gaps = half[:, 1:] - half[:, :-1]
    near = (gaps <= _NEAR * np.where(range_ > 0.0, range_, 1.0)[:, None]).mean(axis=1)
    classes = bool((near > _REPEATED).any())
    if (gaps == 0.0).any():
        scores = normal_scores([np.ascontiguousarray(across.T)])[0].T
        scores = scores - scores.mean(axis=1, keepdims=True)
        spread = np.sqrt((scores**2).mean(axis=1, keepdims=True))
        return scores / np.where(spread > 0.0, spread, 1.0), log_scale, classes
    quantiles = t_quantiles(math.inf, m)[::2]  # those of whole ranks
    scores = np.empty_like(across)
    np.put_along_axis(scores, order, quantiles / math.sqrt(float((quantiles**2).mean())), axis=1)
    return scores, log_scale, classes


def _persistence(u: Floats, v: Floats) -> float:
    """Return by how much chance correlations of two series exceed those of independent rows.

    It is Bartlett's factor for autocorrelations that fall geometrically; 1 for independent rows.

    Args:
        u: White coordinates of x, shape (m, rank).
        v: White coordinates of y, shape (m, rank).
    """
    product = float((u[1:] * u[:-1]).mean()) * float((v[1:] * v[:-1]).mean())
    product = min(max(product, 0.0), 0.99)
    return (1.0 + product) / (1.0 - product)


def _by_tails(squares: float, ranks: tuple[int, int]) -> float:
    """Return the nats that the tails of a t copula add, from the covariance of squares."""
    if squares <= _SQUARES[-1]:
        return 0.0
    inverse = [1.0 / nu for nu in _TAIL_INDICES]
    nu = 1.0 / float(np.interp(squares, _SQUARES[::-1], inverse[::-1]))
    return tail_term(nu, ranks[0]) + tail_term(nu, ranks[1]) - tail_term(nu, sum(ranks))
