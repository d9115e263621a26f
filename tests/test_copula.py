"""The law that resembles samples: entropies, quantiles, bias, tails, correlations, draws."""

import math
from itertools import pairwise

import numpy as np
import pytest
import scipy.linalg
import scipy.stats

import reference.copula as slow
from fastmi._plug_in import (
    OF_TWO,
    OF_TWO_GIVEN_THIRD,
    digamma_real,
    lowered,
    of_several,
    plug_in_bias,
)
from fastmi.estimators._copula import ascending, determines, fit, in_order_of, normal_scores
from fastmi.estimators._tails import t_quantiles, tail_term

EULER = 0.57721566490153286


def elliptical(rng, n, dims, rho, pairs, nu=math.inf, apart=False):
    """Return blocks whose first columns correlate by rho, with common tails or each with its own.

    All blocks share what correlates; the information of two of them comes with them.
    """
    shared = rng.standard_normal((n, pairs))
    root = math.sqrt(rho)
    blocks = []
    mixing = np.ones((n, 1)) if math.isinf(nu) else np.sqrt(rng.chisquare(nu, (n, 1)) / nu)
    for d in dims:
        block = rng.standard_normal((n, d))
        block[:, :pairs] = root * shared + math.sqrt(1 - rho) * block[:, :pairs]
        own = mixing
        if apart and math.isfinite(nu):
            own = np.sqrt(rng.chisquare(nu, (n, 1)) / nu)
        blocks.append(block / own)
    return blocks


def information(dims, rho, pairs, nu=math.inf):
    """Information of the first two blocks of `elliptical`."""
    dx, dy = dims
    tails = tail_term(nu, dx) + tail_term(nu, dy) - tail_term(nu, dx + dy)
    return -0.5 * pairs * math.log(1 - rho**2) + tails


class TestClosedForms:
    @pytest.mark.parametrize(
        "x, expected",
        [
            (1.0, -EULER),
            (0.5, -EULER - 2 * math.log(2)),
            (2.0, 1 - EULER),
            (0.25, -EULER - math.pi / 2 - 3 * math.log(2)),
            (1e6, math.log(1e6) - 5e-7 - 1 / 12e12),
        ],
    )
    def test_digamma(self, x, expected):
        assert digamma_real(x) == pytest.approx(expected, abs=1e-13)

    @pytest.mark.parametrize("nu", [1.0, 1.5, 3.0, 30.0])
    @pytest.mark.parametrize("d", [1, 2, 7, 40])
    def test_tail_term_is_a_difference_of_entropies(self, nu, d):
        expected = slow.t_entropy(d, nu) - slow.t_entropy(d, math.inf)
        assert tail_term(nu, d) == pytest.approx(expected, abs=1e-6)

    def test_tail_term_vanishes_as_tails_do(self):
        assert tail_term(math.inf, 5) == 0.0
        assert tail_term(1e6, 5) == pytest.approx(0.0, abs=1e-4)

    @pytest.mark.parametrize("n", [2, 3, 50, 20_001])
    def test_quantiles(self, n):
        p = np.arange(1, 2 * n) / (2 * n)
        closed = {
            1.0: np.tan(np.pi * (p - 0.5)),
            2.0: (2 * p - 1) / np.sqrt(2 * p * (1 - p)),
        }
        for nu, expected in closed.items():
            found = t_quantiles(nu, n)
            assert len(found) == 2 * n - 1
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
        np.testing.assert_array_equal(t_quantiles(math.inf, n), -t_quantiles(math.inf, n)[::-1])
        # The tails of nu = 100 are those of the normal law to within 1 / nu of them.
        np.testing.assert_allclose(
            t_quantiles(1e4, n), t_quantiles(math.inf, n), rtol=2e-3, atol=1e-4
        )

    @pytest.mark.parametrize(
        "n, dims, signed",
        [
            (12, (1, 1), OF_TWO),
            (40, (5, 3), OF_TWO),
            (40, (2, 3, 4), OF_TWO_GIVEN_THIRD),
            (30, (2, 1, 3), of_several(3)),
        ],
    )
    def test_bias_of_the_plug_in_information(self, n, dims, signed):
        rng = np.random.default_rng(3)
        d = sum(dims)
        edges = np.cumsum([0, *dims])
        columns = [range(start, end) for start, end in pairwise(edges)]
        found = [
            slow.signed_log_determinants(np.cov(rng.standard_normal((d, n))), columns, signed)
            for _ in range(2000)
        ]
        error = np.std(found) / len(found) ** 0.5
        assert plug_in_bias(n, dims, signed) == pytest.approx(np.mean(found), abs=4 * error)

    def test_two_blocks_are_several(self):
        assert of_several(2) == OF_TWO


