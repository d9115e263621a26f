"""fastmi.pairwise_mi gives every pair the value of fastmi.mi, on any number of threads."""

import signal
import sys
from itertools import combinations
from threading import get_ident

import numpy as np
import pytest

import fastmi
import reference
from fastmi._backend import kernels
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
    "options", [{}, {"method": "ksg2", "k": [2, 4]}, {"n_permutations": 5, "seed": 1}], ids=str
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
    fastmi.pairwise_mi(x)
    assert [name for name, *_ in host_gpu.cuda.calls] == ["first_unusable", "ksg_pairs"]
    # With memory for one pair at a time there are reports in between.
    host_gpu.cuda.machine.settings.scratch_bytes = 1
    seen = []
    fastmi.pairwise_mi(x, progress=lambda: seen.append(1))
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
    fastmi.pairwise_mi(x, device="cuda", n_jobs=3, n_permutations=9, seed=0)
    names = [name for name, *_ in host_gpu.cuda.calls]
    assert [names.count(name) for name in ("Buffer", "ksg", "ksg_surrogates")] == [4, 6, 6]
    # All estimates on a GPU share its stream, so that more threads would only take more memory.
    assert threads == {get_ident()}
