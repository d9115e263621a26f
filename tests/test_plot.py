"""Pictures: what they show, how they name it, and that they leave matplotlib as it was."""

import subprocess
import sys
import time
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

import fastmi
from fastmi import plot
from fastmi.plot._axes import literal, short
from fastmi.plot._order import cluster_order, leaf_order

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")

from matplotlib import pyplot  # noqa: E402
from matplotlib.colors import to_hex  # noqa: E402

AWKWARD = ["$a_b$", "a$", r"c\$d", "x_y^2", "line\nbreak", "", "ä" * 80, "%{}&#~"]


@pytest.fixture(autouse=True)
def nothing_is_left():
    """Close figures, and ask that no function changed a setting."""
    before = dict(matplotlib.rcParams)
    yield
    pyplot.close("all")
    assert dict(matplotlib.rcParams) == before


def drawn(ax):
    """Draw the whole figure, in which what is wrong with text shows, and return the Axes."""
    ax.figure.canvas.draw()
    return ax


def pairs_of(values, labels=None, **fields):
    """Return a result like that of pairwise_mi, with data frames if there are labels."""
    names = ("mi", "normalized", "p_value", "q_value", "p_corrected")
    found = {"mi": values, **dict.fromkeys(names[1:]), **fields}
    if labels is not None:
        pd = pytest.importorskip("pandas")
        rows, columns = labels if isinstance(labels, tuple) else (labels, labels)
        found = {
            name: None if each is None else pd.DataFrame(each, index=rows, columns=columns)
            for name, each in found.items()
        }
    return SimpleNamespace(**found)


def blocks(rng, count, groups):
    """Return a matrix with information inside groups alone, and the group of each column."""
    group = rng.permutation(np.arange(count) % groups)
    values = np.where(group[:, None] == group, 0.5, 0.01) + 0.005 * rng.random((count, count))
    values = (values + values.T) / 2
    np.fill_diagonal(values, np.nan)
    return values, group


def ranking(mi, **fields):
    mi = np.array(mi, dtype=float)
    found = {
        "names": tuple(f"f{j}" for j in range(len(mi))),
        "mi": mi,
        "stderr": np.full(len(mi), 0.01),
        "kinds": ("continuous",) * len(mi),
        "target": "y",
        "normalized": None,
        "p_value": None,
        "q_value": None,
        "p_corrected": None,
    }
    return SimpleNamespace(**{**found, **fields})


def lagged(lags, mi, band=0.1, p=1.0, **fields):
    estimates = tuple(
        fastmi.Estimate.__new__(
            fastmi.Estimate,
            value,
            k=3,
            n=9,
            dims=(1, 1),
            method="ksg1",
            stderr=0.02,
            local=np.zeros(9),
        )
        for value in mi
    )
    found = {
        "lags": np.array(lags),
        "estimates": estimates,
        "p_corrected": np.broadcast_to(p, len(lags)),
        "band": np.broadcast_to(band, len(lags)),
    }
    return SimpleNamespace(**{**found, **fields})


def links_of(count, links, names=None, lag=1, te=0.3):
    q = np.full((count, count), 0.8)
    values = np.full((count, count), 0.01)
    for place, (source, target) in enumerate(links):
        q[source, target] = 0.001
        values[source, target] = te + 0.01 * place
    np.fill_diagonal(q, np.nan)
    np.fill_diagonal(values, np.nan)
    return SimpleNamespace(
        names=tuple(names or (f"v{j}" for j in range(count))),
        te=values,
        lag=np.full((count, count), lag),
        p_value=q / 10,
        q_value=q,
    )


def permuted(estimate, null, p=0.01):
    return SimpleNamespace(estimate=estimate, null=np.array(null, dtype=float), p_value=p)


def texts(ax):
    return [text.get_text() for text in ax.texts]


def colour_bar(ax):
    (bar,) = (other for other in ax.figure.axes if other is not ax)
    return bar


