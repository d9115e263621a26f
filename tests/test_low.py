"""The warning that KSG is far too low in many columns, and what it rests on."""

import math
import pickle
import warnings

import numpy as np
import pytest
import scipy.special
import scipy.stats

import fastmi
import reference
from fastmi._cautions import quiet
from fastmi.estimators.neighbors import _low
from fastmi.estimators.neighbors._shown import shown_by_ksg

pytestmark = pytest.mark.filterwarnings("ignore::fastmi.EstimateWarning")


def normals(rng, n, dx, dy, rho, pairs=None):
    """Return x, y whose first columns correlate in pairs, and their information."""
    x, y = rng.standard_normal((n, dx)), rng.standard_normal((n, dy))
    pairs = min(dx, dy) if pairs is None else pairs
    y[:, :pairs] = rho * x[:, :pairs] + math.sqrt(1 - rho**2) * y[:, :pairs]
    return x, y, -0.5 * pairs * math.log(1 - rho**2)


def students(rng, n, d, nu):
    """Return uncorrelated x, y with one chi-square scale per row."""
    scale = np.sqrt(nu / rng.chisquare(nu, (n, 1)))
    x, y = rng.standard_normal((2, n, d))
    return scale * x, scale * y


def low(estimate):
    return [caution for caution in estimate.warnings if caution.kind == "low"]


# What KSG shows of a Gaussian.


def covariance(kind, dx, dy, rng):
    d = dx + dy
    if kind == "wishart":
        root = rng.standard_normal((d, 2 * d))
        found = root @ root.T
    else:
        found = np.eye(d)
        pairs = 1 if kind == "sparse" else min(dx, dy)
        rho = 0.9 if kind == "sparse" else 0.6
        found[range(pairs), range(dx, dx + pairs)] = rho
        found[range(dx, dx + pairs), range(pairs)] = rho
    if kind == "scales":
        sizes = np.exp(rng.standard_normal(d))
        found *= sizes * sizes[:, None]
    return found


@pytest.mark.parametrize("n, k", [(300, 3), (2000, 3), (2000, 10)])
@pytest.mark.parametrize("dims", [(2, 2), (1, 4), (5, 5), (10, 10), (25, 25)])
@pytest.mark.parametrize("kind", ["pairs", "sparse", "wishart", "scales"])
def test_what_ksg_shows_of_a_gaussian(kind, dims, n, k, rng):
    """Within a fourth of the bias, where the bias is 0.1 nats or more, and the scatter."""
    dx, dy = dims
    given = covariance(kind, dx, dy, rng)
    root = np.linalg.cholesky(given)
    with quiet():
        values = [
            float(fastmi.mi(z[:, :dx], z[:, dx:], k=k, n_jobs=1))
            for z in (rng.standard_normal((n, dx + dy)) @ root.T for _ in range(4))
        ]
    size = np.sqrt(np.diag(given))
    correlation = given / size / size[:, None]
    truth = 0.5 * (
        np.linalg.slogdet(given[:dx, :dx])[1]
        + np.linalg.slogdet(given[dx:, dx:])[1]
        - np.linalg.slogdet(given)[1]
    )
    shown = shown_by_ksg(correlation, np.log(size), dx, n=n, k=k)
    bias = np.mean(values) - truth
    error = np.std(values) / 2 + 0.02
    assert shown - truth == pytest.approx(bias, abs=0.25 * abs(bias) + 3 * error)


def test_what_ksg_shows_of_independent_and_of_few_columns():
    for d in (2, 10, 60):
        assert shown_by_ksg(np.eye(d), np.zeros(d), d // 2, n=1000, k=3) == pytest.approx(
            0, abs=1e-9
        )
    correlation = np.array([[1, 0.9], [0.9, 1]])
    truth = -0.5 * math.log(1 - 0.81)
    for n in (10**4, 10**6):
        assert shown_by_ksg(correlation, np.zeros(2), 1, n=n, k=3) == pytest.approx(truth, abs=1e-3)


@pytest.mark.parametrize("unit", [1e-200, 1e-5, 1e5, 1e200])
def test_units_change_nothing(unit, rng):
    given = covariance("wishart", 3, 4, rng)
    size = np.sqrt(np.diag(given))
    correlation = given / size / size[:, None]
    plain = shown_by_ksg(correlation, np.log(size), 3, n=1000, k=3)
    scaled = shown_by_ksg(correlation, np.log(size) + math.log(unit), 3, n=1000, k=3)
    assert scaled == pytest.approx(plain, abs=1e-6)
    x, y, _ = normals(rng, 1000, 5, 5, 0.7)
    (plain,) = low(fastmi.mi(x, y, n_jobs=1))
    (scaled,) = low(fastmi.mi(unit * x, unit * y, n_jobs=1))
    assert str(plain) == str(scaled)


# The reference.


