"""Distributions behind invertible maps of x and of y: the margins change, the information stays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from fastmi._checks import check_choice
from fastmi.datasets._base import Distribution, Floats, check_distribution
from fastmi.datasets._special import normal_cdf
from fastmi.datasets.transforms import cube, logistic

Map: TypeAlias = "str | Callable[[Floats], Floats] | None"


def half_cube(x: Floats) -> Floats:
    """Return sign(x) |x|^(3/2) elementwise."""
    return x * np.sqrt(np.abs(x))


MAPS: dict[str, Callable[[Floats], Floats]] = {
    "arcsinh": np.arcsinh,
    "cube": cube,
    "exp": np.exp,
    "half-cube": half_cube,
    "log": np.log,
    "logistic": logistic,
    "normal-cdf": normal_cdf,
}


@dataclass(frozen=True)
class Mapped(Distribution):
    """Another distribution with x, y or both passed through an injective map.

    Args:
        base: Distribution of the samples before the maps.
        x: Name of an elementwise bijection ("arcsinh", "cube", "exp", "half-cube", "log",
            "logistic", "normal-cdf"), a function of an array (n, dx) that returns an array
            with n rows, or None for no map. Nothing checks that a function is injective.
        y: The same for y.

    Raises:
        TypeError: `base` is not a distribution.
        ValueError: The name of a map is unknown.
    """

    base: Distribution
    x: Map = None
    y: Map = None

    def __post_init__(self) -> None:
        check_distribution("base", self.base)
        for name, given in (("x", self.x), ("y", self.y)):
            if given is not None and not callable(given):
                check_choice(name, given, MAPS)

    @property
    def dims(self) -> tuple[int, int]:
        """Number of columns of x and of y, after the maps."""
        x, y = self.sample(2, 0)
        return x.shape[1], y.shape[1]

    @property
    def mutual_information(self) -> float:
        """I(X; Y) in nats, which is that of `base`."""
        return self.base.mutual_information

    def _draw(self, n: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        x, y = self.base.sample(n, rng)
        return _through(self.x, x), _through(self.y, y)


def _through(given: Map, values: Floats) -> Floats:
    if given is None:
        return values
    return MAPS[given](values) if isinstance(given, str) else given(values)
