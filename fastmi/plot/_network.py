"""Significant links between variables, as a network."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmi._checks import check_choice, check_integer, check_real
from fastmi._extras import load
from fastmi.plot._axes import (
    array_of,
    check_axes,
    colour_map,
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
    warned,
    width_of,
)
from fastmi.plot._order import leaf_order

Floats = NDArray[np.float64]

# Links are numbered with their lags up to this many; more would lie on one another.
_MOST_LAGS = 60
# How far links bow, as a share of their length; of two in opposite directions, one more and one
# less.
_BOW, _MORE, _LESS = 0.15, 0.35, 0.05
# Up to this many names on a circle are not turned.
_LEVEL = 12
# Widths of links in points, of the smallest and the largest value.
_THIN, _THICK = 0.8, 3.6


class _Links(NamedTuple):
    """The significant links, the weakest first, so that strong ones lie above."""

    sources: NDArray[np.intp]
    targets: NDArray[np.intp]
    values: Floats
    lags: NDArray[np.int64] | None
    directed: bool
    significant: int


def network(
    result: Any,
    ax: Any = None,
    *,
    alpha: float = 0.05,
    layout: str = "circular",
    most: int = 150,
    unit: str = "nats",
    cmap: str | None = None,
) -> Any:
    """Draw the significant links of a network.

    Links are wider and darker the more information they carry. Those of a directed network are
    arrows from source to target that carry their lag near the source; of two in opposite
    directions one bows more than the other.

    Args:
        result: What :func:`fastmi.transfer_entropy_network` or :func:`fastmi.pairwise_mi` of one
            table returns, with p-values.
        ax: Axes to draw into; None for a new figure.
        alpha: Level up to which a q-value, or a p-value if there are no q-values, is significant.
        layout: "circular" puts linked variables near one another on a circle; "layered" puts
            sources to the left of their targets, where the links go round in no circle.
        most: Largest number of links that are drawn, the strongest; the title says how many there
            are.
        unit: "nats" or "bits".
        cmap: Name of a colour map of matplotlib; None for "viridis", turned such that strong links
            stand out from the background.

    Returns:
        The Axes; the links are ``ax.patches``.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError: `result` or an option is of the wrong type.
        ValueError: An option out of range; a result without p-values, or of two tables.
    """
    check_axes(ax)
    check_choice("layout", layout, ("circular", "layered"))
    alpha = check_real("alpha", alpha, 0.0, 1.0, ends="(]")
    most = check_integer("most", most, 1)
    factor = factor_of(unit)
    colours = None if cmap is None else colour_map(cmap)
    directed = hasattr(result, "te")
    made_by = "fastmi.transfer_entropy_network or fastmi.pairwise_mi"
    frame = field_of(result, "te" if directed else "mi", "network", made_by)
    found = significance(result, "network", needed=True)
    assert found is not None
    values = array_of(frame) * factor
    labels = list(result.names) if directed else _labels_of_pairs(result, frame)
    links = _links(result, values, found[1] <= alpha, most, directed=directed)
    names = names_of(labels, 18)
    places = _circle(links, len(names)) if layout == "circular" else _layers(links, len(names))
    what = f"{'transfer entropy' if directed else 'mutual information'} ({unit})"
    if ax is None:
        side = min(3.6 + 0.16 * len(names), 9.5)
        margin = width_of(names, 9.0)
        turned = layout == "circular" and len(names) > _LEVEL
        ax = new_axes(side + 2 * margin + 1.0, side + (2 * margin if turned else 0.0))
    ax.set_axis_off()
    level = level_text(found[0], alpha)
    ax.set_title(_title(links, level) + warned(result, "pair"))
    if not names:
        say_in(ax, "no variables")
        return ax
    if layout == "circular":
        ax.set_aspect("equal")
        _name_on_circle(ax, places, names)
    else:
        _name_in_layers(ax, places, names)
    ax.plot(*places.T, "o", markersize=_size(ax, len(names)), color=ink(ax), zorder=3)
    if links.significant:
        colours = _standing_out(ax) if colours is None else colours
        _draw(ax, links, places, _bows(links, places, circular=layout == "circular"), colours, what)
    else:
        say_in(ax, f"no significant links\n({level})")
    return ax


def _standing_out(ax: Any) -> Any:
    """Return the colour map whose upper end differs most from the background."""
    to_rgb = load("matplotlib.colors", extra="plot", needed_by="plot.network()").to_rgb
    light_text = float(np.mean(to_rgb(ink(ax)))) > 0.5
    return colour_map("viridis" if light_text else "viridis_r")


def _title(links: _Links, level: str) -> str:
    count = links.significant
    title = f"{count} significant {'link' if count == 1 else 'links'} ({level})"
    if count > len(links.values):
        title = f"The strongest {len(links.values)} of {title}"
    return f"{title}\nnumbers: lag in steps" if _has_lags(links) else title


def _has_lags(links: _Links) -> bool:
    return links.lags is not None and 0 < len(links.values) <= _MOST_LAGS


def _labels_of_pairs(result: Any, frame: Any) -> list[Any]:
    rows, columns = labels_of(result, frame)
    if rows != columns:
        raise ValueError(
            "plot.network() needs the pairs of one table; got those of two: plot.matrix() draws "
            "them"
        )
    return rows


def _links(
    result: Any, values: Floats, significant: NDArray[np.bool_], most: int, *, directed: bool
) -> _Links:
    kept = significant & ~np.isnan(values)
    np.fill_diagonal(kept, False)
    if not directed:
        kept = np.triu(kept)
    sources, targets = np.nonzero(kept)
    order = np.argsort(values[sources, targets], kind="stable")[-most:]
    sources, targets = sources[order], targets[order]
    lags = getattr(result, "lag", None) if directed else None
    return _Links(
        sources,
        targets,
        values[sources, targets],
        None if lags is None else array_of(lags)[sources, targets].astype(np.int64),
        directed,
        int(kept.sum()),
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
        heights = np.linspace(1.0, -1.0, len(nodes)) if len(nodes) != 1 else np.zeros(1)
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


def _size(ax: Any, count: int) -> float:
    """Return the size of the dot of a variable in points."""
    return float(np.clip(min(260.0 / max(count, 1), 2.6 * min(inches(ax))), 3.0, 11.0))


def _name_on_circle(ax: Any, places: Floats, names: list[str]) -> None:
    """Write names around the circle, and leave room for them."""
    points = float(np.clip(420.0 / len(names), 6.5, 10.0))
    level = len(names) <= _LEVEL
    width, height = inches(ax)
    taken = width_of(names, points) + 0.15
    if level:
        # Names stand to the left and right of the circle.
        radius = min(height / 2.6, max(0.8 * width - 2.0 * taken, 0.3 * width) / 2.0)
        reach, top = 1.0 + taken / radius, 1.3
    else:
        # The colour bar takes some of the width.
        share = min(taken / (0.8 * min(width, height)), 0.33)
        reach = top = 1.0 / (1.0 - 2.0 * share)
    ax.set_xlim(-reach, reach)
    ax.set_ylim(-top, top)
    gap = 0.5 * _size(ax, len(names)) + 4.0
    for (x, y), name in zip(places, names, strict=True):
        angle = math.degrees(math.atan2(y, x))
        left = abs(angle) > 90.5
        side = "right" if left else "left"
        if level and abs(x) < 0.1:
            side = "center"
        ax.annotate(
            name,
            (x, y),
            xytext=(gap * x, gap * y),
            textcoords="offset points",
            rotation=0.0 if level else angle + 180.0 * left,
            rotation_mode="anchor",
            ha=side,
            va="center" if side != "center" else ("bottom" if y > 0.0 else "top"),
            fontsize=points,
        )


def _name_in_layers(ax: Any, places: Floats, names: list[str]) -> None:
    """Write names above the variables."""
    size = _size(ax, len(names))
    for place, name in zip(places, names, strict=True):
        ax.annotate(
            name,
            place,
            xytext=(0, 0.6 * size + 5.0),
            textcoords="offset points",
            ha="center",
            fontsize=float(np.clip(420.0 / len(names), 6.5, 10.0)),
            zorder=5,
            bbox=_backed(ax),
        )
    low, high = places[:, 0].min(), places[:, 0].max()
    ax.set_xlim(low - 0.4, high + 0.4)
    ax.set_ylim(-1.15, 1.35)


def _backed(ax: Any) -> dict[str, Any]:
    """Return the box behind text on links."""
    return {
        "boxstyle": "round,pad=0.1",
        "facecolor": ax.figure.get_facecolor(),
        "edgecolor": "none",
        "alpha": 0.8,
    }


def _bows(links: _Links, places: Floats, *, circular: bool) -> Floats:
    """Return how far each link bows, positive to the right of its direction.

    On a circle links bow to its middle, where they pass no other variable.
    """
    pairs = set(zip(links.sources.tolist(), links.targets.tolist(), strict=True))
    bows = np.empty(len(links.values))
    for index, (source, target) in enumerate(
        zip(links.sources.tolist(), links.targets.tolist(), strict=True)
    ):
        both = (target, source) in pairs
        start, end = places[source], places[target]
        if circular:
            # The middle lies to the right where start and end go clockwise.
            right = start[0] * end[1] - start[1] * end[0] < 0.0
            bow = (_MORE if source < target else _LESS) if both else _BOW
            bows[index] = bow if right else -bow
        else:
            # Links that pass a layer bow around what stands in it.
            bows[index] = _BOW if both else _LESS * abs(end[0] - start[0])
    return bows


def _draw(ax: Any, links: _Links, places: Floats, bows: Floats, cmap: Any, what: str) -> None:
    """Draw the links, their lags and a colour bar."""
    patches, mappables, colours = (
        load(f"matplotlib.{name}", extra="plot", needed_by="plot.network()")
        for name in ("patches", "cm", "colors")
    )
    finite = links.values[np.isfinite(links.values)]
    top = float(finite.max(initial=0.0)) or 1.0
    low = min(float(finite.min(initial=0.0)), 0.0)
    # Without its lightest fifth, which is not seen as a line on white.
    shades = colours.ListedColormap(cmap(np.linspace(0.2, 1.0, 256)))
    scale = mappables.ScalarMappable(colours.Normalize(low, top), shades)
    shares = np.clip(np.nan_to_num(links.values / top, posinf=1.0, neginf=0.0), 0.0, 1.0)
    node = _size(ax, len(places))
    width, _ = inches(ax)
    # At different places, or the lags of links side by side would cover one another.
    ways = (0.25, 0.35, 0.45, 0.3)
    for index, (source, target) in enumerate(zip(links.sources, links.targets, strict=True)):
        start, end = places[source], places[target]
        line = _THIN + (_THICK - _THIN) * shares[index]
        ax.add_patch(
            patches.FancyArrowPatch(
                start,
                end,
                arrowstyle="-|>" if links.directed else "-",
                connectionstyle=f"arc3,rad={bows[index]}",
                mutation_scale=7.0 + 2.2 * line,
                shrinkA=0.5 * node + 1.0,
                shrinkB=0.5 * node + 1.0,
                linewidth=line,
                color=scale.to_rgba(min(links.values[index], top)),
                zorder=2,
            )
        )
        if links.lags is not None and _has_lags(links):
            ax.annotate(
                str(links.lags[index]),
                _on_arc(ax, start, end, float(bows[index]), ways[index % len(ways)]),
                ha="center",
                va="center",
                fontsize=7.5 if width > 3 else 6.0,
                zorder=4,
                bbox=_backed(ax),
            )
    ax.figure.colorbar(scale, ax=ax, label=what, fraction=0.04, pad=0.02, shrink=0.6)


def _on_arc(ax: Any, start: Floats, end: Floats, bow: float, share: float) -> tuple[float, float]:
    """Return a point of the curve of an arrow: a Bezier curve whose control point bows out.

    It bows on paper, where a step along y may have another length than one along x.
    """
    width, height = inches(ax)
    stretch = 1.0
    if ax.get_aspect() == "auto":
        (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
        stretch = (height / (top - bottom)) / (width / (right - left))
    x, y = end - start
    control = (start + end) / 2.0 + bow * np.array([y * stretch, -x / stretch])
    point = (1.0 - share) ** 2 * start + 2.0 * share * (1.0 - share) * control + share**2 * end
    return float(point[0]), float(point[1])
