"""The Theiler window against its definition, and on the slow series that it is for."""

import numpy as np
import pytest

import fastmi
import reference
from fastmi import KSG, ConditionalKSG, KozachenkoLeonenko, _cpu
from samples import draw_blocks

SPACES = [[0, 2], [1, 2], [2], [0]]


@pytest.mark.parametrize("closed", [False, True], ids=["strict", "closed"])
@pytest.mark.parametrize("name", ["gaussian", "grid", "duplicates", "identical", "cauchy"])
def test_counts(name, closed, dtype, metric, simd_level):
    for n, window in ((2, 0), (9, 3), (65, 0), (65, 1), (150, 40)):
        blocks = draw_blocks(name, n, (2, 1, 3), dtype)
        most = n - 1 - 2 * window
        ks = sorted({1, min(3, most), most})
        radius, counts, ran = _cpu.theiler_counts(blocks, ks, window, closed, SPACES, metric, 1)
        assert ran == "brute"
        for q, k in enumerate(ks):
            expected = reference.theiler_counts(blocks, k, window, closed, SPACES, metric)
            np.testing.assert_array_equal(radius[q], expected[0])
            np.testing.assert_array_equal(counts[q], expected[1], err_msg=f"n={n} k={k}")


@pytest.mark.parametrize("name", ["gaussian", "grid", "signed"])
def test_no_window_is_the_plain_search(name, dtype, metric, simd_level):
    """Rows of permuted, signed numbers have equal distances whose squares are rounded apart."""
    n, ks, margins = 300, [1, 4], [[0], [1], [2]]
    blocks = draw_blocks("gaussian" if name == "signed" else name, n, (4, 1, 3), dtype)
    if name == "signed":
        rng = np.random.default_rng(0)
        numbers = np.array([0.1, 0.3, 0.7, 1.1]) * rng.choice([-1.0, 1.0], (n, 4))
        blocks[0] = rng.permuted(numbers, axis=1).astype(dtype)
        blocks[1:] = [1e-3 * block for block in blocks[1:]]
    for closed in (False, True):
        radius, counts = _cpu.theiler_counts(blocks, ks, 0, closed, margins, metric, 1)[:2]
        np.testing.assert_array_equal(radius, _cpu.kth_distance(blocks, ks, metric, "tree", 1)[0])
        plain = _cpu.ksg(blocks, ks, 2 if closed else 1, metric, "auto", 1)[2]
        np.testing.assert_array_equal(counts, plain)
    if simd_level == "scalar":
        expected = reference.theiler_counts(blocks, 4, 0, True, margins, metric)[1]
        np.testing.assert_array_equal(counts[1], expected)


