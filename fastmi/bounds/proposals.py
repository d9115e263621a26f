"""Proposals learned from simulated pairs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastmi._checks import MOST_LAYERS, check_integer, check_real, check_weights
from fastmi._extras import load
from fastmi.bounds._arrays import Array, Random, as_pairs, is_tensor, to_numpy
from fastmi.bounds._model import Conditional, Proposal

if TYPE_CHECKING:
    from fastmi._estimate import History
    from fastmi.bounds._amortised import Amortised
    from fastmi.nn import Training


class LearnedProposal(Proposal):
    """q(z|x) given by a trained network, for NumPy arrays and tensors alike.

    Attributes:
        network: The module that holds the parameters.
        history: Curves of the training, which show the mean of log q(z|x) in nats.
    """

    network: Amortised
    history: History

    def __init__(self, network: Amortised, history: History) -> None:
        super().__init__(
            sample=lambda x, count, rng: self.at(x[:, 0]).sample(count, rng),
            logpdf=lambda z, x: self.at(x[:, 0]).logpdf(z),
        )
        object.__setattr__(self, "network", network)
        object.__setattr__(self, "history", history)

    def __repr__(self) -> str:
        network = self.network
        return (
            f"LearnedProposal(dz={network.dz}, n_components={network.n_components}, "
            f"n_couplings={len(network.couplings)})"
        )

    def at(self, x: Array) -> Conditional:
        """Return q(.|x) for x of shape (n, ...); the network runs once."""
        import torch

        network = self.network
        like = network.get_buffer("z_mean")
        dtype = torch.float64
        if is_tensor(x):
            dtype = x.dtype if x.is_floating_point() else torch.get_default_dtype()

        def read(array: Array) -> Any:
            return _as_tensor(array).to(like)

        def write(values: Any) -> Array:
            return values.to(x.device, dtype) if is_tensor(x) else to_numpy(values)

        flat = read(x).reshape(len(x), -1)
        dx = len(network.get_buffer("x_mean"))
        if flat.shape[1] != dx:
            raise ValueError(
                f"x must have {dx} numbers per row, as when the proposal was learned; "
                f"got {flat.shape[1]}"
            )
        with torch.no_grad():
            parameters = network.parameters_at(flat)

        def sample(count: int, rng: Random) -> Array:
            if isinstance(rng, np.random.Generator):
                rng = torch.Generator(like.device).manual_seed(int(rng.integers(0, 2**63)))
            with torch.no_grad():
                return write(network.sample(parameters, count, rng))

        def grad(z: Array) -> Array:
            with torch.enable_grad():
                leaf = read(z).detach().requires_grad_(True)
                total = network.log_prob(parameters, leaf).sum()
                return write(torch.autograd.grad(total, leaf)[0])

        return Conditional(
            sample=sample,
            logpdf=lambda z: write(network.log_prob(parameters, read(z))),
            grad=grad,
        )


def learn_proposal(
    x: Array,
    z: Array,
    *,
    n_components: int = 1,
    n_couplings: int = 0,
    hidden: Sequence[int] = (64, 64),
    test_size: float = 0.2,
    training: Training | None = None,
) -> LearnedProposal:
    """Fit q(z|x) to simulated pairs by maximum likelihood, in float32.

    Maximum likelihood maximises the bound of :func:`barber_agakov`, whose gap is
    KL(p(z|x) || q(z|x)). The fit therefore covers the whole posterior rather than one of its
    modes, as importance sampling needs. The pairs must be others than those on which bounds are
    evaluated: on the training pairs q fits too well, and lower bounds may exceed I(X; Z).

    Args:
        x: Observations, shape (n, ...) or (n,).
        z: Continuous latents that generated the observations, shape (n, dz) or (n,).
        n_components: Number of Gaussians with full covariance in the mixture; posteriors with
            several modes need several.
        n_couplings: Number of affine couplings that warp the mixture, for curved posteriors.
            They need dz >= 2.
        hidden: Widths of the hidden layers, at least one.
        test_size: Share of the pairs held out; the parameters that fit these best are kept.
        training: Options of the training loop. None takes at most 4000 steps and stops early
            when the held-out pairs are fitted no better.

    Returns:
        The proposal, with the curves of its training.

    Raises:
        ImportError: torch is not installed.
        TypeError: The latents are integers; an option has the wrong type.
        ValueError: An option is out of range; there are too few pairs.
        FloatingPointError: The training diverged.
    """
    torch = load("torch", extra="torch", needed_by="learn_proposal")
    from fastmi.bounds._amortised import Amortised
    from fastmi.nn import Training, train

    x, z = as_pairs(x, z)
    components = check_integer("n_components", n_components, 1)
    couplings = check_integer("n_couplings", n_couplings, 0, MOST_LAYERS)
    try:
        widths = [check_integer("hidden", width, 1) for width in hidden]
    except TypeError:
        raise TypeError(f"hidden must be a sequence of integers; got {hidden!r}") from None
    if not widths:
        raise ValueError("hidden must have at least one width; got none")
    share = check_real("test_size", test_size, 0.0, 1.0, ends="()")
    if training is not None and not isinstance(training, Training):
        raise TypeError(f"training must be a fastmi.nn.Training; got {training!r}")
    if couplings and z.shape[1] < 2:
        raise ValueError(
            f"n_couplings needs latents with dz >= 2; got n_couplings={couplings}, dz=1: "
            "take n_components for densities that are not Gaussian"
        )
    if not (z.is_floating_point() if is_tensor(z) else z.dtype.kind == "f"):
        raise TypeError(f"z must be continuous for a learned proposal; got dtype {z.dtype}")
    flat, latents = (_as_tensor(array).reshape(len(array), -1).float() for array in (x, z))
    for name, values in (("x", flat), ("z", latents)):
        if not bool(values.isfinite().all()):
            raise ValueError(f"{name} must fit float32; got values beyond its range: rescale")
    dz = z.shape[1]
    outputs = components * (1 + 2 * dz + dz * (dz - 1) // 2)
    check_weights(
        [flat.shape[1], *widths, outputs], f"hidden={widths} and n_components={components}"
    )
    held = math.ceil(share * len(flat))
    if len(flat) - held < 2:
        raise ValueError(f"n must leave 2 pairs for training; got n={len(flat)}")
    options = training
    if options is None:
        size = min(128, len(flat) - held)
        options = Training(steps=4000, batch_size=size, lr=1e-3, patience=10, seed=0)
    seed = 0 if options.seed is None else options.seed
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(flat), generator=generator).to(flat.device)
    test, fit = order[:held], order[held:]
    # The initial parameters are drawn from torch's global generator.
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        network = Amortised(flat[fit].cpu(), latents[fit].cpu(), widths, components, couplings).to(
            flat.device
        )

    def mean_log_q(some_x: Any, some_z: Any) -> Any:
        return network.log_prob(network.parameters_at(some_x), some_z[:, None]).mean()

    history = train(
        network,
        (flat[fit], latents[fit]),
        (flat[test], latents[test]),
        loss=lambda some_x, some_z: -mean_log_q(some_x, some_z),
        estimate=lambda some_x, some_z: float(mean_log_q(some_x, some_z)),
        options=options,
    )
    network.requires_grad_(False)
    return LearnedProposal(network, history)


def _as_tensor(array: Array) -> Any:
    """Return a tensor; NumPy data are copied, since torch does not take every stride and dtype."""
    import torch

    return array if is_tensor(array) else torch.from_numpy(np.array(array, dtype=np.float64))