class TestOrder:
    @pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 40])
    def test_every_column_once(self, rng, count):
        values = rng.random((count, count))
        assert sorted(cluster_order(values + values.T, bounded=False)) == list(range(count))

    def test_blocks_are_put_together(self, rng):
        values, group = blocks(rng, 60, 6)
        found = group[cluster_order(values, bounded=False)]
        assert np.count_nonzero(np.diff(found)) == 5

    def test_clusters_are_those_of_average_linkage(self, rng):
        hierarchy = pytest.importorskip("scipy.cluster.hierarchy")
        distance = pytest.importorskip("scipy.spatial.distance")
        points = rng.normal(size=(50, 3))
        distances = distance.squareform(distance.pdist(points))
        order = leaf_order(distances).tolist()
        tree = hierarchy.linkage(distance.squareform(distances), "average")
        for clusters in range(2, 50):
            # Each cluster of each level of the tree lies in one piece.
            label = hierarchy.fcluster(tree, clusters, "maxclust")[order]
            assert np.count_nonzero(np.diff(label)) == len(set(label)) - 1

    def test_neighbours_in_a_chain_stay_neighbours(self):
        places = np.array([3.0, 0.0, 4.1, 1.0, 2.05])
        order = leaf_order(np.abs(places[:, None] - places))
        assert np.ptp(places[order][[0, -1]]) == pytest.approx(4.1)

    def test_columns_without_values_come_last(self, rng):
        values, _ = blocks(rng, 6, 2)
        values[2] = values[:, 2] = np.nan
        assert cluster_order(values, bounded=False)[-1] == 2

    def test_ties_end(self):
        assert len(leaf_order(np.ones((30, 30)))) == 30

    def test_2000_columns_take_seconds(self, rng):
        values, group = blocks(rng, 2000, 40)
        start = time.perf_counter()
        found = group[cluster_order(values, bounded=False)]
        assert time.perf_counter() - start < 30
        assert np.count_nonzero(np.diff(found)) == 39


class TestMatrix:
    def test_names_units_and_order(self, rng):
        values, group = blocks(rng, 12, 3)
        names = [f"g{g}" for g in group]
        ax = drawn(plot.matrix(pairs_of(values, names)))
        shown = [label.get_text() for label in ax.get_yticklabels()]
        assert shown == [label.get_text() for label in ax.get_xticklabels()]
        assert sum(a != b for a, b in pairwise(shown)) == 2
        assert colour_bar(ax).get_ylabel() == "mutual information (nats)"

    def test_what_is_drawn_is_what_was_found(self, rng):
        values, _ = blocks(rng, 5, 2)
        ax = plot.matrix(pairs_of(values), order="given", unit="bits")
        (image,) = ax.images
        np.testing.assert_allclose(image.get_array().filled(np.nan), values / np.log(2.0))
        assert image.get_clim()[1] == pytest.approx(np.nanmax(values) / np.log(2.0))
        assert colour_bar(ax).get_ylabel() == "mutual information (bits)"
        assert len(ax.texts) == 20
        assert ax.texts[0].get_text() == f"{values[0, 1] / np.log(2.0):.2f}"

    def test_two_tables(self, rng):
        pytest.importorskip("pandas")
        values = rng.random((3, 20))
        labels = (list("abc"), [f"y{j}" for j in range(20)])
        ax = drawn(plot.matrix(pairs_of(values, labels)))
        assert sorted(t.get_text() for t in ax.get_yticklabels()) == list("abc")
        rows = [labels[0].index(t.get_text()) for t in ax.get_yticklabels()]
        columns = [labels[1].index(t.get_text()) for t in ax.get_xticklabels()]
        np.testing.assert_array_equal(ax.images[0].get_array(), values[np.ix_(rows, columns)])

    def test_polars(self, rng):
        pl = pytest.importorskip("polars")
        values, _ = blocks(rng, 3, 1)
        frame = pl.DataFrame({"column": list("abc"), **dict(zip("abc", values.T, strict=True))})
        ax = plot.matrix(SimpleNamespace(mi=frame), order="given")
        assert [t.get_text() for t in ax.get_yticklabels()] == list("abc")
        np.testing.assert_array_equal(ax.images[0].get_array().filled(np.nan), values)

    def test_significant_pairs(self, rng):
        values, _ = blocks(rng, 6, 2)
        q = np.where(values > 0.3, 0.01, 0.7)
        q[np.isnan(values)] = np.nan
        ax = plot.matrix(pairs_of(values, q_value=q, p_value=q / 100))
        assert ax.get_title() == "6 of 15 pairs significant (*: q ≤ 0.05)"
        assert sum(text.endswith("*") for text in texts(ax)) == 12
        shown = plot.matrix(pairs_of(values, q_value=q), only_significant=True).images[0]
        assert np.count_nonzero(~shown.get_array().mask) == 12

    def test_marks_of_many_columns(self, rng):
        values, _ = blocks(rng, 40, 4)
        p = np.where(values > 0.3, 0.01, 0.7)
        ax = plot.matrix(pairs_of(values, p_value=p))
        assert sum(len(dots.get_offsets()) for dots in ax.collections) == 40 * 9
        assert ax.get_title() == "180 of 780 pairs significant (•: p ≤ 0.05, not corrected)"
        assert not ax.texts

    @pytest.mark.parametrize("count", [5, 30, 200, 1000])
    def test_labels_do_not_overlap(self, rng, count):
        values, _ = blocks(rng, count, 5)
        ax = drawn(plot.matrix(pairs_of(values), order="given"))
        boxes = [t.get_window_extent() for t in ax.get_yticklabels()]
        assert all(a.y0 >= b.y1 - 1 for a, b in pairwise(boxes))
        assert len(boxes) >= min(count, 20)
        assert max(ax.figure.get_size_inches()) < 14

    def test_the_normalised_form(self, rng):
        values, _ = blocks(rng, 4, 2)
        ax = plot.matrix(pairs_of(values, normalized=values / 2), value="normalized", unit="bits")
        assert np.nanmax(ax.images[0].get_array()) == np.nanmax(values) / 2
        assert colour_bar(ax).get_ylabel() == "normalised mutual information"

    @pytest.mark.parametrize(
        "values",
        [
            np.full((3, 3), np.nan),
            np.zeros((3, 3)),
            np.full((2, 2), -0.1),
            np.full((3, 3), np.inf),
            np.full((1, 1), np.nan),
            np.full((1, 4), 0.2),
            np.zeros((0, 0)),
            np.array([[np.nan, -np.inf], [-np.inf, np.nan]]),
        ],
    )
    def test_odd_values(self, values):
        drawn(plot.matrix(pairs_of(values)))

    def test_values_out_of_the_colours_are_pointed_at(self):
        values = np.array([[np.nan, np.inf, 1], [np.inf, np.nan, -1], [1, -1, np.nan]])
        ax = drawn(plot.matrix(pairs_of(values), order="given"))
        assert ax.images[0].colorbar.extend == "both"
        assert ax.images[0].get_clim() == (0.0, 1.0)
        assert "∞" in texts(ax)


