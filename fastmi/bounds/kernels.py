"""Markov kernels for annealing: Hamiltonian and random-walk, both Metropolis-adjusted."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from fastmi._checks import check_integer, check_real
from fastmi.bounds._arrays import Array, Random, as_float64, is_tensor, library

# Each chain draws its step size uniformly between this share of the nominal size and the whole,
# independently of its state. With a fixed size a trajectory may take a whole period of a Gaussian
# target and return to where it began: 10 leapfrog steps in 10 Gaussian dimensions left a gap of
# 8.2 nats with a fixed size, 3.4 with a random one (bench/bench_bounds.py --only kernels).
_SHORTEST = 0.2


class Target(Protocol):
    """The density f_t of one temperature: log f_t(z) = (1 - beta) log q(z|x) + beta log p(x, z)."""

    @property
    def x(self) -> Array:
        """Observations (n, ...)."""
        ...

    @property
    def step(self) -> int:
        """Index t of the temperature, from 1 to T - 1."""
        ...

    @property
    def beta(self) -> float:
        """Exponent b_t of the joint density p(x, z), between 0 and 1."""
        ...

    def log_density(self, z: Array) -> Array:
        """Return log f_t up to a constant, shape (n, C), of z (n, C, dz)."""
        ...

    def value_and_grad(self, z: Array) -> tuple[Array, Array]:
        """Return log f_t, shape (n, C), and its gradient in z, shape (n, C, dz)."""
        ...


# A function that moves latents (n, C, dz) and leaves f_t invariant. The reverse chain runs the same
# kernel, which must therefore be reversible, that is, satisfy detailed balance.
Kernel = Callable[[Array, Target, Random], Array]


@dataclass(frozen=True, kw_only=True)
class HMC:
    """Hamiltonian Monte Carlo with a fresh momentum and a Metropolis test in each move.

    The move is reversible, so that it serves both directions (Neal 2011,
    https://arxiv.org/abs/1206.1901). A trajectory that meets a point whose density is zero or
    NaN, or whose gradient is not finite, is rejected.

    Args:
        n_leapfrog: Number of leapfrog steps per move.
        step_size: Largest step size, of which each chain draws a share in each move: one
            number, or one for each of the T - 1 temperatures. None tunes them in a pilot run
            that never sees the generating latents.
        target_acceptance: Share of accepted moves at which the pilot run aims.

    Raises:
        TypeError: An option has the wrong type.
        ValueError: An option is out of range.
    """

    n_leapfrog: int = 3
    step_size: float | tuple[float, ...] | None = None
    target_acceptance: float = 0.9

    def __post_init__(self) -> None:
        check_integer("n_leapfrog", self.n_leapfrog, 1)
        _check_sizes(self, self.step_size)
        check_real("target_acceptance", self.target_acceptance, 0.0, 1.0, ends="()")

    def first_size(self, dz: int) -> float:
        """Return the step size at which tuning begins."""
        return float(dz**-0.25)

    def __call__(self, z: Array, target: Target, rng: Random) -> Array:
        """Move latents (n, C, dz) once."""
        xp = library(z)
        size = _size(self.step_size, target.step) * _jitter(z, rng)
        momentum = standard_normal(z, rng)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            value, grad = target.value_and_grad(z)
            before = value - 0.5 * as_float64(momentum * momentum).sum(axis=2)
            alive = _usable(value, grad)
            moved = z
            for _ in range(self.n_leapfrog):
                momentum = momentum + 0.5 * size * grad
                # A trajectory that meets an unusable point stays there and is rejected below.
                moved = xp.where(alive[:, :, None], moved + size * momentum, moved)
                value, grad = target.value_and_grad(moved)
                alive = alive & _usable(value, grad)
                momentum = momentum + 0.5 * size * grad
            after = value - 0.5 * as_float64(momentum * momentum).sum(axis=2)
            accept = alive & (log_uniform(value, rng) < after - before)
        return xp.where(accept[:, :, None], moved, z)


@dataclass(frozen=True, kw_only=True)
class RandomWalk:
    """Metropolis moves by Gaussian steps, which need no gradient but are slow in many dimensions.

    Args:
        step_size: Standard deviation of a step: one number, or one for each of the T - 1
            temperatures. None tunes them in a pilot run.
        n_moves: Number of steps at each temperature.
        target_acceptance: Share of accepted steps at which the pilot run aims.

    Raises:
        TypeError: An option has the wrong type.
        ValueError: An option is out of range.
    """

    step_size: float | tuple[float, ...] | None = None
    n_moves: int = 5
    target_acceptance: float = 0.3

    def __post_init__(self) -> None:
        check_integer("n_moves", self.n_moves, 1)
        _check_sizes(self, self.step_size)
        check_real("target_acceptance", self.target_acceptance, 0.0, 1.0, ends="()")

    def first_size(self, dz: int) -> float:
        """Return the step size at which tuning begins."""
        return 2.4 / math.sqrt(dz)

    def __call__(self, z: Array, target: Target, rng: Random) -> Array:
        """Move latents (n, C, dz) `n_moves` times."""
        xp = library(z)
        size = _size(self.step_size, target.step)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            value = target.log_density(z)
            for _ in range(self.n_moves):
                moved = z + size * standard_normal(z, rng)
                there = target.log_density(moved)
                # NaN compares false, so that the step is rejected.
                accept = log_uniform(value, rng) < there - value
                z = xp.where(accept[:, :, None], moved, z)
                value = xp.where(accept, there, value)
        return z


def tuned(
    kernel: HMC | RandomWalk, z: Array, targets: Sequence[Target], rng: Random
) -> HMC | RandomWalk:
    """Return the kernel with a step size for each temperature, from a pilot run.

    Given x, the chains of the bounds are independent of those of the pilot run, so that tuning
    does not spoil the invariance of the kernels.

    Args:
        kernel: The kernel, whose `step_size` is None.
        z: Draws of q, shape (n, C, dz). With more chains the tuning is finer.
        targets: The targets of the temperatures, in order.
        rng: Generator of the call.
    """
    goal = kernel.target_acceptance
    if isinstance(kernel, RandomWalk):
        # This is the share of latents that move in at least one of the n_moves tests.
        goal = 1.0 - (1.0 - goal) ** kernel.n_moves
    size = kernel.first_size(z.shape[2])
    sizes: list[float] = []
    for target in targets:
        # The first temperature needs a rough search; after it neighbouring ones differ little.
        for gain in (2.0, 1.0) if sizes else (*(4.0,) * 8, 2.0, 2.0, 1.0, 1.0):
            moved = replace(kernel, step_size=size)(z, target, rng)
            size *= math.exp(gain * (share_moved(z, moved) - goal))
            z = moved
        sizes.append(size)
    return replace(kernel, step_size=tuple(sizes))


def share_moved(before: Array, after: Array) -> float:
    """Return the share of the latents (n, C, dz) that differ."""
    changed = (before != after).any(axis=2)
    return float(as_float64(changed).mean())


def standard_normal(like: Array, rng: Random) -> Array:
    """Draw normal variates in the shape, dtype and device of `like`."""
    if is_tensor(like):
        return library(like).randn(like.shape, generator=rng, dtype=like.dtype, device=like.device)
    return rng.standard_normal(like.shape)


def log_uniform(like: Array, rng: Random) -> Array:
    """Draw logarithms of uniform variates in the shape and device of `like`."""
    # Minus an exponential variate is the log of a uniform one, and is never -inf.
    if is_tensor(like):
        return -library(like).empty_like(like).exponential_(generator=rng)
    return -rng.standard_exponential(like.shape)


def _jitter(z: Array, rng: Random) -> Array:
    """Draw factors of the step size, one per chain, shape (n, C, 1)."""
    first = z[:, :, :1]
    if is_tensor(z):
        uniform = library(z).rand(first.shape, generator=rng, dtype=z.dtype, device=z.device)
    else:
        uniform = rng.random(first.shape)
    return _SHORTEST + (1.0 - _SHORTEST) * uniform


def _usable(value: Array, grad: Array) -> Array:
    xp = library(value)
    return xp.isfinite(value) & xp.isfinite(grad).all(axis=2)


def _size(step_size: float | tuple[float, ...] | None, step: int) -> float:
    if step_size is None:
        raise ValueError("step_size must be given outside ais(), which tunes it; got None")
    return step_size[step - 1] if isinstance(step_size, tuple) else step_size


def _check_sizes(kernel: object, step_size: object) -> None:
    if step_size is None:
        return
    if isinstance(step_size, list | tuple | np.ndarray):
        sizes = tuple(check_real("step_size", size, 0.0, ends="()") for size in step_size)
        object.__setattr__(kernel, "step_size", sizes)
        return
    check_real("step_size", step_size, 0.0, ends="()")
