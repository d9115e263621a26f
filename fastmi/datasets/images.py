"""Pairs of small images whose shapes carry a known amount of information.

A correlated Gaussian becomes, through Phi, uniform parameters of a shape, and the shape a raster.
Each parameter can be read off the raster, so that no information is lost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastmi._checks import check_integer, check_real
from fastmi.datasets._base import Distribution, Floats
from fastmi.datasets.uniform import CorrelatedUniform


@dataclass(frozen=True)
class BumpImages(Distribution):
    """Two images of a Gaussian bump; the two coordinates of their centres are correlated.

    A pixel at (u, v) holds ``exp(-((u - a)^2 + (v - b)^2) / (2 width^2))``, with the frame as
    the unit square and (a, b) uniform in it. ``I = -log(1 - rho^2)``.

    Args:
        rho: Correlation of the Gaussians behind each coordinate, in (-1, 1).
        size: Pixels per side, at least 2; x and y have size^2 columns, row by row.
        width: Standard deviation of the bump over the side of the frame, at least 0.05 (a
            narrower one would vanish between pixels).

    Raises:
        TypeError: Not numbers of their kind.
        ValueError: Out of range.
    """

    rho: float
    size: int = 16
    width: float = 0.2

    def __post_init__(self) -> None:
        object.__setattr__(self, "rho", CorrelatedUniform(self.rho, 2).rho)
        object.__setattr__(self, "size", check_integer("size", self.size, 2))
        object.__setattr__(self, "width", check_real("width", self.width, 0.05))

    @classmethod
    def from_mi(cls, mi: float, size: int = 16, width: float = 0.2) -> BumpImages:
        """Return the one with rho >= 0 whose mutual information is `mi` nats.

        Raises:
            TypeError: Not numbers of their kind.
            ValueError: Negative, or so large that rho rounds to 1; options out of range.
        """
        return cls(CorrelatedUniform.from_mi(mi, 2).rho, size, width)

    @property
    def dims(self) -> tuple[int, int]:
        """size^2 columns each."""
        return self.size**2, self.size**2

    @property
    def mutual_information(self) -> float:
        """I(X; Y) in nats, that of the centres."""
        return CorrelatedUniform(self.rho, 2).mutual_information

    def _draw(self, n: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        x, y = CorrelatedUniform(self.rho, 2).sample(n, rng)
        return self.render(x), self.render(y)

    def render(self, centers: Floats) -> Floats:
        """Return the images of bumps at `centers` (n, 2), rows first; shape (n, size^2)."""
        pixel = (np.arange(self.size) + 0.5) / self.size
        profile = np.exp(-0.5 * ((pixel - centers[:, :, None]) / self.width) ** 2)
        return _outer(profile)


@dataclass(frozen=True)
class RectangleImages(Distribution):
    """Two images of a bright rectangle; the four parameters of their sides are correlated.

    Along each axis, of two uniform parameters u and v the rectangle starts at u (1 - m) and
    takes the share v of what is left beyond its least side m = 2/size. A pixel holds the share
    of its area that is covered; with sides of two pixels or more one is covered in full, which
    makes both ends readable. ``I = -2 log(1 - rho^2)``.

    Args:
        rho: Correlation of the Gaussians behind each parameter, in (-1, 1).
        size: Pixels per side, at least 4; x and y have size^2 columns, row by row.

    Raises:
        TypeError: Not numbers of their kind.
        ValueError: Out of range.
    """

    rho: float
    size: int = 16

    def __post_init__(self) -> None:
        object.__setattr__(self, "rho", CorrelatedUniform(self.rho, 4).rho)
        object.__setattr__(self, "size", check_integer("size", self.size, 4))

    @classmethod
    def from_mi(cls, mi: float, size: int = 16) -> RectangleImages:
        """Return the one with rho >= 0 whose mutual information is `mi` nats.

        Raises:
            TypeError: Not numbers of their kind.
            ValueError: Negative, or so large that rho rounds to 1; `size` out of range.
        """
        return cls(CorrelatedUniform.from_mi(mi, 4).rho, size)

    @property
    def dims(self) -> tuple[int, int]:
        """size^2 columns each."""
        return self.size**2, self.size**2

    @property
    def mutual_information(self) -> float:
        """I(X; Y) in nats, that of the four parameters."""
        return CorrelatedUniform(self.rho, 4).mutual_information

    def _draw(self, n: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        x, y = CorrelatedUniform(self.rho, 4).sample(n, rng)
        return self.render(x), self.render(y)

    def render(self, parameters: Floats) -> Floats:
        """Return the images of `parameters` (n, 4): u, v of the rows, u, v of the columns."""
        least = 2.0 / self.size
        start = parameters[:, 0::2] * (1.0 - least)
        stop = start + least + parameters[:, 1::2] * (1.0 - least - start)
        edges = np.arange(self.size + 1) / self.size
        covered = np.clip(edges, start[:, :, None], stop[:, :, None])
        return _outer(np.diff(covered, axis=2) * self.size)


def _outer(profiles: Floats) -> Floats:
    """Return the products of row and column profiles (n, 2, size) as images (n, size^2)."""
    images: Floats = profiles[:, 0, :, None] * profiles[:, 1, None, :]
    return images.reshape(len(profiles), -1)
