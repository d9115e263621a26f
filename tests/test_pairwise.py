"""fastmi.pairwise_mi gives every pair the value of fastmi.mi, on any number of threads."""

import pickle
import signal
import sys
from itertools import combinations
from threading import get_ident

import numpy as np
import pytest

import fastmi
import reference
from fastmi._backend import kernels
from fastmi._symbols import as_symbols
from fastmi.estimators.discrete import Discrete
from fastmi.ops.ksg import ksg_terms
from fastmi.ops.pairwise import pair_terms


@pytest.fixture
def columns(rng):
    x = rng.standard_normal((150, 5))
    x[:, 1] += x[:, 0]
    x[:, 4] = x[:, 2] ** 3
    return x


@pytest.mark.parametrize("method, variant", [("ksg1", 1), ("ksg2", 2)])
def test_against_the_definition(columns, method, variant):
    result = fastmi.pairwise_mi(columns, k=4, method=method)
    for i, j in combinations(range(5), 2):
        blocks = [columns[:, [i]], columns[:, [j]]]
        expected = reference.ksg_mi(blocks, 4, variant, "chebyshev")
        assert result.mi[i, j] == pytest.approx(expected, abs=1e-12)
        assert result.mi[j, i] == result.mi[i, j]
    assert np.isnan(result.mi.diagonal()).all()
    assert (result.k, result.n, result.method) == (4, 150, method)
    assert result.p_value is None
    assert result.seconds > 0


def test_the_bits_of_mi(columns, dtype):
    x = columns.astype(dtype)
    result = fastmi.pairwise_mi(x, method="ksg1")
    for i, j in combinations(range(5), 2):
        estimate = fastmi.mi(x[:, i], x[:, j])
        assert result.mi[i, j] == float(estimate)
        assert result.stderr[i, j] == estimate.stderr


def test_two_sets_of_columns(columns):
    result = fastmi.pairwise_mi(columns[:, :2], columns[:, 2:])
    whole = fastmi.pairwise_mi(columns)
    assert result.mi.shape == (2, 3)
    np.testing.assert_array_equal(result.mi, whole.mi[:2, 2:])
    against_one = fastmi.pairwise_mi(columns[:, :2], columns[:, 2])
    np.testing.assert_array_equal(against_one.mi, result.mi[:, :1])


def test_many_k(columns):
    several = fastmi.pairwise_mi(columns, k=[3, 7])
    assert [result.k for result in several] == [3, 7]
    for result in several:
        np.testing.assert_array_equal(result.mi, fastmi.pairwise_mi(columns, k=result.k).mi)


def test_threads_change_nothing(columns, threads):
    options = {"n_permutations": 5, "seed": 1, "noise": 1e-3}
    one = fastmi.pairwise_mi(columns, n_jobs=1, **options)
    many = fastmi.pairwise_mi(columns, n_jobs=threads, **options)
    for name in ("mi", "stderr", "p_value"):
        np.testing.assert_array_equal(getattr(one, name), getattr(many, name))


def test_more_threads_than_pairs(columns):
    result = fastmi.pairwise_mi(columns[:, :2], method="ksg1", n_jobs=4)
    assert result.mi[0, 1] == fastmi.mi(columns[:, 0], columns[:, 1])


def test_p_values(columns):
    result = fastmi.pairwise_mi(columns, n_permutations=39, seed=0)
    assert result.p_value[0, 1] == 1 / 40
    assert result.p_value[2, 4] == 1 / 40
    off = ~np.eye(5, dtype=bool)
    assert (result.p_value[off] >= 1 / 40).all()
    assert (result.p_value[off] <= 1).all()
    np.testing.assert_array_equal(result.p_value, result.p_value.T)


@pytest.mark.parametrize("method", ["gaussian", "binning", "mixed", "biksg"])
def test_other_methods(columns, method):
    result = fastmi.pairwise_mi(columns, method=method, n_permutations=9, seed=0)
    assert result.mi[0, 1] == fastmi.mi(columns[:, 0], columns[:, 1], method=method)
    assert result.p_value[0, 1] == 0.1
    assert result.k == (3 if method in {"mixed", "biksg"} else None)


def test_noise_is_added_once(columns):
    tied = np.round(columns)
    result = fastmi.pairwise_mi(tied, noise=1e-6, seed=3)
    again = fastmi.pairwise_mi(tied, noise=1e-6, seed=3)
    np.testing.assert_array_equal(result.mi, again.mi)
    assert (fastmi.pairwise_mi(tied, noise=1e-6, seed=4).mi != result.mi).any()