@pytest.mark.parametrize("dims", [(1, 2), (3, 3), (2, 6)])
@pytest.mark.parametrize("rho", [0.0, 0.7])
def test_reference_against_determinants(dims, rho, rng):
    n = 800
    x, y, _ = normals(rng, n, *dims, rho)
    found = _low.reference_of([np.exp(x), y**3], n)
    scores = [scipy.special.ndtri((scipy.stats.rankdata(b, axis=0) - 0.5) / n) for b in (x, y)]
    plug_in = reference.gaussian_total_correlation(*scores)
    expected = plug_in - reference.gaussian_bias(n, dims[:1], dims[1:])
    # Normal samples have no tails, up to chance.
    assert found.information == pytest.approx(max(expected, 0.0), abs=0.01)
    assert found.gaussian <= max(expected, 0.0)
    assert found.rows == n


@pytest.mark.parametrize("nu", [2.0, 5.0])
def test_reference_knows_tails(nu, rng):
    x, y = students(rng, 4000, 3, nu)
    found = _low.reference_of([x, y], 4000)
    pair = _low.tail_term(nu, 3) * 2 - _low.tail_term(nu, 6)
    assert found.information == pytest.approx(pair, abs=3 * found.stderr + 0.1 * pair)
    assert found.gaussian < 0.02


def test_standard_error_of_the_reference(rng):
    for rho in (0.0, 0.5, 0.9):
        found = [_low.reference_of(list(normals(rng, 500, 4, 4, rho)[:2]), 500) for _ in range(100)]
        values = [one.information for one in found]
        said = np.mean([one.stderr for one in found])
        assert 0.6 * np.std(values) < said < 3 * np.std(values) + 0.02
        truth = -2 * math.log(1 - rho**2)
        assert np.mean([one.at_least > truth for one in found]) <= 0.08


