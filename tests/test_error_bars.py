"""Error bars against the scatter of independent samples, and against their definitions."""

import math
import subprocess
import sys

import numpy as np
import pytest

import fastmi
from fastmi.estimators import METHODS

RHO = 0.6


def gaussian(rng, n):
    x = rng.standard_normal(n)
    return x, RHO * x + math.sqrt(1 - RHO**2) * rng.standard_normal(n)


def test_subsampling_matches_the_scatter():
    rng = np.random.default_rng(3)
    values, errors = [], []
    for _ in range(150):
        result = fastmi.subsample_error(*gaussian(rng, 400), seed=rng, n_jobs=1)
        values.append(float(result.estimate))
        errors.append(result.stderr)
    scatter = np.std(values)
    # The scatter itself is known to 1 / sqrt(300) = 6 %; the error is right or too large.
    assert 0.85 < math.sqrt(np.mean(np.square(errors))) / scatter < 1.35
    within = np.abs(np.array(values) - np.mean(values)) < 2 * np.array(errors)
    assert within.mean() > 0.9


def test_the_error_of_a_correlation_is_that_of_theory(rng):
    """The information of two normal columns is a function of r, whose deviation is known."""
    n = 4000
    result = fastmi.subsample_error(*gaussian(rng, n), method="gaussian", halves=400, seed=0)
    assert result.stderr == pytest.approx(RHO / math.sqrt(n), rel=0.12)


def test_subsampling_is_the_deviation_over_halves_without_replacement(rng, estimated_from):
    x, y = gaussian(rng, 301)
    result = fastmi.subsample_error(x, y, halves=7, seed=0, n_jobs=1)
    assert result.estimate == fastmi.mi(x, y)
    assert result.stderr == result.estimate.stderr == np.std(result.halves, ddof=1)
    halves = estimated_from[1:]
    assert len(halves) == len(result.halves) == 7
    position = {value: row for row, value in enumerate(x)}
    seen = set()
    for (of_x, of_y), value in zip(halves, result.halves, strict=True):
        rows = [position[each] for each in of_x[:, 0]]
        assert len(rows) == 150
        assert rows == sorted(set(rows))  # each once, and in the order of the samples
        np.testing.assert_array_equal(of_y[:, 0], y[rows])
        assert value == fastmi.mi(of_x, of_y)
        seen.add(tuple(rows))
    assert len(seen) == 7
    shares = np.bincount([row for rows in seen for row in rows], minlength=301) / 7
    assert shares.std() < 0.3  # no sample is favoured


def test_subsampling_does_not_copy_samples(rng):
    """Copies of a sample would be at distance 0 and raise the estimates of the halves."""
    x, y = rng.standard_normal((2, 1000))
    assert np.abs(fastmi.subsample_error(x, y, seed=0).halves.mean()) < 0.05


def test_subsampling_has_one_result_for_every_number_of_threads(rng, threads):
    x, y = gaussian(rng, 200)
    one, many = (
        fastmi.subsample_error(x, y, n_jobs=jobs, seed=2, halves=9, k=2) for jobs in (1, threads)
    )
    np.testing.assert_array_equal(one.halves, many.halves)
    assert one.stderr == many.stderr
    bars = [fastmi.mi(x, y, n_jobs=jobs, error="half").stderr for jobs in (1, threads)]
    assert bars[0] == bars[1]


def test_subsampling_a_conditional_form(rng):
    z = rng.standard_normal(300)
    x, y = (z + rng.standard_normal(300) for _ in range(2))
    result = fastmi.subsample_error(x, y, z, seed=0)
    assert result.estimate == fastmi.cmi(x, y, z)
    assert 0 < result.stderr < 0.2
    assert fastmi.cmi(x, y, z, error="half", seed=0).stderr == result.stderr


def test_several_numbers_of_neighbours_share_their_halves(rng):
    x, y = gaussian(rng, 300)
    results = fastmi.subsample_error(x, y, k=[3, 8], halves=6, seed=0)
    for k, result in zip((3, 8), results, strict=True):
        single = fastmi.subsample_error(x, y, k=k, halves=6, seed=0)
        np.testing.assert_array_equal(result.halves, single.halves)
        assert result.estimate == fastmi.mi(x, y, k=k)
    both = fastmi.mi(x, y, k=[3, 8], error="half")
    assert [each.stderr for each in both] == [
        fastmi.mi(x, y, k=k, error="half").stderr for k in (3, 8)
    ]


