"""The Barber-Agakov bound and multisample bounds.

Barber and Agakov (2003), "The IM algorithm",
https://proceedings.neurips.cc/paper/2003/hash/a6ea8471c120fe8cc35a2954c9b9c595-Abstract.html;
Poole et al. (2019), "On variational bounds of mutual information",
https://arxiv.org/abs/1905.06922;
Sobolev and Vetrov (2019), "Importance weighted hierarchical variational inference",
https://arxiv.org/abs/1905.03290.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from time import perf_counter
from typing import Any

from fastmi._cautions import announce
from fastmi._checks import Seed, check_integer, check_real
from fastmi._estimate import Estimate
from fastmi._extras import Progress
from fastmi.bounds._arguments import describes_arguments
from fastmi.bounds._arrays import Array, Random, as_pairs, generator_device, randomness
from fastmi.bounds._model import (
    Model,
    Proposal,
    conditional_at,
    pairs_for,
)
from fastmi.bounds._possible import check_possible
from fastmi.bounds._result import (
    Sandwich,
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

# A log density of x and z, or any score of the two.
Density = Callable[[Array, Array], Array]


@describes_arguments
def barber_agakov(
    model: Model, x: Array, z: Array, *, proposal: Proposal, entropy_z: float | None = None
) -> Estimate:
    """Bound I(X; Z) from below by the mean of ``log q(z|x) - log p(z)``.

    This is the bound of Barber and Agakov (2003). Its gap is the mean of
    KL(p(z|x) || q(z|x)).

    Args:
        model: It needs `log_prior`, unless `entropy_z` is given.
        proposal: Proposal q(z|x), which must be normalised.
        entropy_z: Entropy of p(z) in nats, which replaces the mean of -log p(z).

    Returns:
        The lower bound in nats.

    Raises:
        TypeError: An argument, or what a callable returns, is of the wrong type.
        ValueError: A callable is missing, or returns NaN, infinities or a wrong shape; an option
            is out of range.
    """
    start = perf_counter()
    x, z = pairs_for(model, x, z)
    with randomness(0, generator_device(x)):
        if not isinstance(proposal, Proposal):
            raise TypeError(
                f"proposal must be a fastmi.bounds.Proposal; got {type(proposal).__name__}"
            )
        density = proposal.at(x).logpdf(z[:, None])
        log_q = log_density("proposal.logpdf", density, z, (len(x), 1))[:, 0]
        local = log_q + _surprise(model, z, entropy_z, "barber_agakov")
    return announce(make_estimate(local, x, z, "barber_agakov", start))


@describes_arguments
def multisample_lower(
    model: Model,
    x: Array,
    z: Array,
    *,
    proposal: Proposal | None = None,
    n_importance: int = 64,
    log_rho: Density | None = None,
    entropy_z: float | None = None,
    chunk: int | None = None,
    seed: Seed | None = None,
    progress: Progress = False,
) -> Estimate:
    """Bound I(X; Z) from below with K importance samples beside the generating latent z_0.

    With ``w_k = rho(x, z_k) / q(z_k|x)`` for any positive function rho(x, z), normalised or not,
    and ``< . >`` the mean over pairs (Sobolev and Vetrov 2019; Poole et al. 2019)::

        ML(K) = < log rho(x, z_0) - log p(z_0) - log mean_(k = 0..K) w_k >

    Without `log_rho`, rho is p(x, z). That bound, SL(K), grows with K towards I(X; Z); with the
    prior as proposal it is at most log(K + 1). K = 0 gives :func:`barber_agakov`.

    Args:
        model: Without a proposal it needs `sample_prior`. Without `log_rho` it needs `log_lik`,
            and with a proposal `log_prior`. With `log_rho` it needs `log_prior`, unless a
            proposal and `entropy_z` are given.
        n_importance: Number of importance samples per pair, K in the formula, at least 0.
        log_rho: ``log_rho(x, z)``, with the shapes of ``Model.log_lik``. A function of x that is
            added to it changes nothing.
        entropy_z: Entropy of p(z) in nats, which replaces the mean of -log p(z_0). It needs
            `log_rho`.

    Returns:
        The lower bound in nats.

    Raises:
        TypeError: An argument, or what a callable returns, is of the wrong type.
        ValueError: A callable is missing, or returns NaN, +inf or a wrong shape; an option is
            out of range.
    """
    start = perf_counter()
    k = check_n_importance(n_importance, 0)
    x, z = pairs_for(model, x, z)
    if entropy_z is not None and log_rho is None:
        raise ValueError("entropy_z must come with log_rho; p(z) cancels without")
    with randomness(seed, generator_device(x)) as rng:
        importance = model_weights(
            model, proposal, x, z, needed_by="multisample_lower", chunk=chunk, log_rho=log_rho
        )
        if log_rho is None:
            own = likelihood_of_pairs(model, x, z, "multisample_lower")
        else:
            rho = log_rho(x[:, None], z[:, None])
            own = log_density("log_rho", rho, z, (len(x), 1))[:, 0]
            own = own + _surprise(model, z, entropy_z, "multisample_lower")
        mean = importance.mean_weight(k, rng, z, progress, "importance samples")
        local = own - mean.value(own_weights(importance, z))
    warnings = zero_weight_warnings(mean.zeros, k * len(x))
    return announce(make_estimate(local, x, z, f"multisample_lower({k})", start, warnings))


@describes_arguments
def multisample_upper(
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
    """Bound I(X; Z) from above with K importance samples.

    With ``w_k = p(x, z_k) / q(z_k|x)``, z_0 the generating latent and ``< . >`` the mean over
    pairs::

        SU(K) = < log p(x|z_0) - log mean_(k = 1..K) w_k >

    The bound falls with K towards I(X; Z). It is infinite, with a warning, if all weights of an
    observation are zero.

    Args:
        model: It needs `log_lik`, with a proposal `log_prior`, and without one `sample_prior`.

    Returns:
        The upper bound in nats.

    Raises:
        TypeError: An argument, or what a callable returns, is of the wrong type.
        ValueError: A callable is missing, or returns NaN, +inf or a wrong shape; an option is
            out of range.
    """
    start = perf_counter()
    k = check_n_importance(n_importance, 1)
    x, z = pairs_for(model, x, z)
    with randomness(seed, generator_device(x)) as rng:
        importance = model_weights(
            model, proposal, x, z, needed_by="multisample_upper", chunk=chunk
        )
        own = likelihood_of_pairs(model, x, z, "multisample_upper")
        mean = importance.mean_weight(k, rng, z, progress, "importance samples")
        local = own - mean.value()
        check_possible(importance, z, rng, upper=local)
    warnings = zero_weight_warnings(mean.zeros, k * len(x))
    warnings += infinite_warnings(local, "the upper bound")
    return announce(make_estimate(local, x, z, f"multisample_upper({k})", start, warnings))


@describes_arguments
def sandwich(
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
    """Bound I(X; Z) from both sides by the same importance samples.

    The lower bound is :func:`multisample_lower`, the upper one :func:`multisample_upper`. With
    the exact posterior as proposal the term of each pair is log p(x|z) - log p(x) in both, for
    every K.

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
        importance = model_weights(model, proposal, x, z, needed_by="sandwich", chunk=chunk)
        own = likelihood_of_pairs(model, x, z, "sandwich")
        mean = importance.mean_weight(k, rng, z, progress, "importance samples")
        below = own - mean.value(own_weights(importance, z))
        above = own - mean.value()
        check_possible(importance, z, rng, upper=above, lower=below)
    warnings = zero_weight_warnings(mean.zeros, k * len(x))
    infinite = infinite_warnings(above, "the upper bound")
    return announce(
        Sandwich(
            lower=make_estimate(below, x, z, f"multisample_lower({k})", start, warnings),
            upper=make_estimate(above, x, z, f"multisample_upper({k})", start, warnings + infinite),
            n_importance=k,
            zero_weights=mean.zeros,
        )
    )


