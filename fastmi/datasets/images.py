"""Pairs of small images whose shapes carry a known amount of information.

The normal distribution function turns correlated Gaussian variables into uniform ones. These are
the parameters of a shape, which is drawn on a raster. Each parameter can be computed from the
raster, so that no information is lost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastmi._checks import check_integer, check_real
from fastmi.datasets._base import Distribution, Floats, in_parts
from fastmi.datasets.uniform import CorrelatedUniform


@dataclass(frozen=True)
class BumpImages(Distribution):
    """Two images of a Gaussian bump each; the coordinates of their centres are correlated.

    The frame is the unit square, and the centre (a, b) is uniform in it. A pixel at (u, v) has the
    value ``exp(-((u - a)^2 + (v - b)^2) / (2 width^2))``. ``I = -log(1 - rho^2)``.

    Args:
        rho: Correlation of the Gaussian variables behind each coordinate, in (-1, 1).
        size: Number of pixels per side, at least 2; x and y have size^2 columns, row by row.
        width: Standard deviation of the bump, in sides of the frame, at least 0.05. A narrower
            bump would vanish between pixels.

    Raises:
        TypeError: A parameter has the wrong type.
        ValueError: A parameter is out of range.
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
        """Return the distribution with rho >= 0 whose mutual information is `mi` nats.

        Raises:
            TypeError: A parameter has the wrong type.
            ValueError: `mi` is negative, or so large that rho rounds to 1; an option is out of
                range.
        """
        return cls(CorrelatedUniform.from_mi(mi, 2).rho, size, width)

    @property
    def dims(self) -> tuple[int, int]:
        """Number of columns of x and of y: size^2 each."""
        return self.size**2, self.size**2

    @property
    def mutual_information(self) -> float:
        """I(X; Y) in nats, which is that of the centres."""
        return CorrelatedUniform(self.rho, 2).mutual_information

    def _draw(self, n: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        x, y = CorrelatedUniform(self.rho, 2).sample(n, rng)
        return self.render(x), self.render(y)

    def render(self, centers: Floats) -> Floats:
        """Return images (n, size^2) of bumps at `centers` (n, 2), vertical coordinates first."""
        pixel = (np.arange(self.size) + 0.5) / self.size

        def images(part: slice) -> Floats:
            apart = pixel - centers[part, :, None]
            return _outer(np.exp(-0.5 * (apart / self.width) ** 2))

        return in_parts(len(centers), self.size**2, images)


@dataclass(frozen=True)
class RectangleImages(Distribution):
    """Two images of a bright rectangle each; the four parameters of their sides are correlated.

    Each axis has two uniform parameters u and v. With m = 2/size the smallest side, the
    rectangle starts at s = u (1 - m) and has the side m + v (1 - m - s). The value of a pixel is
    the share of its area that is covered. Since a side is at least two pixels long, it covers
    some pixel in full, so that its two ends can be computed from the image.
    ``I = -2 log(1 - rho^2)``.

    Args:
        rho: Correlation of the Gaussian variables behind each parameter, in (-1, 1).
        size: Number of pixels per side, at least 4; x and y have size^2 columns, row by row.

    Raises:
        TypeError: A parameter has the wrong type.
        ValueError: A parameter is out of range.
    """

    rho: float
    size: int = 16

    def __post_init__(self) -> None:
        object.__setattr__(self, "rho", CorrelatedUniform(self.rho, 4).rho)
        object.__setattr__(self, "size", check_integer("size", self.size, 4))

    @classmethod
    def from_mi(cls, mi: float, size: int = 16) -> RectangleImages:
        """Return the distribution with rho >= 0 whose mutual information is `mi` nats.

        Raises:
            TypeError: A parameter has the wrong type.
            ValueError: `mi` is negative, or so large that rho rounds to 1; `size` is out of range.
        """
        return cls(CorrelatedUniform.from_mi(mi, 4).rho, size)

    @property
    def dims(self) -> tuple[int, int]:
        """Number of columns of x and of y: size^2 each."""
        return self.size**2, self.size**2

    @property
    def mutual_information(self) -> float:
        """I(X; Y) in nats, which is that of the four parameters."""
        return CorrelatedUniform(self.rho, 4).mutual_information

    def _draw(self, n: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        x, y = CorrelatedUniform(self.rho, 4).sample(n, rng)
        return self.render(x), self.render(y)

    def render(self, parameters: Floats) -> Floats:
        """Return images (n, size^2) of `parameters` (n, 4): u and v of the rows come first."""
        least = 2.0 / self.size
        edges = np.arange(self.size + 1) / self.size

        def images(part: slice) -> Floats:
            start = parameters[part, 0::2] * (1.0 - least)
            stop = start + least + parameters[part, 1::2] * (1.0 - least - start)
            covered = np.clip(edges, start[:, :, None], stop[:, :, None])
            return _outer(np.diff(covered, axis=2) * self.size)

        return in_parts(len(parameters), self.size**2, images)


def _outer(profiles: Floats) -> Floats:
    """Return the products of row and column profiles (n, 2, size) as images (n, size^2)."""
    images: Floats = profiles[:, 0, :, None] * profiles[:, 1, None, :]
    return images.reshape(len(profiles), -1)
