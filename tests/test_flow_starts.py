"""What the flows start from: normal scores, the shrunk joint normal, and trainings on folds."""

import math

import numpy as np
import pytest

import fastmi
from fastmi import datasets

pytest.importorskip("torch")
import torch

from fastmi.estimators.neural.inputs import make_map
from fastmi.estimators.neural.parts import divide_in_folds
from fastmi.nn.canonical import gaussian_information, plugin_excess, shrunk
from fastmi.nn.leftover import leftover_information
from fastmi.nn.ndoe import SharedFlow
from fastmi.nn.normal_start import NormalStart

pytestmark = pytest.mark.usefixtures("one_torch_thread")

FLOWS = {"steps": 2, "lr": 1e-9, "batch_size": 64, "seed": 0, "width": 4}


def normals(n, seed=0):
    """Return x of 3 and y of 2 columns that correlate, and their covariance."""
    rng = np.random.default_rng(seed)
    mix = np.random.default_rng(9).normal(size=(5, 5))
    z = torch.from_numpy(rng.normal(size=(n, 5)) @ mix + np.arange(5.0))
    return z[:, :3], z[:, 3:], torch.from_numpy(mix.T @ mix)


def test_excess_of_the_plugin_is_that_of_independent_samples():
    rng = np.random.default_rng(0)
    found = [
        gaussian_information(*(torch.from_numpy(rng.normal(size=(40, d))) for d in (4, 3)))
        for _ in range(400)
    ]
    expected = plugin_excess(40, 4, 3)
    assert expected == pytest.approx(12 / 80, rel=0.2)
    assert np.mean(found) == pytest.approx(expected, abs=4 * np.std(found) / 20)
    assert plugin_excess(7, 4, 3) == math.inf


def test_shrunk_correlations_have_the_corrected_sum():
    rho = torch.tensor([0.9, 0.6, 0.11, 0.1], dtype=torch.float64)
    left = shrunk(rho, 400, 4, 5)

    def information(r):
        return float(-0.5 * torch.log1p(-r.square()).sum())

    assert information(left) == pytest.approx(information(rho) - plugin_excess(400, 4, 5))
    assert left[2:].tolist() == [0.0, 0.0]
    assert (left[:2] < rho[:2]).all()
    assert shrunk(rho, 8, 4, 5).tolist() == [0.0] * 4
    assert shrunk(0 * rho, 400, 4, 5).tolist() == [0.0] * 4


def test_normal_start_gives_the_densities_of_the_normal():
    x, y, _ = normals(200_000)
    start = NormalStart(x, y)
    joint, margin = torch.cov(torch.cat([x, y], 1).T), torch.cov(y.T)
    log_y = torch.distributions.MultivariateNormal(y.mean(0), margin).log_prob(y)
    log_joint = torch.distributions.MultivariateNormal(torch.cat([x, y], 1).mean(0), joint)
    log_x = torch.distributions.MultivariateNormal(x.mean(0), joint[:3, :3]).log_prob(x)
    expected = log_joint.log_prob(torch.cat([x, y], 1)) - log_y
    torch.testing.assert_close(start.log_density(x, y), expected, atol=2e-3, rtol=0)
    torch.testing.assert_close(start.log_density(x), log_x, atol=2e-3, rtol=0)
    # Rows of both kinds go through one pass, and back.
    z, log_det = start(torch.cat([x[:9], x[:5]]), y[:9])
    torch.testing.assert_close(z[9:], start(x[:5])[0])
    torch.testing.assert_close(start.inverse(z, y[:9]), torch.cat([x[:9], x[:5]]))
    assert log_det.shape == (14,)


def test_normal_start_says_nothing_of_independent_or_degenerate_samples():
    rng = np.random.default_rng(0)
    x, y = (torch.from_numpy(rng.normal(size=(300, 8))) for _ in range(2))
    marginal, conditional = SharedFlow(NormalStart(x, y))(x, y)
    assert abs(float((marginal - conditional).mean())) < 0.05  # the plug-in has 0.11
    for degenerate in (x[:, :1].expand(300, 8), torch.zeros(300, 8).double(), x[:6]):
        flow = NormalStart(degenerate.contiguous(), y[: len(degenerate)])
        assert torch.isfinite(flow(degenerate, y[: len(degenerate)])[0]).all()