class TestFit:
    @pytest.mark.parametrize("nu", [math.inf, 2.0, 5.0])
    @pytest.mark.parametrize(
        "dims, rho, pairs", [((1, 1), 0.6, 1), ((3, 5), 0.8, 2), ((8, 8), 0, 0)]
    )
    def test_known_information(self, nu, dims, rho, pairs):
        found = []
        for seed in range(6):
            blocks = elliptical(np.random.default_rng(seed), 2000, dims, rho, pairs, nu)
            found.append(fit(normal_scores(blocks)))
        truth = information(dims, rho, pairs, nu)
        errors = [law.reference - truth for law in found]
        assert np.mean(errors) == pytest.approx(0.0, abs=0.02 + 0.03 * truth)
        if math.isinf(nu):
            assert min(law.tail_index for law in found) > 15
        else:
            assert np.median([law.tail_index for law in found]) == pytest.approx(nu, rel=0.15)

    def test_columns_are_taken_by_their_ranks(self):
        x, y = elliptical(np.random.default_rng(0), 800, (2, 3), 0.7, 2, 3.0)
        plain = fit(normal_scores([x, y]))
        mapped = fit(normal_scores([np.exp(x), -(y**3) * 1e200]))
        assert mapped.reference == pytest.approx(plain.reference, rel=1e-9)
        assert mapped.tail_index == pytest.approx(plain.tail_index, rel=1e-9)

    @pytest.mark.parametrize("dims", [(1, 1), (5, 5), (25, 25)])
    def test_tails_of_each_block_are_no_dependence(self, dims):
        blocks = elliptical(np.random.default_rng(1), 2000, dims, 0, 0, 2.0, apart=True)
        assert fit(normal_scores(blocks)).reference < 0.005

    @pytest.mark.parametrize(
        "n, dims", [(30, (5, 5)), (100, (1, 1)), (100, (20, 20)), (50, (1, 8))]
    )
    def test_few_normal_samples_show_no_tails(self, n, dims):
        tails = []
        for seed in range(20):
            law = fit(normal_scores(elliptical(np.random.default_rng(seed), n, dims, 0, 0)))
            tails.append(law.reference - law.information)
        assert np.mean(tails) < 0.01

    @pytest.mark.parametrize("dims", [(10, 10), (30, 30)])
    @pytest.mark.parametrize("nu", [math.inf, 3.0])
    def test_chance_is_no_information(self, dims, nu):
        laws = []
        for seed in range(15):
            blocks = elliptical(np.random.default_rng(seed), 600, dims, 0, 0, nu)
            laws.append(fit(normal_scores(blocks)))
        raw = np.array([law.raw for law in laws])
        plug_in = plug_in_bias(600, dims, OF_TWO)
        assert raw.mean() == pytest.approx(0.0, abs=0.1 * plug_in)
        assert all(law.information >= 0.0 for law in laws)
        # The error is that of the information.
        assert np.mean([law.error for law in laws]) == pytest.approx(raw.std(ddof=1), rel=0.6)

    def test_error_of_a_correlation(self):
        laws = [
            fit(normal_scores(elliptical(np.random.default_rng(seed), 500, (1, 1), 0.8, 1)))
            for seed in range(60)
        ]
        spread = np.std([law.raw for law in laws])
        assert laws[0].error == pytest.approx(0.8 / 500**0.5, rel=0.1)
        assert spread == pytest.approx(laws[0].error, rel=0.25)

    def test_given_a_third(self):
        rng = np.random.default_rng(0)
        z = rng.standard_normal((3000, 2))
        x = z @ rng.standard_normal((2, 3)) + rng.standard_normal((3000, 3))
        y = z @ rng.standard_normal((2, 3)) + rng.standard_normal((3000, 3))
        assert fit(normal_scores([x, y, z]), OF_TWO_GIVEN_THIRD).reference < 0.01
        assert fit(normal_scores([x, y])).reference > 0.3
        y[:, 0] += x[:, 0]
        law = fit(normal_scores([x, y, z]), OF_TWO_GIVEN_THIRD)
        covariance = np.cov(np.hstack([x, y, z]).T)
        columns = [range(3), range(3, 6), range(6, 8)]
        truth = slow.signed_log_determinants(covariance, columns, OF_TWO_GIVEN_THIRD)
        assert law.reference == pytest.approx(truth, abs=0.05)

    def test_several(self):
        blocks = elliptical(np.random.default_rng(0), 3000, (1, 2, 3), 0.6, 1)
        truth = -0.5 * math.log((1 - 0.6) ** 2 * (1 + 2 * 0.6))
        assert fit(normal_scores(blocks), of_several(3)).reference == pytest.approx(truth, abs=0.04)

    @pytest.mark.parametrize(
        "signed, number", [(OF_TWO, 2), (OF_TWO_GIVEN_THIRD, 3), (of_several(3), 3)]
    )
    def test_correlations_have_the_information(self, signed, number):
        blocks = elliptical(np.random.default_rng(5), 300, (4, 3, 2)[:number], 0.6, 2)
        law = fit(normal_scores(blocks), signed)
        ranks = [base.shape[1] for base in law.bases]
        edges = np.cumsum([0, *ranks])
        columns = [range(start, end) for start, end in pairwise(edges)]
        found = slow.signed_log_determinants(law.joint, columns, signed)
        assert found == pytest.approx(law.information, abs=1e-8)
        np.testing.assert_allclose(np.diag(law.joint), 1.0)

    def test_constant_and_repeated_columns(self):
        x, y = elliptical(np.random.default_rng(0), 1000, (3, 2), 0.7, 1, 3.0)
        plain = fit(normal_scores([x, y]))
        for other in (
            np.column_stack([x, np.ones(1000)]),
            np.column_stack([x, x[:, 1]]),
            np.column_stack([x[:, 2], x, -x[:, 2]]),
        ):
            law = fit(normal_scores([other, y]))
            assert law.information == pytest.approx(plain.information, abs=1e-9)
            assert law.tail_index == pytest.approx(plain.tail_index, rel=0.2)
            drawn = law.draw(200, np.random.default_rng(0))[0]
            assert drawn.shape == (200, other.shape[1])
            assert np.linalg.matrix_rank(drawn) == 3
        nothing = fit(normal_scores([np.ones((1000, 2)), y]))
        assert nothing.reference == 0.0

    def test_no_law(self):
        x, y = elliptical(np.random.default_rng(0), 50, (3, 2), 0.7, 1)
        assert fit(normal_scores([x, np.column_stack([y, x[:, 1] ** 3])])) is None
        assert fit(normal_scores([x[:6], y[:6]])) is None
        assert fit(normal_scores([x[:7], y[:7]])) is not None

    @pytest.mark.parametrize("noise", [1e-1, 1e-3, 1e-4])
    def test_nearly_determined(self, noise):
        rng = np.random.default_rng(0)
        x = rng.standard_normal((2000, 2))
        y = x + noise * rng.standard_normal((2000, 2))
        law = fit(normal_scores([x, y]))
        drawn = law.draw(500, rng)
        assert math.isfinite(law.reference)
        assert all(np.isfinite(block).all() for block in drawn)


