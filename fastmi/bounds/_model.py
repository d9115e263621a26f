"""Models and proposals for their latents, given as callables or as torch distributions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastmi._checks import Seed, check_integer
from fastmi.bounds._arrays import Array, Random, as_pairs, is_tensor, randomness


@dataclass(frozen=True, kw_only=True)
class Model:
    """The densities of a model z ~ p(z), x | z ~ p(x|z), as far as they are known.

    Every callable is vectorised over n observations and K latents for each of them: a density
    gets x of shape (n, 1, ...) and z of shape (n, K, dz), which broadcast, and returns nats of
    shape (n, K). Arrays are of the kind of the data, NumPy or torch; `rng` is a
    ``numpy.random.Generator``, or for tensors a ``torch.Generator`` on their device. A bound
    that needs a callable which is missing raises ValueError and names it.

    Args:
        log_lik: ``log_lik(x, z)``, log p(x|z) with all its constants.
        log_prior: ``log_prior(z)``, log p(z).
        sample_prior: ``sample_prior(m, rng)``, m independent latents, shape (m, dz) or (m,).
        sample_joint: ``sample_joint(n, rng)``, pairs (x, z) for :meth:`sample`.
        grad_log_joint: ``grad_log_joint(x, z)``, gradient of log p(x, z) in z, shape
            (n, K, dz), for :class:`fastmi.bounds.HMC` on NumPy data. For tensors autograd
            replaces it.
        grad_log_prior: ``grad_log_prior(z)``, gradient of log p(z) in z, needed as well for
            annealing from the prior.
        tensors: True if the callables take torch tensors only.

    Raises:
        TypeError: An argument is not callable.
    """

    log_lik: Callable[[Array, Array], Array] | None = None
    log_prior: Callable[[Array], Array] | None = None
    sample_prior: Callable[[int, Random], Array] | None = None
    sample_joint: Callable[[int, Random], tuple[Array, Array]] | None = None
    grad_log_joint: Callable[[Array, Array], Array] | None = None
    grad_log_prior: Callable[[Array], Array] | None = None
    tensors: bool = False

    def __post_init__(self) -> None:
        check_callables(
            self,
            "log_lik",
            "log_prior",
            "sample_prior",
            "sample_joint",
            "grad_log_joint",
            "grad_log_prior",
        )

    @classmethod
    def from_distributions(cls, prior: Any, likelihood: Callable[[Array], Any]) -> Model:
        """Make a model from torch distributions.

        Args:
            prior: The ``torch.distributions.Distribution`` of one latent, with batch shape and
                event shape together () or (dz,).
            likelihood: Function from z (n, K, dz) to the Distribution of x, with batch shape
                and event shape together (n, K, ...). The log density is summed over
                dimensions after the second.

        Raises:
            TypeError: `prior` has no ``sample`` and ``log_prob``; `likelihood` is not callable.
        """
        _check_distribution("prior", prior)
        if not callable(likelihood):
            raise TypeError(
                f"likelihood must be a function from z to a distribution; got {likelihood!r}"
            )

        def log_lik(x: Array, z: Array) -> Array:
            found = likelihood(z)
            _check_distribution("likelihood(z)", found)
            return _summed(found.log_prob(x), 2)

        def sample_prior(m: int, _: Random) -> Array:
            return prior.sample((m,))

        def sample_joint(n: int, rng: Random) -> tuple[Array, Array]:
            z = sample_prior(n, rng)
            z = z.reshape(n, 1) if z.ndim == 1 else z
            found = likelihood(z[:, None])
            _check_distribution("likelihood(z)", found)
            return found.sample()[:, 0], z

        return cls(
            log_lik=log_lik,
            log_prior=lambda z: _summed(prior.log_prob(z), 2),
            sample_prior=sample_prior,
            sample_joint=sample_joint,
            tensors=True,
        )

    def sample(self, n: int, seed: Seed | None = None, device: str = "cpu") -> tuple[Array, Array]:
        """Draw n independent pairs (x, z), the data of every bound.

        Args:
            n: Number of pairs, at least 2.
            seed: Any value that :func:`numpy.random.default_rng` accepts.
            device: Device of the distributions, if `tensors` is True.

        Raises:
            ValueError: The model has no `sample_joint`; `n` is below 2.
        """
        n = check_integer("n", n, 2)
        draw = self.required("sample_joint", "sample")
        with randomness(seed, device if self.tensors else None, purpose=0) as rng:
            x, z = as_pairs(*draw(n, rng))
        if len(x) != n:
            raise ValueError(f"sample_joint must return {n} rows; got {len(x)}")
        return x, z

    def required(self, name: str, needed_by: str) -> Callable[..., Any]:
        """Return the callable `name`.

        Raises:
            ValueError: The model lacks it.
        """
        function: Callable[..., Any] | None = getattr(self, name)
        if function is None:
            raise ValueError(f"{needed_by} needs a model with {name}; got {name}=None")
        return function


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A normalised density q(z|x) from which latents can be drawn.

    Shapes and generators are those of :class:`Model`.

    Args:
        sample: ``sample(x, K, rng)``, K independent latents for each x (n, 1, ...), shape
            (n, K, dz).
        logpdf: ``logpdf(z, x)``, log q(z|x), shape (n, K).
        grad_logpdf: ``grad_logpdf(z, x)``, gradient of log q(z|x) in z, shape (n, K, dz), for
            :class:`fastmi.bounds.HMC` on NumPy data. For tensors autograd replaces it.

    Raises:
        TypeError: An argument is not callable.
    """

    sample: Callable[[Array, int, Random], Array]
    logpdf: Callable[[Array, Array], Array]
    grad_logpdf: Callable[[Array, Array], Array] | None = None

    def __post_init__(self) -> None:
        check_callables(self, "sample", "logpdf", "grad_logpdf")

    @staticmethod
    def from_distribution(conditional: Callable[[Array], Any]) -> DistributionProposal:
        """Make a proposal from a function of x (n, ...) that returns a torch Distribution of z.

        Batch shape and event shape of the distribution are together (n, dz) or (n,). A bound
        calls the function once, so that an encoder network runs once.

        Raises:
            TypeError: `conditional` is not callable.
        """
        return DistributionProposal(conditional)

    def at(self, x: Array) -> Conditional:
        """Return q(.|x) for x of shape (n, ...)."""
        wide = x[:, None]
        grad = self.grad_logpdf
        return Conditional(
            sample=lambda count, rng: self.sample(wide, count, rng),
            logpdf=lambda z: self.logpdf(z, wide),
            grad=None if grad is None else lambda z: grad(z, wide),
        )


