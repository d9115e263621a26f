"""KSG of rotated and scaled blocks: definition, known values, independence, tables as they come."""

import math

import numpy as np
import pytest

import fastmi
import reference
from fastmi.estimators.neighbors import _directions, _relevance
from fastmi.estimators.neighbors._relevance import relevance
from fastmi.normalize import copula

CORRECTIONS = (None, "twin", "parts")


def relevance_mi(x, y, **options):
    with fastmi._cautions.quiet():
        return fastmi.mi(x, y, method="ksg_relevance", **options)


def normal(n, d, seed=0):
    return np.random.default_rng(seed).standard_normal((n, d))


def rotation(d, seed=0):
    return np.linalg.qr(normal(d, d, seed))[0]


def noisy(of, noise, seed=1):
    return of + noise * np.random.default_rng(seed).standard_normal(of.shape)


# Definition


def test_moments_against_the_definition():
    x = _directions.whiten(normal(400, 3))
    y = normal(400, 2, seed=1)
    y[:, 0] += x[:, 0] ** 2
    left, right = (np.ascontiguousarray(block.T, dtype=np.float32) for block in (x, y))
    order = np.random.default_rng(0).permutation(400)
    found, chance = _directions._correlations(left, right, order, quadratic=True)
    features = np.column_stack([y, y[:, 0] ** 2, y[:, 0] * y[:, 1], y[:, 1] ** 2])
    kernel = _directions._kernel(found, 3)
    assert kernel == pytest.approx(reference.relevance_kernel(x, features), abs=2e-5)
    of_chance = reference.relevance_kernel(x, features[order])
    assert _directions._kernel(chance, 3) == pytest.approx(of_chance, abs=2e-5)


@pytest.mark.parametrize("ties", [False, True])
def test_dependence_against_the_definition(ties):
    x, y = normal(300, 3), normal(300, 2, seed=1)
    y[:, 0] += x[:, 1] ** 2
    if ties:
        x, y = np.round(x), np.round(y)
    found = _relevance.dependence(*(_directions.cosines(block, 5) for block in (x, y)))
    assert found == pytest.approx(reference.column_dependence(x, y, 5), abs=1e-5)
    assert found.argmax() == 2


def test_equal_values_do_not_depend_on_their_order():
    """Ranks of ties that follow the rows would make two sorted tables look alike."""
    classes = np.repeat([0.0, 1.0], 500)
    constant = np.zeros(1000)
    found = _relevance.dependence(
        *(_directions.cosines(column[:, None], 4) for column in (classes, constant))
    )
    assert found[0, 0] == 0.0


def test_white_blocks_stay_near_their_columns():
    block = normal(2000, 4) @ np.diag([1.0, 2.0, 3.0, 0.5])
    white = _directions.whiten(block)
    assert white.T @ white / 2000 == pytest.approx(np.eye(4), abs=1e-10)
    assert np.abs(np.corrcoef(white.T, block.T)[:4, 4:]).diagonal() == pytest.approx(1, abs=1e-2)


def test_near_axes_is_a_basis_of_the_same_space():
    basis = rotation(6)[:, :3]
    near = _directions.near_axes(basis)
    assert near @ near.T == pytest.approx(basis @ basis.T, abs=1e-12)
    assert np.linalg.norm(near, ord=1) <= np.linalg.norm(basis, ord=1) + 1e-12
    assert _directions.near_axes(np.eye(5)[:, [3, 1]]) == pytest.approx(np.eye(5)[:, [1, 3]])


def test_it_is_ksg_of_the_scaled_blocks():
    x = normal(150, 3)
    y = noisy(x[:, :2] ** 2, 0.3)
    scaled = relevance(copula(x), copula(y))
    got = relevance_mi(x, y, k=4)
    assert float(got) == pytest.approx(
        reference.ksg_mi([*scaled[:2]], 4, 1, "chebyshev"), abs=1e-12
    )
    assert got.method == "ksg_relevance"
    assert got.counts.shape == (2, 150)


def test_rotation_and_scales_are_invertible():
    """What is lost in them would be lost information."""
    scores = [copula(normal(500, d, seed=d)) for d in (4, 3)]
    scores[1][:, 0] += scores[0][:, 0]
    for block, new in zip(scores, relevance(*scores)[:2], strict=True):
        joint = np.hstack([block - block.mean(axis=0), new - new.mean(axis=0)])
        assert np.linalg.matrix_rank(joint) == block.shape[1] == new.shape[1]
        assert new.std(axis=0).min() > 0.9 * math.sqrt(8 / 500)


