"""Whole numbers, rounded readings, copies and constants: right values, and a word about them."""

import math
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import fastmi
import reference
from fastmi._cautions import Note
from fastmi.estimators.neighbors._copies import count_copies
from fastmi.estimators.neighbors._ties import tied_share, with_trace
from fastmi.ops.knn import kth_distance

N = 1000
SEEDS = range(4)
# h of a standard normal.
NORMAL = 0.5 * math.log(2 * math.pi * math.e)

LEVELS = {
    **{
        f"{number} whole numbers": lambda rng, n, number=number: rng.integers(0, number, n)
        for number in (10, 30, 50, 100, 1000)
    },
    **{
        f"rounded to {step}": lambda rng, n, step=step: (
            np.round(rng.standard_normal(n) / step) * step
        )
        for step in (0.01, 0.1, 1)
    },
}


def mi(**options):
    return lambda x, y, _: fastmi.mi(x, y, **options)


# Each estimates an information that is 0 for independent x, y, z, and the bias that it has for
# independent normals at n = 1000, as far as that exceeds 0.02.
ESTIMATES = {
    "ksg1": (mi(), 0.0),
    "ksg2": (mi(method="ksg2"), 0.0),
    "biksg": (mi(method="biksg"), 0.0),
    "biksg p=2": (mi(method="biksg", p=2), 0.0),
    "lnc": (mi(method="lnc", k=5), 0.0),
    "3h": (mi(method="3h"), 0.0),
    "ksg_eq6": (mi(method="ksg_eq6"), -0.305),
    "sweep": (mi(method="ksg_global_linf"), 0.02),
    "local": (mi(normalize="local"), 0.0),
    "copula": (mi(normalize="copula"), 0.0),
    "theiler": (mi(theiler=2), 0.0),
    "float32": (lambda x, y, _: fastmi.mi(x.astype(np.float32), y.astype(np.float32)), 0.0),
    "far away": (lambda x, y, _: fastmi.mi(x + 1e9, y - 1e9), 0.0),
    "other unit": (lambda x, y, _: fastmi.mi(x * 1e-7, y * 1e7, normalize="local"), 0.0),
    "fp": (fastmi.cmi, 0.0),
    "cmi ksg2": (lambda x, y, z: fastmi.cmi(x, y, z, method="ksg2"), 0.03),
    "tc ksg1": (fastmi.total_correlation, 0.0),
    "tc ksg2": (lambda x, y, z: fastmi.total_correlation(x, y, z, method="ksg2"), 0.0),
    "tc biksg": (lambda x, y, z: fastmi.total_correlation(x, y, z, method="biksg"), 0.0),
    "transfer entropy": (lambda x, y, _: fastmi.transfer_entropy(x, y), 0.0),
    "lagged": (lambda x, y, _: fastmi.lagged_mi(x, y, 1), 0.0),
    "ross": (lambda x, y, _: fastmi.mi(x, y > np.median(y), method="ross"), 0.0),
}


@pytest.mark.parametrize("name", LEVELS)
@pytest.mark.parametrize("estimate", ESTIMATES)
def test_independent_variables_share_nothing(name, estimate):
    run, bias = ESTIMATES[estimate]
    values = []
    for seed in SEEDS:
        rng = np.random.default_rng([seed, 1])
        values.append(float(run(*(LEVELS[name](rng, N) for _ in range(3)))))
    # One entropy of three scatters by 0.1 at this n, ties or not.
    assert np.mean(values) == pytest.approx(bias, abs=0.1 if estimate == "3h" else 0.05)


@pytest.mark.parametrize("step", [0.01, 0.1, 0.5])
@pytest.mark.parametrize("method", ["ksg1", "ksg2", "biksg", "lnc", "3h"])
def test_rounding_leaves_dependence(method, step):
    rng = np.random.default_rng(0)
    x = rng.standard_normal(4000)
    y = 0.8 * x + 0.6 * rng.standard_normal(4000)
    rounded = [np.round(column / step) * step for column in (x, y)]
    # Rounding to half a standard deviation loses a little.
    truth = -0.5 * math.log(1 - 0.64)
    assert float(fastmi.mi(*rounded, method=method, k=5)) == pytest.approx(truth, abs=0.06)