def test_squares_of_a_t_copula():
    """The table, by quadrature over the mixing variable and the normal that it scales."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    weights = weights / weights.sum()
    quantiles = (np.arange(4000) + 0.5) / 4000
    for nu, expected in zip(_low._TAIL_INDICES, _low._SQUARES, strict=True):
        mixing = scipy.stats.chi2.ppf(quantiles, nu) / nu
        tails = scipy.stats.t.logsf(np.abs(nodes) / np.sqrt(mixing)[:, None], nu)
        squares = (scipy.special.ndtri(np.exp(np.maximum(tails, -700))) ** 2) @ weights
        assert squares.var() == pytest.approx(expected, abs=2e-4)


# The warning.


@pytest.mark.parametrize(
    "dims, rho, pairs, n",
    [
        ((5, 5), 0.8, 2, 5000),
        ((5, 5), 0.6, 5, 1000),
        ((10, 10), 0.6, 10, 1000),
        ((25, 25), 0.9, 1, 5000),
        ((1, 30), 0.9, 1, 1000),
        ((40, 40), 0.5, 40, 2000),
    ],
)
@pytest.mark.parametrize("options", [{}, {"method": "ksg2"}, {"metric": "euclidean"}, {"k": 10}])
def test_far_too_low_is_named(dims, rho, pairs, n, options, rng):
    x, y, truth = normals(rng, n, *dims, rho, pairs)
    got = fastmi.mi(x, y, n_jobs=1, **options)
    assert float(got) < truth - max(0.05, 0.1 * truth)
    (text,) = low(got)
    said = float(text.split("is about ")[1].split(" nats")[0])
    assert 0.4 * (truth - got) < said < 1.2 * (truth - got) + 0.05
    assert "use method='auto' or bias_correction='twin'" in text


@pytest.mark.parametrize("d, nu", [(2, 1), (3, 2), (5, 2)])
def test_common_scale_is_named(d, nu, rng):
    got = fastmi.mi(*students(rng, 5000, d, nu), n_jobs=1)
    assert low(got)


def autoregressive(rng, n, d, a):
    found = rng.standard_normal((n, d))
    for i in range(1, n):
        found[i] += a * found[i - 1]
    return found


LAWS = {
    "normal": lambda rng, n, d: rng.standard_normal((n, d)),
    "t1.5": lambda rng, n, d: rng.standard_t(1.5, (n, d)),
    "own scale": lambda rng, n, d: rng.standard_normal((n, d)) / np.sqrt(rng.chisquare(2, (n, 1))),
    "uniform": lambda rng, n, d: rng.random((n, d)),
    "lognormal": lambda rng, n, d: np.exp(2 * rng.standard_normal((n, d))),
    "units": lambda rng, n, d: rng.standard_normal((n, d)) * 10.0 ** rng.uniform(-9, 9, d),
    "correlated": lambda rng, n, d: rng.standard_normal((n, d)) @ rng.standard_normal((d, d)),
    "integers": lambda rng, n, d: rng.integers(0, 4, (n, d)).astype(float),
    "series": lambda rng, n, d: autoregressive(rng, n, d, 0.9),
    "offset": lambda rng, n, d: 1e9 + rng.standard_normal((n, d)),
}


@pytest.mark.parametrize("dims", [(1, 2), (2, 2), (5, 5), (25, 25), (1, 40)])
@pytest.mark.parametrize("name", LAWS)
def test_independent_variables_do_not_alarm(name, dims):
    alarms = 0
    for seed in range(8):
        rng = np.random.default_rng([seed, *dims])
        x, y = (LAWS[name](rng, 600, d) for d in dims)
        got = fastmi.mi(x, y, n_jobs=1)
        # A value below -0.05 is too low.
        alarms += bool(low(got)) and float(got) > -0.05
    assert alarms <= 1


@pytest.mark.parametrize("noise", [None, 0])
@pytest.mark.parametrize("share", [0.5, 0.9, 0.98])
def test_rare_classes_are_no_tails(share, noise):
    alarms = 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        x = rng.random((1000, 2)) < share
        y = 2 * x[:, 0] + rng.standard_normal(1000)
        alarms += bool(low(fastmi.mi(x, y, normalize="local", noise=noise, n_jobs=1)))
    assert alarms == 0


@pytest.mark.parametrize("rho", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("d", [1, 2, 3])
def test_good_estimates_do_not_alarm(rho, d, rng):
    alarms = 0
    for _ in range(10):
        x, y, truth = normals(rng, 4000, d, d, rho)
        got = fastmi.mi(x, y, n_jobs=1)
        alarms += bool(low(got)) and truth - got < max(0.05, 0.1 * truth)
    assert alarms <= 1


# Where it is made, and what it costs.


def test_each_k_has_its_own(rng):
    x, y, _ = normals(rng, 1000, 5, 5, 0.7)
    found = fastmi.mi(x, y, k=[1, 3, 30], n_jobs=1)
    for one in found:
        assert low(one) == low(fastmi.mi(x, y, k=one.k, n_jobs=1))
        assert f"k={one.k} " in low(one)[0]


def test_it_is_issued_once_and_kept_in_a_pickle(rng):
    x, y, _ = normals(rng, 1000, 5, 5, 0.7)
    with warnings.catch_warnings(record=True) as issued:
        warnings.simplefilter("always")
        got = fastmi.mi(x, y, n_jobs=1)
    assert [each.category for each in issued] == [fastmi.EstimateWarning]
    assert low(pickle.loads(pickle.dumps(got))) == low(got)


@pytest.fixture
def references(monkeypatch):
    """Number of references made so far, as a list."""
    made = []
    real = _low.reference_of

    def counted(*arguments):
        made.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(_low, "reference_of", counted)
    return made


def test_quiet_estimates_make_none_until_they_are_read(references, rng):
    x, y, _ = normals(rng, 1000, 5, 5, 0.7)
    with quiet():
        got = fastmi.mi(x, y, n_jobs=1)
    assert references == []
    (text,) = low(got)
    assert "nats too low" in text
    assert 1 <= len(references) <= 2


def test_permutation_test_says_it_and_pays_once(references, rng):
    x, y, _ = normals(rng, 500, 5, 5, 0.8)
    test = fastmi.permutation_test(x, y, n_permutations=20, seed=0, n_jobs=1)
    assert low(test)
    assert len(references) <= 2


def test_two_columns_and_series_with_a_window_make_none(references, rng):
    x, y, _ = normals(rng, 500, 1, 1, 0.9)
    fastmi.mi(x, y, n_jobs=1)
    fastmi.pairwise_mi(rng.standard_normal((200, 4)), n_jobs=1)
    x, y, _ = normals(rng, 500, 5, 5, 0.9)
    fastmi.mi(x, y, theiler=5, n_jobs=1)
    fastmi.mi(x[:25], y[:25], n_jobs=1)
    assert references == []


@pytest.mark.parametrize("factor", [1e-320, 1e-300, 1.7e308])
def test_scales_at_the_ends_of_the_range(factor, rng):
    x, y, _ = normals(rng, 600, 5, 5, 0.7)
    x, y = (np.tanh(block) for block in (x, y))
    x[:, 0] *= factor
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        found = _low.reference_of([x, y], 600)
        assert np.isfinite(found.log_scale).all()
        assert 0.0 <= found.shown(600, 3) <= found.gaussian


def test_degenerate_columns(rng):
    x, y, _ = normals(rng, 1000, 4, 4, 0.9, 4)
    plain = _low.reference_of([x, y], 1000)
    for more in (np.ones((1000, 1)), x[:, :2], np.full((1000, 1), 1e300)):
        got = _low.reference_of([np.hstack([x, more]), y], 1000)
        assert got.information == pytest.approx(plain.information, abs=0.02)
        assert got.shown(1000, 3) < got.gaussian
    assert _low.reference_of([np.ones((1000, 2)), y], 1000) is None
    assert _low.reference_of([x, np.hstack([y, x[:, :1]])], 1000) is None
    assert low(fastmi.mi(x, x, n_jobs=1)) == []
    single = low(fastmi.mi(x.astype(np.float32), y.astype(np.float32), n_jobs=1))
    assert single
    assert low(fastmi.mi(np.rint(3 * x), np.rint(3 * y), n_jobs=1))