def test_one_column_each_is_ksg_of_normal_scores():
    x = normal(500, 1)
    y = noisy(x, 0.5)
    # Distances between normal scores tie, and a common scale rounds them apart.
    expected = float(fastmi.mi(x, y, normalize="copula"))
    assert float(relevance_mi(x, y)) == pytest.approx(expected, abs=1e-3)


def test_parts_add_up():
    x = normal(1500, 4)
    y = noisy(x[:, :2], 0.5)
    got = relevance_mi(x, y, bias_correction="parts")
    assert len(got.components) == 2
    assert float(got) == pytest.approx(sum(got.components.values()) + got.terms["between"])
    plain = relevance_mi(x, y)
    assert got.uncorrected == pytest.approx(float(plain), abs=1e-12)
    assert got.local.mean() == pytest.approx(got.uncorrected, abs=1e-12)
    for part in got.components.values():
        assert part.dims == (1, 1)
        assert part.twin.reference == pytest.approx(0.5 * math.log(5), abs=0.1)


def test_columns_that_depend_on_one_another_are_one_part():
    x = normal(3000, 5)
    y = np.column_stack([noisy(x[:, 0] * x[:, 1], 0.3), noisy(x[:, 3], 0.5, 2)])
    found = relevance(copula(x), copula(y))
    assert sorted((len(i), len(j)) for i, j in found.parts) == [(1, 1), (2, 1)]
    for side, d in ((0, 5), (1, 2)):
        columns = np.concatenate([part[side] for part in found.parts + found.alone])
        assert sorted(columns) == list(range(d))


# Known values


def sparse(n, d, rho, pairs, seed=0):
    """Return columns of which some pairs depend, after a rotation of each block."""
    x, e = normal(n, d, seed), normal(n, d, seed + 1000)
    e[:, :pairs] = rho * x[:, :pairs] + math.sqrt(1 - rho**2) * e[:, :pairs]
    return x @ rotation(d, 1), e @ rotation(d, 2), -0.5 * pairs * math.log(1 - rho**2)


@pytest.mark.parametrize("correction", CORRECTIONS)
@pytest.mark.parametrize("d", [5, 20])
def test_few_directions_of_many(d, correction):
    x, y, truth = sparse(4000, d, 0.8, 2)
    assert float(relevance_mi(x, y, bias_correction=correction)) == pytest.approx(truth, abs=0.07)
    if d == 20:  # what all columns say
        assert fastmi.mi(x, y, normalize="copula") < 0.3 * truth


def test_wide_blocks_take_single_columns_as_features():
    x, y, truth = sparse(3000, 32, 0.8, 2)
    got = relevance_mi(x, y, bias_correction="parts")
    assert float(got) == pytest.approx(truth, abs=0.1)


def curve(function, noise, n, seed):
    """Return I(f(S); f(S) + noise) with S normal, by the density of the sum on a fine grid."""
    s = np.random.default_rng(seed).standard_normal((n, 3))
    signal = function(s)
    grid = np.linspace(signal.min() - 6 * noise, signal.max() + 6 * noise, 4001)
    step = grid[1] - grid[0]
    mass = np.histogram(signal, bins=np.append(grid, grid[-1] + step) - step / 2)[0] / n
    kernel = np.exp(-0.5 * (np.arange(-4000, 4001) * step / noise) ** 2)
    density = np.convolve(mass, kernel / (noise * math.sqrt(2 * math.pi)))[4000:8001]
    density = density[density > 0]
    return -float((density * np.log(density)).sum() * step) - 0.5 * math.log(
        2 * math.pi * math.e * noise**2
    )


CURVES = {
    "square": (lambda s: s[:, 0] ** 2, 0.5, 0.08),
    "product of two": (lambda s: s[:, 0] * s[:, 1], 0.3, 0.08),
    "product of three": (lambda s: s[:, 0] * s[:, 1] * s[:, 2], 0.2, 0.2),
    "radius": (lambda s: np.sqrt((s**2).sum(axis=1)), 0.2, 0.1),
}


@pytest.mark.parametrize("name", CURVES)
def test_functions_of_few_columns(name):
    """Plain KSG says .1 to .7 for .8 to 1.2 nats."""
    function, noise, tolerance = CURVES[name]
    truth = curve(function, noise, 2_000_000, seed=9)
    x, y = normal(4000, 6), normal(4000, 3, seed=1)
    y[:, 0] = noisy(function(x[:, :3]), noise, seed=2)
    got = relevance_mi(x, y, bias_correction="parts")
    assert float(got) == pytest.approx(truth, abs=tolerance)
    assert abs(float(got) - truth) < 0.4 * abs(fastmi.mi(x, y) - truth)


