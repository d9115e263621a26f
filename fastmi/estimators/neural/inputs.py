"""What is done to each column before a network sees it: an increasing map, set by training samples.

Mutual information does not change under invertible maps of single columns, but a network does:
its step size and its initial weights suit numbers of order one. All maps are applied in float64,
so that an offset does not round away what varies before the network's float32 sees it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fastmi._cautions import Caution
from fastmi._spread import extent, near_origin, spread, varying
from fastmi.normalize import RANKS, normalize_blocks

__all__ = ["INPUTS", "InputMap"]

Array = NDArray[Any]
Floats = NDArray[np.float64]

INPUTS = ("auto", "standard", "asinh", "scores", "none")

# A column has heavy tails if its largest distance from the median exceeds this many times its
# spread, which is the deviation of a normal column with the same quartiles. Among 10 000 samples
# the largest distance is about 4 for normal columns, 9 for Laplace columns and 100 for the cubes
# of normal columns; bench/bench_neural_defaults.py --margins measures what the squash does to
# estimates on them.
_HEAVY = 10.0
# Distance of the quartiles of a standard normal variable.
_QUARTILES = 1.3489795003921634
# Normal scores are a line between so many training samples, at most so many lines.
_SAMPLES_PER_BEND = 25
_MOST_BENDS = 128
_CLOSEST = 1e-290
# Normalisations that give all columns of a variable one scale, which must stay as it is.
_COMMON_SCALE = ("global", "global-linf", "global-corrected")


class InputMap(nn.Module):
    """An increasing map of each column of one variable, in float64.

    Columns far from the origin are moved near to it. Three stages follow: heavy tails are squashed
    by ``s asinh((x - m) / s)`` with the median m and the spread s; a normalisation follows if the
    user chose one; last, the mean of the training samples becomes 0 and their standard deviation 1,
    except that a normalisation to a common scale keeps it. Columns that are constant among the
    training samples become 0.

    Attributes:
        dims: Number of columns that :meth:`forward` takes.
    """

    columns: Tensor
    origin: Tensor
    size: Tensor
    median: Tensor
    spread: Tensor
    heavy: Tensor
    factor: Tensor
    center: Tensor
    scale: Tensor

    def __init__(self, dims: int) -> None:
        super().__init__()
        self.dims = dims
        self.register_buffer("columns", torch.arange(dims))
        for name, value in (
            ("origin", 0.0),
            ("size", 1.0),
            ("median", 0.0),
            ("spread", 1.0),
            ("factor", 1.0),
            ("center", 0.0),
            ("scale", 1.0),
        ):
            self.register_buffer(name, torch.full((dims,), value, dtype=torch.float64))
        self.register_buffer("heavy", torch.zeros(dims, dtype=torch.bool))
        self.grid = 0.0
        # Values before and after a normalisation by ranks, one pair of vectors for each column.
        self.knots: list[tuple[Floats, Floats]] = []
        # Values and normal scores between which the line to those runs, for each column.
        self.bends: list[tuple[Tensor, Tensor]] = []

    @classmethod
    def joined(cls, maps: Sequence[InputMap]) -> InputMap:
        """Return the map of the columns of all `maps`, one after the other."""
        made = cls(sum(one.dims for one in maps))
        for name, _ in list(made.named_buffers(recurse=False)):
            if name != "columns":
                setattr(made, name, torch.cat([getattr(one, name) for one in maps]))
        made.grid = maps[0].grid
        made.knots = [pair for one in maps for pair in one.knots]
        made.bends = [pair for one in maps for pair in one.bends]
        return made

    def forward(self, x: Tensor) -> Tensor:
        """Return the columns as the network sees them, float64, of x (m, dims)."""
        x = x.double()[:, self.columns]
        squashed = self._squash((x - self.origin) / self.size)
        if self.knots:
            squashed = torch.stack(
                [
                    torch.from_numpy(np.interp(column.cpu().numpy(), *knots)).to(x.device)
                    for column, knots in zip(squashed.T, self.knots, strict=True)
                ],
                1,
            )
        mapped = (self._bent(squashed)[0] * self.factor - self.center) / self.scale
        return torch.round(mapped / self.grid) * self.grid if self.grid else mapped

    def log_slope(self, x: Tensor) -> Tensor:
        """Return the sum over the columns of log |dz/dx|, shape (m,), of x (m, dims).

        What a normalisation of the user's choice did does not count.
        """
        moved = (x.double()[:, self.columns] - self.origin) / self.size
        u = (moved - self.median) / self.spread
        # log1p(u^2) / 2 by hypot, which does not overflow.
        slopes = torch.where(self.heavy, -torch.hypot(u, torch.ones_like(u)).log(), 0.0).sum(1)
        slopes = slopes + self._bent(self._squash(moved))[1].log().sum(1)
        live = self.factor != 0.0
        return slopes - torch.where(live, self.scale.log() + self.size.log(), 0.0).sum()

    def keep(self, kept: Tensor) -> None:
        """Leave out the columns where `kept` (dims,) is false."""
        for name, buffer in list(self.named_buffers(recurse=False)):
            setattr(self, name, buffer[kept.to(buffer.device)])
        for name in ("knots", "bends"):
            pairs = zip(getattr(self, name), kept.tolist(), strict=False)
            setattr(self, name, [pair for pair, stays in pairs if stays])

    def _squash(self, x: Tensor) -> Tensor:
        squashed = self.spread * torch.asinh((x - self.median) / self.spread)
        return torch.where(self.heavy, squashed, x)

    def _bent(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the normal scores of the columns and their slopes, or the columns and ones."""
        if not self.bends:
            return x, torch.ones_like(x)
        scores, slopes = [], []
        for column, pair in zip(x.T, self.bends, strict=True):
            values, images = (one.to(x.device) for one in pair)
            rises = images.diff() / values.diff()
            # The first and the last line go on beyond their ends.
            line = torch.searchsorted(values, column.contiguous()).clamp(1, len(rises)) - 1
            scores.append(images[line] + (column - values[line]) * rises[line])
            slopes.append(rises[line])
        return torch.stack(scores, 1), torch.stack(slopes, 1)


