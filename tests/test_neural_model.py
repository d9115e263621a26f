"""The trained model on the result: pointwise values of samples, pickles, what is warned of."""

import math
import pickle

import numpy as np
import pytest

import fastmi
from fastmi import datasets

pytest.importorskip("torch")
import torch

from fastmi._cautions import quiet
from fastmi.estimators.neural.base import _divergence_warning, _negative_warning
from fastmi.nn.fit import Reading

pytestmark = pytest.mark.usefixtures("one_torch_thread")

CRITIC = {"hidden": (16, 16), "steps": 40, "batch_size": 64, "lr": 3e-3}
FLOW = {"steps": 20, "batch_size": 64}
METHODS = {
    **dict.fromkeys(("mine", "dv", "nwj", "infonce", "infonce-anchor"), CRITIC),
    **dict.fromkeys(("smile", "demi", "ccmi", "doe"), CRITIC),
    **dict.fromkeys(("ndoe", "bnaf", "mienf"), FLOW),
    "ndoe-realnvp": FLOW | {"hidden": 16, "couplings": 2},
}


@pytest.fixture(scope="module")
def samples():
    """Return x with a constant, a heavy and a far column, and y."""
    x, y = datasets.CorrelatedGaussian.from_mi(0.8, d=2).sample(800, seed=0)
    x = np.column_stack([x[:, 0], np.full(800, 3.0), 1e3 * x[:, 1] ** 5 + 1e6])
    return x, y


@pytest.mark.parametrize("normalize", [None, "global", "copula"])
@pytest.mark.parametrize("method", METHODS)
def test_held_out_samples_have_their_local_values(method, normalize, samples):
    x, y = samples
    options = METHODS[method] | {"seed": 0, "patience": None, "normalize": normalize}
    made = fastmi.estimators.MI_METHODS[method].make(**options)
    found = made.estimate(x[:640], y[:640], test=(x[640:], y[640:]))
    again = found.pointwise(x[640:], y[640:])
    assert again.shape == (160,)
    np.testing.assert_allclose(again[: len(found.local)], found.local, rtol=1e-5, atol=1e-5)
    loaded = pickle.loads(pickle.dumps(found))
    np.testing.assert_array_equal(loaded.pointwise(x[640:], y[640:]), again)
    assert isinstance(found.model, torch.nn.Module)
    assert "model" not in found.to_dict()
    assert "model" not in repr(found)
    tensors = torch.from_numpy(x[640:]), torch.from_numpy(y[640:])
    np.testing.assert_allclose(found.model(*tensors).detach().numpy(), again)
    # A sample by itself; InfoNCE contrasts it with samples that it kept.
    assert found.pointwise(x[700:701], y[700:701]).shape == (1,)
    if method != "infonce":
        assert found.pointwise(x[700:701], y[700:701])[0] == pytest.approx(again[60], abs=1e-5)


def test_pointwise_values_of_a_conditional_estimate():
    rng = np.random.default_rng(0)
    z, x, y = rng.normal(size=(3, 600))
    made = fastmi.ConditionalCCMI(**CRITIC, seed=0, patience=None)
    test = tuple(block[480:] for block in (x + z, y + z, z))
    found = made.estimate((x + z)[:480], (y + z)[:480], z[:480], test=test)
    np.testing.assert_allclose(found.pointwise(*test), found.local, rtol=1e-5, atol=1e-5)
    with pytest.raises(TypeError, match="samples must be given of x, y, z; got 2 variables"):
        found.pointwise(x, y)


