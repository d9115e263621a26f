"""Permutation tests given z: ties and groups in z, strong dependence on z, what the user sees."""

import warnings

import numpy as np
import pytest

import fastmi
from fastmi.statistics._conditional import lost_dependence, on_residuals
from fastmi.statistics._local import local_exchange
from fastmi.statistics._residuals import growth_of_errors, residuals
from reference import exchange_partners, exchanged_order

SIZE = 5


def binary(rng, n):
    return rng.integers(0, 2, (n, 1)).astype(float)


def whole_numbers(rng, n):
    """Groups of every size: large in the middle, single rows in the tails."""
    return np.round(3.0 * rng.standard_normal((n, 1)))


def two_codes(rng, n):
    return np.column_stack([rng.integers(0, 2, n), rng.integers(0, 9, n)]).astype(float)


def many_zeros(rng, n):
    z = rng.standard_normal((n, 1))
    z[: n // 3] = 0.0
    return z


def grid(rng, n):
    """Neighbours on both sides are equally far."""
    return rng.permutation(n)[:, np.newaxis].astype(float)


def indicators(rng, n):
    """All rows that differ are at distance 1."""
    return np.ascontiguousarray(np.eye(n // 3)[rng.integers(0, n // 3, n)])


def code_and_number(rng, n):
    """The code is smaller than the gaps of the number."""
    return np.column_stack([rng.integers(0, 2, n), 1000.0 * rng.standard_normal(n)])


def code_and_whole_number(rng, n):
    return np.column_stack([rng.integers(0, 2, n), np.round(6.0 * rng.standard_normal(n))])


def rare_code(rng, n):
    """One group of the code is smaller than the number of rows that exchange."""
    code = np.zeros(n)
    code[:3] = 1.0
    return np.column_stack([code, rng.standard_normal(n)])


def normal(rng, n):
    return rng.standard_normal((n, 2))


CONDITIONS = [
    binary,
    whole_numbers,
    two_codes,
    many_zeros,
    grid,
    indicators,
    code_and_number,
    code_and_whole_number,
    rare_code,
    normal,
]


def counts(z, surrogates, size=SIZE):
    """Return how often each row got the sample of each row, shape (n, n)."""
    exchange = local_exchange(z, size, n_jobs=1)
    found = np.zeros((len(z), len(z)), dtype=int)
    for number in range(surrogates):
        found[np.arange(len(z)), exchange.order(np.random.default_rng(number))] += 1
    return found


@pytest.mark.parametrize("size", [4, 5])
@pytest.mark.parametrize("condition", CONDITIONS)
def test_every_row_that_ties_is_offered_and_no_other(condition, size, rng):
    # Any two of the indicators tie, so that a pair is rare where there are many.
    z = condition(rng, 40 if condition is indicators else 110)
    partners = exchange_partners(z, size)
    found = counts(z, 3000 if condition is indicators else 1500, size)
    assert not found[~partners].any()
    # Rows of large groups serve in their group; others get them only if all else is taken.
    alone = np.array([(z == row).all(axis=1).sum() < size for row in z])
    assert (found > 0)[partners & (alone | ~alone[:, np.newaxis])].all()


@pytest.mark.parametrize("condition", [binary, many_zeros, code_and_whole_number])
def test_large_groups_are_permuted_evenly(condition, rng):
    z = condition(rng, 120)
    _, group, sizes = np.unique(z, axis=0, return_inverse=True, return_counts=True)
    largest = np.flatnonzero(group.reshape(-1) == sizes.argmax())
    m = len(largest)
    assert m >= SIZE
    exchange = local_exchange(z, SIZE, n_jobs=1)
    for number in range(20):
        order = exchange.order(np.random.default_rng(number))
        np.testing.assert_array_equal(np.sort(order[largest]), largest)
    found = counts(z, 400)[np.ix_(largest, largest)]
    # Each pair occurs 400 / m times, within 6 deviations of a Poisson law.
    assert np.abs(found - 400 / m).max() < 6 * np.sqrt(400 / m) + 1


def test_classes_exchange_in_their_group_only(rng):
    z = rng.integers(0, 40, 100).astype(float)[:, np.newaxis]
    exchange = local_exchange(z, SIZE, classes=True, n_jobs=1)
    for number in range(20):
        order = exchange.order(np.random.default_rng(number))
        np.testing.assert_array_equal(z[order], z)
        np.testing.assert_array_equal(np.sort(order), np.arange(100))


def test_conditions_of_words(rng):
    town = np.array(["Ghent", "Lille", "Metz"])[rng.integers(0, 3, 300)]
    x, y = (np.where(rng.random(300) < 0.7, town, "none") for _ in range(2))
    through_town = fastmi.permutation_test(x, y, town, method="discrete", n_permutations=99, seed=0)
    assert through_town.p_value > 0.05
    assert not {"lost_dependence", "scheme"} & {each.kind for each in through_town.warnings}
    direct = fastmi.permutation_test(x, x, town, method="discrete", n_permutations=99, seed=0)
    assert direct.p_value == 0.01
    with pytest.raises(ValueError, match="scheme='residual' must have numbers"):
        fastmi.permutation_test(x, y, town, method="discrete", scheme="residual")


def test_noise_leaves_groups_of_the_condition(rng):
    """Noise would make single rows of a group, which then meet only their neighbours."""
    x, y, z = given_group(rng, 2.0)
    test = fastmi.permutation_test(x, y, z, noise=1e-6, n_permutations=99, seed=0)
    assert test.p_value == 0.01


def test_a_constant_condition_is_a_plain_shuffle(rng):
    order = local_exchange(np.ones((50, 2)), SIZE, n_jobs=1).order(rng)
    np.testing.assert_array_equal(np.sort(order), np.arange(50))
    assert (order != np.arange(50)).mean() > 0.8


@pytest.mark.parametrize("d", [1, 3])
def test_without_ties_it_is_algorithm_1(d, rng, dtype):
    z = rng.standard_normal((150, d)).astype(dtype)
    exchange = local_exchange(z, SIZE, n_jobs=1)
    for number in range(3):
        np.testing.assert_array_equal(
            exchange.order(np.random.default_rng(number)),
            exchanged_order(z, SIZE, np.random.default_rng(number)),
        )


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("scale, origin", [(1e-6, 0.0), (1.0, 1e6), (1e9, -1e9)])
def test_units_of_the_condition_do_not_matter(condition, scale, origin, rng):
    # Whole numbers of a power of two, so that scaling and shifting round nothing.
    z = np.round(np.ascontiguousarray(condition(rng, 60)) * 64.0)
    scaled = np.ldexp(z, round(np.log2(scale))) + np.ldexp(float(origin > 0), 20)
    one, other = (local_exchange(each, SIZE, n_jobs=1) for each in (z, scaled))
    assert one.tied == other.tied
    for number in range(3):
        np.testing.assert_array_equal(
            *(e.order(np.random.default_rng(number)) for e in (one, other))
        )


def test_fewer_rows_than_neighbours(rng):
    order = local_exchange(rng.standard_normal((4, 1)), 9, n_jobs=1).order(rng)
    assert order.shape == (4,)
    assert set(order) <= set(range(4))


def rejections(draw, runs, *, n_permutations=39, **options):
    """Return how many of the tests at 5 % reject, and all tests."""
    tests = []
    for run in range(runs):
        samples = draw(np.random.default_rng([run, 77]))
        tests.append(
            fastmi.permutation_test(
                *samples, n_permutations=n_permutations, seed=run, n_jobs=1, **options
            )
        )
    return sum(test.p_value <= 0.05 for test in tests), tests


def given_group(rng, shared):
    z = rng.integers(0, 2, 200)
    common = shared * rng.standard_normal(200)
    return z + common + rng.standard_normal(200), z + common + rng.standard_normal(200), z


def test_power_and_level_given_a_binary_condition():
    """98 % of the rows stay put where every row of a group is offered the same five rows."""
    assert rejections(lambda rng: given_group(rng, 0.0), 40)[0] <= 7
    assert rejections(lambda rng: given_group(rng, 1.0), 20)[0] >= 17


def test_level_with_whole_numbers_everywhere():
    def draw(rng):
        z = rng.standard_normal(150)
        return [np.round(3.0 * (z + rng.standard_normal(150))) for _ in range(2)] + [
            np.round(3.0 * z)
        ]

    assert rejections(draw, 40)[0] <= 7


def through(columns, noise=0.5, part=lambda z: z, shared=0.0, n=150):
    """Return a law of x and y that depend on each other through z, and by `shared` noise."""

    def draw(rng):
        z = rng.standard_normal((n, columns))
        e, f, g = rng.standard_normal((3, n))
        common = part(z).sum(axis=1) + noise * shared * g
        return common + noise * e, common + noise * f, z

    return draw


def test_strong_conditions_have_residuals_by_default():
    draw = through(4)
    locally, tests = rejections(draw, 15, scheme="local")
    assert locally >= 10
    for test in tests:
        (caution,) = [each for each in test.warnings if each.kind == "lost_dependence"]
        assert "scheme='residual'" in caution
    by_default, tests = rejections(draw, 30)
    assert by_default <= 5
    for test in tests:
        assert test.scheme == "residual"
        assert "scheme" in {caution.kind for caution in test.warnings}
    assert rejections(through(4, shared=1.0), 15)[0] >= 11


@pytest.mark.parametrize(
    "draw",
    [
        through(1),
        through(3, part=np.square, n=300),
        through(3, part=lambda z: np.sin(2.0 * z)),
        through(2, part=lambda z: np.prod(z, axis=1, keepdims=True), noise=0.3),
    ],
    ids=["one column", "squares", "sines", "product"],
)
def test_level_of_residuals(draw):
    # The binomial standard deviation is 0.04 at 30 runs.
    assert rejections(draw, 30, scheme="residual")[0] <= 5


def test_few_values_have_no_residuals():
    """Residuals of two values reject in nearly every test, exchanges of them do not."""

    def draw(rng):
        x, y, z = through(3)(rng)
        return x > 0, y > 0, z

    by_default, tests = rejections(draw, 30)
    assert by_default <= 5
    assert {test.scheme for test in tests} == {"local"}
    kinds = [{caution.kind for caution in test.warnings} for test in tests]
    assert sum("lost_dependence" in own for own in kinds) >= 15
    assert not any("residual" in caution for test in tests for caution in test.warnings)
    rejected, tests = rejections(draw, 5, scheme="residual")
    assert rejected >= 3
    for test in tests:
        (caution,) = [each for each in test.warnings if each.kind == "discrete"]
        assert "scheme='local'" in caution


def test_residuals_of_noise_that_depends_on_the_condition():
    def draw(rng):
        z = rng.standard_normal(150)
        e, f = np.exp(0.7 * z) * rng.standard_normal((2, 150))
        return z + e, z + f, z

    assert rejections(draw, 30, scheme="residual")[0] <= 5


def test_weak_conditions_stay_local():
    """Neither the scheme nor the estimate changes where the rows are similar enough."""
    for run in range(8):
        x, y, z = through(1, noise=2.0, n=300)(np.random.default_rng(run))
        test = fastmi.permutation_test(x, y, z, n_permutations=10, seed=run)
        assert test.scheme == "local"
        assert test.warnings == ()
        assert test.estimate == fastmi.cmi(x, y, z)


def test_local_and_residual_exchange_alike(rng):
    """By hand: the residual scheme is the local one on residuals."""
    x, y, z = through(3)(rng)
    test = fastmi.permutation_test(x, y, z, scheme="residual", n_permutations=10, seed=3)
    by_hand = on_residuals([x[:, np.newaxis], y[:, np.newaxis], z])
    local = fastmi.permutation_test(*by_hand, scheme="local", n_permutations=10, seed=3)
    assert test.estimate == local.estimate == fastmi.cmi(*by_hand)
    np.testing.assert_array_equal(test.null, local.null)


def test_residuals_keep_no_dependence_and_all_noise(rng):
    """Linear, curved and far from the origin: what is left is the noise."""
    n = 2000
    z = rng.standard_normal((n, 3))
    noise = rng.standard_normal(n)
    line, wave = z.sum(axis=1), 3.0 * np.sin(2.0 * z[:, 0])
    for part in (line, 1e8 + line, wave, (z**2).sum(axis=1)):
        left = residuals((part + 0.5 * noise)[:, np.newaxis], z)[:, 0]
        assert np.corrcoef(left, noise)[0, 1] > 0.95
    in_exponent = np.exp(z.sum(axis=1) + 0.5 * noise)[:, np.newaxis]
    assert np.corrcoef(residuals(in_exponent, z)[:, 0], noise)[0, 1] > 0.97


def test_residuals_of_what_z_determines_vanish(rng):
    z = rng.standard_normal((80, 2))
    x = np.column_stack([z[:, 0], z @ [1.0, -3.0], np.full(80, 7.0)])
    np.testing.assert_array_equal(residuals(x, z), 0.0)
    test = fastmi.permutation_test(x, z[:, 1], z, scheme="residual", n_permutations=9, seed=0)
    assert test.p_value == 1.0


def test_residuals_given_a_constant_are_the_samples(rng):
    x = rng.standard_normal((50, 1))
    left = residuals(x, np.ones((50, 2)))
    np.testing.assert_array_equal(np.argsort(left[:, 0]), np.argsort(x[:, 0]))


def test_growth_of_errors_sees_a_shuffle(rng):
    """x = z + 0.5 noise: variances 0.25 about the regression, 1 + 1.25 for a shuffled x."""
    z = rng.standard_normal((4000, 1))
    x = z + 0.5 * rng.standard_normal((4000, 1))
    assert growth_of_errors(x, z, [np.arange(4000)]) == 1.0
    assert growth_of_errors(x, z, [rng.permutation(4000)]) == pytest.approx(2.25 / 0.25, rel=0.1)


def test_loss_is_said_only_where_there_is_one(rng):
    z = rng.integers(0, 3, (300, 1)).astype(float)
    x = z + 0.1 * rng.standard_normal((300, 1))
    exchange = local_exchange(z, SIZE, n_jobs=1)
    kept = [exchange.order(rng) for _ in range(10)]
    assert lost_dependence(x, z, kept, scheme="local", n_jobs=1) is None
    lost = lost_dependence(x, z, [rng.permutation(300)], scheme="local", n_jobs=1)
    assert lost is not None
    assert "scheme='local' lost dependence of x on z" in lost


def test_what_the_user_sees():
    x, y, z = through(4)(np.random.default_rng(0))
    with pytest.warns(fastmi.EstimateWarning) as issued:
        test = fastmi.permutation_test(x, y, z, scheme="local", n_permutations=19, seed=0)
    assert [str(each.message) for each in issued] == list(test.warnings)
    assert issued[0].filename == __file__
    assert str(test).startswith(f"{float(test.estimate):.4g} nats, p = {test.p_value:.3g} (19 surr")
    assert "'local', 1 warning)" in str(test)
    assert "warnings" not in repr(test)
    with pytest.warns(fastmi.EstimateWarning) as issued:
        fastmi.permutation_test(x, y, z, k=[3, 4], n_permutations=19, seed=0)
    assert len(issued) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clean = fastmi.permutation_test(x, y, n_permutations=19, seed=0)
    assert str(clean).endswith("(19 surrogates by 'shuffle')")


def test_warnings_of_the_estimate_are_those_of_the_test(rng):
    x, y = rng.standard_normal((2, 30))
    with pytest.warns(fastmi.EstimateWarning, match="n=30 samples are few") as issued:
        test = fastmi.permutation_test(x, y, n_permutations=9, seed=0)
    assert len(issued) == 1
    assert test.warnings == test.estimate.warnings


@pytest.mark.parametrize("scheme", [None, "local", "residual"])
def test_threads_change_nothing(scheme, threads, rng):
    x, y, z = through(3)(rng)
    x, z = np.round(x), np.round(2.0 * z)
    one, many = (
        fastmi.permutation_test(
            x, y, z, scheme=scheme, noise=1e-6, n_permutations=20, seed=1, n_jobs=n_jobs
        )
        for n_jobs in (1, threads)
    )
    np.testing.assert_array_equal(one.null, many.null)
    assert one.warnings == many.warnings


def test_residual_needs_a_condition():
    with pytest.raises(ValueError, match="scheme='residual' must have a z"):
        fastmi.permutation_test(np.arange(20.0), np.arange(20.0), scheme="residual")


@pytest.mark.parametrize("unit", [1020, -1040])
def test_local_exchange_up_to_both_ends_of_the_range(unit):
    rng = np.random.default_rng(0)
    tied = rng.integers(-4, 5, (60, 2)).astype(float)
    groups = np.column_stack(
        [rng.integers(0, 2, 400), np.round(1000 * rng.normal(size=400)) / 1024]
    )
    for z in (tied, groups):
        plain, moved = (
            local_exchange(each, SIZE, n_jobs=1).order(np.random.default_rng(1))
            for each in (z, np.ldexp(z, unit))
        )
        np.testing.assert_array_equal(moved, plain)
