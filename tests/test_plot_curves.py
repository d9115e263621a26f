"""Pictures of lags, networks, surrogates and the curves behind estimates."""

import numpy as np
import pytest

import fastmi
from fastmi import plot
from fastmi._cautions import Caution
from pictures import blocks, colour_bar, drawn, lagged, links_of, pairs_of, permuted, texts

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")

from matplotlib import pyplot  # noqa: E402


@pytest.fixture(autouse=True)
def pictures_end():
    """Close the figures of pyplot, and ask that no setting was changed."""
    before = dict(matplotlib.rcParams)
    yield
    pyplot.close("all")
    assert dict(matplotlib.rcParams) == before


class TestLags:
    def test_significant_lags_and_band(self):
        p = np.array([0.01, 0.2, 0.04])
        ax = drawn(plot.lags(lagged([2, 0, 1], [0.3, 0.05, 0.2], p=p)))
        marked = [line for line in ax.lines if line.get_label() == "significant"]
        np.testing.assert_array_equal(marked[0].get_xdata(), [1, 2])
        np.testing.assert_array_equal(ax.lines[0].get_ydata(), [0.05, 0.2, 0.3])
        assert ax.get_ylabel() == "mutual information (nats)"
        assert ax.get_xlabel() == "lag (steps)"
        legend = [t.get_text() for t in ax.get_legend().get_texts()]
        assert "not significant at 0.05 among all lags" in legend

    def test_bits(self):
        ax = plot.lags(lagged([0, 1], [0.3, 0.1]), unit="bits")
        np.testing.assert_allclose(ax.lines[0].get_ydata(), np.array([0.3, 0.1]) / np.log(2.0))

    def test_without_a_test_there_is_no_band(self):
        ax = drawn(plot.lags(lagged([0, 1], [0.3, 0.1], p_corrected=None, band=None)))
        assert ax.get_legend() is None

    def test_the_level_is_that_of_alpha(self):
        asked = []

        def band_at(alpha):
            asked.append(alpha)
            return np.full(2, 0.2)

        plot.lags(lagged([0, 1], [0.3, 0.1], band_at=band_at), alpha=0.01)
        assert asked == [0.01]

    def test_a_level_that_the_result_does_not_have(self):
        with pytest.raises(ValueError, match=r"alpha must be 0\.05"):
            plot.lags(lagged([0, 1], [0.3, 0.1]), alpha=0.01)

    @pytest.mark.parametrize("mi", [[], [0.1], [np.nan, 0.1, np.inf], [0.0] * 60, [-0.1, -0.2]])
    def test_odd_values(self, mi):
        for band in (0.1, np.inf, np.nan):
            drawn(plot.lags(lagged(range(-1, len(mi) - 1), mi, band=band)))


class TestNetwork:
    @pytest.mark.parametrize("layout", ["circular", "layered"])
    def test_links(self, layout):
        ax = drawn(plot.network(links_of(5, [(0, 1), (1, 0), (2, 3)], lag=4), layout=layout))
        assert len(ax.patches) == 3
        assert ax.get_title() == "3 significant links (q ≤ 0.05)\nnumbers: lag in steps"
        assert texts(ax).count("4") == 3
        assert {f"v{j}" for j in range(5)} <= set(texts(ax))
        assert colour_bar(ax).get_ylabel() == "transfer entropy (nats)"
        widths = [patch.get_linewidth() for patch in ax.patches]
        assert widths == sorted(widths)
        assert widths[0] < widths[-1]

    @pytest.mark.parametrize("layout", ["circular", "layered"])
    def test_both_directions_are_seen(self, layout):
        ax = drawn(plot.network(links_of(4, [(0, 1), (1, 0)]), layout=layout))
        middles = []
        for patch in ax.patches:
            path = patch.get_path().vertices
            middles.append(path[1])
        far = ax.transData.transform(middles)
        assert np.hypot(*(far[0] - far[1])) > 8

    def test_arrows_point_from_source_to_target(self):
        ax = plot.network(links_of(3, [(0, 2)]))
        (arrow,) = ax.patches
        places = ax.lines[0].get_xydata()
        ends = arrow.get_path().vertices[[0, -1]]
        # get_path is in data coordinates and shrunk by some points at both ends.
        assert np.argmin(np.hypot(*(places - ends[0]).T)) == 0
        assert "-|>" in str(type(arrow.get_arrowstyle())) or "CurveFilledB" in str(
            type(arrow.get_arrowstyle())
        )

    def test_no_links(self):
        ax = drawn(plot.network(links_of(6, [])))
        assert "no significant links\n(q ≤ 0.05)" in texts(ax)
        assert not ax.patches

    def test_the_strongest_of_many(self):
        all_of_them = [(a, b) for a in range(20) for b in range(20) if a != b]
        ax = drawn(plot.network(links_of(20, all_of_them), most=100))
        assert len(ax.patches) == 100
        assert ax.get_title() == "The strongest 100 of 380 significant links (q ≤ 0.05)"

    def test_pairs_are_drawn_once_and_without_arrows(self, rng):
        values, _ = blocks(rng, 6, 2)
        q = np.where(values > 0.3, 0.01, 0.7)
        ax = drawn(plot.network(pairs_of(values, q_value=q), unit="bits"))
        assert len(ax.patches) == 6
        assert colour_bar(ax).get_ylabel() == "mutual information (bits)"

    def test_layers_follow_the_links(self):
        ax = plot.network(links_of(4, [(2, 0), (0, 3), (3, 1)]), layout="layered")
        np.testing.assert_array_equal(ax.lines[0].get_xdata(), [1, 3, 0, 2])

    def test_a_circle_of_links_in_layers(self):
        drawn(plot.network(links_of(3, [(0, 1), (1, 2), (2, 0)]), layout="layered"))

    @pytest.mark.parametrize("count", [0, 1, 2, 50])
    @pytest.mark.parametrize("layout", ["circular", "layered"])
    def test_sizes(self, count, layout):
        links = [(j, (7 * j + 1) % count) for j in range(count) if (7 * j + 1) % count != j]
        drawn(plot.network(links_of(count, links), layout=layout))

    def test_odd_values(self):
        result = links_of(3, [(0, 1), (1, 2), (2, 0)])
        result.te[0, 1], result.te[1, 2] = np.inf, np.nan
        assert len(drawn(plot.network(result)).patches) == 2
        result.te[2, 0] = -0.1
        drawn(plot.network(result))


