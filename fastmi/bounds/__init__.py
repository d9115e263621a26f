"""Bounds on the mutual information of models with known densities: VAEs, simulators, channels.

    >>> import numpy as np
    >>> from fastmi import bounds
    >>> channel = bounds.Model(  # x = z + noise of variance 1/4
    ...     log_lik=lambda x, z: (-2 * (x - z) ** 2 - 0.5 * np.log(np.pi / 2)).sum(axis=-1),
    ...     sample_prior=lambda m, rng: rng.standard_normal((m, 1)),
    ... )
    >>> rng = np.random.default_rng(0)
    >>> z = rng.standard_normal(10_000)
    >>> x = z + rng.normal(scale=0.5, size=10_000)
    >>> both = bounds.sandwich(channel, x, z, n_importance=256, seed=0)
    >>> bool(both.lower < 0.5 * np.log(5) < both.upper)
    True

Data are pairs of an observation and the latent that generated it. Results are in nats. The
formulas are in docs/bounds.md.
"""

from fastmi._feasible import feasible_limit
from fastmi.bounds._model import Model, Proposal
from fastmi.bounds._result import Sandwich
from fastmi.bounds.ais import ais
from fastmi.bounds.kernels import HMC, RandomWalk, Target
from fastmi.bounds.lautum import jeffreys, lautum_lower, lautum_sandwich, lautum_upper
from fastmi.bounds.multisample import (
    barber_agakov,
    contrastive,
    multisample_lower,
    multisample_upper,
    sandwich,
)
from fastmi.bounds.proposals import LearnedProposal, learn_proposal
from fastmi.bounds.tune import Tuned, tune

__all__ = [
    "HMC",
    "LearnedProposal",
    "Model",
    "Proposal",
    "RandomWalk",
    "Sandwich",
    "Target",
    "Tuned",
    "ais",
    "barber_agakov",
    "contrastive",
    "feasible_limit",
    "jeffreys",
    "lautum_lower",
    "lautum_sandwich",
    "lautum_upper",
    "learn_proposal",
    "multisample_lower",
    "multisample_upper",
    "sandwich",
    "tune",
]