def test_warnings_name_the_pair(columns):
    columns[:, 3] = columns[:, 0]
    warned = fastmi.pairwise_mi(columns, method="ksg1").warnings
    assert set(warned) == {(0, 3)}
    assert warned[0, 3] == fastmi.mi(columns[:, 0], columns[:, 3]).warnings


def test_pandas(columns):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(columns, columns=list("abcde"))
    frame["d"] = frame["a"]
    result = fastmi.pairwise_mi(frame, method="ksg1", n_permutations=3, seed=0)
    for table in (result.mi, result.stderr, result.p_value):
        assert list(table.index) == list(table.columns) == list("abcde")
    assert result.mi.loc["a", "c"] == fastmi.mi(frame["a"], frame["c"])
    assert set(result.warnings) == {("a", "d")}
    np.testing.assert_array_equal(np.asarray(result), result.mi.to_numpy())
    against = fastmi.pairwise_mi(frame, frame["c"])
    assert list(against.mi.columns) == ["c"]


def test_polars(columns):
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({name: columns[:, j] for j, name in enumerate("abcde")})
    result = fastmi.pairwise_mi(frame)
    assert result.mi.columns == ["column", *"abcde"]
    assert result.mi["column"].to_list() == list("abcde")
    np.testing.assert_array_equal(np.asarray(result), result.mi.drop("column").to_numpy())


def test_polars_labels_of_rows_do_not_replace_a_column(columns):
    polars = pytest.importorskip("polars")
    names = ["column", "column_", "b"]
    frame = polars.DataFrame(dict(zip(names, columns.T[:3], strict=True)))
    result = fastmi.pairwise_mi(frame, method="ksg1")
    assert result.mi.columns == ["column__", *names]
    assert result.mi["column__"].to_list() == names
    assert result.mi["column"][1] == float(fastmi.mi(columns[:, 0], columns[:, 1]))


def test_labels_that_repeat(columns):
    pandas = pytest.importorskip("pandas")
    few = columns[:20, :3]
    frame = pandas.DataFrame(few, columns=["a", "a", "b"])
    result = fastmi.pairwise_mi(frame, method="ksg1")
    assert list(result.mi.columns) == ["a", "a", "b"]
    np.testing.assert_array_equal(result.mi, fastmi.pairwise_mi(few, method="ksg1").mi)
    # Each of the three pairs has too few samples, and keeps a warning of its own.
    assert result.warnings.keys() == {(0, 1), (0, 2), (1, 2)}
    polars = pytest.importorskip("polars")
    across = fastmi.pairwise_mi(polars.DataFrame({"x": few[:, 0]}), frame, method="ksg1")
    assert across.mi.columns == ["column", "0", "1", "2"]


def test_as_an_array(columns):
    result = fastmi.pairwise_mi(columns)
    assert np.asarray(result) is result.mi
    copy = np.array(result, dtype=np.float32)
    assert copy.dtype == np.float32
    assert "mi=" in repr(result)


def test_progress(columns, monkeypatch, capsys):
    calls = []
    fastmi.pairwise_mi(columns, progress=lambda: calls.append(1), n_jobs=2)
    assert len(calls) == 10
    pytest.importorskip("tqdm")
    fastmi.pairwise_mi(columns, progress=True)
    assert "pairs" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with pytest.raises(ImportError, match=r"progress=True needs tqdm: .*fastmi\[progress\]"):
        fastmi.pairwise_mi(columns, progress=True)
    with pytest.raises(TypeError, match="progress must be True, False or a function; got 'yes'"):
        fastmi.pairwise_mi(columns, progress="yes")


@pytest.mark.parametrize(
    "arguments, options, error, message",
    [
        ((np.zeros(9),), {}, ValueError, "X must have at least two columns"),
        ((np.zeros((9, 2)), np.zeros(8)), {}, ValueError, "same number of samples"),
        ((np.full((9, 2), np.nan),), {}, ValueError, "nothing but missing values"),
        ((np.full((9, 2), np.nan),), {"method": "ksg1"}, ValueError, "X must be finite"),
        ((np.eye(9),), {"k": 9}, ValueError, "k must be in"),
        ((np.eye(9),), {"method": "nope"}, ValueError, "method must be one of"),
        ((np.eye(9),), {"nope": 1}, TypeError, "nope"),
        (
            (np.eye(9),),
            {"n_permutations": -1},
            ValueError,
            "n_permutations must be an integer >= 0",
        ),
        ((np.eye(9),), {"n_permutations": np.array([1])}, TypeError, "n_permutations must be"),
        ((np.eye(9),), {"method": 1}, ValueError, "method must be one of"),
        ((np.eye(9),), {"seed": -1}, ValueError, "seed must suit"),
        ((np.eye(9),), {"n_permutations": 1.5}, TypeError, "n_permutations must be an integer"),
        ((np.eye(9),), {"n_jobs": 0}, ValueError, "n_jobs"),
        ((np.eye(9),), {"noise": -1.0}, ValueError, "noise must be"),
    ],
)
def test_wrong_arguments(arguments, options, error, message):
    with pytest.raises(error, match=message):
        fastmi.pairwise_mi(*arguments, **options)


