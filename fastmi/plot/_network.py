"""Significant links between variables, as a network."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmi._checks import check_choice, check_real
from fastmi._extras import load
from fastmi.plot._axes import (
    array_of,
    check_axes,
    factor_of,
    field_of,
    inches,
    ink,
    labels_of,
    level_text,
    names_of,
    new_axes,
    say_in,
    significance,
    width_of,
)
from fastmi.plot._order import leaf_order

Floats = NDArray[np.float64]

# Links are numbered with their lags up to this many; more would lie on one another.
_MOST_LAGS = 60
# How far links bow, as a share of their length: two of opposite direction bow apart.
_BOW = 0.16
# Widths of links in points, of the smallest and the largest value.
_THIN, _THICK = 0.8, 3.6


class _Links(NamedTuple):
    """The significant links, the weakest first, so that strong ones lie above."""

    sources: NDArray[np.intp]
    targets: NDArray[np.intp]
    values: Floats
    lags: NDArray[np.int64] | None
    directed: bool


def network(
    result: Any,
    ax: Any = None,
    *,
    alpha: float = 0.05,
    layout: str = "circular",
    unit: str = "nats",
    cmap: str = "viridis_r",
) -> Any:
    """Draw the significant links of a network.

    Links are wider and darker the more information they carry. Those of a directed network are
    arrows from source to target that bow to their left, so that two of opposite direction are
    seen beside one another, and carry their lag near the source.

    Args:
        result: What :func:`fastmi.transfer_entropy_network` or :func:`fastmi.pairwise_mi` of one
            table returns, with p-values.
        ax: Axes to draw into; None for a new figure.
        alpha: Level up to which a q-value, or a p-value if there are no q-values, is significant.
        layout: "circular" puts linked variables near one another on a circle; "layered" puts
            sources to the left of their targets, where the links go round in no circle.
        unit: "nats" or "bits".
        cmap: Name of a colour map of matplotlib.

    Returns:
        The Axes; the links are ``ax.patches``.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError: `result` or an option is of the wrong type.
        ValueError: An option out of range; a result without p-values, or of two tables.
    """
    check_axes(ax)
    check_choice("layout", layout, ("circular", "layered"))
    alpha = check_real("alpha", alpha, 0.0, 1.0, ends="()")
    factor = factor_of(unit)
    directed = hasattr(result, "te")
    made_by = "fastmi.transfer_entropy_network or fastmi.pairwise_mi"
    frame = field_of(result, "te" if directed else "mi", "network", made_by)
    found = significance(result, "network", needed=True)
    assert found is not None
    values = array_of(frame) * factor
    labels = list(result.names) if directed else _labels_of_pairs(frame)
    links = _links(result, values, found[1], alpha, directed=directed)
    names = names_of(labels, 18)
    places = _circle(links, len(names)) if layout == "circular" else _layers(links, len(names))
    what = f"{'transfer entropy' if directed else 'mutual information'} ({unit})"
    if ax is None:
        side = min(3.6 + 0.16 * len(names), 9.5)
        margin = width_of(names, 9.0)
        ax = new_axes(side + 2 * margin + 1.0, side + (2 * margin if layout == "circular" else 0.0))
    ax.set_axis_off()
    level = level_text(found[0], alpha)
    count = len(links.values)
    kind = "link" if count == 1 else "links"
    ax.set_title(f"{count} significant {kind} ({level})")
    if not names:
        say_in(ax, "no variables")
        return ax
    ax.set_aspect("equal" if layout == "circular" else "auto")
    _nodes(ax, places, names, circular=layout == "circular")
    if not count:
        say_in(ax, f"no significant links\n({level})")
        return ax
    _draw(ax, links, places, cmap, what)
    return ax


def _labels_of_pairs(frame: Any) -> list[Any]:
    rows, columns = labels_of(frame)
    if rows != columns:
        raise ValueError(
            "plot.network() needs the pairs of one table; got those of two: plot.matrix() draws "
            "them"
        )
    return rows


def _links(result: Any, values: Floats, p: Floats, alpha: float, *, directed: bool) -> _Links:
    with np.errstate(invalid="ignore"):
        kept = (p <= alpha) & ~np.isnan(values)
    np.fill_diagonal(kept, False)
    if not directed:
        kept = np.triu(kept)
    sources, targets = np.nonzero(kept)
    order = np.argsort(values[sources, targets], kind="stable")
    sources, targets = sources[order], targets[order]
    lags = getattr(result, "lag", None) if directed else None
    return _Links(
        sources,
        targets,
        values[sources, targets],
        None if lags is None else array_of(lags)[sources, targets].astype(np.int64),
        directed,
    )


def _circle(links: _Links, count: int) -> Floats:
    """Return places on a circle, linked variables near one another."""
    distances = np.ones((count, count))
    largest = np.abs(links.values[np.isfinite(links.values)]).max(initial=0.0) or 1.0
    weights = 0.5 + 0.5 * np.clip(np.nan_to_num(links.values / largest, posinf=1.0), 0.0, 1.0)
    for source, target, weight in zip(links.sources, links.targets, weights, strict=True):
        near = min(distances[source, target], 1.0 - weight)
        distances[source, target] = distances[target, source] = near
    order = leaf_order(distances)
    angles = np.empty(count)
    angles[order] = 0.5 * np.pi - 2.0 * np.pi * np.arange(count) / max(count, 1)
    return np.column_stack([np.cos(angles), np.sin(angles)])


def _layers(links: _Links, count: int) -> Floats:
    """Return places in columns, each as far right as the longest path of links that leads to it.

    A link that closes a circle of links does not count, the weaker before the stronger.
    """
    followers: list[set[int]] = [set() for _ in range(count)]
    for source, target in zip(
        links.sources[::-1].tolist(), links.targets[::-1].tolist(), strict=True
    ):
        if not _leads(followers, target, source):
            followers[source].add(target)
    layer = np.zeros(count, dtype=int)
    waiting = np.zeros(count, dtype=int)
    for each in followers:
        for target in each:
            waiting[target] += 1
    ready = [node for node in range(count) if not waiting[node]]
    for node in ready:  # grows while it is read
        for target in sorted(followers[node]):
            layer[target] = max(layer[target], layer[node] + 1)
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    places = np.zeros((count, 2))
    neighbours: list[list[int]] = [[] for _ in range(count)]
    for source, each in enumerate(followers):
        for target in each:
            neighbours[target].append(source)
    for column in range(layer.max(initial=0) + 1):
        nodes = np.flatnonzero(layer == column).tolist()
        # Near the mean of those that lead to it: the fewest crossings that a sort can give.
        nodes.sort(key=lambda node: -_mean([places[each, 1] for each in neighbours[node]]))
        heights = np.linspace(1.0, -1.0, len(nodes)) if len(nodes) > 1 else np.zeros(1)
        # Columns are shifted, or links between outer ones would run through the inner.
        for node, height in zip(nodes, heights, strict=True):
            places[node] = column, height + 0.13 * (column % 2)
    return places


def _leads(followers: list[set[int]], start: int, end: int) -> bool:
    """Return whether a path of links leads from one variable to the other."""
    seen, waiting = {start}, [start]
    while waiting:
        node = waiting.pop()
        if node == end:
            return True
        fresh = followers[node] - seen
        seen |= fresh
        waiting += fresh
    return False


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _nodes(ax: Any, places: Floats, names: list[str], *, circular: bool) -> None:
    size = float(np.clip(260.0 / max(len(names), 1), 4.0, 11.0))
    ax.plot(*places.T, "o", markersize=size, color=ink(ax), zorder=3)
    points = float(np.clip(420.0 / max(len(names), 1), 6.5, 10.0))
    for (x, y), name in zip(places, names, strict=True):
        if circular:
            angle = math.degrees(math.atan2(y, x))
            left = abs(angle) > 90.5
            ax.text(
                1.07 * x,
                1.07 * y,
                name,
                rotation=angle + 180.0 if left else angle,
                rotation_mode="anchor",
                ha="right" if left else "left",
                va="center",
                fontsize=points,
            )
        else:
            ax.annotate(
                name,
                (x, y),
                xytext=(0, 0.6 * size + 2.0),
                textcoords="offset points",
                ha="center",
                fontsize=points,
            )
    if circular:
        ax.set_xlim(-1.1, 1.1)
        ax.set_ylim(-1.1, 1.1)
    else:
        low, high = places[:, 0].min(), places[:, 0].max()
        ax.set_xlim(low - 0.4, high + 0.4)
        ax.set_ylim(-1.25, 1.45)


def _draw(ax: Any, links: _Links, places: Floats, cmap: str, what: str) -> None:
    patches = load("matplotlib.patches", extra="plot", needed_by="plot.network()")
    colours = load("matplotlib.cm", extra="plot", needed_by="plot.network()")
    norms = load("matplotlib.colors", extra="plot", needed_by="plot.network()")
    finite = links.values[np.isfinite(links.values)]
    top = float(finite.max(initial=0.0)) or 1.0
    low = min(float(finite.min(initial=0.0)), 0.0)
    scale = colours.ScalarMappable(
        norms.Normalize(low, top),
        _darker(cmap, norms, load("matplotlib", extra="plot", needed_by="plot.network()")),
    )
    shares = np.clip(np.nan_to_num(links.values / top, posinf=1.0, neginf=0.0), 0.0, 1.0)
    node = float(np.clip(260.0 / len(places), 4.0, 11.0))
    labelled = links.lags is not None and len(links.values) <= _MOST_LAGS
    width, _ = inches(ax)
    for index, (source, target) in enumerate(zip(links.sources, links.targets, strict=True)):
        start, end = places[source], places[target]
        line = _THIN + (_THICK - _THIN) * shares[index]
        ax.add_patch(
            patches.FancyArrowPatch(
                start,
                end,
                arrowstyle="-|>" if links.directed else "-",
                connectionstyle=f"arc3,rad={_BOW if links.directed else 0.08}",
                mutation_scale=7.0 + 2.2 * line,
                shrinkA=0.5 * node + 1.0,
                shrinkB=0.5 * node + 1.0,
                linewidth=line,
                color=scale.to_rgba(min(links.values[index], top)),
                zorder=2,
            )
        )
        if labelled and links.lags is not None:
            ax.annotate(
                str(links.lags[index]),
                _on_arc(start, end, 0.3),
                ha="center",
                va="center",
                fontsize=7.5 if width > 3 else 6.0,
                zorder=4,
                bbox={
                    "boxstyle": "round,pad=0.12",
                    "facecolor": ax.figure.get_facecolor(),
                    "edgecolor": "none",
                    "alpha": 0.85,
                },
            )
    ax.figure.colorbar(scale, ax=ax, label=what, fraction=0.04, pad=0.02, shrink=0.6)
    if labelled:
        ax.text(
            0.0, 0.0, "numbers: lag in steps", transform=ax.transAxes, fontsize=8.0, va="bottom"
        )


def _darker(cmap: str, norms: Any, matplotlib: Any) -> Any:
    """Return a colour map without its lightest fifth, which is not seen as a line on white."""
    whole = matplotlib.colormaps[cmap]
    return norms.ListedColormap(whole(np.linspace(0.2, 1.0, 256)))


def _on_arc(start: Floats, end: Floats, share: float) -> tuple[float, float]:
    """Return a point of the curve of an arrow: a Bezier curve whose control point bows out."""
    x, y = end - start
    control = (start + end) / 2.0 + _BOW * np.array([y, -x])
    point = (1.0 - share) ** 2 * start + 2.0 * share * (1.0 - share) * control + share**2 * end
    return float(point[0]), float(point[1])