def make_map(
    block: Array,
    training: Array,
    name: str,
    *,
    inputs: str,
    normalize: str | None,
    grid: float,
) -> tuple[InputMap, Floats, tuple[Caution, ...]]:
    """Return the map of one variable, the mapped samples, and what normalising warns of.

    Args:
        block: All samples of the variable, shape (n, d), finite.
        training: Numbers of the rows whose statistics set the map. A normalisation takes those
            of all rows.
        name: Name of the variable, for messages.
        inputs: One of :data:`INPUTS`.
        normalize: None, or the name of a normalisation.
        grid: Mapped samples are rounded to multiples of this; 0 for no rounding.

    Raises:
        ValueError: The normalisation cannot be done.
    """
    made = InputMap(block.shape[1])
    if inputs != "none" or normalize is not None:
        block, origin = _moved(block)
        made.origin = torch.from_numpy(origin)
    wide = block.astype(np.float64)
    if inputs != "none" and normalize is None:
        # A power of two, which rounds nothing, keeps squares within the range of float64.
        largest = np.abs(wide[training]).max(axis=0)
        made.size = torch.from_numpy(np.ldexp(1.0, np.frexp(largest)[1] - 1))
        wide = wide / made.size.numpy()
    # What ranks turn into has no heavy tails.
    if inputs in ("auto", "asinh", "scores") and normalize not in RANKS:
        median, spread, heavy = _tails(wide[training], always=inputs == "asinh")
        made.median, made.spread = torch.from_numpy(median), torch.from_numpy(spread)
        made.heavy = torch.from_numpy(heavy)
        wide = np.where(heavy, made._squash(torch.from_numpy(wide)).numpy(), wide)
    found: tuple[Caution, ...] = ()
    if inputs == "scores" and normalize is None:
        made.bends = [_bends(column) for column in wide[training].T]
        wide = made._bent(torch.from_numpy(wide))[0].numpy()
    if normalize is not None:
        # Where nothing was squashed the samples go in as they came, float32 ones included.
        source = wide if bool(made.heavy.any()) else block
        (scaled,), found = normalize_blocks([source], [name], normalize)
        before, wide = wide, scaled.astype(np.float64)
        if normalize in RANKS:
            made.knots = [_knots(old, new) for old, new in zip(before.T, wide.T, strict=True)]
        else:
            made.factor = torch.from_numpy(_factors(before, wide, name))
    if inputs != "none":
        _center(made, wide[training], keeps_scale=normalize in _COMMON_SCALE)
        live = (made.factor != 0.0).numpy()
        wide = np.where(live, (wide - made.center.numpy()) / made.scale.numpy(), 0.0)
        made.grid = grid
    if made.grid:
        wide = np.round(wide / made.grid) * made.grid
    return made, wide, found


