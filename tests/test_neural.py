"""Critic estimators through `mi` and `cmi`: against the truth, what they warn of, bad input."""

import dataclasses
import math
import pickle
import re
import subprocess
import sys

import numpy as np
import pytest

import fastmi
from fastmi import datasets
from fastmi.estimators._methods import METHODS as METHOD_ROWS

pytest.importorskip("torch")
import torch

pytestmark = pytest.mark.usefixtures("one_torch_thread")

SMALL = {
    "hidden": (32, 32),
    "steps": 300,
    "batch_size": 64,
    "lr": 3e-3,
    "eval_every": 50,
    "seed": 0,
}
CRITIC_METHODS = ("mine", "dv", "nwj", "infonce", "infonce-anchor", "smile", "demi", "ccmi")
METHODS = (*CRITIC_METHODS, "doe")


@pytest.fixture(scope="module")
def gaussian():
    law = datasets.CorrelatedGaussian.from_mi(0.8, d=2)
    return law.sample(4000, seed=0)


def options(method, **others):
    return SMALL | ({"negatives": "shuffle"} if method in ("mine", "dv", "nwj") else {}) | others


@pytest.mark.parametrize("method", METHODS)
def test_finds_the_truth(method, gaussian):
    estimate = fastmi.mi(*gaussian, method=method, **options(method))
    assert float(estimate) == pytest.approx(0.8, abs=0.2)
    assert abs(estimate - 0.8) < 4 * estimate.stderr + 0.05
    assert 0.02 < estimate.stderr < 0.15
    assert estimate.local.mean() == pytest.approx(float(estimate), abs=1e-9)
    assert estimate.method == method
    assert estimate.n == 4000
    assert estimate.dims == (2, 2)
    assert estimate.k is None
    assert estimate.device == "cpu"
    assert len(estimate.history.validation) == len(estimate.history.steps)


@pytest.mark.parametrize("method", METHODS)
def test_independent_variables_have_none(method):
    x, y = np.random.default_rng(0).normal(size=(2, 2000, 1))
    estimate = fastmi.mi(x, y, method=method, **options(method, steps=100))
    assert abs(float(estimate)) < 0.06


@pytest.mark.parametrize("critic", ["separable", "bilinear"])
def test_other_critics(critic, gaussian):
    x, y = gaussian
    estimate = fastmi.mi(x, y, method="infonce", critic=critic, **options("infonce"))
    # Separable comes close; a bilinear form lacks the squares of the log ratio.
    assert (0.6 if critic == "separable" else 0.3) < estimate < 0.95