class TestDetermines:
    @pytest.fixture
    def blocks(self):
        rng = np.random.default_rng(0)
        return [rng.standard_normal((500, d)) for d in (3, 2, 2)]

    @pytest.mark.parametrize("dtype", ["float64", "float32"])
    def test_totals(self, blocks, dtype):
        x, y, z = (block.astype(dtype) for block in blocks)
        assert not determines([x, y])
        assert determines([x, np.column_stack([y, x.sum(axis=1)])])
        assert determines([x, np.column_stack([y, y[:, 0] + 3 * x[:, 1] - 7])])
        # Inside a block, and through what is given, a total is no dependence.
        assert not determines([np.column_stack([x, x.sum(axis=1)]), y])
        through = [np.column_stack([x, z[:, 0]]), np.column_stack([y, z.sum(axis=1)]), z]
        assert determines(through[:2]) is False
        assert not determines(through, OF_TWO_GIVEN_THIRD)
        assert determines([x, y + x[:, :2] @ np.eye(2) - y, z], OF_TWO_GIVEN_THIRD)
        assert determines([x, y, z, x[:, :1] + y[:, :1]], of_several(4))
        assert not determines([x, y, z], of_several(3))

    @pytest.mark.parametrize("noise", [1e-9, 1e-3])
    def test_noise(self, blocks, noise):
        x, y, _ = blocks
        y[:, 0] = x[:, 0] + noise * y[:, 0]
        assert not determines([x, y])

    def test_only_in_most_rows(self, blocks):
        x, y, _ = blocks
        y[:, 0] = x[:, 0]
        y[123, 0] += 0.1
        assert not determines([x, y])

    @pytest.mark.parametrize("unit", [1e-300, 1.0, 1e300])
    def test_heavy_tails_and_units(self, blocks, unit):
        """A value beside which all others are rounding determines nothing."""
        x, y, _ = blocks
        y[:, 0] = x[:, 0] + 0.01 * y[:, 0]
        x[7, 0] = y[7, 0] = 1e6
        x[8] *= 1e-250
        assert not determines([x * unit, y * unit])
        assert not determines([np.exp(15 * x[9:]), np.exp(15 * y[9:])])
        y[:, 0] = x.sum(axis=1)
        assert determines([x * unit, y * unit])

    def test_constant_columns(self, blocks):
        x, y, _ = blocks
        ones = np.ones((500, 1))
        assert not determines([np.hstack([x, ones]), np.hstack([y, ones])])
        assert not determines([ones, ones])