def test_pointwise_information_is_that_of_the_normal():
    """log p(x, y) / p(x) p(y) of a bivariate normal, in the units in which the samples came."""
    rho = 0.8
    x, y = datasets.CorrelatedGaussian(rho, 1).sample(4000, seed=0)
    new = datasets.CorrelatedGaussian(rho, 1).sample(500, seed=1)
    truth = -0.5 * math.log1p(-(rho**2)) - (
        rho**2 * (new[0] ** 2 + new[1] ** 2) - 2 * rho * new[0] * new[1]
    )[:, 0] / (2 * (1 - rho**2))
    for method, few in (("mienf", {"steps": 5}), ("mine", {"steps": 400, "hidden": (32, 32)})):
        found = fastmi.mi(
            1e-3 * x + 7, 50 * y, method=method, seed=0, **METHODS[method] | few, patience=None
        )
        values = found.pointwise(1e-3 * new[0] + 7, 50 * new[1])
        assert np.corrcoef(values, truth)[0, 1] > 0.95
        assert np.median(np.abs(values - truth)) < 0.12


def test_bad_samples_of_pointwise(samples):
    x, y = samples
    found = fastmi.mi(x, y, method="mine", seed=0, **CRITIC)
    with pytest.raises(ValueError, match="x must have as many columns as in the training; got 2"):
        found.pointwise(x[:, :2], y)
    with pytest.raises(ValueError, match="y must be finite"):
        found.pointwise(x, np.full_like(y, np.nan))
    with pytest.raises(ValueError, match="same number of samples"):
        found.pointwise(x, y[1:])
    untrained = fastmi.mi(x, y)
    assert untrained.model is None
    with pytest.raises(ValueError, match="pointwise\\(\\) needs a trained model; method='ksg1'"):
        untrained.pointwise(x, y)


def test_samples_out_of_reach_are_refused(samples):
    x, y = (column[:, :1] for column in samples)
    found = fastmi.mi(x, y, method="mine", seed=0, **CRITIC)
    assert np.isfinite(found.pointwise([1e6], [0.0])).all()
    with pytest.raises(ValueError, match=r"near enough to those of the training .* for row 1"):
        found.pointwise([0.0, 1e300], [0.0, 0.0])


def test_a_value_far_below_zero_is_reported():
    assert [c.kind for c in _negative_warning(Reading(-1.0, np.zeros(9), 0.1))] == ["negative"]
    assert _negative_warning(Reading(-1.0, np.zeros(9), 0.0))
    for value, stderr in ((-1.0, 0.3), (-0.01, 1e-4), (1.0, 0.1)):
        assert not _negative_warning(Reading(value, np.zeros(9), stderr))
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 300, 10))
    options = {"steps": 500, "hidden": (64, 64), "patience": None, "lr": 3e-3, "seed": 0}
    with pytest.warns(fastmi.EstimateWarning, match="is far below zero, and information"):
        found = fastmi.mi(x, y, method="smile", negatives="shuffle", **options)
    assert found < -0.5


def test_divergence_is_reported():
    x, y = datasets.CorrelatedGaussian.from_mi(0.8, d=2).sample(600, seed=0)
    options = CRITIC | {"lr": 0.3, "seed": 0, "patience": None}
    with pytest.warns(fastmi.EstimateWarning, match="the training diverged: the running estimate"):
        found = fastmi.mi(x, y, method="nwj", negatives="shuffle", **options)
    assert "diverged" in [caution.kind for caution in found.warnings]
    calm = fastmi.mi(x, y, method="nwj", negatives="shuffle", **CRITIC, seed=0)
    assert not _divergence_warning(calm.history)


def test_a_bar_where_a_person_waits(samples, monkeypatch):
    tqdm = pytest.importorskip("tqdm")
    shown = []

    class Bar:
        def __init__(self, **options):
            shown.append(options)

        def update(self, *_, **__):
            pass

        set_postfix = close = update

    monkeypatch.setattr(tqdm, "tqdm", Bar)
    x, y = samples
    fastmi.mi(x, y, method="mine", **CRITIC)
    assert not shown  # stderr of a test is no terminal
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    fastmi.mi(x, y, method="mine", **CRITIC)
    assert [options["total"] for options in shown] == [40]
    with quiet():
        fastmi.mi(x, y, method="mine", **CRITIC)
    fastmi.mi(x, y, method="mine", progress=False, **CRITIC)
    monkeypatch.setattr("fastmi._extras.is_installed", lambda _: False)
    fastmi.mi(x, y, method="mine", **CRITIC)
    assert len(shown) == 1
