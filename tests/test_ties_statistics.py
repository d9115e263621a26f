"""Statistics settle ties once, on all samples, and then repeat the estimate."""

import numpy as np
import pytest

import fastmi


class TestStatistics:
    """They settle ties once, on all samples, and then repeat the estimate."""

    @pytest.fixture
    def table(self):
        rng = np.random.default_rng(0)
        x = rng.standard_normal((300, 6))
        x[:, 1] = np.round(x[:, 0] + x[:, 1], 1)
        x[:, 2] = rng.integers(0, 8, 300)
        x[:, 3] = x[:, 2] + rng.integers(0, 3, 300)
        return x

    @pytest.mark.parametrize("options", [{}, {"normalize": "local"}, {"seed": 3}, {"k": [3, 10]}])
    @pytest.mark.parametrize("dtype", ["float64", "float32"])
    def test_pairs_are_those_of_mi(self, table, options, dtype):
        x = table.astype(dtype)
        found = fastmi.pairwise_mi(x, method="ksg1", n_jobs=1, **options)
        for q, of_k in enumerate(found if isinstance(found, list) else [found]):
            for i in range(6):
                for j in range(i + 1, 6):
                    alone = fastmi.mi(x[:, i], x[:, j], **options)
                    alone = alone[q] if isinstance(alone, list) else alone
                    assert of_k.mi[i, j] == float(alone), (i, j)
                    assert of_k.warnings.get((i, j), ()) == alone.warnings
        warned = {pair for pair, texts in of_k.warnings.items() if texts[0].kind == "ties"}
        assert {(1, 2), (1, 3), (2, 3)} <= warned
        assert (4, 5) not in warned

    def test_pairs_of_two_tables_and_raw_pairs(self, table):
        found = fastmi.pairwise_mi(table[:, :3], table[:, 3:], method="ksg1", n_jobs=1)
        raw = fastmi.pairwise_mi(table, method="ksg1", noise=0, n_jobs=1)
        for i in range(3):
            for j in range(3):
                assert found.mi[i, j] == float(fastmi.mi(table[:, i], table[:, 3 + j]))
        assert raw.mi[2, 3] == float(fastmi.mi(table[:, 2], table[:, 3], noise=0))
        assert "leave noise at None" in raw.warnings[2, 3][0]

    def test_pairs_one_by_one(self, table):
        at_once = fastmi.pairwise_mi(table, method="ksg1", n_jobs=1)
        tested = fastmi.pairwise_mi(table, method="ksg1", n_permutations=9, seed=0, n_jobs=1)
        other = fastmi.pairwise_mi(table, method="ksg2", n_jobs=1)
        for i, j in ((0, 4), (1, 2), (2, 3)):
            assert tested.mi[i, j] == float(fastmi.mi(table[:, i], table[:, j], seed=0))
            assert other.mi[i, j] == float(fastmi.mi(table[:, i], table[:, j], method="ksg2"))
            assert at_once.warnings.get((i, j), ()) == tested.warnings.get((i, j), ())

    def test_copies_in_pairs(self):
        x = np.random.default_rng(0).standard_normal((200, 3)).repeat(2, axis=0)
        x[:, 2] = np.random.default_rng(1).standard_normal(400)
        found = fastmi.pairwise_mi(x, method="ksg1", n_jobs=1).warnings
        kinds = {pair: [each.kind for each in texts] for pair, texts in found.items()}
        assert kinds.pop((0, 1)) == ["copies"]
        assert not any("copies" in of_pair for of_pair in kinds.values())

    @pytest.mark.parametrize("method", ["ksg1", "ksg2", "mixed"])
    def test_permutations(self, method):
        rng = np.random.default_rng(0)
        x, y = rng.integers(0, 20, (2, 300))
        found = fastmi.permutation_test(x, y, method=method, n_permutations=99, seed=0)
        assert float(found.estimate) == float(fastmi.mi(x, y, method=method, seed=0))
        assert found.estimate.warnings == fastmi.mi(x, y, method=method, seed=0).warnings
        assert found.p_value > 0.05
        # Surrogates have the noise of the samples, so that the estimate is one of them.
        assert abs(float(found.estimate) - found.null.mean()) < 4 * found.null.std()

    def test_error_bars(self):
        rng = np.random.default_rng(0)
        x = rng.integers(0, 20, 1000)
        y = x + rng.integers(0, 20, 1000)
        found = fastmi.subsample_error(x, y, seed=0)
        whole = fastmi.mi(x, y, seed=0)
        assert float(found.estimate) == float(whole)
        assert [each.kind for each in found.estimate.warnings] == ["ties"]
        assert abs(found.halves.mean() - float(whole)) < 0.1
        assert 0.3 < found.stderr / fastmi.jackknife_error(whole) < 3