@pytest.mark.parametrize("n", [2, 9, 63, 300, 1000])
@pytest.mark.parametrize("ks", [[1], [3], [7, 2, 7]], ids=str)
def test_the_kernel_gives_the_terms_of_each_pair(rng, n, ks, dtype, simd_level):
    columns = rng.standard_normal((4, n)).astype(dtype)
    columns[3] = np.round(columns[0])  # makes ties, and copies where n is small
    ks = [min(k, n - 1) for k in ks]
    pairs = np.array([(0, 1), (1, 0), (0, 3), (3, 3), (2, 0)])
    blocks = [np.ascontiguousarray(columns.T)]
    terms = pair_terms(blocks, pairs, ks, n_jobs=2)
    assert terms.algorithm == "sort"
    for number, pair in enumerate(pairs):
        blocks = [columns[j].reshape(-1, 1) for j in pair]
        own = ksg_terms(blocks, ks, variant=1, metric="chebyshev", algorithm="auto", n_jobs=1)
        np.testing.assert_array_equal(terms.psi_mean[:, number], own.psi_mean)
        np.testing.assert_array_equal(terms.psi_std[:, number], own.psi_std)
        np.testing.assert_array_equal(terms.count_sum[:, :, number], own.counts.sum(axis=2))
        np.testing.assert_array_equal(terms.zero_radius[:, number], own.zero_radius)


@pytest.mark.parametrize(
    "options",
    [{}, {"k": [2, 5]}, {"metric": "euclidean"}, {"algorithm": "sort"}]
    + [{"normalize": name} for name in ("local", "rank", "copula")],
    ids=str,
)
@pytest.mark.parametrize("n", [30, 150])
def test_at_once_as_one_by_one(columns, options, n):
    """Values, errors and warnings agree on data that causes each of the warnings."""
    x = np.column_stack([columns[:n], np.ones(n), columns[:n, 0], 1e9 * columns[:n, 3]])
    fast = fastmi.pairwise_mi(x, method="ksg1", n_jobs=1, **options)
    several = isinstance(fast, list)
    for result in fast if several else [fast]:
        expected = {}
        for i, j in combinations(range(x.shape[1]), 2):
            of_mi = fastmi.mi(x[:, i], x[:, j], n_jobs=1, **{**options, "k": result.k})
            assert result.mi[i, j] == float(of_mi)
            assert result.stderr[i, j] == of_mi.stderr
            if of_mi.warnings:
                expected[i, j] = of_mi.warnings
        assert result.warnings == expected
        assert len(expected) > 5


def test_what_the_kernel_does_not_serve(columns):
    """With many neighbours or another search each pair is estimated by itself."""
    for options in ({"k": 70}, {"algorithm": "tree"}, {"algorithm": "brute"}):
        result = fastmi.pairwise_mi(columns, method="ksg1", **options)
        assert result.mi[0, 4] == fastmi.mi(columns[:, 0], columns[:, 4], **options)


def test_the_kernel_checks_its_contract(rng):
    columns = rng.standard_normal((50, 3))
    pairs = np.array([(0, 1), (1, 2)])
    kernel = kernels().ksg_pairs
    for wrong, message in [
        (([columns[:, 0].copy()], pairs, [3], "auto", None, 1), "blocks must be 2-D"),
        (([columns], pairs[0], [3], "auto", None, 1), "pairs must have shape"),
        (([columns], pairs + 1, [3], "auto", None, 1), r"pairs must be in \[0, 3\); got 3"),
        (([columns], pairs - 1, [3], "auto", None, 1), r"pairs must be in \[0, 3\); got -1"),
        (([columns], pairs, [], "auto", None, 1), "ks must not be empty"),
        (([columns], pairs, [50], "auto", None, 1), "k must be in"),
        (([columns[:1]], pairs, [1], "auto", None, 1), "n must be in"),
        (
            ([rng.standard_normal((90, 3))], pairs, [65], "auto", None, 1),
            "ks must be at most 64; got 65",
        ),
        (([columns], pairs, [3], "tree", None, 1), "ksg_pairs has no algorithm='tree'"),
        (([columns], pairs, [3], "auto", None, 0), "threads must be at least 1"),
    ]:
        with pytest.raises(ValueError, match=message):
            kernel(*wrong)
    for wrong in (np.asfortranarray(columns), columns.astype(int), columns[::2]):
        with pytest.raises(TypeError):
            kernel([wrong], pairs, [3], "auto", None, 1)
    empty = kernel([columns], np.empty((0, 2), dtype=np.int64), [3], "auto", None, 1)
    assert empty[0].shape == (1, 0)