def _moved(block: Array) -> tuple[Array, Floats]:
    """Return the columns near the origin, and what was subtracted from each.

    Quotients of columns far from it would round away what they tell. Those that vary no more than
    their rounding become 0.
    """
    ends = extent(block)
    if not ends.far.any():
        return block, np.zeros(block.shape[1])
    varies = spread(block).varies
    origin = np.where(ends.far, block[0], 0.0).astype(np.float64)
    return np.where(varies, near_origin(block, ends), 0), origin


def _tails(wide: Floats, *, always: bool) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Return the median and the spread of each column, and whether its tails are heavy."""
    low, median, high = np.quantile(wide, [0.25, 0.5, 0.75], axis=0)
    distance = np.abs(wide - median)
    spread = (high - low) / _QUARTILES
    for column in np.flatnonzero(spread == 0.0):
        # Half of the samples share one value: the others say how large the column's unit is.
        away = distance[distance[:, column] > 0.0, column]
        spread[column] = np.median(away) if away.size else 1.0
    farthest = distance.max(axis=0)
    heavy = farthest > 0.0 if always else farthest > _HEAVY * spread
    return median, spread, heavy


def _center(made: InputMap, wide: Floats, *, keeps_scale: bool) -> None:
    """Set mean and deviation of the training samples `wide`, and leave constant columns out."""
    # Differences to the first sample, because the mean of columns far from the origin rounds.
    first = wide[0]
    mean = first + (wide - first).mean(axis=0)
    deviation = np.sqrt(np.square(wide - mean).mean(axis=0))
    varies = varying(wide, deviation, np.abs(wide).max(axis=0))
    made.center = torch.from_numpy(np.where(varies, mean, 0.0))
    if not keeps_scale:
        made.scale = torch.from_numpy(np.where(varies, deviation, 1.0))
    made.factor = torch.where(torch.from_numpy(varies), made.factor, 0.0)


def _bends(column: Floats) -> tuple[Tensor, Tensor]:
    """Return values of a column, rising, and their normal scores, between which lines can run.

    Equal samples share the score of their mean rank. A column of a single value maps onto itself.
    """
    n = len(column)
    ordered = np.sort(column)
    lines = min(_MOST_BENDS, max(n // _SAMPLES_PER_BEND, 1))
    places = np.append(((np.arange(lines) + 0.5) * n / lines).astype(np.int64), [0, n - 1])
    values = np.unique(ordered[places])
    # The slope between closer values would overflow.
    values = values[np.append(True, np.diff(values) > _CLOSEST)]
    if len(values) == 1:
        unbent = torch.from_numpy(values[0] + np.arange(2.0))
        return unbent, unbent
    first, last = (np.searchsorted(ordered, values, side) for side in ("left", "right"))
    scores = torch.special.ndtri(torch.from_numpy((first + last) / (2.0 * n)))
    return torch.from_numpy(values), scores


def _knots(before: Floats, after: Floats) -> tuple[Floats, Floats]:
    """Return the distinct values of a column, sorted, with what a normalisation made of them."""
    values, first = np.unique(before, return_index=True)
    return values, after[first]


def _factors(before: Floats, after: Floats, name: str) -> Floats:
    """Return by what a normalisation multiplied each column, read at its largest magnitude.

    Raises:
        ValueError: A factor overflows.
    """
    rows = np.abs(before).argmax(axis=0)
    columns = np.arange(before.shape[1])
    old, new = before[rows, columns], after[rows, columns]
    # Subnormal columns have factors that overflow, which are refused.
    with np.errstate(over="ignore"):
        factors = np.where(old != 0.0, new / np.where(old != 0.0, old, 1.0), 1.0)
    if not np.isfinite(factors).all():
        raise ValueError(
            f"{name} must be large enough to be normalized; got a column of at most "
            f"{np.abs(old)[~np.isfinite(factors)].min():.3g}: rescale the columns"
        )
    return factors