def test_uniform_noise_in_several_columns():
    """Each pair has 1 / (4 e) nats, e the half width of the noise, at least 1/2."""
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 1, (4000, 4))
    y = x + rng.uniform(-0.75, 0.75, (4000, 4))
    got = relevance_mi(x, y, bias_correction="parts")
    assert len(got.components) == 4
    assert float(got) == pytest.approx(4 / 3, abs=0.13)
    assert relevance_mi(x, y, bias_correction="twin") < 0.9


@pytest.mark.parametrize("correction", CORRECTIONS)
@pytest.mark.parametrize("kind", ["normal", "student"])
@pytest.mark.parametrize("n, dx, dy", [(500, 2, 3), (2000, 5, 5), (3000, 20, 20)])
def test_no_dependence_is_made_up(n, dx, dy, kind, correction):
    x, y = normal(n, dx), normal(n, dy, seed=1)
    if kind == "student":  # heavy tails of each block by itself
        mixing = np.random.default_rng(2).chisquare(2, (2, n)) / 2
        x, y = x / np.sqrt(mixing[0])[:, None], y / np.sqrt(mixing[1])[:, None]
    got = relevance_mi(x, y, bias_correction=correction)
    assert abs(float(got)) < max(0.03, 3.5 * got.stderr)


def test_a_permutation_test_holds_its_level():
    """The rotation is found anew for each surrogate; else all of them would look weaker."""
    p = []
    for seed in range(40):
        x, y = normal(60, 3, seed), normal(60, 3, seed + 500)
        with fastmi._cautions.quiet():
            test = fastmi.permutation_test(
                x, y, method="ksg_relevance", n_permutations=19, seed=seed, n_jobs=1
            )
        p.append(test.p_value)
    # Ten are expected at .25 and below, with a deviation of 2.7.
    assert 3 <= np.sum(np.array(p) <= 0.25) <= 18


# Tables as they come


@pytest.fixture(scope="module")
def table():
    x = normal(600, 3)
    return x, noisy(x[:, :2], 0.5)


def test_increasing_maps_and_units_change_nothing(table):
    x, y = table
    expected = relevance_mi(x, y, bias_correction="parts")
    for other in (np.exp(3 * x), x * 1e200, x * 1e-200, x + 1e6, np.sinh(5 * x)):
        assert relevance_mi(other, y, bias_correction="parts") == expected


@pytest.mark.parametrize("correction", CORRECTIONS)
def test_the_same_every_time(table, correction):
    x, y = table
    first = relevance_mi(x, y, bias_correction=correction, n_jobs=1)
    assert relevance_mi(x, y, bias_correction=correction, n_jobs=2) == first


def test_seed_draws_the_twins(table):
    x, y = table
    values = {float(relevance_mi(x, y, bias_correction="parts", seed=seed)) for seed in (1, 2, 1)}
    assert len(values) == 2
    assert relevance_mi(x, y, seed=1) == relevance_mi(x, y, seed=2)


@pytest.mark.parametrize("correction", CORRECTIONS)
def test_a_sequence_of_k(table, correction):
    x, y = table
    found = relevance_mi(x, y, k=[2, 5], bias_correction=correction)
    assert [one.k for one in found] == [2, 5]
    for one in found:
        alone = relevance_mi(x, y, k=one.k, bias_correction=correction)
        assert float(one) == pytest.approx(float(alone), abs=1e-12)


@pytest.mark.parametrize("correction", CORRECTIONS)
def test_constant_and_repeated_columns_change_nothing(table, correction):
    x, y = table
    expected = float(relevance_mi(x, y, bias_correction=correction))
    constant = np.hstack([x, np.full((600, 1), 3.0)])
    assert float(relevance_mi(constant, y, bias_correction=correction)) == pytest.approx(
        expected, abs=1e-9
    )
    repeated = relevance_mi(np.hstack([x, x]), y, bias_correction=correction)
    assert float(repeated) == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("correction", CORRECTIONS)
def test_a_constant_block_says_nothing(correction):
    with pytest.warns(fastmi.EstimateWarning, match="constant"):
        got = fastmi.mi(
            np.ones((100, 2)), normal(100, 2), method="ksg_relevance", bias_correction=correction
        )
    assert float(got) == 0.0


@pytest.mark.parametrize("correction", CORRECTIONS)
def test_few_rows_are_said(correction):
    x, y = normal(30, 20), normal(30, 20, seed=1)
    with pytest.warns(fastmi.EstimateWarning, match="scaled, and not turned"):
        got = fastmi.mi(x, y, method="ksg_relevance", bias_correction=correction)
    assert abs(float(got)) < 0.6
    assert "few_rows" in {caution.kind for caution in got.warnings}