@describes_arguments
def contrastive(
    x: Array,
    z: Array,
    *,
    critic: Density,
    sample_prior: Callable[[int, Random], Array],
    n_importance: int = 64,
    chunk: int | None = None,
    seed: Seed | None = None,
    progress: Progress = False,
) -> Estimate:
    """Bound I(X; Z) from below by InfoNCE with negatives drawn from the prior.

    The bound ``< f(x, z_0) - log mean_(k = 0..K) exp f(x, z_k) >`` is :func:`multisample_lower`
    with rho = exp(f) p(z), for which no density need be known. It is at most log(K + 1).

    Args:
        critic: ``critic(x, z)``, the scores f, with the shapes of ``Model.log_lik``. Any function
            gives a bound.
        sample_prior: Function of the same name of :class:`Model`.
        n_importance: Number of importance samples per pair, K in the formula, at least 0.

    Returns:
        The lower bound in nats.

    Raises:
        TypeError: An argument, or what a callable returns, is of the wrong type.
        ValueError: A callable returns NaN, +inf or a wrong shape; an option is out of range.
    """
    start = perf_counter()
    k = check_n_importance(n_importance, 0)
    for name, function in (("critic", critic), ("sample_prior", sample_prior)):
        if not callable(function):
            raise TypeError(
                f"{name} must be callable; got {function!r} ({type(function).__name__})"
            )
    model = Model(log_lik=critic, sample_prior=sample_prior)
    x, z = as_pairs(x, z)
    with randomness(seed, generator_device(x)) as rng:
        importance = model_weights(
            model, None, x, z, needed_by="contrastive", chunk=chunk, name="critic"
        )
        own = log_density("critic", critic(x[:, None], z[:, None]), z, (len(x), 1))[:, 0]
        mean = importance.mean_weight(k, rng, z, progress, "importance samples")
        local = own - mean.value(own)
    warnings = zero_weight_warnings(mean.zeros, k * len(x))
    return announce(make_estimate(local, x, z, f"contrastive({k})", start, warnings))


