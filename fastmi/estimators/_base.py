"""What an estimator is."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from fastmi._estimate import Estimate


@runtime_checkable
class MIEstimator(Protocol):
    """Estimates mutual information from paired samples."""

    def estimate(self, x: object, y: object) -> Estimate | list[Estimate]:
        """Return the estimate for x (n, dx) and y (n, dy); a list if k is a sequence."""
        ...


@runtime_checkable
class ConditionalEstimator(Protocol):
    """Estimates conditional mutual information from paired samples."""

    def estimate(self, x: object, y: object, z: object) -> Estimate | list[Estimate]:
        """Return the estimate for x, y given z; a list if k is a sequence."""
        ...


@runtime_checkable
class MultivariateEstimator(Protocol):
    """Estimates the dependence among several variables from paired samples."""

    def estimate(self, *variables: object) -> Estimate | list[Estimate]:
        """Return the estimate for two or more variables; a list if k is a sequence."""
        ...


@runtime_checkable
class EntropyEstimator(Protocol):
    """Estimates differential entropy from samples."""

    def estimate(self, x: object) -> Estimate | list[Estimate]:
        """Return the estimate for x (n, d); a list if k is a sequence."""
        ...
