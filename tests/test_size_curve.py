"""Curves over the number of samples against their definition, and laws whose bias is known."""

import math
import warnings

import numpy as np
import pytest

import fastmi
from fastmi.estimators import CMI_METHODS, MI_METHODS

RHO = 0.6


def gaussian(rng, n, d=1, rho=RHO):
    x, e = rng.standard_normal((2, n, d))
    return x, rho * x + math.sqrt(1 - rho**2) * e


def reference(whole, values, cuts):
    """The curve, written down part by part: values of 2 halves, 4 quarters, 8 eighths per cut."""
    values = np.reshape(values, (cuts, 14))
    means, left, right = [whole], [], []
    for start, count in ((0, 2), (2, 4), (6, 8)):
        of_size = values[:, start : start + count]
        means.append(sum(of_size.flat) / of_size.size)
        left.append([sum(row[: count // 2]) / (count // 2) for row in of_size])
        right.append([sum(row[count // 2 :]) / (count // 2) for row in of_size])
    left, right = np.array(left), np.array(right)

    def error(a, b, c):
        apart = [
            (a * (p[0] - q[0]) + b * (p[1] - q[1]) + c * (p[2] - q[2])) / 2
            for p, q in zip(left.T, right.T, strict=True)
        ]
        return math.sqrt(sum(each**2 for each in apart) / cuts)

    own = [error(1, 0, 0), error(0, 1, 0), error(0, 0, 1)]
    return {
        "means": means,
        "errors": [own[0], *own],
        "drift": whole - means[2],
        "drift_error": error(1, 0, -1),
        "extrapolated": 2 * whole - means[1],
        "extrapolated_error": error(2, -1, 0),
    }


@pytest.mark.parametrize("n", [400, 407])
def test_the_curve_is_that_of_nested_disjoint_parts(rng, estimated_from, n):
    x, y = gaussian(rng, n)
    curve = fastmi.size_curve(x, y, cuts=3, seed=0, n_jobs=1)
    assert curve.estimate == fastmi.mi(x, y)
    np.testing.assert_array_equal(curve.sizes, [n, n // 2, n // 4, n // 8])
    position = {value: row for row, value in enumerate(x[:, 0])}
    parts = [[position[each] for each in of_x[:, 0]] for of_x, _ in estimated_from[1:]]
    assert len(parts) == 3 * 14
    for cut in np.split(np.arange(42), 3):
        own = [parts[number] for number in cut]
        assert [len(rows) for rows in own] == [n // 2] * 2 + [n // 4] * 4 + [n // 8] * 8
        for number, rows in enumerate(own[:6]):
            first, second = own[2 * number + 2], own[2 * number + 3]
            assert not set(first) & set(second)
            assert set(first) | set(second) <= set(rows)
        assert not set(own[0]) & set(own[1])
        assert all(rows == sorted(rows) for rows in own)
    assert parts[0] != parts[14] != parts[28]
    values = [fastmi.mi(x[rows], y[rows]) for rows in parts]
    for name, value in reference(float(curve.estimate), values, 3).items():
        np.testing.assert_allclose(getattr(curve, name), value, rtol=1e-9, atol=1e-12)


def test_its_errors_are_those_of_theory_and_of_the_scatter():
    """The information of two normal columns is a function of r, whose deviation is known."""
    n, runs = 1600, 120
    curves = [
        fastmi.size_curve(
            *gaussian(np.random.default_rng([run, 1]), n), method="gaussian", seed=run, cuts=4
        )
        for run in range(runs)
    ]
    scatter = np.std([curve.estimate for curve in curves])
    assert scatter == pytest.approx(RHO / math.sqrt(n), rel=0.2)
    errors = np.array([curve.errors for curve in curves])
    np.testing.assert_allclose(np.sqrt((errors**2).mean(axis=0)), RHO / math.sqrt(n), rtol=0.25)
    # Averages over cuts make the drift of smooth estimators steadier than its error says.
    for name, most in (("extrapolated", 1.4), ("drift", 5.0)):
        own = [getattr(curve, name) for curve in curves]
        bars = [getattr(curve, f"{name}_error") for curve in curves]
        assert 0.8 < math.sqrt(np.mean(np.square(bars))) / np.std(own) < most


def test_a_bias_is_seen(rng):
    x, y = gaussian(rng, 1000, d=10, rho=0.5)
    with pytest.warns(fastmi.EstimateWarning, match="still rises with n: .* a lower bound; the li"):
        curve = fastmi.size_curve(x, y, seed=0)
    assert [each.kind for each in curve.warnings if each.kind != "low"] == ["drift"]
    truth = -5 * math.log(1 - 0.5**2)
    assert curve.means[0] < curve.extrapolated < truth - 0.5
    assert (np.diff(curve.means) < 0).all()
    assert curve.exponent < 0.75
    assert curve.drift > 3 * curve.drift_error
    with pytest.warns(fastmi.EstimateWarning, match="still falls with n: .* an upper bound"):
        falls = fastmi.size_curve(
            *rng.standard_normal((2, 2000)), method="binning", bins=20, seed=0
        )
    assert falls.drift < 0
    # The bias of a table of counts goes as 1 / n, and the extrapolation takes most of it.
    assert abs(falls.extrapolated) < 0.4 * float(falls.estimate)
    assert abs(falls.extrapolated) < 2 * falls.extrapolated_error
    assert 0.6 < falls.exponent < 1.4


def test_no_bias_is_seen_where_there_is_none():
    """Of 200 such curves of each kind, 0.5 to 2 % had a warning."""
    warned = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for run in range(20):
            rng = np.random.default_rng([run, 2])
            for pair in (gaussian(rng, 800), rng.standard_normal((2, 800, 3))):
                curve = fastmi.size_curve(*pair, seed=run)
                warned += "drift" in {each.kind for each in curve.warnings}
                if abs(curve.drift) < 2.5 * curve.drift_error:
                    assert math.isnan(curve.exponent)
    assert warned <= 2


def test_threads_and_seeds(rng, threads):
    x, y = gaussian(rng, 400)
    one, many, other = (
        fastmi.size_curve(x, y, cuts=3, seed=seed, n_jobs=jobs)
        for seed, jobs in ((1, 1), (1, threads), (2, 1))
    )
    np.testing.assert_array_equal(one.means, many.means)
    np.testing.assert_array_equal(one.errors, many.errors)
    assert one.means[1] != other.means[1]
    assert one.estimate == other.estimate


@pytest.mark.parametrize(
    "row",
    [row for row in (*MI_METHODS.values(), *CMI_METHODS.values()) if not row.trains],
    ids=lambda row: f"{row.function} {row.name}",
)
def test_every_method(row):
    rng = np.random.default_rng(0)
    x, y, z = rng.standard_normal((3, 480))
    y += x
    if row.takes == "discrete":
        x, y, z = (np.round(column).astype(int) for column in (x, y, z))
    if row.takes == "x continuous, y discrete":
        y = np.where(y > 0, "up", "down")
    arrays = (x, y, z)[: 3 if row.function == "cmi" else 2]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        curve = fastmi.size_curve(*arrays, method=row.name, cuts=2, seed=0)
        assert curve.estimate == getattr(fastmi, row.function)(*arrays, method=row.name)
    assert np.isfinite(curve.means).all()
    assert 0 < curve.extrapolated_error < 0.6


@pytest.mark.usefixtures("one_torch_thread")
def test_trained_methods(rng):
    pytest.importorskip("torch")
    x, y = rng.standard_normal((2, 240))
    quick = {"method": "mine", "hidden": (4,), "steps": 2, "batch_size": 8, "seed": 1}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one, again = (fastmi.size_curve(x, y, cuts=2, **quick) for _ in range(2))
    np.testing.assert_array_equal(one.means, again.means)


def test_what_makes_a_curve_doubtful_is_said(rng):
    x, y = gaussian(rng, 300)
    with pytest.warns(
        fastmi.EstimateWarning, match="smallest parts have 37 samples, which are few"
    ):
        fastmi.size_curve(x, y, seed=0)
    with pytest.warns(fastmi.EstimateWarning, match="infinite, and their curve has no value"):
        curve = fastmi.size_curve(x, 2 * x, method="gaussian", seed=0)
    assert np.isnan(curve.means).all()
    assert math.isnan(curve.drift)
    assert math.isnan(curve.exponent)
    assert "nan" in str(curve)
    slow = rng.standard_normal((2, 1000)).cumsum(axis=1)
    with pytest.warns(fastmi.EstimateWarning, match="alike, as in time series"):
        fastmi.size_curve(*slow, seed=0)


def test_ties_are_separated_once(rng):
    x = rng.integers(0, 20, 800)
    y = x + rng.integers(0, 20, 800)
    curve = fastmi.size_curve(x, y, seed=0)
    assert curve.estimate == fastmi.mi(x, y, seed=0)
    assert [each.kind for each in curve.estimate.warnings] == ["ties"]
    assert np.ptp(curve.means) < 0.15


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"k": [3, 4]}, TypeError, "k must be one integer"),
        ({"k": 6}, ValueError, r"from an eighth of them; got n=50, and 6 of them give: k must be"),
        ({"cuts": 1}, ValueError, "cuts must be an integer >= 2"),
        ({"cuts": 10**9}, ValueError, "cuts must be an integer <= "),
        ({"cuts": 2.0}, TypeError, "cuts must be an integer"),
        ({"seed": -1}, ValueError, "seed must suit"),
        ({"sizes": [10]}, TypeError, "options must be among .*; got sizes"),
        ({"method": "ksg"}, ValueError, "did you mean 'ksg1'"),
        ({"n_jobs": 0}, ValueError, "n_jobs must be"),
    ],
)
def test_wrong_options(options, error, message, rng):
    with pytest.raises(error, match=message):
        fastmi.size_curve(*gaussian(rng, 50), **options)


def test_a_curve_is_drawn(rng):
    pytest.importorskip("matplotlib").use("Agg")
    curve = fastmi.size_curve(*gaussian(rng, 400), seed=0)
    ax = curve.plot()
    assert curve.plot(ax=ax) is ax
    assert ax.get_xlabel() == "1 / n"
    assert str(curve).startswith(f"{float(curve.estimate):.4g} ± ")
    assert "extrapolated in 1 / n" in str(curve)
