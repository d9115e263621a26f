"""Annealed importance sampling in both directions, which gives tight bounds from poor proposals.

Neal (2001), "Annealed importance sampling", https://doi.org/10.1023/A:1008923215028; Grosse,
Ghahramani and Adams (2015), "Sandwiching the marginal likelihood using bidirectional Monte Carlo",
https://arxiv.org/abs/1511.02543; Brekelmans et al. (2022), "Improving mutual information estimation
with annealed and energy-based bounds", https://arxiv.org/abs/2303.06992.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from fastmi._cautions import Caution, announce
from fastmi._checks import Seed, check_integer
from fastmi._extras import Progress, ProgressBar
from fastmi.bounds._arguments import describes_arguments
from fastmi.bounds._arrays import (
    Array,
    Random,
    as_float64,
    generator_device,
    is_tensor,
    library,
    randomness,
)
from fastmi.bounds._logsumexp import RunningLogMeanExp
from fastmi.bounds._model import Conditional, Model, Proposal, pairs_for
from fastmi.bounds._possible import check_possible
from fastmi.bounds._result import (
    Sandwich,
    infinite_warnings,
    make_estimate,
    zero_weight_warnings,
)
from fastmi.bounds._weights import Importance, check_n_importance, check_values, log_weights
from fastmi.bounds.kernels import HMC, Kernel, RandomWalk, share_moved, tuned
from fastmi.bounds.multisample import likelihood_of_pairs, model_weights

# Numbers of observations and of chains for each in the pilot run that tunes step sizes.
_PILOT_ROWS = 64
_PILOT_CHAINS = 8
# Share of moves that change a latent, below which annealing hardly improves on importance
# sampling.
_FEW_MOVES = 0.1
_MOST_STEPS = 1_000_000


@describes_arguments
def ais(
    model: Model,
    x: Array,
    z: Array,
    *,
    proposal: Proposal | None = None,
    n_steps: int = 100,
    n_importance: int = 1,
    kernel: Kernel | None = None,
    schedule: str | Sequence[float] = "linear",
    chunk: int | None = None,
    seed: Seed | None = None,
    progress: Progress = False,
) -> Sandwich:
    """Bound I(X; Z) from both sides by annealing from q(z|x) to p(x, z).

    Chains move along the densities ``f_t = q(z|x)^(1 - b_t) p(x, z)^(b_t)`` with
    0 = b_0 < ... < b_T = 1. Forward chains start at a draw of q(z|x), reverse chains at the
    latent z_0 that generated x, which is an exact draw of the posterior (Neal 2001; Grosse et
    al. 2015; Brekelmans et al. 2022). The weight w of a chain is the product of the ratios
    ``(p(x, z) / q(z|x))^(b_t - b_(t-1))`` at its states, and ``< . >`` is the mean over pairs::

        lower  < log p(x|z_0) - log mean of 1 reverse and K forward w >
        upper  < log p(x|z_0) - log mean of K forward w >

    T = 1 gives :func:`sandwich`. Both bounds need simulated pairs, because an observation
    without the latent that generated it has no exact draw of the posterior.

    Args:
        model: It needs `log_lik` and `log_prior`; without a proposal `sample_prior`; for
            :class:`HMC` on NumPy data the gradients.
        n_steps: Number of temperatures after the first, T in the formula.
        n_importance: Number of forward chains per pair, K in the formula.
        kernel: Function that moves latents at one temperature, :class:`HMC` by default. It takes
            z (n, C, dz), a :class:`Target` and a generator; it must be reversible and leave the
            target invariant.
        schedule: "linear", "quadratic" (denser near q, which is better where the posterior is
            much narrower), "sigmoid" (denser at both ends), or the n_steps + 1 values b_t.
        chunk: Number of forward chains of each pair that run at once; None chooses.
        progress: True shows a bar, which needs tqdm; a function is called after each
            temperature of each chunk.

    Returns:
        Both bounds; ``acceptance`` is the share of latents that a move changed.

    Raises:
        TypeError: An argument, or what a callable returns, is of the wrong type; the latents are
            integers and the kernel is for continuous ones.
        ValueError: A callable is missing, or returns NaN, +inf or a wrong shape; an option is
            out of range; the schedule does not rise from 0 to 1.
    """
    start = perf_counter()
    k = check_n_importance(n_importance, 1)
    betas = _betas(schedule, check_integer("n_steps", n_steps, 1, _MOST_STEPS))
    x, z = pairs_for(model, x, z)
    moves = HMC() if kernel is None else kernel
    _check_kernel(moves, z, len(betas) - 1)
    steps = len(betas) - 1
    with randomness(seed, generator_device(x)) as rng:
        own = likelihood_of_pairs(model, x, z, "ais")
        path = _Path.of(model, proposal, x, z, chunk)
        parts = path.importance.chunks(k, z)
        mean = RunningLogMeanExp(as_float64(z))
        with ProgressBar(progress, steps * (len(parts) + 1), "temperatures") as bar:
            chains = _Chains(path, betas, moves, rng, bar)
            if steps > 1 and isinstance(moves, HMC | RandomWalk) and moves.step_size is None:
                rows = slice(0, _PILOT_ROWS)
                pilot = _Path.of(model, proposal, x[rows], z[rows], chunk)
                first = pilot.importance.draw(_PILOT_CHAINS, rng, z)
                chains.kernel = tuned(moves, first, pilot.targets(betas), rng)
            for count in parts:
                mean.add(chains.forward(path.importance.draw(count, rng, z)))
            reverse = chains.reverse(z[:, None])[:, 0]
        below = own - mean.value(reverse)
        above = own - mean.value()
        check_possible(path.importance, z, rng, upper=above, lower=below)
    warnings = zero_weight_warnings(mean.zeros, k * len(x)) + chains.warnings()
    name = f"({steps}, {k})"
    return announce(
        Sandwich(
            lower=make_estimate(below, x, z, f"ais_lower{name}", start, warnings),
            upper=make_estimate(
                above,
                x,
                z,
                f"ais_upper{name}",
                start,
                warnings + infinite_warnings(above, "the upper bound"),
            ),
            n_importance=k,
            n_steps=steps,
            zero_weights=mean.zeros,
            acceptance=chains.acceptance,
        )
    )


@dataclass(frozen=True)
class _Path:
    """The densities at the observations of one call, and the gradients that the user gave."""

    importance: Importance
    log_joint: Callable[[Array], Array]
    grad_joint: Callable[[Array], Array] | None
    x: Array

    @classmethod
    def of(
        cls, model: Model, proposal: Proposal | None, x: Array, z: Array, chunk: int | None
    ) -> _Path:
        importance = model_weights(model, proposal, x, z, needed_by="ais", chunk=chunk)
        log_lik = model.required("log_lik", "ais")
        log_prior = model.required("log_prior", "ais")
        wide = x[:, None]
        grad = model.grad_log_joint

        def log_joint(latents: Array) -> Array:
            shape = tuple(latents.shape[:2])
            likelihood = check_values("log_lik", log_lik(wide, latents), latents, shape)
            return likelihood + check_values("log_prior", log_prior(latents), latents, shape)

        return cls(importance, log_joint, None if grad is None else lambda at: grad(wide, at), x)

    @property
    def conditional(self) -> Conditional:
        return self.importance.conditional

    def targets(self, betas: list[float]) -> list[_Tempered]:
        """Return the targets of the kernel, for t = 1..T - 1."""
        return [_Tempered(self, step, betas[step]) for step in range(1, len(betas) - 1)]


@dataclass
class _Tempered:
    """A :class:`Target`. A density that is NaN is no error here, since moves reject it."""

    path: _Path
    step: int
    beta: float

    @property
    def x(self) -> Array:
        return self.path.x

    def log_density(self, z: Array) -> Array:
        conditional = self.path.conditional
        log_q = check_values(conditional.name, conditional.logpdf(z), z, tuple(z.shape[:2]))
        return (1.0 - self.beta) * log_q + self.beta * self.path.log_joint(z)

    def value_and_grad(self, z: Array) -> tuple[Array, Array]:
        path = self.path
        if path.grad_joint is not None and path.conditional.grad is not None:
            shape = tuple(z.shape)
            joint = check_values("grad_log_joint", path.grad_joint(z), z, shape)
            proposed = check_values(_gradient_name(path), path.conditional.grad(z), z, shape)
            grad = (1.0 - self.beta) * proposed + self.beta * joint
            return self.log_density(z), grad.to(z.dtype) if is_tensor(z) else grad
        if not is_tensor(z):
            missing = "grad_log_joint" if path.grad_joint is None else _gradient_name(path)
            raise ValueError(
                f"HMC with NumPy data needs {missing}; got None: give it, pass tensors, or "
                "take kernel=fastmi.bounds.RandomWalk()"
            )
        torch = library(z)
        with torch.enable_grad():
            leaf = z.detach().requires_grad_(True)
            value = self.log_density(leaf)
            if not value.requires_grad:
                raise ValueError(
                    "log_lik, log_prior and proposal must be differentiable by autograd for HMC; "
                    "got values cut from the graph: give gradients or another kernel"
                )
            (grad,) = torch.autograd.grad(value.sum(), leaf)
        return value.detach(), grad


class _Chains:
    """Runs chains along the path, and counts how many latents moved."""

    def __init__(
        self, path: _Path, betas: list[float], kernel: Kernel, rng: Random, bar: ProgressBar
    ) -> None:
        self.kernel = kernel
        self._path = path
        self._betas = betas
        self._targets = path.targets(betas)
        self._rng = rng
        self._bar = bar
        self._moved: list[float] = []

    @property
    def acceptance(self) -> float | None:
        """Share of latents that a move changed; None if there were no moves."""
        return math.fsum(self._moved) / len(self._moved) if self._moved else None

    def warnings(self) -> tuple[Caution, ...]:
        """Return a warning if the chains hardly moved."""
        share = self.acceptance
        if share is None or share >= _FEW_MOVES:
            return ()
        return (
            Caution(
                f"only {share:.1%} of the moves changed a latent: annealing does little; take a "
                "smaller step_size or another kernel",
                "few_moves",
            ),
        )

    def forward(self, z: Array) -> Array:
        """Return log weights (n, C) of chains that start at z (n, C, dz), drawn from q."""
        total: Any = 0.0
        for t in range(1, len(self._betas)):
            total = total + self._increment(z, t, f"samples of {self._path.conditional.sampler}")
            if t < len(self._betas) - 1:
                z = self._move(z, t)
            self._bar.advance()
        return total

    def reverse(self, z: Array) -> Array:
        """Return log weights (n, 1) of chains that start at the generating latents (n, 1, dz)."""
        total: Any = 0.0
        for t in range(len(self._betas) - 1, 0, -1):
            total = total + self._increment(z, t, "latents that generated the data")
            if t > 1:
                z = self._move(z, t - 1)
            self._bar.advance()
        return total

    def _increment(self, z: Array, t: int, where: str) -> Array:
        ratio = log_weights(self._path.importance.terms, z, where)
        return (self._betas[t] - self._betas[t - 1]) * ratio

    def _move(self, z: Array, step: int) -> Array:
        moved = self.kernel(z, self._targets[step - 1], self._rng)
        found = tuple(getattr(moved, "shape", ()))
        if is_tensor(moved) != is_tensor(z) or found != tuple(z.shape):
            raise ValueError(
                f"kernel must return latents of shape {tuple(z.shape)}; "
                f"got {type(moved).__name__} of shape {found}"
            )
        self._moved.append(share_moved(z, moved))
        return moved


def _gradient_name(path: _Path) -> str:
    return "grad_log_prior" if path.conditional.name == "log_prior" else "proposal.grad_logpdf"


def _check_kernel(kernel: object, z: Array, steps: int) -> None:
    if not callable(kernel):
        raise TypeError(f"kernel must be callable; got {kernel!r} ({type(kernel).__name__})")
    if not isinstance(kernel, HMC | RandomWalk):
        return
    floating = z.is_floating_point() if is_tensor(z) else z.dtype.kind == "f"
    if not floating:
        raise TypeError(
            f"{type(kernel).__name__} moves continuous latents; got z with dtype {z.dtype}: "
            "convert it, or give a kernel for discrete latents"
        )
    sizes = kernel.step_size
    if isinstance(sizes, tuple) and len(sizes) != steps - 1:
        raise ValueError(
            f"step_size must be one number or n_steps - 1 = {steps - 1} of them; got {len(sizes)}"
        )


def _betas(schedule: object, n_steps: int) -> list[float]:
    """Return b_0 = 0 < ... < b_T = 1."""
    if isinstance(schedule, str):
        grid = np.linspace(0.0, 1.0, n_steps + 1)
        if schedule in ("linear", "quadratic"):
            return [float(b) for b in (grid if schedule == "linear" else grid**2)]
        if schedule == "sigmoid":
            # Logistic over [-4, 4], stretched to reach 0 and 1 (Grosse et al. 2015).
            curve = 1.0 / (1.0 + np.exp(-4.0 * (2.0 * grid - 1.0)))
            return [float(b) for b in (curve - curve[0]) / (curve[-1] - curve[0])]
        raise ValueError(
            f"schedule must be 'linear', 'quadratic', 'sigmoid' or the values b_t; got {schedule!r}"
        )
    try:
        values = np.asarray(schedule, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"schedule must be a name or numbers; got {schedule!r}") from None
    rising = values.ndim == 1 and len(values) == n_steps + 1 and bool((np.diff(values) > 0).all())
    if not rising or values[0] != 0.0 or values[-1] != 1.0:
        raise ValueError(
            f"schedule must rise strictly from 0 to 1 in n_steps + 1 = {n_steps + 1} values; "
            f"got shape {values.shape}"
        )
    return [float(b) for b in values]