def test_reports_while_it_runs_and_stops_when_told(rng):
    columns = rng.standard_normal((3000, 60))
    pairs = np.column_stack(np.triu_indices(60, 1))
    seen = []
    pair_terms([columns], pairs, [3], n_jobs=2, report=seen.append)
    assert seen == sorted(seen)
    assert 0 < seen[-1] <= len(pairs)

    def stop(done):
        raise RuntimeError(f"stopped after {done}")

    with pytest.raises(RuntimeError, match="stopped after"):
        pair_terms([columns], pairs, [3], n_jobs=2, report=stop)


def test_interrupt(rng):
    """Ctrl-C reaches a running call, which raises the exception of the signal handler."""

    def handler(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        with pytest.raises(KeyboardInterrupt):
            fastmi.pairwise_mi(rng.standard_normal((3000, 200)))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"method": "ksg1"},
        {"method": "ksg2", "k": [2, 4]},
        {"method": "ksg1", "n_permutations": 5, "seed": 1},
    ],
    ids=str,
)
def test_devices(rng, device, options):
    x, y = rng.standard_normal((80, 3)), rng.standard_normal((80, 2))
    for given in ((x,), (x, y)):
        here = fastmi.pairwise_mi(*given, **options)
        there = fastmi.pairwise_mi(*map(device.put, given), **options)
        named = fastmi.pairwise_mi(*given, device=device.name, **options)
        found = [r if isinstance(r, list) else [r] for r in (here, there, named)]
        for results in zip(*found, strict=True):
            expected = results[0]
            for result in results[1:]:
                np.testing.assert_allclose(result.mi, expected.mi, rtol=1e-12, atol=1e-12)
                np.testing.assert_allclose(result.stderr, expected.stderr, rtol=1e-9)
                assert result.warnings == expected.warnings
                if expected.p_value is not None:
                    np.testing.assert_array_equal(result.p_value, expected.p_value)


@pytest.mark.parametrize("algorithm", ["auto", "brute", "tree"])
def test_a_gpu_gives_the_terms_of_each_pair(rng, dtype, any_gpu, algorithm):
    x, y = rng.standard_normal((150, 3)).astype(dtype), rng.integers(0, 3, (150, 2)).astype(dtype)
    pairs = np.array([(0, 1), (1, 0), (4, 2), (3, 3), (3, 4)])
    ks = [2, 9]
    columns = np.hstack([x, y])
    there = pair_terms(any_gpu.blocks([x, y]), pairs, ks, algorithm=algorithm, n_jobs=1)
    assert there.psi_mean.shape == (2, 5)
    assert there.algorithm == ("brute" if algorithm == "auto" else algorithm)
    for number, pair in enumerate(pairs):
        blocks = [np.ascontiguousarray(columns[:, [j]]) for j in pair]
        own = ksg_terms(blocks, ks, variant=1, metric="chebyshev", algorithm="auto", n_jobs=1)
        np.testing.assert_allclose(there.psi_mean[:, number], own.psi_mean, rtol=1e-12)
        np.testing.assert_allclose(there.psi_std[:, number], own.psi_std, rtol=1e-9)
        np.testing.assert_array_equal(there.count_sum[:, :, number], own.counts.sum(axis=2))
        np.testing.assert_array_equal(there.zero_radius[:, number], own.zero_radius)


