"""The interface: what the options do, and what a result remembers."""

import copy
import json
import math
import pickle

import numpy as np
import pytest

import fastmi
from fastmi import neighbors
from fastmi._backend import thread_count


@pytest.fixture(scope="module")
def pair():
    rng = np.random.default_rng(11)
    x = rng.standard_normal(300)
    return x, x + rng.standard_normal(300)


@pytest.fixture(scope="module")
def estimate(pair):
    return fastmi.mi(*pair, k=4)


class TestEstimate:
    def test_is_a_float_in_nats(self, estimate):
        assert isinstance(estimate, float)
        assert type(estimate + 1) is float
        assert estimate.units == "nats"
        assert estimate.bits == pytest.approx(float(estimate) / math.log(2), rel=1e-15)
        assert np.asarray([estimate, 1.0]).dtype == np.float64

    def test_remembers(self, estimate):
        assert (estimate.k, estimate.n, estimate.dims) == (4, 300, (1, 1))
        assert (estimate.method, estimate.device, estimate.curve) == ("ksg1", "cpu", None)
        assert estimate.algorithm in {"tree", "brute", "sort"}
        assert 0 < estimate.seconds < 10
        assert estimate.counts.shape == (2, 300)
        assert estimate.counts.dtype == np.int64

    def test_local_is_computed_once(self, estimate):
        assert estimate.local is estimate.local
        assert estimate.local.dtype == np.float64

    def test_text(self, estimate):
        line = repr(estimate)
        assert "\n" not in line
        for part in ("nats", "stderr=", "method='ksg1'", "k=4", "n=300", "dims=(1, 1)"):
            assert part in line
        assert "warning" not in line
        # Formatted, it is a number, and the same one when read back.
        assert f"{estimate}" == repr(float(estimate))
        assert f"{estimate:.3f}" == f"{float(estimate):.3f}"

    def test_text_counts_warnings(self, pair):
        few = fastmi.mi(pair[0][:20], pair[1][:20])
        assert len(few.warnings) == 1
        assert repr(few).endswith(", 1 warning)")
        tied = fastmi.mi(np.zeros(20), np.zeros(20))
        assert f", {len(tied.warnings)} warnings)" in repr(tied)

    def test_html(self, pair):
        few = fastmi.mi(pair[0][:20], pair[1][:20])
        page = few._repr_html_()
        assert page.startswith("<table>")
        assert "<th>warning</th>" in page

    def test_dict_is_json(self, estimate):
        back = json.loads(json.dumps(estimate.to_dict()))
        assert back["value"] == float(estimate)
        assert back["dims"] == [1, 1]
        assert json.loads(json.dumps(estimate)) == float(estimate)

    @pytest.mark.parametrize(
        "again", [copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))]
    )
    @pytest.mark.parametrize("read_first", [False, True])
    def test_copies(self, pair, again, read_first):
        for made in (fastmi.mi(*pair, method="ksg2"), fastmi.entropy(pair[0])):
            if read_first:
                made.local, made.warnings, made.algorithm  # noqa: B018
            other = again(made)
            assert type(other) is fastmi.Estimate
            assert other.to_dict() == made.to_dict()
            np.testing.assert_array_equal(other.local, made.local)
            np.testing.assert_array_equal(other.counts, made.counts)


