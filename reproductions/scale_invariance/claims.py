"""What each figure has to show, as statements that are tested on its points."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from curves import Point

Claim = tuple[str, bool]
K = 3


class Curves:
    """The values of one figure, by panel and column, in the order of the positions."""

    def __init__(self, points: Sequence[Point]) -> None:
        self._points = points

    def __call__(self, panel: str, column: str) -> np.ndarray:
        return np.array([p.value for p in self._points if (p.panel, p.column) == (panel, column)])

    def positions(self, panel: str, column: str) -> np.ndarray:
        return np.array([p.at for p in self._points if (p.panel, p.column) == (panel, column)])


def _spread(values: np.ndarray) -> float:
    return float(np.ptp(values))


def figure_1(curves: Curves) -> list[Claim]:
    local = curves("1", "ksg-loc")
    claims = [
        (
            f"ksg-loc falls with the columns of noise: {local[0]:.3f} to {local[-1]:.3f} nats",
            local[-1] < 0.5 * local[0],
        )
    ]
    for name in ("ksg", "bi-ksg", "ksg-glo-Linf"):
        values = curves("1", name)
        claims.append((f"{name} stays within {_spread(values):.3f} nats", _spread(values) < 0.05))
    return claims


def figure_3(curves: Curves) -> list[Claim]:
    mean = curves("3a", "ksg")
    claims = [
        (
            f"3a: ksg falls with d at constant information: {mean[0]:.3f} to {mean[-1]:.3f} bits",
            mean[-1] < mean[0] - 0.2,
        )
    ]
    for name in ("ksg", "bi-ksg"):
        share = curves("3b", name)
        claims.append(
            (
                f"3b: {name} reaches the truth less often in more dimensions: "
                f"{share[0]:.0%} of trials at first, {share[-1]:.0%} at last",
                share[-1] <= 0.02 and share[0] > share[-1],
            )
        )
    return claims


def figure_4(curves: Curves) -> list[Claim]:
    plain, swept, linf = (curves("4", name) for name in ("ksg", "ksg-glo", "ksg-glo-Linf"))
    return [
        ("ksg is the same to the last bit for any number of copies", _spread(plain) == 0.0),
        (f"ksg-glo-Linf stays within {_spread(linf):.1e} nats", _spread(linf) < 1e-3),
        (
            f"ksg-glo falls with the copies: {swept[0]:.3f} to {swept[-1]:.3f} nats",
            swept[-1] < swept[0] - 0.1,
        ),
    ]


def figure_6(curves: Curves) -> list[Claim]:
    plain, shipped = curves("6a", "ksg"), curves("6a", "ksg (npeet)")
    at = curves.positions("6a", "ksg")
    peak = at[plain.argmax()]
    claims = [
        (f"6a: ksg peaks near scale 1, at {peak:.2f}", 0.3 < peak < 3),
        (
            f"6a: ksg tends to 0 on both sides: {plain[0]:.3f}, {plain[-1]:.3f}",
            abs(plain[0]) < 0.05 and abs(plain[-1]) < 0.05,
        ),
        (
            f"6a: NPEET's radii, rounded away at large distances, give {shipped[-1]:.3f}: near "
            f"-1/k, as in print",
            abs(shipped[-1] + 1 / K) < 0.05,
        ),
        (
            f"6a: and agree with ksg at the smallest scale, to {abs(shipped[0] - plain[0]):.1e}",
            abs(shipped[0] - plain[0]) < 1e-9,
        ),
    ]
    for name in ("ksg-loc", "ksg-glo", "ksg-glo-Linf"):
        flat = _spread(curves("6a", name))
        claims.append((f"6a: {name} is flat, within {flat:.1e} nats", flat < 1e-3))
    error = curves("6c", "ksg")
    claims.append(
        (
            f"6c: the error of ksg grows away from scale 1: {error[0]:.3f}, {error.min():.3f}, "
            f"{error[-1]:.3f}",
            min(error[0], error[-1]) > 3 * error.min(),
        )
    )
    for name in ("ksg-loc", "ksg-glo", "ksg-glo-Linf"):
        values = curves("6c", name)
        claims.append((f"6c: that of {name} is at most {values.max():.3f}", values.max() < 0.1))
    return claims


def figure_7(curves: Curves) -> list[Claim]:
    truth = curves("7", "truth")
    plain = curves("7", "ksg")
    late = len(truth) // 2
    rise = truth[-1] - truth[late]
    claims = [
        (
            f"ksg saturates: over the second half it gains {plain[-1] - plain[late]:.3f} nats, "
            f"the truth {rise:.3f}",
            plain[-1] - plain[late] < 0.5 * rise,
        )
    ]
    for name in ("ksg-loc", "ksg-glo", "ksg-glo-Linf"):
        gap = float(np.abs(curves("7", name) - truth).max())
        claims.append((f"{name} follows the truth within {gap:.3f} nats", gap < 0.15))
    return claims


def mine_figure_2(curves: Curves) -> list[Claim]:
    half = len(curves("2", "mine")) // 2
    local, corrected = (
        float(curves("2", name)[half:].mean()) for name in ("mine-loc", "mine-glo-corr")
    )
    return [
        (f"mine-loc overestimates among noise: bias {local:+.3f} nats", local > 0),
        (
            f"more than mine-glo-corr, {corrected:+.3f} nats",
            local > corrected,
        ),
    ]


def mine_figure_5(curves: Curves) -> list[Claim]:
    last = {name: float(curves("5", name)[-3:].mean()) for name in ("mine", "mine-glo")}
    first = float(curves("5", "mine-glo")[:3].mean())
    return [
        (
            f"mine-glo falls with d: bias {first:+.3f} to {last['mine-glo']:+.3f} nats",
            last["mine-glo"] < first,
        ),
        (
            f"below mine in many dimensions: {last['mine-glo']:+.3f}, {last['mine']:+.3f} nats",
            last["mine-glo"] < last["mine"],
        ),
    ]


def mine_figure_6(curves: Curves) -> list[Claim]:
    claims = []
    plain = _spread(curves("6b", "mine"))
    for name in ("mine-loc", "mine-glo", "mine-glo-corr"):
        flat = _spread(curves("6b", name))
        claims.append(
            (f"6b: {name} moves by {flat:.3f} nats, mine by {plain:.3f}", flat < 0.5 * plain)
        )
    error = curves("6d", "mine")
    claims.append(
        (
            f"6d: the error of mine grows away from factor 1: {error.max():.3f} at most, "
            f"{error.min():.3f} at least",
            bool(error[0] > 1.5 * error.min()),
        )
    )
    return claims


MINE_CLAIMS: dict[int, Callable[[Curves], list[Claim]]] = {
    2: mine_figure_2,
    5: mine_figure_5,
    6: mine_figure_6,
}

CLAIMS: dict[int, Callable[[Curves], list[Claim]]] = {
    1: figure_1,
    3: figure_3,
    4: figure_4,
    6: figure_6,
    7: figure_7,
}
