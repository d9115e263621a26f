"""Mixtures of values and atoms: scales, numbers that name classes, and ties above 0."""

import numpy as np
import pytest

import fastmi


class TestMixtures:
    def test_numbers_that_name_classes(self):
        rng = np.random.default_rng(0)
        label = rng.integers(0, 200, 1000)
        names = rng.permutation(200)[label]
        for method in ("mixed", "mesner"):
            found = fastmi.mi(names, label, method=method)
            labels = [each for each in found.warnings if each.kind == "labels"]
            assert any(each.startswith("x takes") for each in labels)
            assert "one-hot" in labels[0]
            same = fastmi.mi(label, label, method=method)
            assert float(same) > float(found) + 0.5
            assert not any(each.kind == "labels" for each in same.warnings)

    @pytest.mark.parametrize("method", ["mixed", "mesner"])
    def test_numbers_that_count(self, method):
        rng = np.random.default_rng(0)
        x = rng.exponential(5, 1000)
        center = rng.permutation(8) * 3.0
        label = rng.integers(0, 8, 1000)
        for first, second in (
            (x, rng.poisson(x)),
            (x, rng.poisson(5, 1000)),
            (center[label] + rng.standard_normal(1000), label),  # no neighbour in another class
            (label, label + rng.uniform(0, 2, 1000)),
        ):
            kinds = [each.kind for each in fastmi.mi(first, second, method=method).warnings]
            assert "labels" not in kinds
            assert "scale" not in kinds

    @pytest.mark.parametrize("method", ["mixed", "mesner"])
    def test_dominating_scale(self, method):
        rng = np.random.default_rng(0)
        label = rng.integers(0, 3, 1000)
        x = label + 0.3 * rng.standard_normal(1000)
        (text,) = fastmi.mi(1e5 * x, label, method=method).warnings
        assert text.startswith("the scale of x dominates the joint distance: y barely matters")
        assert fastmi.mi(x, label, method=method).warnings == ()
        assert fastmi.mi(1e-5 * x, label, method=method).warnings == ()
        # Most samples are of one class, which is no matter of scale.
        rare = (rng.random(1000) < 0.1).astype(float)
        assert fastmi.mi(x, rare, method=method).warnings == ()

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_heavy_tails_beside_an_atom_do_not_tie(self, dtype):
        rng = np.random.default_rng(0)
        x = np.where(rng.random(1000) < 0.02, 0, np.exp(3 * rng.standard_normal(1000)))
        y = np.log1p(x) + rng.standard_normal(1000)
        pair = x.astype(dtype), y.astype(dtype)
        assert fastmi.mi(*pair, method="mixed").warnings == ()
        assert fastmi.mi(*pair, noise=0).warnings == ()

    def test_whole_numbers_are_no_mixture(self):
        x, y = np.random.default_rng(0).integers(0, 50, (2, 1000))
        (text,) = (each for each in fastmi.mi(x, y, method="mixed").warnings if each.kind == "ties")
        assert "use method='ksg1'" in text