def test_threads_change_nothing(metric):
    blocks = draw_blocks("gaussian", 400, (2, 2), np.float64)
    once, many = (
        _cpu.theiler_counts(blocks, [2, 5], 10, True, [[0], [1]], metric, t)[:2] for t in (1, 4)
    )
    for a, b in zip(once, many, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("variant", [1, 2])
def test_ksg(variant, metric, dtype):
    x, y = draw_blocks("gaussian", 150, (2, 1), dtype)
    estimates = KSG(k=[4, 2], variant=variant, metric=metric, theiler=7).estimate(x, y)
    for k, estimate in zip((4, 2), estimates, strict=True):
        counts = reference.theiler_counts([x, y], k, 7, variant == 2, [[0], [1]], metric)[1]
        np.testing.assert_array_equal(estimate.counts, counts)
        psi_k, psi_n = reference.digamma(np.array([k, 150]))
        terms = reference.digamma(counts + (variant == 1)).sum(axis=0)
        # psi(n) counts all samples, also those that are left out of the neighbours.
        local = psi_k - (variant == 2) / k + psi_n - terms
        np.testing.assert_allclose(estimate.local, local, rtol=0, atol=1e-12)
        assert float(estimate) == pytest.approx(local.mean(), abs=1e-12)
        assert estimate.stderr == pytest.approx(local.std() / 150**0.5, rel=1e-9)
        assert estimate.algorithm == "brute"


@pytest.mark.parametrize("method", ["fp", "ksg2"])
def test_conditional(method, metric):
    blocks = draw_blocks("gaussian", 150, (1, 2, 1), np.float64)
    closed = method == "ksg2"
    estimate = fastmi.cmi(*blocks, k=3, method=method, metric=metric, theiler=5)
    counts = reference.theiler_counts(blocks, 3, 5, closed, SPACES[:3], metric)[1]
    np.testing.assert_array_equal(estimate.counts, counts)
    psi_xz, psi_yz, psi_z = reference.digamma(counts + (not closed))
    local = reference.digamma(np.array([3]))[0] - psi_xz - psi_yz + psi_z
    if closed:
        local += 1 / counts[0] + 1 / counts[1] - 2 / 3
    np.testing.assert_allclose(estimate.local, local, rtol=0, atol=1e-12)
    assert float(estimate) == pytest.approx(local.mean(), abs=1e-12)
    assert estimate.algorithm == "brute"


def test_entropy(metric, dtype):
    (x,) = draw_blocks("gaussian", 150, (2,), dtype)
    estimate = fastmi.entropy(x, k=3, metric=metric, theiler=5)
    radius = reference.theiler_counts([x], 3, 5, False, [], metric)[0].astype(np.float64)
    psi_k, psi_n = reference.digamma(np.array([3, 150]))
    local = psi_n - psi_k + reference.log_unit_ball(2, metric) + 2 * np.log(radius)
    np.testing.assert_allclose(estimate.local, local, rtol=0, atol=1e-9)
    assert estimate.algorithm == "brute"


def test_window_zero_is_the_plain_estimate(metric):
    x, y, z = draw_blocks("gaussian", 200, (2, 1, 1), np.float64)
    for method in ("ksg1", "ksg2"):
        plain = fastmi.mi(x, y, method=method, metric=metric)
        assert fastmi.mi(x, y, method=method, metric=metric, theiler=0) == plain
        # The windowed search with a window of 0 agrees with the plain search.
        variant = int(method[-1])
        _, counts = _cpu.theiler_counts([x, y], [3], 0, variant == 2, [[0], [1]], metric, 1)[:2]
        np.testing.assert_array_equal(counts[0], plain.counts)
    for method in ("fp", "ksg2"):
        plain = fastmi.cmi(x, y, z, method=method, metric=metric)
        assert fastmi.cmi(x, y, z, method=method, metric=metric, theiler=0) == plain
    assert fastmi.entropy(x, theiler=0) == fastmi.entropy(x)


def test_the_condition_may_be_missing():
    x, y = draw_blocks("gaussian", 100, (1, 1), np.float64)
    assert fastmi.cmi(x, y, theiler=4) == fastmi.mi(x, y, theiler=4)
    assert fastmi.cmi(x, y, theiler=4) != fastmi.mi(x, y)


def test_takes_the_spurious_part_of_slow_series_away():
    # The series are independent, but samples near in time are near in both.
    steps, n = 60, 3000
    plain, windowed = [], []
    for seed in range(3):
        noise = np.random.default_rng(seed).standard_normal((2, n + steps - 1))
        x, y = (np.convolve(row, np.ones(steps) / steps, "valid") for row in noise)
        plain.append(fastmi.lagged_mi(x, y, 0))
        windowed.append(fastmi.lagged_mi(x, y, 0, theiler=steps))
    assert np.mean(plain) > 0.08
    assert abs(np.mean(windowed)) < 0.06


def test_transfer_entropy_takes_it():
    x, y = draw_blocks("gaussian", 200, (1, 1), np.float64)
    expected = fastmi.cmi(y[1:], x[:-1], y[:-1], theiler=3)
    assert fastmi.transfer_entropy(x, y, theiler=3) == expected


def test_a_constant_variable_is_still_named():
    x = np.linspace(0, 1, 100)
    estimate = fastmi.mi(x, np.zeros(100), theiler=3)
    assert any("y is constant" in text for text in estimate.warnings)


@pytest.mark.parametrize("make", [KSG, ConditionalKSG, KozachenkoLeonenko])
@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"theiler": -1}, ValueError, "theiler must be an integer >= 0; got theiler=-1"),
        ({"theiler": 1.5}, TypeError, "theiler must be an integer >= 0"),
        ({"theiler": "3"}, TypeError, "theiler must be an integer >= 0"),
        ({"theiler": True}, TypeError, "theiler must be an integer >= 0"),
        ({"theiler": None}, TypeError, "theiler must be an integer >= 0"),
        ({"theiler": 2, "algorithm": "tree"}, ValueError, "theiler=2 needs algorithm"),
    ],
)
def test_bad_options(make, options, error, message):
    with pytest.raises(error, match=message):
        make(**options)


@pytest.mark.parametrize("call, number", [(fastmi.entropy, 1), (fastmi.mi, 2), (fastmi.cmi, 3)])
def test_too_wide_a_window(call, number):
    samples = draw_blocks("gaussian", 20, (1,) * number, np.float64)
    call(*samples, k=3, theiler=8)
    for theiler in (9, 10**6, 2**62):
        with pytest.raises(ValueError, match=r"theiler must leave k samples .* k=3, n=20"):
            call(*samples, k=3, theiler=theiler)


@pytest.mark.parametrize("method", ["lnc", "mixed", "biksg", "ksg_global", "gaussian"])
def test_methods_without_a_window_say_so(method):
    x, y = draw_blocks("gaussian", 50, (1, 1), np.float64)
    with pytest.raises(TypeError, match=r"options must be among .* got theiler"):
        fastmi.mi(x, y, method=method, theiler=2)


def test_the_kernel_checks_its_contract():
    x, y = draw_blocks("gaussian", 20, (1, 1), np.float64)
    for ks, window, spaces in (
        ([3], 9, []),
        ([3], -1, []),
        ([3], 2**62, []),
        ([3, 1], 1, []),
        ([3], 1, [[2]]),
        ([], 1, []),
    ):
        with pytest.raises(ValueError, match="must"):
            _cpu.theiler_counts([x, y], ks, window, False, spaces, "chebyshev", 1)


def test_the_window_adds_what_the_docstring_says(rng):
    n, window = 600, 30
    added = [
        float(fastmi.mi(x, y, theiler=window)) - float(fastmi.mi(x, y))
        for x, y in rng.standard_normal((10, 2, n))
    ]
    assert np.mean(added) == pytest.approx(2 * window / n, abs=0.02)
