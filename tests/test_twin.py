"""Estimates less the bias of a twin: definition, closed forms, samples as tables bring them."""

import math
import pickle

import numpy as np
import pytest

import fastmi
import reference
import reference.copula as slow
from fastmi._blocks import DeviceArray, host
from fastmi._cautions import Note
from fastmi._plug_in import OF_TWO, OF_TWO_GIVEN_THIRD, of_several
from fastmi.estimators._copula import fit, normal_scores
from test_copula import elliptical, information

TWIN = {"bias_correction": "twin"}


def kinds(estimate):
    return [caution.kind for caution in estimate.warnings]


@pytest.fixture(scope="module")
def sparse():
    """Ten columns on each side, of which two depend, and what they tell."""
    x, y = elliptical(np.random.default_rng(0), 2000, (10, 10), 0.8, 2)
    return x, y, information((10, 10), 0.8, 2)


def by_definition(blocks, signed, ks, seed, estimate):
    """Return bias, scatter and law for each k from three twins, by plain code."""
    law = fit(normal_scores(blocks), signed)
    values = []
    for own in np.random.default_rng(seed).integers(0, 2**63, (3, 2)):
        drawn = law.draw(len(blocks[0]), np.random.default_rng(own))
        twin = [slow.with_margins(d, b) for d, b in zip(drawn, blocks, strict=True)]
        values.append([estimate(twin, k) for k in ks])
    values = np.array(values)
    return values.mean(axis=0) - law.reference, values.std(axis=0, ddof=1) / 3**0.5, law


class TestDefinition:
    @pytest.mark.parametrize("variant", [1, 2])
    @pytest.mark.parametrize("seed", [None, 7])
    def test_mi(self, variant, seed, metric):
        blocks = elliptical(np.random.default_rng(1), 120, (2, 3), 0.7, 1, 3.0)
        got = fastmi.mi(*blocks, k=[3, 5], method=f"ksg{variant}", metric=metric, seed=seed, **TWIN)
        plain = fastmi.mi(*blocks, k=[3, 5], method=f"ksg{variant}", metric=metric)
        bias, scatter, law = by_definition(
            blocks, OF_TWO, (3, 5), seed or 0, lambda b, k: reference.ksg_mi(b, k, variant, metric)
        )
        for position, (corrected, own) in enumerate(zip(got, plain, strict=True)):
            assert corrected.bias == pytest.approx(bias[position], abs=1e-10)
            assert float(corrected) == float(own) - corrected.bias
            assert corrected.uncorrected == pytest.approx(float(own), abs=1e-12)
            assert corrected.twin == (law.reference, law.tail_index)
            assert corrected.stderr**2 >= own.stderr**2 + scatter[position] ** 2 * 0.999
            assert corrected.k == (3, 5)[position]
            np.testing.assert_array_equal(corrected.local, own.local)
            np.testing.assert_array_equal(corrected.counts, own.counts)

    @pytest.mark.parametrize("normalize", ["local", "copula", "rank", "global-linf"])
    def test_normalized(self, normalize):
        """Twins have the margins of the samples as the search sees them."""
        blocks = elliptical(np.random.default_rng(1), 100, (2, 1), 0.7, 1)
        scaled = [getattr(fastmi.normalize, normalize.replace("-", "_"))(block) for block in blocks]
        got = fastmi.mi(*blocks, normalize=normalize, **TWIN)
        bias, _, _ = by_definition(
            scaled, OF_TWO, (3,), 0, lambda b, k: reference.ksg_mi(b, k, 1, "chebyshev")
        )
        assert got.bias == pytest.approx(bias[0], abs=1e-10)
        assert got.uncorrected == pytest.approx(
            float(fastmi.mi(*blocks, normalize=normalize)), abs=1e-12
        )

    @pytest.mark.parametrize("method, variant", [("fp", 1), ("ksg2", 2)])
    def test_cmi(self, method, variant):
        blocks = elliptical(np.random.default_rng(1), 100, (2, 2, 1), 0.5, 1)
        got = fastmi.cmi(*blocks, method=method, **TWIN)
        bias, _, law = by_definition(
            blocks,
            OF_TWO_GIVEN_THIRD,
            (3,),
            0,
            lambda b, k: reference.conditional_mi(*b, k, variant, "chebyshev"),
        )
        assert got.bias == pytest.approx(bias[0], abs=1e-10)
        assert got.twin.reference == law.reference

    @pytest.mark.parametrize("method, variant", [("ksg1", 1), ("ksg2", 2)])
    def test_total_correlation(self, method, variant):
        blocks = elliptical(np.random.default_rng(1), 100, (2, 1, 1), 0.5, 1)
        got = fastmi.total_correlation(*blocks, method=method, **TWIN)
        bias, _, law = by_definition(
            blocks,
            of_several(3),
            (3,),
            0,
            lambda b, k: reference.ksg_mi(b, k, variant, "chebyshev"),
        )
        assert got.bias == pytest.approx(bias[0], abs=1e-10)
        assert got.twin.reference == law.reference

    def test_two_variables_are_mutual_information_to_the_last_bit(self, sparse):
        x, y, _ = sparse
        assert float(fastmi.total_correlation(x, y, **TWIN)) == float(fastmi.mi(x, y, **TWIN))
        assert float(fastmi.cmi(x, y, None, **TWIN)) == float(fastmi.mi(x, y, **TWIN))

    def test_without_the_option_nothing_changes(self, sparse):
        x, y, _ = sparse
        plain = fastmi.mi(x, y)
        assert plain.bias == 0.0
        assert plain.twin is None
        assert plain.uncorrected == float(plain)