def test_normal_scores_of_few_samples_are_separated():
    """Half of x is 0: a lattice of ranks must not hide that, or classes are taken for distances."""
    values = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        x = np.where(rng.random(50) < 0.5, 0.0, np.exp(rng.standard_normal(50)))
        values.append(
            float(fastmi.mi(x, rng.integers(0, 3, 50), method="ross", normalize="copula"))
        )
    assert abs(np.mean(values)) < 4 * np.std(values) / 30**0.5
    assert np.max(values) < 0.4


@pytest.mark.parametrize(
    "estimate",
    [
        lambda x, y, _: fastmi.mi(x, y, method="ksg2"),
        lambda x, y, _: fastmi.mi(y, x, method="ksg2", k=[3, 5])[1],
        lambda x, y, _: fastmi.mi(x, y, method="ksg2", metric="euclidean"),
        lambda x, y, z: fastmi.total_correlation(y, x, z, method="ksg2"),
        lambda x, y, z: fastmi.cmi(x, y, z, method="ksg2"),
        lambda x, y, z: fastmi.cmi(y, z, x, method="ksg2"),
    ],
)
def test_a_radius_of_its_own_may_be_zero(estimate):
    # Joint distances do not tie, because those of the continuous variables decide them.
    rng = np.random.default_rng(0)
    found = estimate(rng.integers(0, 10, 4000), *rng.standard_normal((2, 4000)))
    assert abs(found) < 0.05
    assert [each.kind for each in found.warnings] == ["ties"]


def test_few_values_share_their_plug_in_information():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 4, 4000)
    y = (x + rng.integers(0, 2, 4000)) % 4
    # Noise that fills the squares of equal values scatters by 0.013 nats.
    assert float(fastmi.mi(x, y)) == pytest.approx(math.log(2), abs=0.045)
    assert float(fastmi.mi(x, x)) == pytest.approx(math.log(4), abs=0.045)


def test_columns_of_much_the_same_values_have_noise_of_their_own():
    """Fixed orders of the zeros would give all pairs of a table the same luck."""
    rng = np.random.default_rng(4)
    x, y = np.where(rng.random((2, 40, 60)) < 0.9, 0.0, rng.random((2, 40, 60)))
    values = [float(fastmi.mi(*each)) for each in zip(x, y, strict=True)]
    # The mean of 40 values that scatter by 0.09 each, and not by their common noise.
    assert abs(np.mean(values)) < 0.045