@pytest.mark.parametrize(
    "row",
    # A divergence has the scatter of both samples in its error anyway.
    [row for row in METHODS if not row.trains and row.function != "kl_divergence"],
    ids=lambda row: f"{row.function} {row.name}",
)
def test_every_method_takes_an_error(row):
    rng = np.random.default_rng(0)
    x, y, z = rng.standard_normal((3, 140))
    y += x
    if row.takes == "discrete":
        x, y, z = (np.round(column).astype(int) for column in (x, y, z))
    if row.takes == "x continuous, y discrete":
        y = np.where(y > 0, "up", "down")
    number = {"mi": 2, "kl_divergence": 2, "entropy": 1}.get(row.function, 3)
    arrays = (x, y, z)[:number]
    function = getattr(fastmi, row.function)
    plain = function(*arrays, method=row.name)
    found = function(*arrays, method=row.name, error="half")
    assert found == plain
    assert found.warnings == plain.warnings
    assert 0 < found.stderr < 0.5
    assert found.stderr == function(*arrays, method=row.name, error="half").stderr
    assert 0.4 < found.stderr / plain.stderr < 3
    if row.function in ("mi", "cmi"):
        other = fastmi.subsample_error(*arrays, method=row.name, seed=0)
        assert other.stderr == found.stderr
        assert other.estimate == plain


def test_each_half_has_twins_of_its_own(rng, monkeypatch):
    """Twins that all halves shared would not be seen to scatter."""
    x, y = rng.standard_normal((2, 300, 2))
    seeds = []
    made = fastmi.KSG.__post_init__
    monkeypatch.setattr(
        fastmi.KSG, "__post_init__", lambda self: (seeds.append(self.seed), made(self))[1]
    )
    plain = fastmi.mi(x, y, bias_correction="twin")
    seeds.clear()
    found = fastmi.mi(x, y, bias_correction="twin", error="half", n_jobs=1)
    own = {seed for seed in seeds if seed is not None}
    assert len(own) == 40
    assert found == plain
    assert (found.bias, found.twin) == (plain.bias, plain.twin)
    assert plain.stderr < found.stderr < 4 * plain.stderr


def test_the_interval_holds_the_error(rng):
    x, y = gaussian(rng, 150)
    plain = fastmi.mi(x, y, method="auto")
    found = fastmi.mi(x, y, method="auto", error="half")
    assert found == plain
    reach = 1.96 * found.stderr
    low, high = plain.interval
    assert found.interval == (min(low, found - reach), max(high, found + reach))
    assert fastmi.mi(x, y, error="half").interval is None


@pytest.mark.usefixtures("one_torch_thread")
def test_trained_methods_take_an_error(rng):
    pytest.importorskip("torch")
    x, y = rng.standard_normal((2, 120))
    quick = {"method": "mine", "hidden": (4,), "steps": 2, "batch_size": 8, "seed": 1}
    found, again = (fastmi.mi(x, y, error="half", **quick) for _ in range(2))
    assert found == fastmi.mi(x, y, **quick)
    assert found.stderr == again.stderr > 0
    assert fastmi.mi(x, y, error="half", **{**quick, "seed": 2}).stderr != found.stderr


@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_errors_do_not_depend_on_units(rng, scale, offset):
    x, y = gaussian(rng, 256)
    error = fastmi.mi((x + offset) * scale, (y - offset) * scale, error="half").stderr
    assert error == pytest.approx(fastmi.mi(x, y, error="half").stderr, rel=1e-3)


def test_kinds_of_samples(rng):
    pandas = pytest.importorskip("pandas")
    x, y = gaussian(rng, 200)
    expected = fastmi.mi(x, y, error="half").stderr
    frames = pandas.DataFrame({"a": x}), pandas.Series(y)
    for pair in (frames, (x.tolist(), y.tolist()), (x[:, np.newaxis], y)):
        assert fastmi.mi(*pair, error="half").stderr == expected
    narrow = x.astype(np.float32), y.astype(np.float32)
    assert fastmi.mi(*narrow, error="half").stderr == pytest.approx(expected, rel=1e-3)
    with pytest.raises(ValueError, match="x must"):
        fastmi.mi(np.where(x > 2, np.nan, x), y, error="half")


def test_ties_are_separated_once(rng):
    """Halves of tied samples have the noise of the whole, and the value is that without a bar."""
    x = rng.integers(0, 20, 400)
    y = x + rng.integers(0, 20, 400)
    for function in (fastmi.mi, fastmi.cmi):
        plain, found = function(x, y), function(x, y, error="half")
        assert found == plain
        assert found.warnings == plain.warnings
        assert 0.02 < found.stderr < 0.2
    assert fastmi.mi(x, y, noise=1e-3, seed=5, error="half") == fastmi.mi(x, y, noise=1e-3, seed=5)