class TestNull:
    def test_histogram_and_line(self, rng):
        ax = drawn(plot.null(permuted(0.3, rng.normal(0, 0.1, 200), p=0.0123)))
        assert sum(bar.get_height() for bar in ax.patches) == 200
        assert ax.lines[0].get_xdata()[0] == 0.3
        assert ax.get_title() == "Permutation test: p = 0.012"
        assert ax.get_xlabel() == "estimate (nats)"

    @pytest.mark.parametrize("sign", [1, -1])
    def test_an_estimate_far_outside(self, rng, sign):
        ax = drawn(plot.null(permuted(sign * 9.0, rng.normal(0, 0.01, 200))))
        assert np.abs(ax.get_xlim()).max() < 0.5
        assert "estimate\nfar outside" in texts(ax)
        legend = [t.get_text() for t in ax.get_legend().get_texts()]
        assert f"estimate, {'−' * (sign < 0)}9.000 nats" in legend

    @pytest.mark.parametrize(
        "null", [[0.1], [0.0] * 30, [5.0] * 30, [np.nan] * 3, [np.inf, 0.1, 0.2], [-np.inf] * 9]
    )
    @pytest.mark.parametrize("estimate", [0.1, np.inf, -np.inf, np.nan, 0.0])
    def test_odd_values(self, null, estimate):
        drawn(plot.null(permuted(estimate, null)))

    def test_a_real_test(self, rng):
        x = rng.normal(size=100)
        test = fastmi.permutation_test(x, x + rng.normal(size=100), n_permutations=30, seed=0)
        ax = plot.null(test, unit="bits")
        assert ax.lines[0].get_xdata()[0] == pytest.approx(test.estimate.bits)


def test_warnings_are_told():
    alike = (Caution("rows are alike", "autocorrelation"),)
    test = permuted(0.3, np.linspace(0, 1, 20))
    test.warnings = alike
    assert plot.null(test).get_title().endswith("p = 0.01\nwarnings: autocorrelation")
    network = links_of(3, [(0, 1)])
    network.warnings = {("v0", "v1"): alike, ("v1", "v0"): alike}
    title = plot.network(network).get_title()
    assert title.endswith("\n2 pairs with warnings: autocorrelation")


class TestCurves:
    def test_the_largest_of_a_sweep_is_marked(self, rng):
        x = rng.normal(size=200)
        estimate = fastmi.mi(x, x + rng.normal(size=200), method="ksg_global")
        ax = drawn(plot.sweep(estimate))
        best = np.argmax(estimate.curve[:, 1])
        np.testing.assert_array_equal(ax.lines[1].get_xydata()[0], estimate.curve[best])
        assert ax.get_ylabel() == "estimate (nats)"
        assert estimate.plot(unit="bits").get_ylabel() == "estimate (bits)"

    def test_a_size_curve(self, rng):
        x = rng.normal(size=200)
        curve = fastmi.size_curve(x, x + rng.normal(size=200), seed=0)
        ax = drawn(plot.size_curve(curve))
        assert texts(ax) == [f"n={size}" for size in curve.sizes]
        np.testing.assert_allclose(ax.lines[0].get_ydata(), curve.means)
