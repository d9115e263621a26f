"""Heat map of the information of all pairs of columns."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmi._checks import check_choice, check_flag, check_real
from fastmi.plot._axes import (
    array_of,
    check_axes,
    colour_map,
    factor_of,
    field_of,
    inches,
    labels_of,
    level_text,
    names_of,
    new_axes,
    say_in,
    significance,
    text_of,
    thinned,
    warned,
    width_of,
)
from fastmi.plot._order import cluster_order, profile_order

Floats = NDArray[np.float64]

# Inches: of a cell, if there is room; of the longest side; of a colour bar and its label.
_CELL, _LONGEST_SIDE, _BAR = 0.42, 10.0, 1.0
# Cells at least this large have their value written into them, or a mark of significance.
_WRITTEN, _MARKED = 0.36, 0.07
# Data whose sides differ by more than this are drawn with cells that are no squares.
_MOST_OBLONG = 4.0


def matrix(
    result: Any,
    ax: Any = None,
    *,
    value: str = "mi",
    order: str = "clustered",
    unit: str = "nats",
    alpha: float = 0.05,
    only_significant: bool = False,
    write_values: bool | None = None,
    vmax: float | None = None,
    cmap: str = "viridis",
) -> Any:
    """Draw a heat map of all pairs of columns.

    Pairs without a value are grey: the diagonal, and columns that were left out. A colour bar with
    a pointed end says that values lie beyond it. If the result has p-values, the title says how
    many pairs are significant, and a star or dot marks each, where cells are large enough.

    Args:
        result: What :func:`fastmi.pairwise_mi` returns.
        ax: Axes to draw into; None for a new figure.
        value: "mi", or "normalized" for the form that was asked for with ``normalized=``.
        order: "clustered" puts columns side by side that share information: leaves of average
            linkage of 1 - sqrt(1 - exp(-2 I)), or of 1 - the normalised form. With two tables,
            rows and columns are each ordered by the distance of their values. "given" keeps the
            order of the table.
        unit: "nats" or "bits".
        alpha: Level up to which a q-value, or a p-value if there are no q-values, is significant.
        only_significant: Whether pairs that are not significant are grey.
        write_values: Whether values are written into the cells; None where they fit.
        vmax: Value at the upper end of the colours; None for the largest one.
        cmap: Name of a colour map of matplotlib.

    Returns:
        The Axes.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError: `result` or an option is of the wrong type.
        ValueError: An option out of range; ``value="normalized"`` or `only_significant` for a
            result that has no such values.
    """
    check_axes(ax)
    check_choice("value", value, ("mi", "normalized"))
    check_choice("order", order, ("clustered", "given"))
    check_flag("only_significant", only_significant)
    alpha = check_real("alpha", alpha, 0.0, 1.0, ends="()")
    factor = factor_of(unit)
    colours = colour_map(cmap)
    if vmax is not None:
        vmax = check_real("vmax", vmax, 0.0, ends="(]")
    frame = field_of(result, value, "matrix", "fastmi.pairwise_mi")
    if frame is None:
        raise ValueError(
            "value='normalized' needs a normalised form, and the result has none: make it with "
            "normalized='correlation'"
        )
    found = significance(result, "matrix", needed=only_significant)
    labels = labels_of(result, frame)
    values = array_of(frame)
    bounded = value == "normalized"
    symmetric = _is_symmetric(values, labels)
    places = _order(values, order, symmetric=symmetric, bounded=bounded)
    shown = values[np.ix_(*places)] * (1.0 if bounded else factor)
    names = [
        names_of([own[place] for place in kept]) for own, kept in zip(labels, places, strict=True)
    ]
    marked = None if found is None else found[1][np.ix_(*places)] <= alpha
    if only_significant and marked is not None:
        shown = np.where(marked, shown, np.nan)
    if ax is None:
        ax = _new_axes(shown.shape, names)
    what = "normalised mutual information" if bounded else f"mutual information ({unit})"
    title = f"{what[0].upper()}{what[1:]}"
    if found is not None and marked is not None:
        marked &= ~np.isnan(values[np.ix_(*places)])
        level = level_text(found[0], alpha)
        title = _title(values, found[1], int(marked.sum()), symmetric, level)
    title += warned(result, "pair")
    if not shown.size:
        ax.set_title(title)
        say_in(ax, "no pairs")
        return ax
    image = _heat(ax, shown, colours, vmax, what)
    cells = _cells(ax, shown.shape)
    _name_axes(ax, names)
    written = min(cells) >= _WRITTEN if write_values is None else write_values
    mark = ""
    if written:
        mark = "*: "
        _write(ax, image, shown, marked, min(cells))
    elif marked is not None and not only_significant and min(cells) >= _MARKED:
        mark = "•: "
        _mark(ax, image, shown, marked, min(cells))
    ax.set_title(title.replace("(", f"({mark}", 1) if marked is not None else title)
    return ax


def _is_symmetric(values: Floats, labels: tuple[list[Hashable], list[Hashable]]) -> bool:
    """Return whether rows and columns are the same columns of one table."""
    square = values.shape[0] == values.shape[1] and labels[0] == [*labels[1]]
    return bool(
        square
        and np.isnan(np.diagonal(values)).all()
        and np.array_equal(values, values.T, equal_nan=True)
    )


def _order(
    values: Floats, order: str, *, symmetric: bool, bounded: bool
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    if order == "given":
        return np.arange(values.shape[0]), np.arange(values.shape[1])
    if symmetric:
        both = cluster_order(values, bounded=bounded)
        return both, both
    return profile_order(values, bounded=bounded), profile_order(values.T, bounded=bounded)


def _new_axes(shape: tuple[int, ...], names: list[list[str]]) -> Any:
    """Return the Axes of a figure whose heat map has square cells, unless it is very oblong."""
    cell = min(_CELL, _LONGEST_SIDE / max(*shape, 1))
    height, width = (max(count * cell, 1.6) for count in shape)
    labels = [width_of(own, 10.0 if cell > 0.15 else 6.0) for own in names]
    return new_axes(max(width + labels[0] + _BAR + 0.3, 4.0), max(height + labels[1] + 0.6, 2.4))


def _title(values: Floats, p: Floats, marked: int, symmetric: bool, level: str) -> str:
    tested = int((~np.isnan(p) & ~np.isnan(values)).sum())
    halves = 2 if symmetric else 1
    return f"{marked // halves} of {tested // halves} pairs significant ({level})"


def _heat(ax: Any, shown: Floats, colours: Any, vmax: float | None, what: str) -> Any:
    """Draw the cells and their colour bar."""
    finite = shown[np.isfinite(shown)]
    top = float(finite.max(initial=0.0)) if vmax is None else vmax
    # Without information anywhere, all cells have the colour of zero.
    top = top if top > 0.0 else 1.0
    oblong = max(shown.shape) > _MOST_OBLONG * min(shown.shape)
    image = ax.imshow(
        np.ma.masked_invalid(np.where(np.isinf(shown), np.sign(shown) * 2.0 * top, shown)),
        cmap=colours.with_extremes(bad="#D9D9D9"),
        vmin=0.0,
        vmax=top,
        aspect="auto" if oblong else "equal",
        interpolation="nearest",
    )
    above, below = bool((shown > top).any()), bool((shown < -0.01 * top).any())
    extend = {(True, True): "both", (True, False): "max", (False, True): "min"}
    ax.figure.colorbar(
        image,
        ax=ax,
        label=what,
        extend=extend.get((above, below), "neither"),
        # As wide as text is high, however high the bar is.
        aspect=max(20.0, 5.0 * inches(ax)[1]),
        fraction=0.05,
        pad=0.02,
    )
    return image


def _cells(ax: Any, shape: tuple[int, ...]) -> tuple[float, float]:
    """Return the height and width of a cell in inches."""
    width, height = inches(ax)
    cells = height / shape[0], width / shape[1]
    return (min(cells), min(cells)) if ax.get_aspect() != "auto" else cells


def _name_axes(ax: Any, names: list[list[str]]) -> None:
    cells = _cells(ax, (len(names[0]), len(names[1])))
    rows, columns = (
        (*thinned(len(own), cell * len(own)), own) for own, cell in zip(names, cells, strict=True)
    )
    step, size, own = rows
    ax.set_yticks(range(0, len(own), step), labels=own[::step], fontsize=size)
    step, size, own = columns
    ax.set_xticks(range(0, len(own), step), labels=own[::step], fontsize=size)
    for tick in ax.get_xticklabels():
        tick.set(rotation=90, ha="center", va="top")
    ax.tick_params(length=2 if step == 1 else 3)
    for side in ax.spines.values():
        side.set_visible(False)


def _ink_on(image: Any, shown: Floats) -> NDArray[np.bool_]:
    """Return where cells are light, so that dark text can be read there."""
    rgb = image.to_rgba(np.nan_to_num(shown, posinf=image.norm.vmax, neginf=0.0))[..., :3]
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    # Contrast with black exceeds that with white from this luminance on (WCAG 2).
    return np.asarray(linear @ [0.2126, 0.7152, 0.0722] > 0.179)


def _write(ax: Any, image: Any, shown: Floats, marked: Any, cell: float) -> None:
    """Write values into the cells, with a star where a pair is significant."""
    light = _ink_on(image, shown)
    # Values that are all small need more digits.
    digits = 3 if image.norm.vmax < 0.1 else 2
    for (row, column), number in np.ndenumerate(shown):
        if not np.isnan(number):
            star = "*" if marked is not None and marked[row, column] else ""
            ax.text(
                column,
                row,
                f"{text_of(number, digits)}{star}",
                ha="center",
                va="center",
                fontsize=min(72.0 * cell / 4.2, 9.0),
                color="black" if light[row, column] else "white",
            )


def _mark(ax: Any, image: Any, shown: Floats, marked: Any, cell: float) -> None:
    """Put a dot into the cells of significant pairs."""
    light = _ink_on(image, shown)
    for on, colour in ((light, "black"), (~light, "white")):
        rows, columns = np.nonzero(marked & on & ~np.isnan(shown))
        ax.scatter(
            columns, rows, s=(72.0 * cell * 0.2) ** 2, color=colour, linewidths=0, marker="o"
        )
