"""Log importance weights from users' callables, checked and summed up in chunks in float64."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastmi._checks import check_integer
from fastmi._extras import Progress, ProgressBar
from fastmi.bounds._arrays import Array, Random, as_float64, device_of, is_tensor, library
from fastmi.bounds._logsumexp import RunningLogMeanExp
from fastmi.bounds._model import Conditional

# Float64 numbers per array of one chunk. On the CPU the arrays stay in the cache of a core; on a
# GPU, whose kernels need many rows at once, they take 64 MB.
_CPU_NUMBERS = 2**17
_GPU_NUMBERS = 2**23
_MOST_SAMPLES = 1_000_000_000


@dataclass(frozen=True)
class Term:
    """One log density of a weight.

    Attributes:
        name: Name of the density in messages.
        of: Function from z (n, K, dz) to the log density in nats, shape (n, K).
        sign: 1 for the numerator of the weight, -1 for the denominator.
    """

    name: str
    of: Callable[[Array], Array]
    sign: int = 1


def check_values(name: str, values: object, like: Array, shape: tuple[int, ...]) -> Array:
    """Return the values that a callable returned, as float64.

    Raises:
        TypeError: They are not real numbers, or of another library than the latents `like`.
        ValueError: They have the wrong shape, or are on another device.
    """
    if not hasattr(values, "shape") or is_tensor(values) != is_tensor(like):
        raise TypeError(
            f"{name} must return an array of the kind it was given, {type(like).__name__}; "
            f"got {type(values).__name__}"
        )
    array: Any = values
    if tuple(array.shape) != shape:
        raise ValueError(f"{name} must return shape {shape}; got {tuple(array.shape)}")
    kind = "c" if is_tensor(array) and array.is_complex() else getattr(array.dtype, "kind", "f")
    if kind not in "biuf":
        raise TypeError(f"{name} must return real numbers; got dtype {array.dtype}")
    if device_of(array) != device_of(like):
        raise ValueError(
            f"{name} must return values on {device_of(like)}; got them on {device_of(array)}"
        )
    return as_float64(array)


def log_density(name: str, values: object, z: Array, shape: tuple[int, ...]) -> Array:
    """Return log densities (n, K) or (n,) at the generating latents, where they must be finite.

    Raises:
        TypeError: See :func:`check_values`.
        ValueError: See :func:`check_values`; or a value is not finite.
    """
    array = check_values(name, values, z, shape)
    finite = library(array).isfinite(array)
    if not bool(finite.all()):
        flat = array.reshape(-1)
        row = int(
            (~finite).reshape(-1).argmax()
            if not is_tensor(array)
            else (~finite).reshape(-1).int().argmax()
        )
        raise ValueError(
            f"{name} must be finite at latents that generated the data; got "
            f"{float(flat[row])} in row {row}: were the pairs drawn from this model?"
        )
    return array


def log_weights(terms: tuple[Term, ...], z: Array, where: str) -> Array:
    """Return the signed sum of the terms at z (n, K, dz), shape (n, K).

    Args:
        terms: Log densities, at least one.
        z: Latents.
        where: Description of z in messages.

    Raises:
        TypeError: See :func:`check_values`.
        ValueError: See :func:`check_values`; or a term is NaN or +inf, or a denominator is -inf.
    """
    shape = tuple(z.shape[:2])
    parts = [check_values(term.name, term.of(z), z, shape) for term in terms]
    total = parts[0] if terms[0].sign > 0 else -parts[0]
    with np.errstate(invalid="ignore"):
        for term, part in zip(terms[1:], parts[1:], strict=True):
            total = total + part if term.sign > 0 else total - part
        # The sum is finite only if every weight is, so that valid weights need one pass only.
        suspicious = not math.isfinite(float(total.sum()))
    if suspicious:
        for term, part in zip(terms, parts, strict=True):
            _check_numbers(term, part, where)
    return total


def _check_numbers(term: Term, values: Array, where: str) -> None:
    xp = library(values)
    wrong = xp.isnan(values) | (values == math.inf)
    if bool(wrong.any()):
        count = int(wrong.sum())
        kind = "NaN" if bool(xp.isnan(values).any()) else "+inf"
        raise ValueError(
            f"{term.name} must be below +inf and not NaN; got {kind} at {where} ({count} such "
            f"{'value' if count == 1 else 'values'} among {math.prod(values.shape)})"
        )
    if term.sign < 0 and bool((values == -math.inf).any()):
        raise ValueError(f"{term.name} must have density at {where}; got -inf")


@dataclass(frozen=True)
class Importance:
    """The distribution and the weights of importance samples at the observations of one call.

    Attributes:
        conditional: Distribution of the latents.
        terms: Log densities whose signed sum is the log weight.
        shape: Shape (n, dz) of the generating latents.
        chunk: Number of latents per observation drawn at once; None chooses.
        width: Numbers per observation and latent in the widest array of a weight.
    """

    conditional: Conditional
    terms: tuple[Term, ...]
    shape: tuple[int, int]
    chunk: int | None
    width: int

    def draw(self, count: int, rng: Random, like: Array) -> Array:
        """Draw `count` latents for each observation, shape (n, count, dz), all finite."""
        z = self.conditional.sample(count, rng)
        n, dz = self.shape
        found = tuple(getattr(z, "shape", ()))
        if found != (n, count, dz):
            raise ValueError(
                f"{self.conditional.sampler} must give latents of shape {(n, count, dz)}; "
                f"got {found}"
            )
        if is_tensor(z) != is_tensor(like) or device_of(z) != device_of(like):
            raise TypeError(
                f"{self.conditional.sampler} must return latents like those of the data, "
                f"{type(like).__name__} on {device_of(like)}; got {type(z).__name__} on "
                f"{device_of(z)}"
            )
        # Otherwise the message would blame a density, which is NaN at a latent that is NaN.
        if not bool(library(z).isfinite(z).all()):
            raise ValueError(
                f"{self.conditional.sampler} must give finite latents; got NaN or infinities"
            )
        return z

    def chunks(self, total: int, like: Array) -> list[int]:
        """Return the sizes of the chunks in which `total` importance samples are drawn."""
        size = self.chunk
        if size is None:
            size = default_chunk(self.shape[0], self.width, like)
        size = min(size, total)
        return [min(size, total - start) for start in range(0, total, max(size, 1))]

    def mean_weight(
        self, total: int, rng: Random, like: Array, progress: Progress, what: str
    ) -> RunningLogMeanExp:
        """Return the log mean weight of `total` latents for each observation.

        Memory does not grow with `total`.

        Args:
            total: Number of importance samples per observation.
            rng: Generator of the call.
            like: The generating latents (n, dz).
            progress: The `progress` of the call.
            what: Label of the bar.
        """
        mean = RunningLogMeanExp(as_float64(like))
        parts = self.chunks(total, like)
        with ProgressBar(progress, len(parts), what) as bar:
            for count in parts:
                z = self.draw(count, rng, like)
                mean.add(log_weights(self.terms, z, f"samples of {self.conditional.sampler}"))
                bar.advance()
        return mean


def check_n_importance(n_importance: object, least: int) -> int:
    """Return `n_importance` as an int, or raise TypeError or ValueError."""
    return check_integer("n_importance", n_importance, least, _MOST_SAMPLES)


def default_chunk(n: int, width: int, like: Array) -> int:
    """Return how many latents per observation to draw at once."""
    numbers = _GPU_NUMBERS if device_of(like).startswith("cuda") else _CPU_NUMBERS
    return max(1, numbers // (n * width))