class TestFeatures:
    def test_bars_errors_and_names(self):
        ax = drawn(plot.features(ranking([0.5, 0.2, -0.1]), unit="bits"))
        np.testing.assert_allclose(
            [bar.get_width() for bar in ax.patches], np.array([0.5, 0.2, -0.1]) / np.log(2.0)
        )
        assert [t.get_text() for t in ax.get_yticklabels()] == ["f0", "f1", "f2"]
        # The first stands on top.
        assert ax.get_ylim()[0] > ax.get_ylim()[1]
        assert ax.get_xlabel() == "mutual information (bits)"
        assert ax.get_title() == "Information about y"
        (lines,) = ax.collections
        np.testing.assert_allclose(
            lines.get_segments()[0][:, 0], np.array([0.49, 0.51]) / np.log(2.0)
        )
        assert ax.get_legend() is None

    def test_significance(self):
        ax = plot.features(ranking([0.5, 0.2, 0.1], q_value=np.array([1e-5, 0.03, 0.3])))
        colours = [to_hex(bar.get_facecolor()) for bar in ax.patches]
        assert colours[0] == colours[1] != colours[2]
        assert texts(ax) == ["q < 0.001", "q = 0.03", "q = 0.3"]
        legend = [t.get_text() for t in ax.get_legend().get_texts()]
        assert legend == ["significant, q ≤ 0.05", "not significant"]

    def test_colours_differ_in_grey(self):
        ax = plot.features(ranking([0.5, 0.2], q_value=np.array([0.01, 0.3])))
        grey = [np.dot(bar.get_facecolor()[:3], [0.299, 0.587, 0.114]) for bar in ax.patches]
        assert abs(grey[0] - grey[1]) > 0.3

    def test_a_long_ranking(self):
        ax = drawn(plot.features(ranking(np.linspace(1, 0, 1000))))
        assert len(ax.patches) == 30
        assert ax.get_yticklabels()[-1].get_text() == "… and 970 more"
        assert len(plot.features(ranking(np.linspace(1, 0, 1000)), top=1000).patches) == 1000

    def test_kinds_are_written_where_they_differ(self):
        kinds = ("continuous", "classes")
        ax = plot.features(ranking([0.5, 0.2], kinds=kinds))
        assert [t.get_text() for t in ax.get_yticklabels()] == ["f0 (continuous)", "f1 (classes)"]

    @pytest.mark.parametrize(
        "mi", [[], [0.1], [np.nan], [np.inf, 0.1, np.nan], [0.0, 0.0], [-0.1, -0.2], [np.inf]]
    )
    def test_odd_values(self, mi):
        q = np.full(len(mi), np.nan)
        for fields in ({}, {"q_value": q}, {"stderr": q}):
            ax = drawn(plot.features(ranking(mi, **fields)))
            assert len(ax.patches) == len(mi)
            assert texts(ax).count("no value") == np.isnan(mi).sum()

    def test_the_normalised_form_has_no_error(self):
        ax = plot.features(ranking([0.5], normalized=np.array([0.7])), value="normalized")
        assert ax.patches[0].get_width() == 0.7
        assert ax.get_xlabel() == "normalised mutual information"
        assert not ax.collections[0].get_segments()


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