class DistributionProposal(Proposal):
    """q(z|x) given by a function that returns a torch Distribution."""

    def __init__(self, conditional: Callable[[Array], Any]) -> None:
        if not callable(conditional):
            raise TypeError(
                f"conditional must be a function from x to a distribution; got {conditional!r}"
            )
        # The two callables of a proposal get x as (n, 1, ...).
        super().__init__(
            sample=lambda x, count, rng: self.at(x[:, 0]).sample(count, rng),
            logpdf=lambda z, x: self.at(x[:, 0]).logpdf(z),
        )
        object.__setattr__(self, "conditional", conditional)

    conditional: Callable[[Array], Any]

    def at(self, x: Array) -> Conditional:
        """Return q(.|x) for x of shape (n, ...); this calls the user's function once."""
        if not is_tensor(x):
            raise TypeError(
                "a proposal made of torch distributions takes tensors; got NumPy data: pass x "
                "and z as tensors"
            )
        found = self.conditional(x)
        _check_distribution("conditional(x)", found)
        shape = (*found.batch_shape, *found.event_shape)
        if len(shape) not in (1, 2) or shape[0] != len(x):
            raise ValueError(
                f"conditional(x) must have batch and event shape together (n, dz) or (n,) with "
                f"n={len(x)}; got {shape}"
            )

        def sample(count: int, _: Random) -> Array:
            drawn = found.sample((count,))
            return drawn.reshape(count, len(x), -1).transpose(0, 1)

        def logpdf(z: Array) -> Array:
            # A distribution with batch and event shape (n,) takes z without its last axis.
            scalar = len(shape) == 1
            values = z.transpose(0, 1)
            return _summed(found.log_prob(values[..., 0] if scalar else values), 2).transpose(0, 1)

        return Conditional(sample=sample, logpdf=logpdf, grad=None)


