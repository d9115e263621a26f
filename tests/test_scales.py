"""Values do not depend on units and offsets: whatever the powers of ten, as on plain samples."""

import math

import numpy as np
import pytest

import fastmi
from command import run_json
from fastmi import normalize
from fastmi.compat import npeet
from fastmi.estimators._methods import METHODS

N = 120
RNG = np.random.default_rng(3)
DRAWN = RNG.normal(size=(N, 5))
LABELS = RNG.integers(0, 3, N)
# Multiples of 2^-22, so that offsets up to 1e9 are exact, and a grid too fine for distances to tie.
GRID = 2.0**22
X = np.round(GRID * DRAWN[:, :2]) / GRID
Y = np.round(GRID * (0.8 * X + 0.6 * DRAWN[:, 2:4])) / GRID
Z = np.round(GRID * DRAWN[:, 4:]) / GRID
FACTORS = (1e200, 1e-170, 1e-200, 1e300, 1e-300)
OFFSETS = (1e6, -1e9)

VARIABLES = {
    "mi": (2, fastmi.mi),
    "cmi": (3, fastmi.cmi),
    "total_correlation": (3, fastmi.total_correlation),
    "dual_total_correlation": (3, fastmi.dual_total_correlation),
    "o_information": (3, fastmi.o_information),
    "s_information": (3, fastmi.s_information),
    "kl_divergence": (2, fastmi.kl_divergence),
    "entropy": (1, fastmi.entropy),
}
NUMERIC = [m for m in METHODS if not m.trains and m.takes != "discrete"]
OPTIONS = [
    (method, options)
    for method in NUMERIC
    for options in [
        {},
        *([{"metric": "euclidean"}] if "metric" in method.options else []),
        *([{"p": 2}] if method.name == "biksg" else []),
        *([{"noise": 1e-9, "seed": 0}] if "noise" in method.options else []),
        *({"normalize": name} for name in normalize.METHODS if "normalize" in method.options),
    ]
]


def name_of(given):
    method, options = given
    chosen = ", ".join(f"{name}={value}" for name, value in options.items())
    return f"{method.function}-{method.name}-{chosen}"


def value_of(given, blocks):
    method, options = given
    count, function = VARIABLES[method.function]
    chosen = list(blocks[:count])
    if count > 1 and method.takes_classes(1):
        chosen[1] = LABELS
    more = {"k": 6} if method.name == "lnc" else {}
    return float(function(*chosen, method=method.name, **more, **options))


@pytest.mark.parametrize("given", OPTIONS, ids=name_of)
def test_units_and_offsets_do_not_matter(given):
    plain = value_of(given, (X, Y, Z))
    for factor in FACTORS:
        # The entropy of a X is that of X and log a for each column.
        shift = 2 * math.log(factor) if given[0].function == "entropy" else 0.0
        moved = value_of(given, [factor * block for block in (X, Y, Z)])
        assert moved - shift == pytest.approx(plain, abs=1e-9), factor
    for offset in OFFSETS:
        moved = value_of(given, [block + offset for block in (X, Y, Z)])
        assert moved == pytest.approx(plain, abs=1e-9), offset


@pytest.mark.parametrize("option", normalize.METHODS)
@pytest.mark.parametrize("method", ["ksg1", "ksg2", "biksg", "gaussian", "mixed", "mesner"])
def test_whole_numbers_far_from_the_origin_are_exact(method, option):
    """Times in nanoseconds differ by whole numbers that float64 holds, whatever their origin."""
    x = np.rint(1000 * DRAWN[:, 0]).astype(np.int64)
    y = np.rint(1000 * (DRAWN[:, 0] + DRAWN[:, 1])).astype(np.int64)
    far = [
        fastmi.mi(x + offset, y + offset, method=method, normalize=option)
        for offset in (10**9, 10**15, 2**53 - 10**5)
    ]
    assert len({float(each) for each in far}) == 1
    assert "rounding" not in [caution.kind for each in far for caution in each.warnings]