class Sum(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.net = torch.nn.Sequential(
            torch.nn.Linear(4, 32), torch.nn.ReLU(), torch.nn.Linear(32, 1)
        )

    def forward(self, x, y):
        return self.net(torch.cat((x, y), 1))


def test_a_module_of_the_user_is_copied(gaussian):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        critic = Sum()
    before = [p.detach().clone() for p in critic.parameters()]
    one = fastmi.mi(*gaussian, method="smile", critic=critic, **options("smile", steps=150))
    again = fastmi.mi(*gaussian, method="smile", critic=critic, **options("smile", steps=150))
    assert one > 0.4
    assert float(one) == float(again)
    assert all(torch.equal(p, q) for p, q in zip(before, critic.parameters(), strict=True))


def test_one_seed_repeats_and_torch_keeps_its_state(gaussian):
    state = torch.get_rng_state()
    few = options("mine", steps=20)
    one = fastmi.mi(*gaussian, method="mine", **few)
    assert torch.equal(torch.get_rng_state(), state)
    torch.rand(1)
    again = fastmi.mi(*gaussian, method="mine", **few)
    other = fastmi.mi(*gaussian, method="mine", **few | {"seed": 1})
    assert float(one) == float(again)
    np.testing.assert_array_equal(one.local, again.local)
    assert float(one) != float(other)
    torch.set_rng_state(state)


def test_without_a_seed_runs_differ(gaussian):
    few = options("mine", steps=5, seed=None)
    assert fastmi.mi(*gaussian, method="mine", **few) != fastmi.mi(*gaussian, method="mine", **few)


def test_tensors_arrays_and_columns_are_the_same(gaussian):
    x, y = (block[:600, :1] for block in gaussian)
    few = options("mine", steps=20)
    expected = float(fastmi.mi(x, y, method="mine", **few))
    graph = torch.from_numpy(x).requires_grad_()
    assert float(fastmi.mi(graph, torch.from_numpy(y), method="mine", **few)) == expected
    assert float(fastmi.mi(x[:, 0].tolist(), y[::-1][::-1], method="mine", **few)) == expected
    # Samples rounded to float32 are other samples once they are mapped to deviation 1.
    single = fastmi.mi(x.astype(np.float32), y.astype(np.float32), method="mine", **few)
    assert float(single) == pytest.approx(expected, abs=1e-3)
    double = fastmi.mi(x, y, method="mine", dtype="float64", **few)
    assert float(double) == pytest.approx(expected, abs=1e-3)
    assert float(double) != expected


def test_integers_are_numbers():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 4, 500)
    estimate = fastmi.mi(x, x // 2, method="ccmi", **options("ccmi"))
    assert float(estimate) == pytest.approx(math.log(2), abs=0.2)


def test_held_out_samples_of_the_user(gaussian):
    x, y = gaussian
    few = options("mine", steps=50, patience=None)
    estimator = fastmi.MINE(**few)
    estimate = estimator.estimate(x[:3000], y[:3000], test=(x[3000:], y[3000:]))
    assert estimate.n == 4000
    assert len(estimate.local) == 1000
    halved = fastmi.MINE(**few | {"patience": 3})
    assert len(halved.estimate(x[:3000], y[:3000], test=(x[3000:], y[3000:])).local) == 500


def test_share_of_held_out_samples(gaussian):
    few = options("doe", steps=5, patience=None, test_size=0.25)
    assert len(fastmi.mi(*gaussian, method="doe", **few).local) == 1000


def test_at_most_ten_thousand_held_out_samples_choose_the_parameters():
    x, y = np.random.default_rng(0).normal(size=(2, 30_200, 1))
    few = options("doe", hidden=(4,), steps=2, patience=1)
    estimate = fastmi.DoE(**few).estimate(x[:200], y[:200], test=(x[200:], y[200:]))
    assert len(estimate.local) == 20_000


def test_the_normalisers_are_those_of_ksg(gaussian):
    x, y = gaussian
    few = options("mine", steps=60)
    plain = fastmi.mi(x, y, method="mine", normalize="local", **few)
    # A power of two, so that normalised samples agree to the last bit.
    scaled = fastmi.mi(1024 * x, y, method="mine", normalize="local", **few)
    by_hand = fastmi.mi(fastmi.normalize.local(x), fastmi.normalize.local(y), method="mine", **few)
    assert float(plain) == float(scaled) == float(by_hand)
    for name in ("global", "global-corrected"):
        assert float(fastmi.mi(x, y, method="mine", normalize=name, **few)) != float(plain)


def test_result_pickles(gaussian):
    estimate = fastmi.mi(*gaussian, method="nwj", **options("nwj", steps=5))
    again = pickle.loads(pickle.dumps(estimate))
    assert float(again) == float(estimate)
    np.testing.assert_array_equal(again.history.train, estimate.history.train)


def test_infonce_near_its_cap_is_reported():
    law = datasets.CorrelatedGaussian.from_mi(4.0, d=1)
    x, y = law.sample(2000, seed=0)
    estimate = fastmi.mi(x, y, method="infonce", **options("infonce", batch_size=16))
    assert estimate <= math.log(16)
    assert any("cannot exceed log(16)" in text for text in estimate.warnings)


def test_overfitting_is_reported():
    x, y = np.random.default_rng(0).normal(size=(2, 160, 10))
    few = options("dv", negatives="shuffle", steps=400, patience=None, test_size=0.3)
    estimate = fastmi.mi(x, y, method="dv", **few)
    assert any("overfitted" in text for text in estimate.warnings)


def test_the_scatter_of_nwj_is_reported():
    law = datasets.CorrelatedGaussian.from_mi(5.0, d=5)
    x, y = law.sample(1500, seed=0)
    estimate = fastmi.mi(x, y, method="nwj", **options("nwj"))
    assert any("even the best critic" in text for text in estimate.warnings)


def test_a_thin_partition_is_reported():
    """One far outlier makes the whole of the partition term of an untrained critic."""
    rng = np.random.default_rng(0)
    x = 1e4 * rng.standard_cauchy(2000)
    y = x + rng.standard_cauchy(2000)
    estimate = fastmi.mi(x, y, method="mine", inputs="none", **options("mine", steps=20))
    assert any("of 1600 product pairs" in text for text in estimate.warnings)


def test_patience_stops_early():
    x, y = np.random.default_rng(0).normal(size=(2, 400, 5))
    few = options("dv", steps=2000, eval_every=20, patience=3)
    history = fastmi.mi(x, y, method="dv", **few).history
    assert history.stopped == "patience"
    assert history.best_step < history.steps[-1] < 2000


def test_resumed_from_a_checkpoint(gaussian, tmp_path):
    few = options("mine", steps=40, eval_every=10)
    whole = fastmi.mi(*gaussian, method="mine", **few)
    path = tmp_path / "mine.pt"
    fastmi.mi(*gaussian, method="mine", **few | {"steps": 20, "checkpoint": path})
    resumed = fastmi.mi(*gaussian, method="mine", **few | {"checkpoint": str(path), "resume": True})
    assert float(resumed) == float(whole)


def test_nan_loss_names_the_step(gaussian):
    with pytest.raises(FloatingPointError, match=r"at step \d+ of 300"):
        fastmi.mi(*gaussian, method="nwj", **options("nwj", lr=1e4, optimizer="sgd"))


def test_conditional(gaussian):
    rng = np.random.default_rng(1)
    z = rng.normal(size=3000)
    x = z + rng.normal(size=3000)
    y = z + rng.normal(size=3000)
    few = options("ccmi")
    chain = fastmi.cmi(x, y, z, method="ccmi", **few)
    assert abs(float(chain)) < 0.08
    truth = 0.5 * math.log(4 / 3)
    marginal = fastmi.cmi(x, y, None, method="ccmi", **few)
    assert float(marginal) == pytest.approx(truth, abs=0.1)
    assert float(marginal) == float(fastmi.mi(x, y, method="ccmi", **few))
    assert chain.dims == (1, 1, 1)
    assert chain.local.mean() == pytest.approx(float(chain), abs=1e-9)
    with pytest.raises(ValueError, match="checkpoint must be None"):
        fastmi.cmi(x, y, z, method="ccmi", checkpoint="a.pt", **few)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_samples_must_be_finite(bad, gaussian):
    x = gaussian[0].copy()
    x[3, 1] = bad
    with pytest.raises(ValueError, match=r"x must be finite; got .* column 1, row 3"):
        fastmi.mi(x, gaussian[1], method="mine", **SMALL)


@pytest.mark.parametrize(
    "x, y, message",
    [
        (np.zeros((5, 2, 2)), np.zeros(5), "x must be 1-D"),
        (np.zeros(200), np.zeros(199), "same number of samples"),
        (np.arange(50.0), np.arange(50.0), r"batch_size=64, 40 training and 10 held-out"),
    ],
)
def test_samples_of_wrong_shape_or_size(x, y, message):
    with pytest.raises(ValueError, match=message):
        fastmi.mi(x, y, method="mine", **SMALL)


def test_samples_beyond_float32():
    x, y = np.full(200, 1e300) * np.arange(200), np.arange(200.0)
    with pytest.raises(ValueError, match="x must fit dtype='float32'"):
        fastmi.mi(x, y, method="mine", inputs="none", **SMALL)
    plain = fastmi.mi(np.arange(200.0), y, method="mine", **SMALL | {"steps": 20})
    found = fastmi.mi(x, y, method="mine", **SMALL | {"steps": 20})
    assert float(found) == pytest.approx(float(plain), abs=1e-3)


@pytest.mark.parametrize(
    "test, error, message",
    [
        (np.zeros((5, 2)), TypeError, r"test must be a tuple \(x_test, y_test\)"),
        ((np.zeros(9),), TypeError, r"test must be a tuple \(x_test, y_test\)"),
        ((np.zeros((9, 2)), np.zeros((8, 2))), ValueError, "x_test with n=9, y_test with n=8"),
        ((np.zeros((9, 1)), np.zeros((9, 2))), ValueError, "same number of columns; got 2 and 1"),
    ],
)
def test_held_out_samples_of_wrong_shape(test, error, message, gaussian):
    with pytest.raises(error, match=message):
        fastmi.MINE(**SMALL).estimate(*gaussian, test=test)


@pytest.mark.parametrize(
    "method, option, value, error",
    [
        ("mine", "steps", 0, ValueError),
        ("mine", "rate", 0.0, ValueError),
        ("mine", "critic", "cnn", ValueError),
        ("mine", "critic", 3, ValueError),
        ("mine", "hidden", (), ValueError),
        ("mine", "hidden", (0,), ValueError),
        ("mine", "hidden", 64, TypeError),
        ("mine", "hidden", (6.5,), TypeError),
        ("mine", "negatives", "some", ValueError),
        ("mine", "device", "abacus", ValueError),
        ("mine", "dtype", "float16", ValueError),
        ("mine", "test_size", 0.0, ValueError),
        ("mine", "test_size", "half", TypeError),
        ("mine", "normalize", "unit", ValueError),
        ("mine", "inputs", "robust", ValueError),
        ("mine", "split", "blocks", ValueError),
        ("mine", "gap", -1, ValueError),
        ("mine", "gap", 5, ValueError),
        ("mine", "progress", "always", TypeError),
        ("mine", "batch_size", 1, ValueError),
        ("infonce", "negatives", "shuffle", ValueError),
        ("smile", "tau", 0.0, ValueError),
        ("smile", "tau", "5", TypeError),
        ("demi", "alpha", 1.5, ValueError),
        ("ccmi", "clip", 0.5, ValueError),
        ("ccmi", "clip", None, TypeError),
        ("doe", "density", "cauchy", ValueError),
        ("doe", "side", "z", ValueError),
    ],
)
def test_bad_options_are_named(method, option, value, error):
    with pytest.raises(error, match=option):
        fastmi.mi([0.0] * 300, [0.0] * 300, method=method, **{option: value})


@pytest.mark.parametrize("name", sorted({row.estimator for row in METHOD_ROWS if row.trains}))
def test_help_describes_every_option(name):
    cls = getattr(fastmi, name)
    for option in dataclasses.fields(cls):
        described = re.search(rf"^ +{option.name}: (.+)$", cls.__doc__, re.MULTILINE)
        assert described, option.name
        assert len(described[1]) > 10


def test_device_that_is_not_there(gaussian):
    name = "cuda" if not torch.cuda.is_available() else "cuda:99"
    with pytest.raises(ValueError, match=f"got device='{name}'"):
        fastmi.mi(*gaussian, method="mine", device=name, **SMALL)


def test_resume_needs_a_seed(tmp_path):
    with pytest.raises(ValueError, match="resume=True needs a seed"):
        fastmi.MINE(checkpoint=tmp_path / "a", resume=True)


@pytest.mark.parametrize(
    "program, needed_by",
    [
        ("fastmi.mi([0.0], [0.0], method='mine')", "method='mine'"),
        ("fastmi.cmi([0.0], [0.0], [0.0], method='ccmi')", "method='ccmi'"),
        ("fastmi.MINE", "method='mine'"),
        ("fastmi.nn", "fastmi.nn"),
        ("import fastmi.estimators.neural.critic", "fastmi.estimators.neural"),
    ],
)
def test_without_torch_the_extra_is_named(program, needed_by, tmp_path):
    program = f"import sys; sys.modules['torch'] = None; import fastmi; {program}"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert f"ImportError: {needed_by} needs torch: pip install 'fastmi[torch]'" in done.stderr


def test_local_values_of_ccmi_are_clipped():
    """What is beyond the clip does not move the value, so it must not widen the error."""
    x, y = datasets.CorrelatedGaussian.from_mi(3.0, d=2).sample(2000, seed=0)
    clip = 0.2
    estimate = fastmi.mi(x, y, method="ccmi", clip=clip, **SMALL)
    assert np.ptp(estimate.local) <= 2 * math.log((1 - clip) / clip) + 1e-9
    assert np.isclose(estimate.local, estimate.local.max()).mean() > 0.5  # the clip does cut
    assert estimate.local.mean() == pytest.approx(float(estimate), abs=1e-9)


def test_numpy_scalars_as_options(gaussian):
    plain = fastmi.mi(*gaussian, method="mine", **SMALL | {"steps": 20})
    given = {"steps": np.int64(20), "batch_size": np.int32(64), "seed": np.int64(0)}
    assert fastmi.mi(*gaussian, method="mine", **SMALL | given) == plain


def test_few_held_out_samples_are_reported(gaussian):
    x, y = (block[:100] for block in gaussian)
    few = options("mine", steps=5, batch_size=16)
    estimate = fastmi.mi(x, y, method="mine", **few)
    assert any("10 held-out samples give the value" in text for text in estimate.warnings)
    assert not fastmi.mi(*gaussian, method="mine", **few).warnings


@pytest.mark.parametrize(
    "method, option, wrong, meant",
    [
        ("mine", "critic", "concate", "concat"),
        ("mine", "optimizer", "adamm", "adam"),
        ("mine", "schedule", "lineal", "linear"),
        ("doe", "density", "gausian", "gaussian"),  # codespell:ignore gausian
        ("ndoe", "activation", "leaky_tanh", "leaky-tanh"),
        ("mienf", "flow", "realnvb", "realnvp"),
    ],
)
def test_a_misspelt_choice_gets_a_suggestion(method, option, wrong, meant):
    with pytest.raises(ValueError, match=f"{option} must be one of .*: did you mean '{meant}'"):
        fastmi.mi([0.0] * 300, [0.0] * 300, method=method, **{option: wrong})