@dataclass(frozen=True)
class Conditional:
    """q(.|x) at the observations of one call.

    Attributes:
        sample: ``sample(K, rng)``, K latents for each x, shape (n, K, dz).
        logpdf: ``logpdf(z)``, log q(z|x) of z (n, K, dz), shape (n, K).
        grad: ``grad(z)``, gradient of the log density in z, or None.
        name: What to call `logpdf` in messages.
        sampler: What to call `sample` in messages.
    """

    sample: Callable[[int, Random], Array]
    logpdf: Callable[[Array], Array]
    grad: Callable[[Array], Array] | None
    name: str = "proposal.logpdf"
    sampler: str = "proposal.sample"


def conditional_at(
    model: Model, proposal: Proposal | None, x: Array, needed_by: str
) -> Conditional:
    """Return q(.|x), which is the prior if `proposal` is None.

    Raises:
        TypeError: `proposal` is not a :class:`Proposal`.
        ValueError: The model cannot sample its prior.
    """
    if proposal is not None:
        if not isinstance(proposal, Proposal):
            raise TypeError(
                f"proposal must be a fastmi.bounds.Proposal, or None for the prior; "
                f"got {type(proposal).__name__}"
            )
        return proposal.at(x)
    draw = model.required("sample_prior", f"{needed_by} without a proposal")

    def sample(count: int, rng: Random) -> Array:
        drawn = draw(len(x) * count, rng)
        rows = len(drawn) if getattr(drawn, "ndim", 0) in (1, 2) else -1
        if rows != len(x) * count:
            raise ValueError(
                f"sample_prior must return shape ({len(x) * count}, dz) or ({len(x) * count},); "
                f"got {tuple(getattr(drawn, 'shape', ()))}"
            )
        return drawn.reshape(len(x), count, -1)

    def logpdf(z: Array) -> Array:
        log_prior: Callable[[Array], Array] = model.required("log_prior", needed_by)
        return log_prior(z)

    return Conditional(sample, logpdf, model.grad_log_prior, "log_prior", "sample_prior")


def pairs_for(model: object, x: Array, z: Array) -> tuple[Array, Array]:
    """Return x and z as :func:`as_pairs` does, if the model can take them.

    Raises:
        TypeError: `model` is not a :class:`Model`, or takes tensors and the data are NumPy arrays;
            see also :func:`as_pairs`.
        ValueError: See :func:`as_pairs`.
    """
    x, z = as_pairs(x, z)
    if not isinstance(model, Model):
        raise TypeError(f"model must be a fastmi.bounds.Model; got {type(model).__name__}")
    if model.tensors and not is_tensor(x):
        raise TypeError(
            f"a model of torch distributions takes tensors; got x as {type(x).__name__}: pass x "
            "and z as tensors"
        )
    return x, z


def check_callables(holder: object, *names: str) -> None:
    """Raise TypeError unless each named field is callable or None."""
    for name in names:
        value = getattr(holder, name)
        if value is not None and not callable(value):
            raise TypeError(f"{name} must be callable; got {value!r} ({type(value).__name__})")


def _check_distribution(name: str, value: object) -> None:
    if not (hasattr(value, "sample") and hasattr(value, "log_prob")):
        raise TypeError(
            f"{name} must be a torch.distributions.Distribution; got {type(value).__name__}"
        )


def _summed(values: Array, leading: int) -> Array:
    """Sum over all dimensions after the first `leading`."""
    return values if values.ndim <= leading else values.flatten(leading).sum(dim=-1)
