"""Ctrl-C is heard soon wherever a neural estimator can spend long.

The times are those of the processor, which other programs on the machine do not lengthen: the most
that one uninterruptible piece of work takes. With a core of one's own an interrupt takes as long.
"""

import signal
import time

import numpy as np
import pytest

pytest.importorskip("torch")
import torch

import fastmi
from fastmi.estimators.neural.split import split_samples
from fastmi.nn.identity import fingerprint
from fastmi.ops.block_triangle import packed_size
from fastmi.ops.bnaf import bnaf

pytestmark = [
    pytest.mark.usefixtures("one_torch_thread"),
    pytest.mark.filterwarnings("ignore::fastmi.EstimateWarning"),
]

# Seconds of the processor: after so many an operation is interrupted, and the most that it may take
# without a chance to hear of it. A second is the goal for whoever waits.
ENOUGH = 0.25
LIMIT = 0.5


class Listener:
    """Asks at short intervals to be heard, and interrupts what runs after ENOUGH seconds."""

    def __enter__(self):
        self.longest = 0.0
        self._heard = self._begin = time.process_time()
        self._before = signal.signal(signal.SIGALRM, self._hear)
        signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
        return self

    def __exit__(self, *_):
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._before)

    def _hear(self, *_):
        now = time.process_time()
        self.longest = max(self.longest, now - self._heard)
        self._heard = now
        if now - self._begin > ENOUGH:
            signal.setitimer(signal.ITIMER_REAL, 0)
            raise KeyboardInterrupt


def samples(n, d=3, kind=np.float64):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, d)).astype(kind)
    return x, x + rng.standard_normal((n, d)).astype(kind)


def tensors(n):
    return tuple(torch.from_numpy(one) for one in samples(n, kind=np.float32))


def reading(estimator, n):
    """The value of all held-out samples."""
    fit = estimator._make_fit(tensors(1000))
    fit.model.eval()
    held_out = tensors(n)
    return lambda: [fit.read(*held_out) for _ in range(9)]


def pointwise(estimator, n, d=3):
    estimate, pair = estimator.estimate(*samples(1000, d)), samples(n, d)
    return lambda: estimate.pointwise(*pair)


def training(estimator):
    pair = samples(2000)
    return lambda: estimator.set_params(steps=10**6, patience=None).estimate(*pair)


def passes_of_layers(n, d=8, width=20):
    """Forward and backward pass of the compiled flow."""
    generator = torch.Generator().manual_seed(0)
    shapes = [(width, 1), (width, width), (1, width)]
    weights = [torch.randn(packed_size(d, *one), generator=generator) / 9 for one in shapes]
    biases = [torch.zeros(d * a_out) for a_out, _ in shapes]
    x = torch.randn(n, d, generator=generator)
    for one in weights:
        one.requires_grad_()
    return lambda: [bnaf(x, weights, biases)[1].sum().backward() for _ in range(20)]


def preparation(n, **options):
    pair = samples(n, 2)
    few = {"device": "cpu", "dtype": "float32", "inputs": "auto", "normalize": None, "grid": 2**-20}
    split = {"test_size": 0.2, "split": "random", "gap": 0, "folds": 1, "seed": 0}
    split["batch_size"] = 64
    others = few | split | {"selects": True, "identify": True} | options
    return lambda: [[*split_samples(pair, ("x", "y"), None, **others)] for _ in range(9)]


def fingerprints():
    block = np.zeros((1 << 23, 2))
    return lambda: fingerprint([block] * 99)


FEW = {"steps": 1, "batch_size": 64, "seed": 0, "progress": False}

OPERATIONS = {
    "reading of a critic": lambda: reading(fastmi.MINE(**FEW), 300_000),
    "reading of blocks": lambda: reading(fastmi.InfoNCE(**FEW | {"batch_size": 256}), 300_000),
    "reading of doe": lambda: reading(fastmi.DoE(**FEW), 600_000),
    "reading of ndoe": lambda: reading(fastmi.NDoE(**FEW), 900_000),
    "reading of ndoe-realnvp": lambda: reading(fastmi.NDoERealNVP(**FEW), 300_000),
    "reading of mienf": lambda: reading(fastmi.MIENF(**FEW, flow="realnvp"), 200_000),
    "pointwise of a critic": lambda: pointwise(fastmi.MINE(**FEW), 300_000),
    "pointwise of blocks": lambda: pointwise(fastmi.InfoNCE(**FEW | {"batch_size": 256}), 200_000),
    "pointwise of doe": lambda: pointwise(fastmi.DoE(**FEW), 600_000),
    "pointwise of ndoe-realnvp": lambda: pointwise(fastmi.NDoERealNVP(**FEW), 300_000),
    "pointwise of mienf": lambda: pointwise(fastmi.MIENF(**FEW, flow="realnvp"), 300_000),
    "maps of many columns": lambda: pointwise(fastmi.DoE(**FEW), 200_000, 60),
    "training of mine": lambda: training(fastmi.MINE(**FEW)),
    "training on all pairs": lambda: training(fastmi.SMILE(**FEW | {"batch_size": 1024})),
    "training of doe": lambda: training(fastmi.DoE(**FEW)),
    "training of ndoe": lambda: training(fastmi.NDoE(**FEW)),
    "training of mienf": lambda: training(fastmi.MIENF(**FEW)),
    "compiled flow": lambda: passes_of_layers(60_000),
    "preparation": lambda: preparation(1_000_000),
    "preparation by ranks": lambda: preparation(1_000_000, normalize="rank"),
    "fingerprints": fingerprints,
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_interrupt_is_heard(name, record_property):
    operation = OPERATIONS[name]()
    with pytest.raises(KeyboardInterrupt), Listener() as listener:
        operation()
    record_property("longest", listener.longest)
    assert listener.longest < LIMIT


def test_a_chunk_is_as_good_as_the_whole():
    """Rows go through in chunks; a row gets the same bits, wherever it stands."""
    estimate, (x, y) = fastmi.DoE(**FEW).estimate(*samples(1000)), samples(40_000)
    whole = estimate.pointwise(x, y)
    assert whole.shape == (40_000,)
    np.testing.assert_array_equal(estimate.pointwise(x[30_000:], y[30_000:]), whole[30_000:])