@pytest.mark.parametrize("share", [0.0, 0.3, 0.999, 1.0, 2.0])
@pytest.mark.parametrize("each", [[], [0.0], [0.4], [0.1, 0.1, 2.0, 0.0, 0.3]])
def test_all_pairs_are_lowered_by_one_threshold(each, share):
    each = np.array(each)
    found = lowered(each, share * each.sum())
    assert found.sum() == pytest.approx(min(share, 1.0) * each.sum(), abs=1e-12)
    gaps = (each - found)[found > 0.0]
    assert gaps == pytest.approx(gaps.max(initial=0.0), abs=1e-12)
    assert (each[found == 0.0] <= gaps.max(initial=each.max(initial=0.0)) + 1e-12).all()


class TestDraw:
    @pytest.mark.parametrize("nu", [math.inf, 3.0])
    @pytest.mark.parametrize("signed, dims", [(OF_TWO, (2, 3)), (OF_TWO_GIVEN_THIRD, (2, 2, 1))])
    def test_draws_have_the_law(self, nu, signed, dims):
        rng = np.random.default_rng(2)
        law = fit(normal_scores(elliptical(rng, 2000, dims, 0.7, 1, nu)), signed)
        again = fit(normal_scores(law.draw(40_000, rng)), signed)
        assert again.reference == pytest.approx(law.reference, abs=0.02)
        pointwise = law.draw_pointwise(40_000, rng)
        error = pointwise.std() / len(pointwise) ** 0.5
        assert pointwise.mean() == pytest.approx(law.reference, abs=5 * error)

    @pytest.mark.parametrize("nu", [math.inf, 3.0])
    def test_pointwise_information_is_that_of_the_draws(self, nu):
        rng = np.random.default_rng(2)
        law = fit(normal_scores(elliptical(rng, 2000, (2, 3), 0.7, 1, nu)))
        x, y = law.draw(100, np.random.default_rng(5))
        base = scipy.linalg.block_diag(*law.bases)
        dispersion = base @ law.joint @ base.T
        expected = np.zeros(100)
        for columns, sign in ((range(5), 1), (range(2), -1), (range(2, 5), -1)):
            own = dispersion[np.ix_(columns, columns)]
            density = scipy.stats.multivariate_t(shape=own, df=law.tail_index)
            expected += sign * density.logpdf(np.hstack([x, y])[:, columns])
        found = law.draw_pointwise(100, np.random.default_rng(5))
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)

    def test_seeds(self):
        law = fit(normal_scores(elliptical(np.random.default_rng(0), 100, (2, 2), 0.7, 1, 2.0)))
        one, two, other = (law.draw(50, np.random.default_rng(s))[0] for s in (1, 1, 2))
        np.testing.assert_array_equal(one, two)
        assert (one != other).all()

    @pytest.mark.parametrize("dtype", ["float64", "float32"])
    def test_margins(self, dtype):
        rng = np.random.default_rng(0)
        drawn = rng.standard_normal((60, 3))
        of = np.round(rng.standard_normal((60, 3)), 1).astype(dtype)
        found = in_order_of(drawn, ascending(of))
        assert found.dtype == dtype
        assert found.flags.c_contiguous
        np.testing.assert_array_equal(found, slow.with_margins(drawn, of))
        np.testing.assert_array_equal(np.sort(found, axis=0), np.sort(of, axis=0))


def test_likelihood_of_tails():
    """The tail index is where the likelihood by its definition has its top."""
    x, y = elliptical(np.random.default_rng(4), 400, (2, 1), 0.5, 1, 3.0)
    law = fit(normal_scores([x, y]))
    ranks = np.hstack([x, y]).argsort(axis=0).argsort(axis=0)
    correlation = np.corrcoef(np.hstack(normal_scores([x, y])).T)

    def likelihood(nu):
        return slow.copula_log_likelihood(t_quantiles(nu, 400)[2 * ranks], correlation, nu)

    top = likelihood(law.tail_index)
    assert math.isfinite(law.tail_index)
    for factor in (0.5, 0.75, 1.33, 2.0):
        assert likelihood(law.tail_index * factor) < top