PICTURES = {
    "matrix": lambda ax, names: plot.matrix(
        pairs_of(np.where(np.eye(8), np.nan, 0.2), names, q_value=np.full((8, 8), 0.01)), ax=ax
    ),
    "features": lambda ax, names: plot.features(
        ranking(np.linspace(1, 0, 8), names=names, target=names[0], q_value=np.full(8, 0.01)), ax=ax
    ),
    "lags": lambda ax, _: plot.lags(lagged(range(8), np.linspace(0, 1, 8)), ax=ax),
    "network": lambda ax, names: plot.network(links_of(8, [(0, 1), (1, 2)], names), ax=ax),
    "layers": lambda ax, names: plot.network(
        links_of(8, [(0, 1), (1, 2)], names), ax=ax, layout="layered"
    ),
    "null": lambda ax, _: plot.null(permuted(0.3, np.linspace(0, 1, 20)), ax=ax),
}


@pytest.mark.parametrize("name", PICTURES)
class TestAll:
    def test_names_are_no_formulas(self, name):
        ax = drawn(PICTURES[name](None, AWKWARD))
        shown = [t.get_text() for t in (*ax.get_yticklabels(), *ax.texts)]
        if name in ("matrix", "features", "network", "layers"):
            assert r"\$a_b\$" in shown
        # Even numbers of dollars are a formula to matplotlib unless they are escaped.
        assert all(t.get_text().replace(r"\$", "").count("$") == 0 for t in ax.texts)

    def test_draws_into_given_axes(self, name):
        for layout in (None, "constrained", "tight"):
            figure = matplotlib.figure.Figure(figsize=(8, 4), layout=layout)
            left, _ = figure.subplots(1, 2)
            assert PICTURES[name](left, list("abcdefgh")) is left
            matplotlib.backends.backend_agg.FigureCanvasAgg(figure).draw()
        assert not pyplot.get_fignums()

    def test_small_axes(self, name):
        figure = pyplot.figure(figsize=(3, 3))
        drawn(PICTURES[name](figure.subplots(3, 3)[0, 0], list("abcdefgh")))

    def test_dark_backgrounds(self, name):
        with matplotlib.style.context("dark_background"):
            ax = drawn(PICTURES[name](None, list("abcdefgh")))
            dark = [line for line in ax.lines if to_hex(line.get_color()) == "#000000"]
            assert not dark

    def test_is_one_new_figure(self, name):
        ax = PICTURES[name](None, list("abcdefgh"))
        assert pyplot.get_fignums() == [ax.figure.number]

    @pytest.mark.parametrize("ax", [np.zeros(2), 3, "new", matplotlib.figure.Figure()])
    def test_what_is_no_axes(self, name, ax):
        with pytest.raises(TypeError, match="ax must be Axes of matplotlib or None; got"):
            PICTURES[name](ax, list("abcdefgh"))

    @pytest.mark.parametrize("kind", ["svg", "pdf", "png"])
    def test_is_written(self, name, kind, tmp_path):
        ax = PICTURES[name](None, AWKWARD)
        ax.figure.savefig(tmp_path / f"picture.{kind}", bbox_inches="tight")
        assert (tmp_path / f"picture.{kind}").stat().st_size > 1000