@pytest.mark.parametrize("method", ["ndoe", "mienf"])
def test_the_start_is_the_information_of_the_joint_normal(method):
    """25 and 25 columns of which two pairs depend, through maps of single columns."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 3000, 25))
    y[:, :2] = 0.8 * x[:, :2] + 0.6 * y[:, :2]
    found = fastmi.mi(x**3, np.exp(y), method=method, **FLOWS)
    assert float(found) == pytest.approx(-math.log(0.36), abs=0.12)
    assert found.history.best_step == 0 or found.history.validation.std() < 1e-3
    none = fastmi.mi(x, rng.normal(size=y.shape), method=method, **FLOWS)
    assert abs(float(none)) < 0.03


def test_scores_make_columns_normal():
    rng = np.random.default_rng(0)
    n = 4000
    block = np.column_stack(
        [
            rng.normal(size=n),
            rng.random(n),
            rng.standard_cauchy(n),
            1e6 + rng.lognormal(size=n),
            rng.integers(0, 2, n),
            np.full(n, 3.0),
            np.where(np.arange(n) == 7, 1.0, 0.0),
            rng.choice([0.0, 5e-324, 1.0], n),
        ]
    )
    made, mapped, _ = make_map(block, np.arange(n), "x", inputs="scores", normalize=None, grid=0.0)
    assert np.isfinite(mapped).all()
    for column in mapped.T[:4]:
        ranks = torch.from_numpy((column.argsort().argsort() + 0.5) / n)
        off = np.abs(column - torch.special.ndtri(ranks).numpy())
        assert off.max() < 0.5  # in the tails, where lines are long
        assert np.quantile(off, 0.99) < 0.05
    for column, image in zip(block.T, mapped.T, strict=True):
        assert (np.diff(image[column.argsort(kind="stable")]) >= 0).all()
    assert (mapped[:, 5] == 0).all()
    # Increasing beyond the training samples, so that nothing unseen is lost.
    far = np.tile(block[:1], (3, 1))
    far[:, 0] = [-50.0, -20.0, 30.0]
    beyond = made(torch.from_numpy(far)).numpy()[:, 0]
    assert (np.diff(beyond) > 1).all()


def test_scores_do_not_depend_on_what_was_done_to_the_columns():
    x, y = datasets.CorrelatedGaussian.from_mi(0.8, d=2).sample(900, seed=0)
    plain = fastmi.mi(x, y, method="mienf", **FLOWS)
    for scale in (2.0**-660, 1e-200, 1e200):
        assert float(fastmi.mi(scale * x, y, method="mienf", **FLOWS)) == pytest.approx(
            float(plain), abs=1e-3
        )


@pytest.mark.parametrize("copies", [1, 3])
def test_folds_hold_out_every_row_once(copies):
    rng = np.random.default_rng(0)
    blocks = [np.repeat(rng.normal(size=(200, 2)), copies, axis=0) for _ in range(2)]
    n = 200 * copies
    found = divide_in_folds(blocks, 4, seed=0, test_size=0.2, selects=True)
    assert sorted(np.concatenate([one.report for one in found])) == list(range(n))
    for one in found:
        assert sorted(np.concatenate(one[:3])) == list(range(n))
        values = [set(blocks[0][part][:, 0]) for part in one[:3]]
        assert sum(map(len, values)) == 200  # copies stay together
        assert len(one.select) == pytest.approx(0.1 * n, abs=copies)
    assert [caution.kind for one in found for caution in one.warnings] == ["copies"] * (copies > 1)
    for one in divide_in_folds(blocks, 4, seed=0, test_size=0.2, selects=False):
        assert (one.select == one.report).all() or copies > 1
        assert len(one.train) + len(one.report) == n


@pytest.mark.parametrize("method", ["ndoe", "mienf", "mine", "infonce"])
def test_local_values_of_folds_belong_to_their_rows(method):
    """The pointwise information of a normal, which the start of a flow knows, row by row."""
    rho = 0.9
    x, y = datasets.CorrelatedGaussian(rho, 1).sample(1200, seed=0)
    flow = method in ("ndoe", "mienf")
    few = FLOWS if flow else {"steps": 300, "hidden": (32,), "lr": 5e-3, "seed": 0}
    found = fastmi.mi(x, y, method=method, folds=3, **few)
    truth = -0.5 * math.log1p(-(rho**2)) - (rho**2 * (x**2 + y**2) - 2 * rho * x * y)[:, 0] / (
        2 * (1 - rho**2)
    )
    assert len(found.local) == (1200 if method != "infonce" else 3 * 384)
    if len(found.local) == 1200:
        assert np.corrcoef(found.local, truth)[0, 1] > 0.8
        assert float(found) == pytest.approx(truth.mean(), abs=0.1)
        assert found.pointwise(x, y).mean() == pytest.approx(truth.mean(), abs=0.1)
    assert float(found) == pytest.approx(found.local.mean(), abs=1e-6)


def test_folds_that_leave_too_few_samples_say_so():
    x, y = datasets.CorrelatedGaussian.from_mi(0.8, d=1).sample(200, seed=0)
    found = fastmi.mi(x, y, method="ndoe", seed=0, steps=2)
    assert [caution.kind for caution in found.warnings] == ["folds", "few_samples"]
    assert len(found.local) == 20


def test_folds_write_and_resume_a_checkpoint_each(tmp_path):
    x, y = datasets.CorrelatedGaussian.from_mi(0.8, d=1).sample(600, seed=0)
    path = tmp_path / "run"
    options = {"method": "mienf", **FLOWS, "steps": 6, "lr": 1e-3}
    first = fastmi.mi(x, y, checkpoint=path, **options)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["run", "run.2", "run.3"]
    again = fastmi.mi(x, y, checkpoint=path, resume=True, **options)
    assert (again.local == first.local).all()
    path.write_bytes((tmp_path / "run.2").read_bytes())
    with pytest.raises(ValueError, match="checkpoint must be of the same run; got fold=1"):
        fastmi.mi(x, y, checkpoint=path, resume=True, **options)


def test_what_a_model_leaves_over():
    rng = np.random.default_rng(0)
    y = torch.from_numpy(rng.normal(size=(3000, 6)))
    z = torch.from_numpy(rng.normal(size=(3000, 6)))
    assert leftover_information(z, y) < 0.01
    rho = 0.4
    bound = z.clone()
    bound[:, 2] = rho * y[:, 2] + math.sqrt(1 - rho**2) * z[:, 2]
    truth = -0.5 * math.log1p(-(rho**2))
    assert leftover_information(bound, y) == pytest.approx(truth, rel=0.4)
    square = z.clone()
    square[:, 0] = y[:, 0].square() + 0.5 * z[:, 0]
    assert leftover_information(square, y) > 0.05
    assert leftover_information(square[:, :1], y[:, :1]) > 0.05
    # Columns of y that repeat each other count once.
    assert leftover_information(bound, y.repeat(1, 3)) < 2 * truth
    assert leftover_information(z, torch.zeros(3000, 2).double()) == 0.0


def test_a_shape_that_the_base_does_not_have_is_warned_of():
    """y = x^2 + noise: about one nat, of which separate flows to a joint normal find none."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3000, 1))
    y = x**2 + 0.3 * rng.normal(size=x.shape)
    with pytest.warns(fastmi.EstimateWarning, match="leaves unexplained still shares about"):
        found = fastmi.mi(x, y, method="mienf", **FLOWS)
    assert "misfit" in [caution.kind for caution in found.warnings]
    fine = fastmi.mi(x, x + rng.normal(size=x.shape), method="mienf", **FLOWS)
    assert not fine.warnings


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"folds": 0}, ValueError, "folds must be an integer >= 1; got folds=0"),
        ({"folds": 2.5}, TypeError, "folds must be an integer"),
        ({"start": "none"}, ValueError, "start must be one of 'normal'; got start='none'"),
    ],
)
def test_bad_options(options, error, message):
    x, y = datasets.CorrelatedGaussian.from_mi(0.8, d=1).sample(300, seed=0)
    with pytest.raises(error, match=message):
        fastmi.mi(x, y, method="ndoe", **FLOWS, **options)