def test_what_makes_an_error_doubtful_is_said(rng):
    x, y = gaussian(rng, 400)
    with pytest.warns(fastmi.EstimateWarning, match="more than once|copies|twice"):
        fastmi.mi(np.repeat(x, 2), np.repeat(y, 2), error="half")
    with pytest.warns(fastmi.EstimateWarning, match="halves of 40 samples, which are few for k=3"):
        few = fastmi.mi(x[:80], y[:80], error="half")
    assert [each.kind for each in few.warnings] == ["few_for_error"]
    with pytest.warns(fastmi.EstimateWarning, match="halves of 40 samples, which are few: below"):
        fastmi.mi(x[:80], y[:80], error="half", method="gaussian")
    with pytest.warns(fastmi.EstimateWarning, match="halves of 200 samples, .* few for k=30"):
        fastmi.mi(x, y, error="half", k=30)
    slow = rng.standard_normal((2, 1000)).cumsum(axis=1)
    with pytest.warns(fastmi.EstimateWarning, match="halves that are drawn at random do not see"):
        fastmi.mi(*slow, error="half")


def test_an_error_costs_nothing_unless_asked_for(rng):
    """The module is not even imported."""
    program = (
        "import sys, fastmi; fastmi.mi([1.0, 2.5, 3.0, 4.2, 5.9], [2.0, 1.5, 3.1, 4.0, 5.0], k=1);"
        "sys.exit('fastmi.estimators._halves' in sys.modules)"
    )
    command = [sys.executable, "-P", "-W", "ignore", "-c", program]
    assert subprocess.run(command, check=False).returncode == 0
    x, y = gaussian(rng, 200)
    plain = fastmi.mi(x, y)
    assert plain.stderr == pytest.approx(plain.local.std() / math.sqrt(200))


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"k": 25}, ValueError, r"got n=50, and half of them give: k must be in \[1, n - 1\]"),
        ({"k": [3, 25]}, ValueError, r"enough samples for estimates from halves .* k=25, n=25"),
        ({"k": 3.0}, TypeError, "k must be an integer or a sequence"),
        ({"halves": 1}, ValueError, "halves must be an integer >= 2"),
        ({"halves": 2.5}, TypeError, "halves must be an integer"),
        ({"halves": np.array([1, 2])}, TypeError, "halves must be an integer"),
        ({"seed": -1}, ValueError, "seed must suit"),
        ({"parts": [2]}, TypeError, "options must be among .*; got parts"),
        ({"error": "half"}, TypeError, "options must be among .*; got error"),
    ],
)
def test_wrong_options_of_subsampling(options, error, message, rng):
    with pytest.raises(error, match=message):
        fastmi.subsample_error(*gaussian(rng, 50), **options)


@pytest.mark.parametrize("function", [fastmi.mi, fastmi.cmi, fastmi.total_correlation])
def test_wrong_errors(function, rng):
    x, y = gaussian(rng, 50)
    with pytest.raises(ValueError, match="error must be None or 'half'; got error='halves'"):
        function(x, y, error="halves")
    with pytest.raises(ValueError, match="error must be None or 'half'; got error=True"):
        function(x, y, error=True)
    with pytest.raises(ValueError, match="got n=50, and half of them give: k must be in"):
        function(x, y, error="half", k=30)


def test_jackknife_of_single_samples(rng):
    estimate = fastmi.mi(*gaussian(rng, 500))
    expected = estimate.local.std(ddof=1) / math.sqrt(500)
    assert fastmi.jackknife_error(estimate) == pytest.approx(expected, rel=1e-9)


def test_jackknife_is_leaving_blocks_out(rng):
    estimate = fastmi.mi(*gaussian(rng, 103))
    edges = [0, 25, 51, 77, 103]
    means = np.array([np.delete(estimate.local, range(*edges[b : b + 2])).mean() for b in range(4)])
    expected = math.sqrt(3 / 4 * ((means - means.mean()) ** 2).sum())
    assert fastmi.jackknife_error(estimate, n_blocks=4) == pytest.approx(expected, rel=1e-9)


def test_long_blocks_see_autocorrelation(rng):
    slow = np.repeat(rng.standard_normal((40, 2)), 25, axis=0)
    x, y = (slow + 0.3 * rng.standard_normal((1000, 2))).T
    estimate = fastmi.mi(x, y)
    assert fastmi.jackknife_error(estimate, n_blocks=20) > 1.5 * fastmi.jackknife_error(estimate)


def test_wrong_options_of_the_jackknife(rng):
    estimate = fastmi.mi(*gaussian(rng, 60))
    with pytest.raises(TypeError, match="local values; got float"):
        fastmi.jackknife_error(0.5)
    with pytest.raises(ValueError, match="n_blocks must be an integer >= 2"):
        fastmi.jackknife_error(estimate, n_blocks=1)
    with pytest.raises(ValueError, match=r"n_blocks must be in \[2, n\]"):
        fastmi.jackknife_error(estimate, n_blocks=61)