def test_names_are_cut_in_the_middle():
    assert short("a" * 28) == "a" * 28
    assert short("begin" + "x" * 50 + "end1") == "beginxxxxxxxxx…xxxxxxxxxend1"
    assert len(short("y" * 1000)) == 28
    assert short(("a", 1)) == "('a', 1)"
    assert literal("$x_1$") == r"\$x_1\$"


def test_names_in_tex():
    with matplotlib.rc_context({"text.usetex": True}):
        assert literal("a_b$ 5% ~") == r"a\_b\$ 5\% \textasciitilde{}"


@pytest.mark.parametrize(
    "call, error, message",
    [
        (
            lambda: plot.matrix([[1.0]]),
            TypeError,
            "needs what fastmi.pairwise_mi returns; got list",
        ),
        (lambda: plot.features(3), TypeError, "fastmi.rank_features returns; got int"),
        (lambda: plot.lags(3), TypeError, "fastmi.lagged_mi returns; got int"),
        (lambda: plot.network(3), TypeError, "needs what fastmi.transfer_entropy_network or"),
        (lambda: plot.null(3), TypeError, "fastmi.permutation_test returns; got int"),
        (lambda: plot.sweep(3.0), TypeError, "plot.sweep.. needs what a method"),
        (lambda: plot.training(3.0), TypeError, "plot.training.. needs what a method"),
        (lambda: plot.size_curve(3), TypeError, "fastmi.size_curve returns; got int"),
        (lambda: plot.matrix(pairs_of(np.zeros((2, 2))), unit="nat"), ValueError, "unit must be"),
        (lambda: plot.matrix(pairs_of(np.zeros((2, 2))), order="x"), ValueError, "order must be"),
        (lambda: plot.matrix(pairs_of(np.zeros((2, 2))), value="x"), ValueError, "value must be"),
        (lambda: plot.matrix(pairs_of(np.zeros((2, 2))), vmax=0.0), ValueError, "vmax must be"),
        (lambda: plot.matrix(pairs_of(np.zeros((2, 2))), cmap="x"), ValueError, "cmap must be"),
        (
            lambda: plot.matrix(pairs_of(np.zeros((2, 2))), value="normalized"),
            ValueError,
            "make it with normalized='correlation'",
        ),
        (
            lambda: plot.matrix(pairs_of(np.zeros((2, 2))), only_significant=True),
            ValueError,
            "has none: make it with n_permutations=200",
        ),
        (lambda: plot.features(ranking([1.0]), top=0), ValueError, "top must be an integer >= 1"),
        (lambda: plot.features(ranking([1.0]), alpha=1.0), ValueError, "alpha must be"),
        (lambda: plot.features(ranking([1.0]), value="normalized"), ValueError, "make it with"),
        (
            lambda: plot.network(pairs_of(np.zeros((2, 2)))),
            ValueError,
            "plot.network.. needs p-values, and the result has none",
        ),
        (
            lambda: plot.network(pairs_of(np.zeros((2, 3)), p_value=np.zeros((2, 3)))),
            ValueError,
            "needs the pairs of one table",
        ),
        (lambda: plot.network(links_of(2, []), layout="x"), ValueError, "layout must be"),
        (lambda: plot.network(links_of(2, []), cmap="x"), ValueError, "cmap must be"),
        (lambda: plot.null(permuted(1.0, [])), ValueError, "needs the surrogates of a test"),
        (lambda: plot.null(permuted(1.0, np.zeros((3, 2)))), TypeError, "plot.lags"),
    ],
)
def test_wrong_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
    assert not pyplot.get_fignums()


def test_estimates_without_curves(rng):
    estimate = fastmi.mi(rng.normal(size=50), rng.normal(size=50))
    with pytest.raises(ValueError, match=r"plot.sweep\(\) needs an estimate with a sweep"):
        plot.sweep(estimate)
    with pytest.raises(ValueError, match=r"plot.training\(\) needs an estimate with a training"):
        plot.training(estimate)


def test_matplotlib_is_loaded_by_drawing_alone():
    code = "import sys, fastmi, fastmi.plot; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-P", "-c", code], check=True)


def test_without_matplotlib():
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from fastmi import plot\n"
        "try: plot.matrix(None)\n"
        "except ImportError as error: assert \"pip install 'fastmi[plot]'\" in str(error), error\n"
        "else: raise AssertionError\n"
    )
    subprocess.run([sys.executable, "-P", "-c", code], check=True)