class TestWhatIsSaid:
    @pytest.fixture
    def whole(self):
        return np.random.default_rng(0).integers(0, 100, (2, N))

    def test_noise_was_added(self, whole):
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # the value is right
            got = fastmi.mi(*whole)
        assert [caution.kind for caution in got.warnings] == ["ties"]
        assert "noise of 1e-10" in got.warnings[0]
        assert str(got).endswith("nats (1 note)")
        share = reference.tied_share([column.reshape(-1, 1) * 1.0 for column in whole], 3)
        stated = int(got.warnings[0].split("%")[0]) / 100
        # A tie with a nearer neighbour counts in both.
        assert stated == pytest.approx(share, abs=0.006)

    def test_the_raw_definition_says_that_it_is_off(self, whole):
        with pytest.warns(fastmi.EstimateWarning, match="leave noise at None"):
            got = fastmi.mi(*whole, noise=0)
        x, y = (column.reshape(-1, 1) * 1.0 for column in whole)
        assert float(got) == pytest.approx(reference.ksg_mi([x, y], 3, 1, "chebyshev"), abs=1e-12)

    def test_noise_that_the_dtype_loses(self, whole):
        x, y = whole.astype(np.float32)
        lost = fastmi.mi(x, y, noise=1e-10, seed=0)
        assert "float32 cannot hold" in lost.warnings[0]
        assert fastmi.mi(x, y, noise=1e-3, seed=0).warnings == ()
        assert "float64 cannot hold" in fastmi.mi(*whole, noise=1e-17).warnings[0]
        far = fastmi.mi(*(whole + 1e12), noise=1e-10, seed=0)
        assert far.warnings == ()
        assert float(far) == float(fastmi.mi(*whole, noise=1e-10, seed=0))

    def test_volumes_without_a_step(self):
        x, y = np.sqrt(np.random.default_rng(0).poisson(30, (2, N)))
        (caution,) = fastmi.mi(x, y, method="lnc").warnings
        assert not isinstance(caution, Note)
        assert "compare with method='ksg1'" in caution
        (note,) = fastmi.mi(x, y).warnings
        assert isinstance(note, Note)

    def test_values_and_seed(self, whole):
        first = fastmi.mi(*whole)
        assert float(first) == float(fastmi.mi(*whole))
        assert float(fastmi.mi(*whole, seed=1)) != float(first)
        assert float(fastmi.mi(*whole, seed=1)) == float(fastmi.mi(*whole, seed=1))
        rng = np.random.default_rng(5)
        fastmi.mi(*whole, seed=rng)
        assert rng.random() == np.random.default_rng(5).random()

    @pytest.mark.parametrize("name", ["normal", "many levels", "a coin", "a constant"])
    def test_data_without_ties_is_untouched(self, name):
        rng = np.random.default_rng(0)
        y = rng.standard_normal(N)
        x = {
            "normal": rng.standard_normal(N),
            "many levels": 1e-7 * rng.integers(0, 10**7, N),
            "a coin": rng.integers(0, 2, N),
            "a constant": np.full(N, 2.5),
        }[name]
        got, raw = fastmi.mi(x, y), fastmi.mi(x, y, noise=0)
        assert float(got) == float(raw)
        np.testing.assert_array_equal(got.counts, raw.counts)
        assert [caution.kind for caution in got.warnings] == ["constant"] * (name == "a constant")

    def test_ranks_of_continuous_values_are_no_ties(self):
        x, y = np.random.default_rng(0).standard_normal((2, N))
        for normalize in ("rank", "copula"):
            got = fastmi.mi(x, y, normalize=normalize)
            assert float(got) == float(fastmi.mi(x, y, normalize=normalize, noise=0))
            assert got.warnings == ()
            assert fastmi.mi(np.round(x, 1), np.round(y, 1), normalize=normalize).warnings

    def test_no_circular_advice(self):
        rng = np.random.default_rng(0)
        x, y = rng.standard_normal((2, 500))

        def scale(x, y, **options):
            (text,) = (each for each in fastmi.mi(x, y, **options).warnings if each.kind == "scale")
            return text

        for method in ("ksg1", "ksg2", "lnc", "mixed", "mesner", "3h"):
            assert "(normalize='local')" in scale(x, 1e9 * y, method=method)
        outlier = np.append(1e-3 * y[:-1], 1e9)
        for normalize in ("local", "global-linf"):
            text = scale(x, outlier, normalize=normalize)
            assert "normalize='local')" not in text
            assert "use normalize='copula'" in text
        wide = np.hstack([x[:, None], 1e-9 * rng.standard_normal((500, 1))])
        for normalize in ("rank", "copula"):
            found = fastmi.mi(wide, y, normalize=normalize).warnings
            assert not any("use normalize" in each for each in found)

    @pytest.mark.parametrize("outlier", [1e5, 1e8, 1e20, 9.96921e36, 1e300])
    @pytest.mark.parametrize(
        "estimate",
        [
            partial(fastmi.mi, normalize="local"),
            partial(fastmi.cmi, z=np.random.default_rng(1).standard_normal(500), normalize="local"),
            partial(fastmi.mi, method="ksg_global"),
        ],
        ids=["mi", "cmi", "sweep"],
    )
    def test_numbers_that_stand_for_missing_values(self, estimate, outlier):
        """However far out they lie, values beside them are no copies of one class."""
        x, y = np.random.default_rng(0).standard_normal((2, 500))
        y += x
        assert not estimate(x, y).warnings
        x[7] = outlier
        found = estimate(x, y)
        assert found < 0.1
        assert [each.kind for each in found.warnings] == ["scale"]

    @pytest.mark.parametrize("share", [0.5, 0.7, 0.95])
    def test_classes_are_near_at_any_scale(self, share):
        rng = np.random.default_rng(0)
        x = rng.random(1000) < share
        y = 2 * x + rng.standard_normal(1000)
        for other in (y, np.round(y, 1), y.astype(np.float32)):
            for pair in ((x, other), (other, x), (np.c_[x, rng.random(1000) < 0.5], other)):
                found = fastmi.mi(*pair, normalize="local").warnings
                assert all(isinstance(each, Note) for each in found)
        assert fastmi.mi(x, y) == pytest.approx(fastmi.mi(y, x, method="ross"), abs=0.01)
        assert not fastmi.pairwise_mi(np.c_[x, y]).warnings
        for method in ("ksg1", "mixed", "mesner"):
            found = fastmi.mi(x, 1e5 * y, method=method).warnings
            assert "scale" in [each.kind for each in found]

    def test_ball_estimates_of_few_values(self):
        rng = np.random.default_rng(0)
        x = rng.random(1000) < 0.5
        y, z = rng.standard_normal((2, 1000))
        for few in (x, np.where(rng.random(1000) < 0.95, 0, z)):
            found = fastmi.mi(few, y, method="biksg")
            assert found < -0.08
            assert "few_values" in [each.kind for each in found.warnings]
        for first in (z, y + z, np.exp(2 * z), 10 * z, rng.standard_cauchy(1000)):
            assert fastmi.mi(first, y, method="biksg").warnings == ()

    def test_a_constant_column_says_so(self):
        y = np.random.default_rng(0).standard_normal(200)
        for method in ("ksg1", "ksg2", "lnc", "mixed", "mesner"):
            found = fastmi.mi(np.full(200, 3.0), y, method=method).warnings
            assert "x is constant" in " ".join(found), method
        same = fastmi.mi(np.ones(200), np.zeros(200))
        assert abs(same) < 0.3
        assert [each.kind for each in same.warnings] == ["constant"]


