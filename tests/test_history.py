"""An estimate carries the curves of its training or sweep, and draws them."""

import pickle

import numpy as np
import pytest

import fastmi
from fastmi._estimate import Estimate, History


def make_estimate(**fields):
    return Estimate(
        1.0, k=None, n=9, dims=(1, 1), method="mine", stderr=0.1, local=np.zeros(9), **fields
    )


def test_an_estimate_carries_and_draws_its_training():
    plt = pytest.importorskip("matplotlib")
    plt.use("Agg")
    from matplotlib.figure import Figure

    history = History(np.array([1, 2]), np.array([0.1, 0.2]), np.array([0.3, 0.4]), 2, "steps", 0.1)
    estimate = make_estimate(history=history)
    assert pickle.loads(pickle.dumps(estimate)).history.best_step == 2
    ax = estimate.plot(Figure().subplots())
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), history.validation)
    assert ax.get_title() == "mine"


def test_an_estimate_draws_its_sweep():
    plt = pytest.importorskip("matplotlib")
    plt.use("Agg")
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    estimate = fastmi.mi(x, x + rng.normal(size=200), method="ksg_global")
    from matplotlib.figure import Figure

    ax = estimate.plot(Figure().subplots())
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), estimate.curve[:, 0])


def test_plot_needs_a_curve():
    with pytest.raises(ValueError, match="needs a training or a sweep"):
        make_estimate().plot()
