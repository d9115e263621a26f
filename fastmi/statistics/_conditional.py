"""Whether surrogates of a conditional test keep the dependence on z, and samples that help them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmi._blocks import host, like
from fastmi._cautions import Caution, quiet
from fastmi._inputs import jitter
from fastmi._symbols import numbered
from fastmi.estimators import Method
from fastmi.estimators.neighbors.ksg import KSG
from fastmi.statistics._residuals import growth_of_errors, normal_scores, residuals

Array = NDArray[Any]
Order = NDArray[np.intp]

#: Number of surrogates that are enough to see a loss.
CHECKED = 10

# Losses that count: of I(x; z) in nats, and in its standard deviations over surrogates; growth of
# the squared distance of x to its regression on z. At n = 300 the local scheme rejects at its level
# up to about here, see bench/bench_rejections.py.
_NATS = 0.02
_DEVIATIONS = 2.0
_GROWTH = 1.1
# Share of one value of x or y from which residuals depend on z: each value makes a sheet of its
# own. With 15 values, the most frequent in 12 % of 200 rows, the residual scheme rejected at its
# level; with 9 values, 20 %, in 24 % of the tests at 5 %.
_MOST_SHARE = 0.12
# Fewer rows than these show no loss beyond chance.
_LEAST = 20


def check_numbers(method: Method) -> None:
    """Raise ValueError if the method takes classes, which have no residuals."""
    if any(method.takes_classes(position) for position in range(3)):
        raise ValueError(
            f"scheme='residual' must have numbers; got method={method.name!r}, which takes classes"
        )


def discrete_share(blocks: Sequence[Array]) -> float:
    """Return the largest share of the rows that one value has in a column of x or y that varies."""
    columns = [column for block in blocks[:2] for column in host(block).T]
    shares = [float(numbered(column).size.max()) / len(column) for column in columns]
    return max((share for share in shares if share < 1.0), default=0.0)


def keeps_residuals(blocks: Sequence[Array]) -> bool:
    """Return whether x and y take values enough for residuals that keep no dependence on z."""
    return discrete_share(blocks) <= _MOST_SHARE


def on_residuals(blocks: Sequence[Array]) -> list[Array]:
    """Return the residuals of x and of y on z, and z, all as normal scores in their dtype."""
    if len(blocks[0]) < 2:
        return list(blocks)  # The estimator says that it needs more.
    x, y, z = (host(block).astype(np.float64) for block in blocks)
    left = residuals(np.hstack([x, y]), z)
    found = (left[:, : x.shape[1]], left[:, x.shape[1] :], normal_scores(z))
    return [
        like(block, scores.astype(block.dtype)) for block, scores in zip(blocks, found, strict=True)
    ]


def lost_dependence(
    x: Array, z: Array, orders: Sequence[Order], *, scheme: str, n_jobs: int | None
) -> str | None:
    """Say how much less x in these orders depends on z than x does; None if it keeps all.

    Estimates of I(x; z) by neighbours see every kind of dependence, but little of a strong one in
    many columns; the distance to a regression sees small shifts of the mean.

    Args:
        x: Samples of which the test takes surrogates, shape (n, dx).
        z: Conditions, shape (n, dz).
        orders: A few of the surrogates' orders of rows.
        scheme: "local" or "residual".
        n_jobs: Number of threads.
    """
    x, z = host(x), host(z)
    if len(x) < _LEAST or all((z[order] == z).all() for order in orders):
        return None
    # Normal scores, because units differ; noise, because equal values have no neighbours.
    of_x, of_z = jitter([normal_scores(x), normal_scores(z)], 1e-10, 0)
    ksg = KSG(k=3, n_jobs=n_jobs)
    with quiet():
        before = float(np.asarray(ksg.estimate(of_x, of_z)))
        after = np.array([ksg.estimate(of_x[order], of_z) for order in orders], dtype=np.float64)
    growth = growth_of_errors(x, z, orders)
    loss = before - after.mean()
    if growth <= _GROWTH and loss <= max(_NATS, _DEVIATIONS * after.std()):
        return None
    return (
        f"surrogates of scheme={scheme!r} lost dependence of x on z: I(x; z) is {before:.2g} nats, "
        f"and {after.mean():.2g} in the surrogates, whose squared distance to a regression of x on "
        f"z is {growth:.2g} times as large"
    )


def warned(loss: str, scheme: str, blocks: Sequence[Array]) -> Caution:
    """Return the caution for a test of these samples whose surrogates lost dependence."""
    advice = "fewer columns of z or more samples may keep it"
    if scheme == "local" and keeps_residuals(blocks):
        advice = "scheme='residual' may keep it"
    return Caution(f"{loss}: the test may reject too often, {advice}", "lost_dependence")


def discrete(blocks: Sequence[Array]) -> Caution:
    """Return the caution for residuals of samples that take few values."""
    return Caution(
        f"a value of x or y occurs in {discrete_share(blocks):.0%} of the rows, and residuals of "
        "so few values depend on z: the test may reject too often, scheme='local' less so",
        "discrete",
    )


def switched(loss: str) -> Caution:
    """Return the caution for a test that uses "residual" in place of the default."""
    return Caution(
        f"scheme='residual' was used, and the estimate is that of residuals on z, because {loss}",
        "scheme",
    )