def test_a_matrix_is_one_call_on_a_gpu(rng, host_gpu):
    x = host_gpu.put(rng.standard_normal((50, 4)))
    fastmi.pairwise_mi(x, method="ksg1")
    assert [name for name, *_ in host_gpu.cuda.calls] == ["first_unusable", "ksg_pairs"]
    # With memory for one pair at a time there are reports in between.
    host_gpu.cuda.machine.settings.scratch_bytes = 1
    seen = []
    fastmi.pairwise_mi(x, method="ksg1", progress=lambda: seen.append(1))
    assert len(seen) == 6
    reports = []
    pairs = np.column_stack(np.triu_indices(4, 1))
    pair_terms(
        host_gpu.blocks([rng.standard_normal((50, 4))]), pairs, [3], n_jobs=1, report=reports.append
    )
    assert reports == sorted(reports)
    assert set(reports) >= {1, 2, 3, 4, 5}
    names = [name for name, *_ in host_gpu.cuda.calls]
    assert names.count("ksg_pairs") == 3


def test_the_shuffles_of_a_pair_are_one_call_on_a_gpu(rng, host_gpu, monkeypatch):
    threads = set()

    class Noted(list):
        def append(self, call):
            threads.add(get_ident())
            super().append(call)

    monkeypatch.setattr(host_gpu.cuda, "calls", Noted())
    x = rng.standard_normal((50, 4))
    options = {"method": "ksg1", "n_jobs": 3, "n_permutations": 9, "seed": 0}
    fastmi.pairwise_mi(x, device="cuda", **options)
    names = [name for name, *_ in host_gpu.cuda.calls]
    assert [names.count(name) for name in ("Buffer", "ksg", "ksg_surrogates")] == [4, 6, 6]
    # All estimates on a GPU share its stream, so that more threads would only take more memory.
    assert threads == {get_ident()}


# Pairs by their kinds


@pytest.fixture
def mixed(rng):
    n = 160
    x = rng.standard_normal(n)
    return {
        "x": x,
        "single": rng.standard_normal(n).astype(np.float32),
        "rounded": np.round(x + rng.standard_normal(n), 1),
        "zeros": np.where(x > 0, 0.0, x),
        "levels": (np.digitize(x, [-1, 0, 1]) + rng.integers(0, 2, n)),
        "names": np.where(x + rng.standard_normal(n) > 0, "up", "down"),
        "counts": rng.poisson(80, n),
    }


def alone(mixed, kinds, x, y, **options):
    """What fastmi.mi says of two columns by the method of their kinds."""
    classes = [kinds[label] == "classes" for label in (x, y)]
    values = [
        np.unique(mixed[label], return_inverse=True)[1]
        if is_class
        else np.asarray(mixed[label], dtype=np.float64)
        for label, is_class in zip((x, y), classes, strict=True)
    ]
    if all(classes):
        options = {name: value for name, value in options.items() if name not in ("k", "seed")}
        return fastmi.mi(*values, method="discrete", correction="chance", **options)
    if any(classes):
        return fastmi.mi(
            *(values[::-1] if classes[0] else values), method="ross", normalize="copula", **options
        )
    return fastmi.mi(*values, normalize="copula", **options)


@pytest.mark.parametrize("options", [{}, {"k": 5, "seed": 3}], ids=str)
def test_by_kind_gives_the_bits_of_mi(mixed, options):
    result = fastmi.pairwise_mi(mixed, **options)
    assert result.method == "by kind"
    assert result.kinds["zeros"] == "mixture"
    labels = list(mixed)
    methods = result._methods
    for (i, j), method in zip(combinations(range(len(labels)), 2), methods, strict=True):
        expected = alone(mixed, result.kinds, labels[i], labels[j], **options)
        assert result.mi[i, j] == result.mi[j, i] == float(expected), (labels[i], labels[j])
        assert result.stderr[i, j] == pytest.approx(expected.stderr, rel=1e-12)
        number = [result.kinds[labels[at]] for at in (i, j)].count("classes")
        assert method == ("ksg1", "ross", "discrete")[number]


def test_by_kind_where_the_kernel_does_not_serve(mixed):
    result = fastmi.pairwise_mi(mixed, k=70)
    assert result.mi[0, 2] == float(alone(mixed, result.kinds, "x", "rounded", k=70))


def test_several_k_threads_and_tables(mixed, threads):
    several = fastmi.pairwise_mi(mixed, k=[3, 7], n_jobs=threads, n_permutations=5, seed=0)
    for result in several:
        one = fastmi.pairwise_mi(mixed, k=result.k, n_jobs=1, n_permutations=5, seed=0)
        assert result == one
    names = list(mixed)
    X, Y = ({name: mixed[name] for name in part} for part in (names[:3], names[3:]))
    across = fastmi.pairwise_mi(X, Y, seed=0)
    np.testing.assert_array_equal(across.mi, several[0].mi[:3, 3:])