class TestKnownValues:
    """The bias is gone where the law is the twin's, and the estimate says how large it was."""

    def test_sparse_dependence(self, sparse):
        x, y, truth = sparse
        for method in ("ksg1", "ksg2"):
            got = fastmi.mi(x, y, method=method, **TWIN)
            assert got.uncorrected < truth - 0.5
            assert float(got) == pytest.approx(truth, abs=3.5 * got.stderr)
            assert kinds(got) == ["bias"]
            assert isinstance(got.warnings[0], Note)

    @pytest.mark.parametrize("normalize", [None, "copula"])
    @pytest.mark.parametrize(
        "dims, rho, pairs, nu",
        [
            ((1, 1), 0.9, 1, math.inf),
            ((5, 5), 0.5, 5, math.inf),
            ((5, 5), 0.6, 2, 3.0),
            ((2, 9), 0.7, 1, 2.0),
            ((25, 25), 0.8, 2, math.inf),
        ],
    )
    def test_elliptical(self, dims, rho, pairs, nu, normalize):
        x, y = elliptical(np.random.default_rng(2), 2000, dims, rho, pairs, nu)
        got = fastmi.mi(x, y, normalize=normalize, **TWIN)
        assert float(got) == pytest.approx(information(dims, rho, pairs, nu), abs=3.5 * got.stderr)
        assert "twin" not in kinds(got)

    @pytest.mark.parametrize("method", ["fp", "ksg2"])
    def test_given_a_third(self, method):
        rng = np.random.default_rng(0)
        x, y = elliptical(rng, 2000, (4, 4), 0.8, 2)
        z = rng.standard_normal((2000, 3))
        x[:, 1:], y[:, 1:] = x[:, 1:] + z, y[:, 1:] + z
        got = fastmi.cmi(x, y, z, method=method, **TWIN)
        truth = information((4, 4), 0.8, 2)
        assert got.uncorrected < truth - 0.3
        assert float(got) == pytest.approx(truth, abs=3.5 * got.stderr)

    def test_several(self):
        blocks = elliptical(np.random.default_rng(0), 2000, (3, 4, 5), 0.6, 1)
        truth = -0.5 * math.log((1 - 0.6) ** 2 * (1 + 2 * 0.6))
        got = fastmi.total_correlation(*blocks, **TWIN)
        assert got.uncorrected < truth - 0.1
        assert float(got) == pytest.approx(truth, abs=3.5 * got.stderr)

    @pytest.mark.parametrize("nu", [math.inf, 3.0])
    @pytest.mark.parametrize("dims", [(1, 1), (5, 5), (25, 25)])
    def test_independence(self, dims, nu):
        x, y = elliptical(np.random.default_rng(3), 2000, dims, 0, 0, nu, apart=True)
        got = fastmi.mi(x, y, **TWIN)
        assert float(got) == pytest.approx(0.0, abs=0.03 + 2 * got.stderr)
        assert kinds(got) == []

    def test_error_covers_the_scatter(self):
        """The error holds that of the twin's information: most of it where KSG sees little."""
        found = []
        for seed in range(25):
            x, y = elliptical(np.random.default_rng(seed), 300, (8, 8), 0.6, 4)
            found.append(fastmi.mi(x, y, **TWIN))
        spread = np.std(found, ddof=1)
        assert np.mean([each.stderr for each in found]) == pytest.approx(spread, rel=0.45)
        truth = information((8, 8), 0.6, 4)
        assert np.mean(found) == pytest.approx(truth, abs=4 * spread / 5)