class TestMI:
    def test_sequences_of_k_give_lists_in_their_order(self, pair):
        for ks in ([5, 2, 5], (5, 2, 5), np.array([5, 2, 5])):
            several = fastmi.mi(*pair, k=ks)
            assert [e.k for e in several] == [5, 2, 5]
            assert float(several[0]) == float(several[2])
            assert float(several[1]) == float(fastmi.mi(*pair, k=2))
        assert isinstance(fastmi.mi(*pair, k=[3]), list)
        assert fastmi.mi(*pair, k=np.int64(3)).k == 3

    @pytest.mark.parametrize("name", ["pandas", "polars", "torch", "list"])
    def test_containers_agree(self, pair, name):
        x, y = pair
        if name == "pandas":
            pd = pytest.importorskip("pandas")
            given = pd.Series(x), pd.DataFrame({"y": y})
        elif name == "polars":
            pl = pytest.importorskip("polars")
            given = pl.Series(x), pl.DataFrame({"y": y})
        elif name == "torch":
            torch = pytest.importorskip("torch")
            given = torch.from_numpy(x).requires_grad_(), torch.from_numpy(y)[:, None]
        else:
            given = x.tolist(), [[v] for v in y.tolist()]
        assert float(fastmi.mi(*given)) == float(fastmi.mi(x, y))

    def test_input_is_left_alone(self, pair):
        x, y = (v.copy() for v in pair)
        fastmi.mi(x, y, noise=0.1, seed=1)
        np.testing.assert_array_equal((x, y), pair)

    def test_estimators_behind_it(self, pair):
        assert float(fastmi.KSG(k=5, variant=2).estimate(*pair)) == float(
            fastmi.mi(*pair, k=5, method="ksg2")
        )
        assert float(fastmi.KozachenkoLeonenko(k=5).estimate(pair[0])) == float(
            fastmi.entropy(pair[0], k=5)
        )
        with pytest.raises(AttributeError):
            fastmi.KSG().k = 4

    def test_small_n_works(self):
        made = fastmi.mi([0.0, 1.0], [0.0, 1.0], k=1)
        assert math.isfinite(made)
        assert len(made.local) == 2

    def test_noise_leaves_seed_free(self, pair):
        noisy = [
            float(fastmi.mi(*pair, noise=0.1, seed=s)) for s in (3, 3, np.random.default_rng(3))
        ]
        assert noisy[0] == noisy[1] == noisy[2] != float(fastmi.mi(*pair))


class TestWarnings:
    """They are stored on the result; Python's warnings, errors in these tests, are not used."""

    @pytest.mark.parametrize("method", ["ksg1", "ksg2"])
    def test_none_for_well_behaved_data(self, method):
        rng = np.random.default_rng(5)
        for d in (1, 3, 10):
            x = rng.standard_normal((1000, d))
            if d < 10:  # it has 1.2 nats of 3.5 in 10 + 10 columns
                y = x + rng.standard_normal((1000, d))
                assert fastmi.mi(x, y, method=method).warnings == ()
            assert fastmi.mi(x, rng.standard_normal((1000, d)), method=method).warnings == ()
        assert fastmi.entropy(rng.standard_normal(1000)).warnings == ()

    def test_ceiling(self):
        x = np.random.default_rng(5).standard_normal(500)
        (text,) = fastmi.mi(x, x + 1e-6 * x**2).warnings
        assert "n=500, k=3 can show of data without ties: take it as a lower bound" in text
        ceiling = neighbors.digamma(500) - neighbors.digamma(4)
        assert f"near or above the {ceiling:.3g} nats" in text

    def test_constant_column(self):
        y = np.random.default_rng(5).standard_normal(500)
        texts = fastmi.mi(np.zeros(500), y).warnings
        assert any(text.startswith("x is constant") for text in texts)

    def test_copies_above_the_ceiling(self):
        x = np.random.default_rng(5).standard_normal(500)
        (text,) = fastmi.mi(x, x).warnings
        assert "exact copies inflate it, of rows or of one variable in the other" in text

    def test_ties(self):
        rng = np.random.default_rng(5)
        x = rng.integers(0, 3, 600)
        y = (x + rng.integers(0, 2, 600)) % 3
        tied, ceiling = fastmi.mi(x, y, noise=0).warnings
        assert tied.kind == "ties"
        assert "100% of the samples have neighbours at the same distance as the k-th" in tied
        assert "leave noise at None" in tied
        assert "exact copies inflate it" in ceiling
        (separated,) = fastmi.mi(x, y).warnings
        assert separated.kind == "ties"
        assert "noise of 1e-10" in separated
        assert fastmi.mi(x, y, noise=1e-6, seed=0).warnings == ()

    @pytest.mark.parametrize("swap", [False, True])
    def test_dominating_scale(self, swap):
        rng = np.random.default_rng(5)
        x = rng.standard_normal(500)
        pair = (x, 1e-4 * (x + rng.standard_normal(500)))
        (text,) = fastmi.mi(*(pair[::-1] if swap else pair)).warnings
        assert f"the scale of {'y' if swap else 'x'} dominates" in text
        assert "rescale" in text

    @pytest.mark.parametrize("n, k, few", [(49, 3, True), (50, 3, False), (99, 10, True)])
    def test_few_samples(self, n, k, few):
        rng = np.random.default_rng(5)
        x, y = rng.standard_normal((2, n))
        expected = [f"n={n} samples are few for k={k}"] if few else []
        assert [w.split(":")[0] for w in fastmi.mi(x, y, k=k).warnings] == expected
        assert [w.split(":")[0] for w in fastmi.entropy(x, k=k).warnings] == expected