def test_nothing_but_ranks_matters(mixed):
    """Increasing maps of numbers, other names and other codes change no bit."""
    before = fastmi.pairwise_mi(mixed)
    changed = {
        **mixed,
        "x": np.exp(3 * mixed["x"]) + 1e6,
        "zeros": -np.expm1(-mixed["zeros"]),
        "names": np.where(mixed["names"] == "up", "A", "Z"),
        "levels": mixed["levels"] * 1.5 - 7,
    }
    after = fastmi.pairwise_mi(changed)
    np.testing.assert_array_equal(before.mi, after.mi)


def test_tied_columns_do_not_share_their_luck():
    """With one order of equal values for all columns the mean of these pairs was far from 0."""
    rng = np.random.default_rng(3)
    x = np.where(rng.random((200, 40)) < 0.9, 0.0, rng.random((200, 40)))
    result = fastmi.pairwise_mi(x, discrete=False)
    values = result.mi[np.triu_indices(40, 1)]
    # Pairs that share a column depend on each other a little: the error is that of the columns.
    rows = np.nanmean(result.mi, axis=1)
    assert abs(values.mean()) < 4 * rows.std() / 40**0.5
    # And none of it depends on which other columns there are.
    np.testing.assert_array_equal(
        fastmi.pairwise_mi(x[:, 5:9], discrete=False).mi, result.mi[5:9, 5:9]
    )


def test_independent_columns_of_all_kinds_have_none():
    """No kind of column leads by its bias."""
    found = []
    for seed in range(25):
        rng = np.random.default_rng(seed)
        n = 100
        table = {
            "normal": rng.standard_normal(n),
            "rounded": np.round(rng.standard_normal(n), 1),
            "binary": rng.random(n) < 0.5,
            "rare": rng.random(n) < 0.1,
            "ten": rng.integers(0, 10, n),
            "forty": rng.integers(0, 40, n).astype(str),
            "zeros": np.where(rng.random(n) < 0.5, 0.0, rng.exponential(size=n)),
            "counts": rng.poisson(4, n),
        }
        with pytest.warns(fastmi.EstimateWarning):  # 40 names in 100 rows are few rows for each
            found.append(fastmi.pairwise_mi(table, discrete=["ten"]).mi)
    means = np.mean(found, axis=0)
    errors = np.std(found, axis=0) / len(found) ** 0.5
    apart = np.abs(means[np.triu_indices(8, 1)]) / errors[np.triu_indices(8, 1)]
    assert (apart < 4).all()


class TestGaps:
    @pytest.fixture
    def gappy(self, mixed):
        mixed["x"] = mixed["x"].copy()
        mixed["x"][:30] = np.nan
        mixed["names"] = mixed["names"].astype(object)
        mixed["names"][20:60] = None
        return mixed

    def test_each_pair_uses_the_rows_that_both_have(self, gappy):
        result = fastmi.pairwise_mi(gappy, missing="pairwise")
        rows = {
            ("x", "names"): np.arange(60, 160),
            ("x", "single"): np.arange(30, 160),
            ("levels", "names"): np.r_[0:20, 60:160],
            ("single", "counts"): np.arange(160),
        }
        labels = list(gappy)
        listed = {tuple(pair): n for pair, n in zip(result._pairs.tolist(), result._n, strict=True)}
        for (x, y), kept in rows.items():
            i, j = labels.index(x), labels.index(y)
            columns = {label: gappy[label][kept] for label in (x, y)}
            expected = alone(columns, result.kinds, x, y)
            assert result.mi[i, j] == float(expected)
            assert listed[min(i, j), max(i, j)] == len(kept)

    def test_drop_uses_the_rows_that_are_complete(self, gappy):
        with pytest.warns(fastmi.EstimateWarning, match="leaves 100 of 160 rows"):
            dropped = fastmi.pairwise_mi(gappy, missing="drop")
        shorter = {label: column[60:] for label, column in gappy.items()}
        np.testing.assert_array_equal(dropped.mi, fastmi.pairwise_mi(shorter).mi)
        assert dropped.n == 100

    def test_raise_is_the_default(self, gappy):
        with pytest.raises(ValueError, match=r"40 in 'names', 30 in 'x', of 160 rows"):
            fastmi.pairwise_mi(gappy)

    def test_pairs_with_too_few_rows(self, rng):
        a, b, c = rng.standard_normal((3, 40))
        a[:33] = np.nan
        with pytest.warns(fastmi.EstimateWarning, match="only 7 rows have both"):
            result = fastmi.pairwise_mi(
                {"a": a, "b": b, "c": c}, missing="pairwise", n_permutations=3
            )
        assert np.isnan(result.mi[0]).all()
        assert np.isfinite(result.mi[1, 2])
        assert np.isnan(result.p_value[0, 1])
        assert {caution.kind for caution in result.warnings["a", "b"]} == {"few_samples"}

    def test_a_column_that_is_constant_where_both_are_known(self, rng):
        a, b = rng.standard_normal((2, 60))
        c = np.where(np.arange(60) < 30, 1.0, rng.standard_normal(60))
        a[30:] = np.nan
        with pytest.warns(fastmi.EstimateWarning, match="constant"):
            result = fastmi.pairwise_mi({"a": a, "b": b, "c": c}, missing="pairwise")
        assert np.isnan(result.mi[0, 2])
        assert np.isfinite(result.mi[0, 1])

    @pytest.mark.parametrize("method", ["ksg1", "gaussian"])
    def test_named_methods(self, rng, method):
        x = rng.standard_normal((90, 3))
        x[:20, 0] = np.nan
        x[10:40, 1] = np.nan
        result = fastmi.pairwise_mi(x, method=method, missing="pairwise", n_permutations=3, seed=0)
        assert result.mi[0, 1] == float(fastmi.mi(x[40:, 0], x[40:, 1], method=method))
        assert result.mi[0, 2] == float(fastmi.mi(x[20:, 0], x[20:, 2], method=method))
        with pytest.warns(fastmi.EstimateWarning, match="leaves 50 of 90 rows"):
            dropped = fastmi.pairwise_mi(x, method=method, missing="drop")
        assert dropped.mi[0, 2] == float(fastmi.mi(x[40:, 0], x[40:, 2], method=method))

    def test_named_methods_refuse_names(self, gappy):
        with pytest.raises(TypeError, match="got names in column 'names'"):
            fastmi.pairwise_mi(gappy, method="ksg1", missing="pairwise")


