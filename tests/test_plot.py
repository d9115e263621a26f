"""What holds of every picture: names, Axes, colours, what is left of matplotlib, wrong input."""

import subprocess
import sys

import numpy as np
import pytest

import fastmi
from fastmi import plot
from fastmi.plot._axes import literal, short
from pictures import drawn, lagged, links_of, pairs_of, permuted, ranking

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")

from matplotlib import pyplot  # noqa: E402
from matplotlib.colors import to_hex  # noqa: E402

AWKWARD = ["$a_b$", "a$", r"c\$d", "x_y^2", "line\nbreak", "", "ä" * 80, "%{}&#~"]


@pytest.fixture(autouse=True)
def pictures_end():
    """Close the figures of pyplot, and ask that no setting was changed."""
    before = dict(matplotlib.rcParams)
    yield
    pyplot.close("all")
    assert dict(matplotlib.rcParams) == before


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
            if name in ("network", "layers"):
                strongest = max(ax.patches, key=lambda patch: patch.get_linewidth())
                assert np.mean(strongest.get_edgecolor()[:3]) > 0.5

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
