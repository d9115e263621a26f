"""Refuses bounds that no correct model can give, and says which callable to check."""

from __future__ import annotations

import math

import numpy as np

from fastmi.bounds._arrays import Array, Random, as_float64, to_numpy
from fastmi.bounds._logsumexp import RunningLogMeanExp
from fastmi.bounds._weights import Importance, log_weights

# Number of standard errors, with many pairs, beyond which chance is ruled out.
_BEYOND = 4.0
_ROUNDING = 1e-9
# Importance samples for each observation that show whether a density is normalised.
_DRAWS = 256
# Log of a mean weight, in nats, up to which the densities count as normalised.
_NORMALISED = 0.1
# Names of the term of a weight that holds the observations.
_LIKELIHOODS = frozenset({"log_lik", "critic"})


def check_possible(
    importance: Importance, z: Array, rng: Random, *, upper: Array, lower: Array | None = None
) -> None:
    """Raise ValueError if an upper bound is negative, or below the lower one, beyond chance.

    Both hold in expectation for every proposal, and information is never negative, so that a
    callable must be wrong.

    Args:
        importance: Importance samples that made the bounds.
        z: The generating latents (n, dz).
        rng: Generator of the call.
        upper: Terms of the upper bound in nats, shape (n,).
        lower: Terms of the lower bound in nats, shape (n,); None if there is none.
    """
    above = to_numpy(upper)
    if not np.isfinite(above).all():
        return
    found = []
    if _negative(above):
        found.append(f"the upper bound is {_shown(above)} nats, and information is never negative")
    below = above if lower is None else to_numpy(lower)
    if np.isfinite(below).all() and _negative(above - below):
        found.append(
            f"the upper bound less the lower one is {_shown(above - below)} nats, and its "
            "expectation is never negative"
        )
    if found:
        raise ValueError(f"{'; '.join(found)}: check {_suspect(importance, z, rng)}")


def _negative(terms: Array) -> bool:
    n = len(terms)
    # Few terms may lie close together by chance.
    beyond = _BEYOND * (1.0 + 8.0 / n)
    return bool(terms.mean() < -beyond * terms.std(ddof=1) / math.sqrt(n) - _ROUNDING)


def _shown(terms: Array) -> str:
    return f"{terms.mean():.3g} ± {terms.std(ddof=1) / math.sqrt(len(terms)):.1g}"


def _suspect(importance: Importance, z: Array, rng: Random) -> str:
    """Return which callable to check: a density that is not normalised, or the likelihood.

    Under the proposal the ratio of a normalised prior and the normalised density of the proposal
    has mean 1, whatever the observations.
    """
    conditional = importance.conditional
    densities = tuple(term for term in importance.terms if term.name not in _LIKELIHOODS)
    likelihood = next((term.name for term in importance.terms if term.name in _LIKELIHOODS), None)
    if len(densities) > 1:
        mean = RunningLogMeanExp(as_float64(z))
        for count in importance.chunks(_DRAWS, z):
            drawn = importance.draw(count, rng, z)
            mean.add(log_weights(densities, drawn, f"samples of {conditional.sampler}"))
        # All observations together, because the mean ratio is the same for each.
        ratio = float(np.logaddexp.reduce(to_numpy(mean.value()))) - math.log(len(z))
        if abs(ratio) > _NORMALISED:
            names = " or ".join(term.name for term in reversed(densities))
            return (
                f"{names}: under {conditional.sampler} the ratio of the two densities has mean "
                f"{math.exp(ratio):.3g} instead of 1, so that one is not normalised, or "
                f"{conditional.name} is not the density of what {conditional.sampler} draws"
            )
    if likelihood is None:
        return "log_rho, and whether x and z are pairs from the model, row by row"
    return (
        f"{likelihood}: it must return log p(x|z), and the rows of x and z must be pairs drawn "
        "from the model"
    )