@pytest.mark.parametrize("method", ["ksg_global", "ksg_global_linf"])
def test_sweep_over_scales_far_from_the_origin(method):
    x = np.rint(1000 * DRAWN[:, 0])
    y = np.rint(1000 * (DRAWN[:, 0] + DRAWN[:, 1]))
    near = fastmi.mi(x - x[0], y - y[0], method=method, noise=0)
    for offset in (1e9, 1e15, 2.0**52):
        got = fastmi.mi(x + offset, y + offset, method=method, noise=0)
        np.testing.assert_array_equal(got.curve, near.curve)


@pytest.mark.parametrize(
    "function, options",
    [
        (fastmi.entropy, {}),
        (fastmi.entropy, {"metric": "euclidean"}),
        (fastmi.entropy, {"method": "wkl"}),
        (fastmi.mi, {"method": "3h"}),
        (fastmi.mi, {"method": "biksg", "p": 2}),
    ],
)
@pytest.mark.parametrize("offset, dtype", [(1e15, np.float64), (1e6, np.float32)])
def test_volumes_of_values_that_an_offset_has_rounded(function, options, offset, dtype):
    """Values far from the origin lie on the grid of floats, whose step is their rounding."""
    far = [(block + offset).astype(dtype) for block in (X, Y)]
    near = [(block - dtype(offset)).astype(np.float64) for block in far]
    count = 1 if function is fastmi.entropy else 2
    got = function(*far[:count], **options)
    assert float(got) == pytest.approx(float(function(*near[:count], **options)), abs=1e-9)
    assert [caution.kind for caution in got.warnings] == ["ties"]


@pytest.mark.parametrize("factor", FACTORS)
def test_scale_of_the_command_line(tmp_path, factor):
    path = tmp_path / "data.npz"
    np.savez(path, x=X[:, 0], y=Y[:, 0], far=factor * X[:, 0])
    plain, scaled = (
        run_json("mi", path, "--x", name, "--y", "y")["estimates"][0] for name in ("x", "far")
    )
    assert plain["mi"] == pytest.approx(float(fastmi.mi(X[:, 0], Y[:, 0], normalize="local")))
    assert scaled["mi"] == pytest.approx(plain["mi"], abs=1e-9)
    (pair,) = run_json("matrix", path, "--columns", "far,y", "--method", "ksg1")["pairs"]
    assert pair["mi"] == pytest.approx(plain["mi"], abs=1e-9)


def test_scale_of_the_command_line_up_to_the_largest_number(tmp_path):
    path = tmp_path / "data.npz"
    largest = X[:, 0] / np.abs(X[:, 0]).max() * np.finfo(float).max
    np.savez(path, x=X[:, 0], y=Y[:, 0], largest=largest, swallowed=Y[:, 0] + 1e16)
    plain, scaled = (
        run_json("mi", path, "--x", name, "--y", "y")["estimates"][0] for name in ("x", "largest")
    )
    assert scaled["mi"] == pytest.approx(plain["mi"], abs=1e-9)
    notes = run_json("mi", path, "--x", "x", "--y", "swallowed")["notes"]
    assert notes == ["'swallowed': all values are equal up to rounding, as if constant; not scaled"]


@pytest.mark.parametrize("factor", [1e160, 1e300])
def test_scores_of_scikit_learn(factor):
    scores = pytest.importorskip("fastmi.compat.sklearn")
    pytest.importorskip("sklearn")
    plain = scores.mutual_info_regression(X, Y[:, 0], random_state=0)
    for x, y in ((factor * X, Y), (X, factor * Y), (factor * X, factor * Y)):
        scaled = scores.mutual_info_regression(x, y[:, 0], random_state=0)
        np.testing.assert_allclose(scaled, plain, atol=1e-9)
    np.testing.assert_allclose(
        scores.mutual_info_classif(factor * X, LABELS, random_state=0),
        scores.mutual_info_classif(X, LABELS, random_state=0),
        atol=1e-9,
    )


@pytest.mark.parametrize("factor", [1e160, 1e300])
def test_correction_of_npeet(factor):
    """Its noise and its offset of radii are absolute, and nothing beside so large values."""
    plain = npeet.mi(2.0**40 * X, 2.0**40 * Y, alpha=0.25, k=5, noise=0)
    scaled = npeet.mi(factor * X, factor * Y, alpha=0.25, k=5, noise=0)
    assert scaled == pytest.approx(plain, abs=1e-9)
