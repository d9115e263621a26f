"""Bounds on Lautum information, KL(p(x) p(z) || p(x, z)), and its sum with mutual information."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import numpy as np

from fastmi._cautions import announce
from fastmi._checks import Seed
from fastmi._estimate import Estimate
from fastmi._extras import Progress
from fastmi.bounds._arguments import describes_arguments
from fastmi.bounds._arrays import Array, Random, generator_device, library, randomness
from fastmi.bounds._model import Model, Proposal, conditional_at, pairs_for
from fastmi.bounds._possible import check_possible
from fastmi.bounds._result import (
    Sandwich,
    difference,
    infinite_warnings,
    make_estimate,
    zero_weight_warnings,
)
from fastmi.bounds._weights import (
    Importance,
    Term,
    check_n_importance,
    log_density,
    log_weights,
)
from fastmi.bounds.multisample import likelihood_of_pairs, model_weights, own_weights

_IMPOSSIBLE = (
    "an observation has no likelihood under an independent latent, or under any of its importance "
    "samples"
)


@describes_arguments
def lautum_lower(
    model: Model,
    x: Array,
    z: Array,
    *,
    log_q: Callable[[Array], Array] | None = None,
    log_r: Callable[[Array], Array] | None = None,
    proposal: Proposal | None = None,
    n_importance: int = 64,
    chunk: int | None = None,
    seed: Seed | None = None,
    progress: Progress = False,
) -> Estimate:
    """Bound the Lautum information L(X; Z) = KL(p(x) p(z) || p(x, z)) from below.

    Palomar and Verdú (2008) define it. Let z' be independent of x: a draw from the prior, or in a
    model without `sample_prior` the latent of another pair. With `log_q` the bound is the first
    line, otherwise the second, with ``< . >`` the mean over pairs::

        < log q(x) > - < log p(x|z') >
        < log mean_(k = 1..K) p(x|z_k) r(z_k) / q(z_k|x) > - < log p(x|z') >

    Args:
        model: It needs `log_lik`. Without `log_q` it also needs `sample_prior`, or if there is a
            proposal `log_prior`, which `log_r` replaces. With `log_r` but no proposal it needs
            both.
        log_q: ``log_q(x)``, a normalised log density, shape (n,), of x (n, ...). The bound is
            exact if q is p(x).
        log_r: ``log_r(z)``, a normalised log density that replaces log p(z), with the shapes
            of ``Model.log_prior``.
        n_importance: Number of importance samples per pair, K in the formula, at least 1. It is
            not used with `log_q`.

    Returns:
        The lower bound in nats.

    Raises:
        TypeError: An argument, or what a callable returns, is of the wrong type.
        ValueError: A callable is missing, or returns NaN, +inf or a wrong shape; an option is
            out of range; `log_q` is given together with `log_r` or a proposal.
    """
    start = perf_counter()
    k = check_n_importance(n_importance, 1)
    if log_q is not None and (log_r is not None or proposal is not None):
        raise ValueError("log_q must come without log_r and proposal; they replace it")
    x, z = pairs_for(model, x, z)
    zeros = 0
    with randomness(seed, generator_device(x)) as rng:
        if log_q is not None:
            evidence = log_density("log_q", log_q(x), z, (len(x),))
            method = "lautum_lower"
        else:
            importance = model_weights(
                model, proposal, x, z, needed_by="lautum_lower", chunk=chunk, log_r=log_r
            )
            mean = importance.mean_weight(k, rng, z, progress, "importance samples")
            evidence, zeros = mean.value(), mean.zeros
            method = f"lautum_lower({k})"
        local = difference(evidence, _independent(model, x, z, rng, "lautum_lower"))
    warnings = zero_weight_warnings(zeros, k * len(x)) + infinite_warnings(
        local, "the bound", _IMPOSSIBLE
    )
    return announce(make_estimate(local, x, z, method, start, warnings))


@describes_arguments
def lautum_upper(
    model: Model,
    x: Array,
    z: Array,
    *,
    proposal: Proposal | None = None,
    n_importance: int = 64,
    chunk: int | None = None,
    seed: Seed | None = None,
    progress: Progress = False,
) -> Estimate:
    """Bound the Lautum information from above.

    With ``w_k = p(x, z_k) / q(z_k|x)``, z_0 the latent that generated x, and z' independent of x
    as in :func:`lautum_lower`::

        < log mean_(k = 0..K) w_k > - < log p(x|z') >

    Args:
        model: It needs `log_lik`, with a proposal `log_prior`, and without one `sample_prior`.
        n_importance: Number of importance samples per pair, K in the formula, at least 0.

    Returns:
        The upper bound in nats.

    Raises:
        TypeError: An argument, or what a callable returns, is of the wrong type.
        ValueError: A callable is missing, or returns NaN, +inf or a wrong shape; an option is
            out of range.
    """
    start = perf_counter()
    k = check_n_importance(n_importance, 0)
    x, z = pairs_for(model, x, z)
    with randomness(seed, generator_device(x)) as rng:
        importance = model_weights(model, proposal, x, z, needed_by="lautum_upper", chunk=chunk)
        mean = importance.mean_weight(k, rng, z, progress, "importance samples")
        evidence = mean.value(own_weights(importance, z))
        local = difference(evidence, _independent(model, x, z, rng, "lautum_upper"))
        check_possible(importance, z, rng, upper=local)
    warnings = zero_weight_warnings(mean.zeros, k * len(x)) + infinite_warnings(
        local, "the bound", _IMPOSSIBLE
    )
    return announce(make_estimate(local, x, z, f"lautum_upper({k})", start, warnings))


@describes_arguments
def lautum_sandwich(
    model: Model,
    x: Array,
    z: Array,
    *,
    proposal: Proposal | None = None,
    n_importance: int = 64,
    chunk: int | None = None,
    seed: Seed | None = None,
    progress: Progress = False,
) -> Sandwich:
    """Bound the Lautum information from both sides by the same importance samples.

    The bounds are :func:`lautum_lower` and :func:`lautum_upper`.

    Args:
        model: It needs `log_lik`, with a proposal `log_prior`, and without one `sample_prior`.

    Returns:
        Both bounds.

    Raises:
        TypeError: An argument, or what a callable returns, is of the wrong type.
        ValueError: A callable is missing, or returns NaN, +inf or a wrong shape; an option is
            out of range.
    """
    start = perf_counter()
    k = check_n_importance(n_importance, 1)
    x, z = pairs_for(model, x, z)
    with randomness(seed, generator_device(x)) as rng:
        importance = model_weights(model, proposal, x, z, needed_by="lautum_sandwich", chunk=chunk)
        mean = importance.mean_weight(k, rng, z, progress, "importance samples")
        cross = _independent(model, x, z, rng, "lautum_sandwich")
        below = difference(mean.value(), cross)
        above = difference(mean.value(own_weights(importance, z)), cross)
        check_possible(importance, z, rng, upper=above, lower=below)
    warnings = zero_weight_warnings(mean.zeros, k * len(x))
    low = warnings + infinite_warnings(below, "the lower bound", _IMPOSSIBLE)
    high = warnings + infinite_warnings(above, "the upper bound", _IMPOSSIBLE)
    return announce(
        Sandwich(
            lower=make_estimate(below, x, z, f"lautum_lower({k})", start, low),
            upper=make_estimate(above, x, z, f"lautum_upper({k})", start, high),
            n_importance=k,
            zero_weights=mean.zeros,
            symbol="L",
        )
    )


@describes_arguments
def jeffreys(model: Model, x: Array, z: Array, *, seed: Seed | None = None) -> Estimate:
    """Estimate I(X; Z) + L(X; Z) without bias: ``< log p(x|z_0) > - < log p(x|z') >``.

    The sum is Jeffreys's divergence between the joint density and the product of its margins.
    The estimate needs no proposal, and checks bounds on I and on L against each other. z' is
    that of :func:`lautum_lower`.

    Args:
        model: It needs `log_lik`.

    Returns:
        The sum in nats.

    Raises:
        TypeError: An argument, or what a callable returns, is of the wrong type.
        ValueError: `log_lik` is missing, or returns NaN, +inf or a wrong shape.
    """
    start = perf_counter()
    x, z = pairs_for(model, x, z)
    with randomness(seed, generator_device(x)) as rng:
        own = likelihood_of_pairs(model, x, z, "jeffreys")
        local = own - _independent(model, x, z, rng, "jeffreys")
    return announce(
        make_estimate(
            local, x, z, "jeffreys", start, infinite_warnings(local, "the divergence", _IMPOSSIBLE)
        )
    )


def _independent(model: Model, x: Array, z: Array, rng: Random, needed_by: str) -> Array:
    """Return log p(x|z') with z' independent of x, shape (n,)."""
    log_lik = model.required("log_lik", needed_by)
    if model.sample_prior is None:
        return _likelihood(log_lik, x, _of_other_pairs(z, rng)[:, None])
    conditional = conditional_at(model, None, x, needed_by)
    source = Importance(conditional, (), (len(x), z.shape[1]), None, 1)
    return _likelihood(log_lik, x, source.draw(1, rng, z))


def _likelihood(log_lik: Callable[[Array, Array], Array], x: Array, z: Array) -> Array:
    term = Term("log_lik", lambda latents: log_lik(x[:, None], latents))
    return log_weights((term,), z, "independent latents")[:, 0]


def _of_other_pairs(z: Array, rng: Random) -> Array:
    """Return the rows of z, permuted so that none stays in its place."""
    xp = library(z)
    n = len(z)
    if isinstance(rng, np.random.Generator):
        order = rng.permutation(n)
    else:
        order = xp.randperm(n, generator=rng, device=z.device)
    moved = xp.empty_like(order)
    moved[order] = xp.roll(order, 1)
    return z[moved]