class TestNormalized:
    def test_correlation_of_normal_columns(self):
        rng = np.random.default_rng(0)
        x = rng.standard_normal(4000)
        y = 0.8 * x + 0.6 * rng.standard_normal(4000)
        result = fastmi.pairwise_mi(np.column_stack([x, y]), normalized="correlation")
        assert result.normalized[0, 1] == pytest.approx(0.8, abs=0.02)
        independent = fastmi.pairwise_mi(
            np.column_stack([x, rng.permutation(y)]), normalized="correlation"
        )
        assert (independent.normalized[0, 1] == 0) == (independent.mi[0, 1] <= 0)

    @pytest.mark.parametrize("form", ["min", "max", "geometric", "arithmetic", "joint"])
    def test_of_classes(self, rng, form):
        a = rng.integers(0, 4, 300)
        table = {"a": a, "same": a * 2 + 1, "coarse": a // 2, "other": rng.integers(0, 3, 300)}
        result = fastmi.pairwise_mi(table, normalized=form)
        # The entropies of which the information is made, not those of another correction.
        entropy_of = Discrete(correction="chance").entropy_of
        entropy = [entropy_of(as_symbols(column, "x")[0]) for column in table.values()]
        information = result.mi[0, 2]
        divisor = {
            "min": min(entropy[0], entropy[2]),
            "max": max(entropy[0], entropy[2]),
            "geometric": (entropy[0] * entropy[2]) ** 0.5,
            "arithmetic": (entropy[0] + entropy[2]) / 2,
            "joint": entropy[0] + entropy[2] - information,
        }[form]
        assert result.normalized[0, 2] == pytest.approx(information / divisor)
        assert result.normalized[0, 1] == pytest.approx(1)
        assert abs(result.normalized[0, 3]) < 0.05
        assert result.to_frame()["normalized"][0] == result.normalized[0, 1]

    def test_what_has_no_meaning_is_missing_with_one_warning(self, mixed):
        with pytest.warns(fastmi.EstimateWarning) as caught:
            result = fastmi.pairwise_mi(mixed, normalized="min")
        texts = [str(each.message) for each in caught if "normalized='min'" in str(each.message)]
        assert len(texts) == 1
        assert "20 of 21 pairs" in texts[0]
        assert np.isfinite(result.normalized).sum() == 2
        with pytest.warns(fastmi.EstimateWarning, match="11 of 21 pairs have a column of classes"):
            fastmi.pairwise_mi(mixed, normalized="correlation")

    def test_named_methods(self, rng):
        x = rng.integers(0, 3, (80, 2))
        by_name = fastmi.pairwise_mi(x, method="discrete", normalized="max")
        entropy = max(float(fastmi.entropy(column, method="discrete")) for column in x.T)
        assert by_name.normalized[0, 1] == pytest.approx(by_name.mi[0, 1] / entropy)
        with pytest.raises(ValueError, match="normalized='max' needs classes"):
            fastmi.pairwise_mi(x, method="ksg1", normalized="max")
        with pytest.raises(ValueError, match="normalized must be one of 'correlation', 'min'"):
            fastmi.pairwise_mi(x, normalized="target")


class TestLeftOutColumns:
    def test_arrays_keep_the_numbers_of_their_columns(self, columns):
        x = np.insert(columns, 1, 3.0, axis=1)
        with pytest.warns(fastmi.EstimateWarning, match="1 of 6 columns are left out: 1 "):
            result = fastmi.pairwise_mi(x)
        assert result.mi.shape == (6, 6)
        assert np.isnan(result.mi[1]).all()
        assert result.left_out == {1: "constant"}
        np.testing.assert_array_equal(
            np.delete(np.delete(result.mi, 1, 0), 1, 1), fastmi.pairwise_mi(columns).mi
        )

    def test_frames_lose_them(self, columns):
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame(columns, columns=list("abcde"))
        frame.insert(1, "id", [f"row {j}" for j in range(len(frame))])
        with pytest.warns(fastmi.EstimateWarning, match="'id' .150 different names in 150 rows"):
            result = fastmi.pairwise_mi(frame)
        assert list(result.mi.columns) == list("abcde")
        assert set(result.left_out) == {"id"}

    def test_both_tables_may_lose_columns_of_one_label(self, columns):
        X = {"a": columns[:, 0], "b": np.zeros(150)}
        Y = {"b": np.ones(150), "a": columns[:, 1]}
        with pytest.warns(fastmi.EstimateWarning, match="2 of 4 columns"):
            result = fastmi.pairwise_mi(X, Y)
        assert result.left_out == {"b": "constant", "b of Y": "constant"}

    def test_too_few_that_can_be_used(self, columns):
        with pytest.raises(
            ValueError, match=r"at least two usable columns; got 1 of 2 \('b': cons"
        ):
            fastmi.pairwise_mi({"a": columns[:, 0], "b": np.zeros(150)})


class TestResult:
    def test_tidy_rows(self, mixed):
        result = fastmi.pairwise_mi(mixed, n_permutations=3, seed=0)
        rows = result.to_dict()["rows"]
        numbers = ["mi", "stderr", "p_value", "q_value"]
        assert list(rows[0]) == ["x", "y", *numbers, "method", "n", "warnings"]
        assert (rows[0]["x"], rows[0]["y"], rows[0]["n"]) == ("x", "single", 160)
        assert rows[0]["mi"] == result.mi[0, 1]
        assert len(rows) == 21
        top = result.top(3)
        values = [row["mi"] for row in top.to_dict()["rows"]]
        assert values == sorted((row["mi"] for row in rows), reverse=True)[:3]
        assert "method" in str(top).splitlines()[0]
        assert "<table>" in result._repr_html_()

    def test_pickle_and_equality(self, mixed):
        result = fastmi.pairwise_mi(mixed)
        assert pickle.loads(pickle.dumps(result)) == result
        assert fastmi.pairwise_mi(mixed, seed=1) != result

    def test_frames_of_the_library_of_the_samples(self, mixed):
        for library in ("pandas", "polars"):
            frame = pytest.importorskip(library).DataFrame(mixed)
            result = fastmi.pairwise_mi(frame)
            assert type(result.to_frame()).__module__.startswith(library)
            assert type(result.top(2).to_frame()).__module__.startswith(library)
            np.testing.assert_array_equal(np.asarray(result), fastmi.pairwise_mi(mixed).mi)

    def test_options_of_methods_need_a_method(self, mixed):
        with pytest.raises(TypeError, match="got metric: it is one of method='ksg1'"):
            fastmi.pairwise_mi(mixed, metric="euclidean")
        with pytest.raises(ValueError, match="discrete must be 'auto' where one method"):
            fastmi.pairwise_mi(mixed, method="ksg1", discrete=True)

    def test_noise_zero_says_what_it_leaves(self, mixed):
        with pytest.warns(fastmi.EstimateWarning, match="leave noise at None"):
            fastmi.pairwise_mi(mixed, noise=0)
        noisy = fastmi.pairwise_mi(mixed, noise=0.5, seed=0)
        assert noisy != fastmi.pairwise_mi(mixed)
        assert noisy == fastmi.pairwise_mi(mixed, noise=0.5, seed=0)