class TestCautions:
    def test_unlike_the_twin(self):
        rng = np.random.default_rng(0)
        x = rng.standard_normal((2000, 3))
        y = np.column_stack([x[:, 0] * x[:, 1], x[:, 2] ** 2]) + 0.1 * rng.standard_normal(
            (2000, 2)
        )
        with pytest.warns(fastmi.EstimateWarning, match="unlike that of a Gaussian or t copula"):
            got = fastmi.mi(x, y, **TWIN)
        assert "twin" in kinds(got)
        # One column each is what KSG is good at.
        assert "twin" not in kinds(fastmi.mi(x[:, 2], y[:, 1], **TWIN))

    def test_few_false_alarms(self):
        alarms = 0
        for seed in range(40):
            nu = (math.inf, 4.0)[seed % 2]
            n, dims = ((200, (2, 3)), (500, (8, 4)), (1000, (5, 5)), (300, (1, 2)))[seed // 2 % 4]
            x, y = elliptical(np.random.default_rng(seed), n, dims, 0.7, 1, nu)
            alarms += "twin" in kinds(fastmi.mi(x, y, **TWIN))
        assert alarms <= 2

    @pytest.mark.parametrize("pairs", [0, 3])
    def test_few_samples_for_many_columns(self, pairs):
        x, y = elliptical(np.random.default_rng(1), 100, (30, 30), 0.6, pairs)
        with pytest.warns(fastmi.EstimateWarning, match="n=100 samples are few for 60 columns"):
            got = fastmi.mi(x, y, **TWIN)
        assert got.stderr > 0.2

    def test_no_more_samples_than_columns(self):
        x, y = elliptical(np.random.default_rng(1), 60, (30, 29), 0.6, 3)
        with pytest.warns(
            fastmi.EstimateWarning, match="no bias was subtracted: n=60 samples of 59"
        ):
            got = fastmi.mi(x, y, **TWIN)
        assert got.bias == 0.0
        assert got.twin is None
        assert float(got) == float(fastmi.mi(x, y))

    @pytest.mark.parametrize(
        "extra", [lambda x: x[:, 0], lambda x: np.exp(x[:, 1]), lambda x: x.sum(axis=1)]
    )
    def test_determined(self, sparse, extra):
        x, y, _ = sparse
        y = np.column_stack([y, extra(x)])
        with pytest.warns(fastmi.EstimateWarning, match="one variable determines"):
            got = fastmi.mi(x, y, **TWIN)
        assert got.twin is None
        assert float(got) == got.uncorrected == float(fastmi.mi(x, y))

    @pytest.mark.parametrize(
        "classes",
        [lambda v: v > 0, lambda v: np.round(2 * v).astype(int), lambda v: np.maximum(v, -0.3)],
    )
    def test_values_that_repeat(self, sparse, classes):
        x, y, _ = sparse
        with pytest.warns(fastmi.EstimateWarning, match="values of y repeat so often"):
            got = fastmi.mi(x, np.column_stack([y, classes(y[:, 0])]), **TWIN)
        assert got.twin is None
        assert got.bias == 0.0

    def test_copies_are_still_warned_of(self, sparse):
        x, y, _ = sparse
        with pytest.warns(fastmi.EstimateWarning, match="exact copies"):
            fastmi.mi(np.vstack([x, x]), np.vstack([y, y]), **TWIN)

    def test_quiet_where_there_is_nothing_to_say(self, sparse):
        x, y, _ = sparse
        fastmi.mi(x[:, 0], y[:, 0], **TWIN)  # a warning would be an error


class TestInputs:
    @pytest.mark.parametrize(
        "change",
        {
            "offset": lambda v: v + 2.0**20,
            "unit": lambda v: v * 2.0**300,
            "float32": lambda v: v.astype("f4"),
            "list": lambda v: v.tolist(),
            "fortran": np.asfortranarray,
        }.items(),
        ids=lambda item: item[0],
    )
    def test_same_value(self, sparse, change):
        x, y, _ = sparse
        expected = fastmi.mi(x, y, **TWIN)
        got = fastmi.mi(change[1](x), change[1](y), **TWIN)
        assert float(got) == pytest.approx(float(expected), abs=2e-3)
        assert got.twin.reference == pytest.approx(expected.twin.reference, abs=1e-6)

    def test_rounded_readings(self, sparse):
        x, y, truth = sparse
        got = fastmi.mi(np.round(x, 1), np.round(y, 1), **TWIN)
        assert float(got) == pytest.approx(truth, abs=3.5 * got.stderr)
        assert kinds(got) == ["ties", "bias"]

    def test_constant_and_repeated_columns(self, sparse):
        x, y, truth = sparse
        for other in (np.column_stack([x, np.full(2000, 3.0)]), np.column_stack([x, x[:, 4]])):
            got = fastmi.mi(other, y, **TWIN)
            assert float(got) == pytest.approx(truth, abs=3.5 * got.stderr)
        with pytest.warns(fastmi.EstimateWarning, match="constant"):
            assert float(fastmi.mi(np.ones((2000, 2)), y, **TWIN)) == 0.0
        nothing = fastmi.cmi(np.ones((2000, 2)), y, x, **TWIN)
        assert float(nothing) == pytest.approx(0.0, abs=0.02)
        assert nothing.twin.reference == 0.0

    def test_heavy_tails(self, sparse):
        x, y, truth = sparse
        got = fastmi.mi(np.sinh(2 * x), np.sinh(2 * y), **TWIN)
        assert got.uncorrected < truth / 3
        assert float(got) == pytest.approx(truth, abs=3.5 * got.stderr)

    @pytest.mark.parametrize("n", [5, 8, 30])
    def test_few_rows(self, n):
        x, y = elliptical(np.random.default_rng(0), n, (1, 1), 0.8, 1)
        with pytest.warns(fastmi.EstimateWarning, match="samples are few"):
            assert math.isfinite(fastmi.mi(x, y, **TWIN))

    def test_torch(self, sparse):
        torch = pytest.importorskip("torch")
        x, y, _ = sparse
        got = fastmi.mi(torch.from_numpy(x), torch.from_numpy(y), **TWIN)
        assert float(got) == float(fastmi.mi(x, y, **TWIN))

    def test_gpu(self, sparse, any_gpu):
        x, y, _ = sparse
        expected = fastmi.mi(x, y, **TWIN)
        got = fastmi.mi(any_gpu.put(x), any_gpu.put(y), **TWIN)
        assert got.device.startswith("cuda")
        assert float(got) == pytest.approx(float(expected), abs=1e-12)
        assert got.twin == expected.twin

    def test_twins_are_where_the_samples_are(self, sparse, monkeypatch):
        x, y, _ = sparse
        seen = []

        def terms(self, blocks, ks):
            seen.append(blocks)
            return plain(self, [host(block) for block in blocks], ks)

        plain = fastmi.KSG._terms
        expected = fastmi.mi(x, y, **TWIN)
        blocks = [DeviceArray(1, host=block) for block in (x, y)]
        monkeypatch.setattr(fastmi.KSG, "_terms", terms)
        monkeypatch.setattr(fastmi.KSG, "_read", lambda *_: (blocks, (3,), ()))
        got = fastmi.mi(x, y, **TWIN)
        assert float(got) == float(expected)
        assert got.device == "cuda:1"
        assert len(seen) == 4
        assert all(isinstance(block, DeviceArray) for own in seen for block in own)
        assert all(block.device == 1 for own in seen for block in own)

    def test_errors(self, sparse):
        x, y, _ = sparse
        with pytest.raises(ValueError, match=r"bias_correction must be one of 'twin'; .*'twn'"):
            fastmi.mi(x, y, bias_correction="twn")
        with pytest.raises(ValueError, match=r"bias_correction must be one of 'twin'; .*True"):
            fastmi.KSG(bias_correction=True)
        for function, blocks in ((fastmi.mi, (x, y)), (fastmi.cmi, (x, y, x))):
            with pytest.raises(ValueError, match=r"must be None with a window .* theiler=3"):
                function(*blocks, theiler=3, **TWIN)
        with pytest.raises(TypeError, match="got bias_correction"):
            fastmi.mi(x, y, method="biksg", **TWIN)
        with pytest.raises(ValueError, match="finite"):
            fastmi.mi(np.where(x > 2, np.nan, x), y, **TWIN)
        with pytest.raises(ValueError, match="k must be"):
            fastmi.mi(x[:20], y[:20], k=20, **TWIN)


class TestReproducible:
    def test_seeds(self, sparse):
        x, y, _ = sparse
        one, same, other = (fastmi.mi(x, y, seed=seed, **TWIN) for seed in (3, 3, 4))
        assert float(one) == float(same) != float(other)
        assert float(one) == pytest.approx(float(other), abs=0.05)
        assert float(fastmi.mi(x, y, **TWIN)) == float(fastmi.mi(x, y, **TWIN))
        rng = np.random.default_rng(3)
        assert float(fastmi.mi(x, y, seed=rng, **TWIN)) == float(one)

    def test_threads(self, sparse):
        x, y, _ = sparse
        values = {float(fastmi.mi(x, y, n_jobs=threads, **TWIN)) for threads in (1, 2, 3, 9)}
        assert len(values) == 1

    def test_copies_of_the_result(self, sparse):
        x, y, _ = sparse
        got = fastmi.mi(x, y, **TWIN)
        back = pickle.loads(pickle.dumps(got))
        assert back.to_dict() == got.to_dict()
        assert back.twin == got.twin
        written = got.to_dict()
        assert written["bias"] == got.bias
        assert written["uncorrected"] == got.uncorrected
        assert written["twin"] == {"reference": got.twin.reference, "tail_index": None}
        assert f"bias={got.bias:.2g}" in repr(got)
        assert "Gaussian copula" in got._repr_html_()
        heavy = fastmi.mi(*elliptical(np.random.default_rng(0), 500, (2, 2), 0.6, 1, 2.0), **TWIN)
        assert heavy.to_dict()["twin"]["tail_index"] == heavy.twin.tail_index
        assert "t copula" in heavy._repr_html_()
        assert fastmi.mi(x, y).to_dict()["twin"] is None

    def test_options(self):
        ksg = fastmi.KSG(**TWIN)
        assert ksg.get_params()["bias_correction"] == "twin"
        assert ksg.set_params(bias_correction=None) == fastmi.KSG()
        assert "bias_correction" in fastmi.KSG.__doc__


class TestStatistics:
    """Functions that estimate many times correct every estimate, and leave none out."""

    def test_permutation_test(self, sparse):
        x, y, _ = (sparse[0][:300], sparse[1][:300], None)
        test = fastmi.permutation_test(x, y, n_permutations=19, seed=0, **TWIN)
        assert float(test.estimate) == float(fastmi.mi(x, y, **TWIN))
        assert test.p_value == 0.05
        # Surrogates are independent, and lose no bias that the samples have.
        assert abs(test.null.mean()) < 0.05
        plain = fastmi.permutation_test(x, y, n_permutations=19, seed=0)
        assert (test.null != plain.null).all()
        given = fastmi.permutation_test(x[:, :3], y[:, :3], x[:, 4], n_permutations=5, **TWIN)
        assert float(given.estimate) == float(fastmi.cmi(x[:, :3], y[:, :3], x[:, 4], **TWIN))

    def test_level(self):
        rejected = 0
        for seed in range(30):
            x, y = elliptical(np.random.default_rng(seed), 60, (2, 2), 0, 0)
            test = fastmi.permutation_test(x, y, n_permutations=9, seed=seed, **TWIN)
            rejected += test.p_value <= 0.1
        assert rejected <= 8

    def test_pairwise(self, sparse):
        x, y = sparse[0][:300, :2], sparse[1][:300, :2]
        for shuffles in (0, 3):
            found = fastmi.pairwise_mi(x, y, method="ksg1", n_permutations=shuffles, seed=0, **TWIN)
            for i in range(2):
                for j in range(2):
                    assert found.mi[i, j] == float(fastmi.mi(x[:, i], y[:, j], **TWIN))

    def test_halves(self, sparse):
        x, y = sparse[0][:600, :5], sparse[1][:600, :5]
        corrected = fastmi.subsample_error(x, y, halves=12, seed=0, **TWIN)
        plain = fastmi.subsample_error(x, y, halves=12, seed=0)
        assert float(corrected.estimate) == float(fastmi.mi(x, y, **TWIN))
        assert corrected.estimate.bias < -0.3
        # Halves are corrected for their own bias, which is larger than that of the whole.
        assert float(plain.estimate) - plain.halves.mean() > 0.05
        assert float(corrected.estimate) - corrected.halves.mean() == pytest.approx(0.0, abs=0.06)
        # The scatter of the twin's information is in the halves, as it is in the estimate.
        assert corrected.stderr > plain.stderr
        got = fastmi.mi(x, y, error="half", seed=0, **TWIN)
        assert got.twin is not None
        assert got.stderr == pytest.approx(corrected.stderr, rel=0.6)

    def test_transfer_entropy(self):
        rng = np.random.default_rng(0)
        x, y = rng.standard_normal((2, 300))
        got = fastmi.transfer_entropy(x, y, **TWIN)
        assert got.twin is not None
        assert float(got) == pytest.approx(got.uncorrected - got.bias)