class TestCopies:
    # "3h" refuses them, as entropies do.
    METHODS = ("ksg1", "ksg2", "biksg", "lnc", "mixed", "mesner", "ksg_global")

    @pytest.fixture
    def pair(self):
        rng = np.random.default_rng(0)
        x = rng.standard_normal(500)
        return x, x + rng.standard_normal(500)

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("times", [2, 5])
    def test_every_row_several_times(self, pair, method, times):
        x, y = (column.repeat(times) for column in pair)
        with pytest.warns(fastmi.EstimateWarning, match="exact copies"):
            got = fastmi.mi(x, y, method=method, k=5)
        assert "copies" in [caution.kind for caution in got.warnings]
        assert f"{500 * times} of {500 * times} rows" in got.warnings[0]

    def test_where_they_stand_is_irrelevant(self, pair):
        x, y = (np.append(column, column[:20]) for column in pair)
        order = np.random.default_rng(0).permutation(520)
        for rows in (slice(None), order):
            (text,) = fastmi.mi(x[rows], y[rows]).warnings
            assert text.startswith("40 of 520 rows are exact copies")

    def test_other_functions(self, pair):
        x, y = (column.repeat(2) for column in pair)
        z = np.random.default_rng(1).standard_normal(500).repeat(2)
        for got in (
            fastmi.cmi(x, y, z),
            fastmi.cmi(x, y, z, method="mesner"),
            fastmi.total_correlation(x, y, z),
            fastmi.entropy(x),
        ):
            assert "copies" in [caution.kind for caution in got.warnings], got.method

    @pytest.mark.parametrize("name", LEVELS)
    def test_whole_numbers_repeat_by_nature(self, name):
        rng = np.random.default_rng(0)
        x, y = (LEVELS[name](rng, N) for _ in range(2))
        for pair in ((x, y), (x, x), (x, x // 2), (x, -x)):
            kinds = [caution.kind for caution in fastmi.mi(*pair).warnings]
            assert "copies" not in kinds

    @pytest.mark.parametrize("n", [50, 100])
    def test_few_values_without_a_step_are_no_copies(self, n):
        for seed in range(10):
            rng = np.random.default_rng(seed)
            x, y = np.sqrt(rng.poisson(30, (2, n)))
            values = rng.standard_normal(20)
            for pair in ((x, y), values[rng.integers(0, 20, (2, n))]):
                assert "copies" not in [each.kind for each in fastmi.mi(*pair).warnings]

    def test_atoms_are_no_copies(self):
        rng = np.random.default_rng(0)
        # The other values are far from the point at 0, which their neighbourhoods would hold.
        got = fastmi.mi(*((5 + rng.standard_normal((2, N))) * (rng.random(N) < 0.6)))
        assert "copies" not in [caution.kind for caution in got.warnings]
        # Of a mixture of a point and independent normals: the entropy of which of them it is.
        assert float(got) == pytest.approx(-0.6 * math.log(0.6) - 0.4 * math.log(0.4), abs=0.06)

    def test_few_copies_pass(self, pair):
        x, y = (np.append(column, column[:2]) for column in pair)
        assert fastmi.mi(x, y).warnings == ()

    def test_numbers_of_copies(self):
        rng = np.random.default_rng(0)
        block = rng.standard_normal((300, 2))
        block[100:150] = block[:50]
        assert count_copies([block]).copied == 100
        np.testing.assert_array_equal(
            np.delete(np.arange(300), range(100, 150)), count_copies([block]).kept
        )
        for column, number in ((rng.integers(0, 3, 300), 100), (rng.permutation(300), 0)):
            block[:, 1] = column
            block[100:150, 1] = block[:50, 1] if number else column[100:150]
            assert count_copies([block[:, :1].copy(), block[:, 1:].copy()]).copied == number

    @pytest.mark.parametrize("step", [1e-4, 1e-3, 0.01])
    def test_rounded_records_that_stand_twice(self, step):
        rng = np.random.default_rng(0)
        x, y = (np.round(rng.standard_normal(500) / step) * step for _ in range(2))
        kinds = [caution.kind for caution in fastmi.mi(x.repeat(2), y.repeat(2)).warnings]
        assert "copies" in kinds

    @pytest.mark.parametrize("decimals", [1, 2, 3])
    @pytest.mark.parametrize("n", [60, 300, 1000])
    def test_readings_that_meet_by_chance_are_no_copies(self, n, decimals):
        alarms = 0
        for seed in range(40):
            rng = np.random.default_rng(seed)
            x = np.round(rng.standard_normal(n), decimals)
            for y in (rng.integers(0, 3, n) * 1.0, 2 * x):
                alarms += count_copies([x[:, np.newaxis], y[:, np.newaxis]]).copied > 0.01 * n
        assert alarms <= 4

    @pytest.mark.parametrize("scale", [1.0, 0.37])
    @pytest.mark.parametrize("habit", [2, 5, 10])
    @pytest.mark.parametrize("n", [60, 200, 1000])
    def test_readings_of_many_in_the_same_digit_are_no_copies(self, n, habit, scale):
        """A few classes beside them do not tell rows apart."""
        alarms = 0
        for seed in range(40):
            rng = np.random.default_rng(seed)
            classes = rng.integers(0, 3, n)
            fine = np.rint(100 * (rng.standard_normal(n) + classes))
            coarse = np.rint(fine / habit) * habit
            x = 0.01 * scale * np.where(rng.random(n) < 0.7, coarse, fine)
            # A few readings of another scale, so that there is no step of all values.
            x[:3] = scale * rng.standard_normal(3)
            for y in (classes * 1.0, np.round(rng.standard_normal(n), 2)):
                alarms += count_copies([x[:, np.newaxis], y[:, np.newaxis]]).copied > 0.01 * n
        assert alarms <= 4

    def test_wines_are_no_copies(self):
        data = Path(__file__).parents[1] / "examples" / "data" / "wine.csv"
        wine = np.genfromtxt(data, delimiter=",", names=True, dtype=None, encoding="utf-8")
        _, cultivar = np.unique(wine["cultivar"], return_inverse=True)
        for name in wine.dtype.names[:-1]:
            got = fastmi.mi(wine[name], cultivar, method="ross")
            assert "copies" not in [caution.kind for caution in got.warnings], name

    @pytest.mark.parametrize(
        "decimals, copied", [(3, 0.3), (3, 1.0), (6, 0.1), (6, 1.0), (16, 0.1), (16, 1.0)]
    )
    def test_records_with_classes_that_stand_twice(self, copied, decimals):
        for seed in range(10):
            rng = np.random.default_rng(seed)
            classes = rng.integers(0, 3, 500)
            x = np.round(rng.standard_normal(500) + classes, decimals)
            rows = np.append(np.arange(500), np.arange(round(copied * 500)))
            got = fastmi.mi(x[rows], classes[rows], method="ross")
            assert "copies" in [caution.kind for caution in got.warnings]

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_many_records_that_stand_twice(self, dtype):
        x = np.random.default_rng(0).standard_normal((20_000, 1)).astype(dtype)
        x[-2000:] = x[:2000]
        assert count_copies([x]).copied >= 3990

    def test_far_values(self):
        x = np.array([-1.0, 0.0, 0.5, 1.0] * 50 + [0.123, 0.7]) * 8e307
        with np.errstate(all="raise"):
            assert count_copies([x[:, np.newaxis]]).copied == 0


@pytest.mark.parametrize("k", [1, 3, 10])
@pytest.mark.parametrize("dims", [(1, 1), (2, 1)])
def test_share_of_tied_samples(k, dims, metric):
    rng = np.random.default_rng(0)
    blocks = [np.round(rng.standard_normal((200, d)), 1) for d in dims]

    def distances(given, ks):
        return kth_distance(given, ks, metric=metric, algorithm="auto", n_jobs=1).distances

    got = tied_share(blocks, [k], distances)
    # 0.3 - 0.2 and 0.2 - 0.1 are one distance, but two numbers.
    expected = reference.tied_share([np.rint(10 * block) for block in blocks], k, metric)
    assert got == pytest.approx(expected, abs=1e-12)


class TestNoise:
    @pytest.mark.parametrize("offset", [0.0, 1e9, -1e12])
    def test_equal_values_separate_and_others_stay(self, offset, dtype):
        rng = np.random.default_rng(0)
        column = (rng.integers(0, 50, N) + (offset if dtype == "float64" else 0)).astype(dtype)
        (noisy,) = with_trace([column.reshape(-1, 1)], None)
        assert noisy.dtype == np.float64
        assert len(np.unique(noisy)) == N
        order = np.argsort(noisy[:, 0])
        assert (np.diff(column[order].astype(np.float64)) >= 0).all()
        moved = noisy[:, 0] - (column.astype(np.float64) - column[np.argsort(column)[N // 2]])
        assert np.abs(moved).max() <= 1e-10 * column.std()

    def test_outliers_do_not_blur_the_others(self):
        column = np.append(np.random.default_rng(0).integers(0, 20, N - 1), 1e13)
        (noisy,) = with_trace([column.reshape(-1, 1)], None)
        order = np.argsort(noisy[:, 0])
        assert (np.diff(column[order]) >= 0).all()

    def test_a_column_alone_decides_its_noise(self):
        x, y, z = np.random.default_rng(0).integers(0, 9, (3, 100, 1))
        first = with_trace([x, y], 3)
        second = with_trace([x, z], 3)
        np.testing.assert_array_equal(first[0], second[0])
        assert not np.array_equal(with_trace([x, x], 3)[0], with_trace([x, x], 3)[1])
        assert not np.array_equal(with_trace([x, y], 4)[0], first[0])


class TestOnAGpu:
    def test_ties_and_copies(self, any_gpu):
        rng = np.random.default_rng(0)
        whole = rng.integers(0, 50, (2, 400)).astype(np.float32)
        twice = rng.standard_normal((2, 200)).repeat(2, axis=1)
        for x, y in (whole, twice, rng.standard_normal((2, 400))):
            there, here = fastmi.mi(any_gpu.put(x), any_gpu.put(y)), fastmi.mi(x, y)
            assert there.device == any_gpu.name
            np.testing.assert_array_equal(there.counts, here.counts)
            assert there.warnings == here.warnings
