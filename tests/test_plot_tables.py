"""Pictures of tables: the order of columns, heat maps and rankings."""

import time
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

from fastmi import plot
from fastmi._cautions import Caution, Note
from fastmi.plot._order import cluster_order, leaf_order
from pictures import blocks, colour_bar, drawn, pairs_of, ranking, texts

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")

from matplotlib import pyplot  # noqa: E402
from matplotlib.colors import to_hex  # noqa: E402


@pytest.fixture(autouse=True)
def pictures_end():
    """Close the figures of pyplot, and ask that no setting was changed."""
    before = dict(matplotlib.rcParams)
    yield
    pyplot.close("all")
    assert dict(matplotlib.rcParams) == before


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

    def test_labels_of_a_dictionary(self, rng):
        values, _ = blocks(rng, 3, 1)
        labels = (list("abc"), list("abc"))
        ax = plot.matrix(SimpleNamespace(mi=values, _labels=labels), order="given")
        assert [t.get_text() for t in ax.get_yticklabels()] == list("abc")

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
    def test_warnings_are_told(self):
        cautions = {"f0": (Caution("alike", "serial"),), "f1": (Note("fine", "ties"),)}
        title = plot.features(ranking([0.5, 0.2], warnings=cautions)).get_title()
        assert title == "Information about y\n1 feature with warnings: serial"

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