def model_weights(
    model: Model,
    proposal: Proposal | None,
    x: Array,
    z: Array,
    *,
    needed_by: str,
    chunk: int | None,
    log_rho: Density | None = None,
    log_r: Callable[[Array], Array] | None = None,
    name: str = "log_lik",
) -> Importance:
    """Return the weights rho(x, z) / q(z|x).

    Args:
        model: The known densities.
        proposal: The density q; None takes the prior.
        x: Observations (n, ...).
        z: Latents (n, dz).
        needed_by: Name of the bound in messages.
        chunk: Number of latents per observation drawn at once; None chooses.
        log_rho: Function that replaces log p(x, z).
        log_r: Function that replaces log p(z).
        name: Name of `log_lik` in messages.
    """
    if chunk is not None:
        check_integer("chunk", chunk, 1)
    conditional = conditional_at(model, proposal, x, needed_by)
    wide = x[:, None]
    proposed = Term(conditional.name, conditional.logpdf, -1)
    if log_rho is not None:
        terms: tuple[Term, ...] = (Term("log_rho", _at(log_rho, wide)), proposed)
    else:
        likelihood = Term(name, _at(model.required("log_lik", needed_by), wide))
        if log_r is not None:
            terms = (likelihood, Term("log_r", log_r), proposed)
        elif proposal is not None:
            log_prior = model.required("log_prior", f"{needed_by} with a proposal")
            terms = (likelihood, Term("log_prior", log_prior), proposed)
        else:
            # The density of the prior cancels, so that it need not be known.
            terms = (likelihood,)
    width = max(z.shape[1], math.prod(x.shape[1:]))
    return Importance(conditional, terms, (len(x), z.shape[1]), chunk, width)


def _at(density: Density, wide: Array) -> Callable[[Array], Array]:
    return lambda z: density(wide, z)


def likelihood_of_pairs(model: Model, x: Array, z: Array, needed_by: str) -> Array:
    """Return log p(x|z) of the pairs, shape (n,), which must be finite."""
    values = model.required("log_lik", needed_by)(x[:, None], z[:, None])
    return log_density("log_lik", values, z, (len(x), 1))[:, 0]


def own_weights(importance: Importance, z: Array) -> Array:
    """Return the log weights of the generating latents, shape (n,)."""
    return log_weights(importance.terms, z[:, None], "latents that generated the data")[:, 0]


def _surprise(model: Model, z: Array, entropy_z: float | None, needed_by: str) -> Any:
    """Return -log p(z) of each row, or `entropy_z`, its mean, if that is given."""
    if entropy_z is not None:
        return check_real("entropy_z", entropy_z, -math.inf, ends="()")
    log_prior = model.required("log_prior", f"{needed_by} without entropy_z")
    return -log_density("log_prior", log_prior(z[:, None]), z, (len(z), 1))[:, 0]
