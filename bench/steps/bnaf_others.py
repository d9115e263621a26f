"""Block autoregressive flows of other libraries, as rivals of fastmi.ops.bnaf where installed.

numpyro and flowjax run on JAX with the whole step jitted (forward, log-determinant, backward,
optax.adam; buffers donated), in float32 and with as many threads as XLA takes; pyro in eager torch
with fused Adam. None of them conditions as fastmi does, so all model the 2 n columns (y, x) with
block triangular layers of the same widths, two hidden layers of a units per column: full matrices
times a mask, of which (2n a)^2 numbers per hidden layer are stored and about half are used, like
fastmi's own triangles and cross weights. Further differences, in the libraries' defaults:

* all normalise the rows of their weights;
* numpyro and flowjax have a leaky tanh (numpyro's passed plain here);
* flowjax takes softplus where the others take exp, and multiplies log-Jacobians of whole hidden
  layers, from the last to the first; it and pyro return the log-determinant of all 2n columns, so
  that their loss is that of the joint density.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable

import torch
from torch import Tensor

LEARNING_RATE = 1e-4
Step = Callable[[], float]


def steps(n: int, a: int, x: Tensor, y: Tensor, without: list[str]) -> dict[str, Step]:
    """Return one step per library that can be imported, but for those `without`."""
    makers = {"numpyro": _numpyro, "flowjax": _flowjax, "pyro": _pyro}
    rows = torch.cat([y, x], 1)
    return {
        name: make(n, a, rows)
        for name, make in makers.items()
        if name not in without and missing(name) is None
    }


def versions() -> dict[str, str]:
    """Return the libraries' versions, or why one cannot take part."""
    return {
        name: missing(name) or importlib.import_module(name).__version__
        for name in ("numpyro", "flowjax", "pyro")
    }


def missing(name: str) -> str | None:
    """Return why a library cannot take part; None if it can."""
    for module in ("pyro",) if name == "pyro" else ("jax", "optax", name):
        try:
            importlib.import_module(module)
        except ImportError as error:
            return str(error)
    return None


def _numpyro(n: int, a: int, rows: Tensor) -> Step:
    import jax
    import jax.numpy as jnp
    from numpyro.nn import block_neural_arn

    start, apply = block_neural_arn.BlockNeuralAutoregressiveNN(
        2 * n, [a, a], activation=block_neural_arn.Tanh()
    )
    _, parameters = start(jax.random.PRNGKey(0), (2 * n,))

    def cross_entropy(parameters, rows):
        f, log_slopes = apply(parameters, rows)
        return (0.5 * jnp.square(f[:, n:]).sum(1) - log_slopes[:, n:].sum(1)).mean()

    return _jitted(cross_entropy, parameters, rows)


def _flowjax(n: int, a: int, rows: Tensor) -> Step:
    import equinox
    import jax
    import jax.numpy as jnp
    import paramax
    from flowjax.bijections import BlockAutoregressiveNetwork

    network = BlockAutoregressiveNetwork(jax.random.key(0), dim=2 * n, depth=2, block_dim=a)
    parameters, rest = equinox.partition(
        network,
        equinox.is_inexact_array,
        is_leaf=lambda leaf: isinstance(leaf, paramax.NonTrainable),
    )

    def cross_entropy(parameters, rows):
        flow = paramax.unwrap(equinox.combine(parameters, rest))
        f, log_det = jax.vmap(flow.transform_and_log_det)(rows)
        return (0.5 * jnp.square(f).sum(1) - log_det).mean()

    return _jitted(cross_entropy, parameters, rows)


def _jitted(cross_entropy, parameters, rows: Tensor) -> Step:
    import jax
    import optax

    adam = optax.adam(LEARNING_RATE)
    batch = jax.numpy.asarray(rows.numpy())

    def update(parameters, state, rows):
        value, gradients = jax.value_and_grad(cross_entropy)(parameters, rows)
        changes, state = adam.update(gradients, state, parameters)
        return optax.apply_updates(parameters, changes), state, value

    compiled = jax.jit(update, donate_argnums=(0, 1))
    state = adam.init(parameters)

    def step() -> float:
        nonlocal parameters, state
        parameters, state, value = jax.block_until_ready(compiled(parameters, state, batch))
        return float(value)

    return step


def _pyro(n: int, a: int, rows: Tensor) -> Step:
    from pyro.distributions.transforms import block_autoregressive

    torch.manual_seed(0)
    network = block_autoregressive(2 * n, hidden_factors=[a, a], activation="tanh")
    adam = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE, fused=True)

    def step() -> float:
        adam.zero_grad()
        inputs = rows.clone()  # the transform would answer the same tensor from its cache
        f = network(inputs)
        loss = (0.5 * f.square().sum(1) - network.log_abs_det_jacobian(inputs, f)).mean()
        loss.backward()
        adam.step()
        return float(loss.detach())

    return step