class TestNeighbors:
    def test_shapes(self, pair):
        x = np.column_stack(pair)
        assert neighbors.kth_distance(x, 3).shape == (300,)
        assert neighbors.kth_distance(x, [3, 1]).shape == (2, 300)
        distances, indices = neighbors.kneighbors(x.astype(np.float32), 3)
        assert (distances.shape, distances.dtype) == ((300, 3), np.float32)
        assert (indices.shape, indices.dtype) == ((300, 3), np.int64)
        np.testing.assert_array_equal(
            neighbors.kneighbors(x, 3)[0][:, 2], neighbors.kth_distance(x, 3)
        )
        assert neighbors.count_within(x, 0.5).shape == (300,)

    def test_tuple_means_blocks(self, pair):
        joint = neighbors.kth_distance(pair, 3)
        np.testing.assert_array_equal(joint, neighbors.kth_distance(np.column_stack(pair), 3))
        assert neighbors.kth_distance(list(pair[0]), 3).shape == (300,)

    def test_strict_is_the_default(self):
        x = np.arange(5.0)
        np.testing.assert_array_equal(neighbors.count_within(x, 1), [0, 0, 0, 0, 0])
        np.testing.assert_array_equal(neighbors.count_within(x, 1, strict=False), [1, 2, 2, 2, 1])
        np.testing.assert_array_equal(neighbors.count_within(x, np.inf), [4] * 5)

    def test_digamma_keeps_the_shape(self):
        assert neighbors.digamma(1) == pytest.approx(-np.euler_gamma, rel=1e-15)
        assert neighbors.digamma([[1, 2], [3, 4]]).shape == (2, 2)
        assert neighbors.digamma(np.array([], dtype=int)).shape == (0,)


class TestThreads:
    def test_default_is_the_usable_cores(self, monkeypatch):
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
        assert thread_count(None) == thread_count(-1) >= 1
        assert thread_count(3) == 3

    @pytest.mark.parametrize("setting, threads", [("3", 3), ("5,2", 5), (" 2 ", 2)])
    def test_omp_num_threads(self, monkeypatch, setting, threads):
        monkeypatch.setenv("OMP_NUM_THREADS", setting)
        assert thread_count(None) == threads
        assert thread_count(7) == 7

    @pytest.mark.parametrize("setting", ["", "0", "-1", "many"])
    def test_a_meaningless_setting_is_ignored(self, monkeypatch, setting):
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
        default = thread_count(None)
        monkeypatch.setenv("OMP_NUM_THREADS", setting)
        assert thread_count(None) == default

    def test_absurd_numbers_do_not_reach_the_kernels(self, pair):
        assert thread_count(10**6) < 10**4
        assert float(fastmi.mi(*pair, n_jobs=np.int64(2))) == float(fastmi.mi(*pair, n_jobs=1))


def test_config_is_json(capsys):
    settings = json.loads(json.dumps(fastmi.config()))
    assert settings["version"] == fastmi.__version__
    assert settings["simd_level"] in settings["simd_levels"]
    assert settings["threads"] >= 1
    assert settings["cuda"]["available"] or settings["cuda"]["reason"]
    fastmi.show_config()
    shown = capsys.readouterr().out
    for word in ("version", "simd_level", "threads", "cuda", "compiler"):
        assert word in shown