@pytest.mark.parametrize("n", [2, 3, 5, 9, 17])
@pytest.mark.parametrize("correction", CORRECTIONS)
def test_hardly_any_rows(n, correction):
    got = relevance_mi(normal(n, 2), normal(n, 1, seed=1), k=1, bias_correction=correction)
    assert math.isfinite(got)
    assert "few_samples" in {caution.kind for caution in got.warnings}


@pytest.mark.parametrize("correction", CORRECTIONS)
def test_whole_numbers_and_classes(correction):
    """Independent whole numbers are independent, and equal classes tell about their entropy."""
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 5, (800, 3)), rng.integers(0, 5, (800, 2))
    assert abs(relevance_mi(x, y, bias_correction=correction)) < 0.1
    y[:, 0] = x[:, 0]
    got = relevance_mi(x, y, bias_correction=correction)
    assert math.log(5) - 0.3 < got < math.log(5) + 0.3


@pytest.mark.parametrize("correction", CORRECTIONS)
def test_float32(table, correction):
    x, y = table
    got = relevance_mi(*(block.astype(np.float32) for block in table), bias_correction=correction)
    expected = relevance_mi(x, y, bias_correction=correction)
    assert float(got) == pytest.approx(float(expected), abs=0.06)


def test_heavy_tails(table):
    x, y = table
    got = relevance_mi(np.tan(x), y**3, bias_correction="parts")
    assert math.isfinite(got)


def test_a_copy_has_no_finite_information():
    x = normal(300, 2)
    with pytest.warns(fastmi.EstimateWarning, match="near or above"):
        got = fastmi.mi(x, x, method="ksg_relevance", bias_correction="parts")
    assert got > 4


def test_data_frames_and_tensors(table):
    pd = pytest.importorskip("pandas")
    torch = pytest.importorskip("torch")
    x, y = table
    expected = relevance_mi(x, y, bias_correction="parts")
    assert relevance_mi(pd.DataFrame(x), pd.DataFrame(y), bias_correction="parts") == expected
    tensors = map(torch.from_numpy, (x, y))
    assert relevance_mi(*tensors, bias_correction="parts") == expected


def test_columns_that_matter_in_a_product_only():
    """y1 is x1 with the sign of x2, which by itself tells nothing about y1.

    y1 is normal given x1 up to a sign: the truth is that of a pair with noise .3.
    """
    x = normal(3000, 6)
    y = np.column_stack([noisy(x[:, 0] * np.sign(x[:, 1]), 0.3), normal(3000, 1, seed=5)])
    got = relevance_mi(x, y, bias_correction="parts")
    truth = 0.5 * math.log(1 + 1 / 0.09)
    assert float(got) == pytest.approx(truth, abs=0.12)
    assert [part.dims for part in got.components.values()] == [(2, 1)]


@pytest.mark.parametrize(
    "options, error, match",
    [
        ({"k": 100}, ValueError, r"k must be in \[1, n - 1\]"),
        (
            {"bias_correction": "twins"},
            ValueError,
            "bias_correction must be one of 'twin', 'parts'",
        ),
        ({"normalize": "local"}, TypeError, "normalize"),
        ({"metric": "euclidean"}, TypeError, "metric"),
        ({"algorithm": "sort"}, ValueError, "sort"),
    ],
)
def test_wrong_options(options, error, match):
    x = normal(100, 2)
    with pytest.raises(error, match=match):
        fastmi.mi(x, x, method="ksg_relevance", **options)


def test_other_scales_of_the_class():
    with pytest.raises(ValueError, match="normalize must be one of 'copula'"):
        fastmi.RelevanceKSG(normalize="local")


def test_wrong_samples():
    x = normal(100, 2)
    bad = x.copy()
    bad[3, 1] = np.nan
    with pytest.raises(ValueError, match="x must be finite"):
        fastmi.mi(bad, x, method="ksg_relevance")
    with pytest.raises(TypeError, match="x must be real numbers"):
        fastmi.mi([["a"]] * 100, x, method="ksg_relevance")


def test_more_rows_than_the_rotation_needs(monkeypatch):
    """It is found from some of the rows, and applied to all of them."""
    monkeypatch.setattr(_relevance, "_ROWS", 1000)
    x, y, truth = sparse(3500, 8, 0.8, 2)
    assert float(relevance_mi(x, y)) == pytest.approx(truth, abs=0.08)
