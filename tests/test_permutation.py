"""fastmi.permutation_test: p-values, and what each scheme keeps."""

import numpy as np
import pytest

import fastmi
from fastmi._backend import kernels
from fastmi.ops.ksg import ksg_terms
from fastmi.statistics import _schemes, permutation
from fastmi.statistics._serial_orders import block_orders, rotations

SCHEMES = [
    ("shuffle", {}),
    ("circular", {}),
    ("circular", {"min_shift": 30}),
    ("block", {"block_length": 7}),
    ("local", {}),
]


def pair(rng, n=200, noise=1.0):
    x = rng.standard_normal(n)
    return x, x + noise * rng.standard_normal(n)


@pytest.fixture
def orders(rng):
    """A function that returns the orders of rows of a scheme, shape (count, n), and the blocks."""

    def make(scheme, count=20, n=100, **options):
        blocks = [rng.standard_normal((n, d)) for d in (1, 1, 2)]
        full = {"block_length": None, "min_shift": 1, "n_neighbors": 5, "n_jobs": 1, **options}
        reorder = _schemes.make_scheme(scheme, blocks, rng, count, **full)
        found = [reorder(i, np.random.default_rng(i)) for i in range(count)]
        return np.array(found), blocks

    return make


def test_p_value_counts_the_estimate_itself():
    null = np.array([0.1, 0.2, 0.3, 0.4])
    assert permutation.p_value(0.5, null) == 1 / 5
    assert permutation.p_value(0.3, null) == 3 / 5
    assert permutation.p_value(-1.0, null) == 1.0
    # A surrogate that is smaller by rounding only counts as reached.
    assert permutation.p_value(0.4 + 1e-15, null) == 2 / 5


def test_finds_a_dependence(rng):
    result = fastmi.permutation_test(*pair(rng), n_permutations=99, seed=0)
    assert result.p_value == 0.01
    assert result.scheme == "shuffle"
    assert result.null.shape == (99,)
    assert result.estimate == fastmi.mi(*pair(np.random.default_rng(20040623)))
    assert result.corrected == pytest.approx(result.estimate - result.null.mean())
    assert result.z_score > 4
    assert "null" not in repr(result)


@pytest.mark.parametrize("scheme, options", SCHEMES[:4])
def test_level_under_independence(scheme, options):
    """P(p <= a) <= a; by chance this fails for about one seed in 10^4."""
    rng = np.random.default_rng(5)
    p_values = []
    for _ in range(200):
        x, y = rng.standard_normal((2, 80))
        result = fastmi.permutation_test(
            x, y, n_permutations=19, scheme=scheme, seed=rng, n_jobs=1, **options
        )
        p_values.append(result.p_value)
    p_values = np.array(p_values)
    # The binomial standard deviations are 0.015 at 0.05 and 0.035 at 0.5.
    assert (p_values <= 0.05).mean() < 0.05 + 4 * 0.0154
    assert abs((p_values <= 0.5).mean() - 0.5) < 4 * 0.0354


def test_autocorrelation_needs_rotation():
    """Two independent slow series: shuffling calls them dependent, rotation does not."""
    rng = np.random.default_rng(1)
    rejected = {"shuffle": 0, "circular": 0}
    for _ in range(40):
        x, y = (np.convolve(rng.standard_normal(360), np.ones(60), "valid") for _ in range(2))
        for scheme in rejected:
            result = fastmi.permutation_test(
                x, y, n_permutations=19, scheme=scheme, seed=rng, n_jobs=1
            )
            rejected[scheme] += result.p_value <= 0.05
    assert rejected["shuffle"] > 30
    assert rejected["circular"] < 10


def test_conditional_keeps_the_dependence_on_z():
    rng = np.random.default_rng(2)
    z = rng.standard_normal(300)
    x, y = (z + 0.5 * rng.standard_normal(300) for _ in range(2))
    through_z = fastmi.permutation_test(x, y, z, n_permutations=49, seed=0)
    assert through_z.scheme == "local"
    assert through_z.p_value > 0.05
    assert through_z.estimate == fastmi.cmi(x, y, z)
    shuffled = fastmi.permutation_test(x, y, z, n_permutations=49, seed=0, scheme="shuffle")
    assert shuffled.estimate == through_z.estimate
    direct = fastmi.permutation_test(x, y + x, z, n_permutations=49, seed=0)
    assert direct.p_value == 0.02


@pytest.mark.parametrize("scheme, options", SCHEMES)
def test_reproducible(scheme, options, threads, rng):
    x, y = pair(rng, n=100)
    z = rng.standard_normal(100) if scheme == "local" else None
    runs = [
        fastmi.permutation_test(
            x, y, z, n_permutations=20, scheme=scheme, seed=4, n_jobs=n_jobs, **options
        )
        for n_jobs in (1, threads)
    ]
    np.testing.assert_array_equal(runs[0].null, runs[1].null)
    other = fastmi.permutation_test(
        x, y, z, n_permutations=20, scheme=scheme, seed=5, n_jobs=1, **options
    )
    assert (other.null != runs[0].null).any()


@pytest.mark.parametrize("scheme, options", SCHEMES[:4])
def test_surrogates_are_permutations(scheme, options, orders):
    found, _ = orders(scheme, **options)
    for order in found:
        np.testing.assert_array_equal(np.sort(order), np.arange(100))
    assert len(np.unique(found, axis=0)) == len(found)


def test_rotations_differ_and_stay_away(orders):
    found, _ = orders("circular", count=41, min_shift=30)
    shifts = (np.arange(100) - found) % 100
    assert (shifts == shifts[:, :1]).all()
    assert sorted(shifts[:, 0]) == list(range(30, 71))


def test_blocks_stay_together(orders):
    found, _ = orders("block", block_length=7)
    breaks = (np.diff(found, axis=1) != 1).sum(axis=1)
    assert (breaks <= 14).all()
    assert breaks.max() > 5


def test_rotations_of_series_stay_beyond_their_autocorrelation(rng):
    independent = rng.standard_normal((2, 240, 1))
    assert rotations(independent, rng, 239, None).min() == 1
    slow = np.repeat(np.sin(np.arange(240.0) / 30).reshape(1, 240, 1), 2, axis=0)
    assert rotations(slow, rng, 100, None).min() >= 20
    # As far as there are enough of them, and below a quarter of the series.
    assert sorted(rotations(slow, rng, 239, None)) == list(range(1, 240))
    found = rotations(slow, rng, 121, None)
    assert sorted(found) == list(range(60, 181))
    assert rotations(independent, rng, 20, None, beyond=50).min() > 50


def test_few_blocks_have_different_orders_and_never_their_own(orders):
    found, _ = orders("block", count=23, n=100, block_length=25)
    assert len(np.unique(found, axis=0)) == 23
    assert (found != np.arange(100)).any(axis=1).all()


def test_blocks_of_one_row_are_a_shuffle(orders):
    found, _ = orders("block", count=40, block_length=1)
    assert (np.sort(found, axis=1) == np.arange(100)).all()
    assert len(np.unique(found, axis=0)) == 40


@pytest.mark.parametrize("count, pieces", [(5, 3), (23, 4), (119, 5), (200, 6)])
def test_blocks_are_as_long_as_the_series_are_slow(count, pieces, rng):
    """The default: 5 times the inflation, and no more than leaves enough orders."""
    independent = rng.standard_normal((2, 240, 1))
    slow = np.repeat(np.arange(240.0).reshape(1, 240, 1), 2, axis=0)
    lengths = []
    for blocks in (independent, slow):
        order = block_orders(blocks, rng, count, None)(0, rng)
        starts = np.flatnonzero(np.diff(order, prepend=-2) != 1)
        lengths.append(np.diff([*starts, 240]))
    assert np.gcd.reduce(lengths[0]) == 5
    assert set(lengths[1] % (240 // pieces)) == {0}


def test_exchanges_are_local(orders):
    found, blocks = orders("local", n_neighbors=6)
    z = blocks[2]
    distances = np.abs(z[:, None] - z[None]).max(axis=2)
    reach = np.sort(distances, axis=1)[:, 5]
    for order in found:
        assert (distances[np.arange(100), order] <= reach).all()
        assert len(np.unique(order)) > 80
        assert (order != np.arange(100)).mean() > 0.5


def test_many_k_share_the_surrogates(rng):
    x, y = pair(rng)
    several = fastmi.permutation_test(x, y, k=[3, 5], n_permutations=10, seed=0)
    for result, k in zip(several, (3, 5), strict=True):
        single = fastmi.permutation_test(x, y, k=k, n_permutations=10, seed=0)
        assert result.estimate == single.estimate
        np.testing.assert_array_equal(result.null, single.null)


def test_other_methods_and_noise(rng):
    x, y = pair(rng)
    result = fastmi.permutation_test(
        np.round(x), np.round(y), method="ksg2", noise=1e-6, n_permutations=10, seed=0
    )
    assert result.estimate.method == "ksg2"
    again = fastmi.permutation_test(
        np.round(x), np.round(y), method="ksg2", noise=1e-6, n_permutations=10, seed=0
    )
    assert again.estimate == result.estimate
    gaussian = fastmi.permutation_test(x, y, method="gaussian", n_permutations=99, seed=0)
    assert gaussian.p_value == 0.01


def test_constant_samples_show_nothing(rng):
    result = fastmi.permutation_test(np.ones(60), rng.standard_normal(60), n_permutations=9)
    assert result.p_value == 1.0


def test_progress(rng):
    calls = []
    fastmi.permutation_test(*pair(rng), n_permutations=7, progress=lambda: calls.append(1))
    assert len(calls) == 7


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"n_permutations": 0}, ValueError, "n_permutations must be an integer >= 1"),
        ({"block_length": 5}, ValueError, "block_length must be None unless scheme='block'"),
        ({"min_shift": 5}, ValueError, "min_shift must be None unless scheme='circular'"),
        ({"n_permutations": 2.0}, TypeError, "n_permutations must be an integer"),
        ({"scheme": "bootstrap"}, ValueError, "scheme must be one of"),
        ({"scheme": "block", "block_length": 0}, ValueError, "block_length must be an integer"),
        (
            {"scheme": "block", "block_length": 7},
            ValueError,
            "other orders of the 3 blocks, 5 with",
        ),
        ({"scheme": "block", "block_length": 4}, ValueError, "119 with n=20, block_length=4; got"),
        ({"scheme": "block", "block_length": 11}, ValueError, "block_length must be at most"),
        ({"scheme": "circular"}, ValueError, "number of rotations, 19"),
        ({"scheme": "circular", "min_shift": 0}, ValueError, "min_shift must be an integer >= 1"),
        ({"scheme": "local"}, ValueError, "must have a z"),
        ({"k": 20}, ValueError, "k must be in"),
        ({"method": "nope"}, ValueError, "method must be one of"),
        ({"nope": 1}, TypeError, "nope"),
        ({"n_jobs": 0}, ValueError, "n_jobs"),
        ({"seed": -1}, ValueError, "seed must suit"),
        ({"seed": "a"}, TypeError, "seed must suit"),
    ],
)
def test_wrong_options(options, error, message):
    with pytest.raises(error, match=message):
        fastmi.permutation_test(np.arange(20.0), np.arange(20.0), **options)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"k": [1, 4], "metric": "euclidean"},
        {"normalize": "local", "scheme": "circular"},
        {"method": "ksg2"},
        {"noise": 1e-6},
        {"algorithm": "brute"},
    ],
    ids=str,
)
def test_devices(rng, device, options):
    x, y = pair(rng)
    given = {"n_permutations": 19, "seed": 4, **options}
    here = fastmi.permutation_test(x, y, **given)
    for there in (
        fastmi.permutation_test(device.put(x), device.put(y), **given),
        fastmi.permutation_test(x, y, device=device.name, **given),
    ):
        for one, other in zip(
            *(t if isinstance(t, list) else [t] for t in (there, here)), strict=True
        ):
            np.testing.assert_allclose(one.null, other.null, rtol=1e-11, atol=1e-11)
            assert one.p_value == other.p_value
            assert one.estimate.device == device.name


def test_devices_with_a_condition(rng, device):
    x, y = pair(rng)
    z = rng.standard_normal(len(x))
    here = fastmi.permutation_test(x, y, z, n_permutations=9, seed=4)
    there = fastmi.permutation_test(*map(device.put, (x, y, z)), n_permutations=9, seed=4)
    np.testing.assert_allclose(there.null, here.null, rtol=1e-11, atol=1e-11)


def test_surrogates_on_a_gpu_come_in_batches(rng, host_gpu, monkeypatch):
    monkeypatch.setattr(permutation, "_TOGETHER", 4)
    batches = []
    means = permutation.surrogate_means

    def noted(x, y, ks, next_orders, **options):
        def next_noted():
            orders = next_orders()
            batches.append(None if orders is None else len(orders))
            return orders

        return means(x, y, ks, next_noted, **options)

    monkeypatch.setattr(permutation, "surrogate_means", noted)
    x, y = pair(rng)
    seen = []
    fastmi.permutation_test(
        x, y, n_permutations=12, seed=4, device="cuda", progress=lambda: seen.append(1)
    )
    assert len(seen) == 12
    assert batches == [4, 4, 4, None]
    names = [name for name, *_ in host_gpu.cuda.calls]
    assert names.count("ksg_surrogates") == 1
    assert names.count("Buffer") == 2


AT_ONCE = [
    ((1, 1), {}),
    ((1, 1), {"k": [1, 6]}),
    ((1, 1), {"algorithm": "tree"}),
    ((1, 3), {}),
    ((3, 2), {"metric": "euclidean"}),
    ((4, 3), {"k": [4, 2, 4]}),
    ((2, 2), {"algorithm": "brute"}),
]


@pytest.mark.parametrize("scheme", [{}, {"scheme": "circular"}], ids=str)
@pytest.mark.parametrize("dims, options", AT_ONCE, ids=str)
@pytest.mark.parametrize("n", [70, 700])
def test_surrogates_at_once_as_one_by_one(rng, dims, options, n, scheme, dtype, monkeypatch):
    """The bits are those of fastmi.mi of the reordered samples, also without the kernel."""
    x, y = (rng.standard_normal((n, d)).astype(dtype) for d in dims)
    x[: n // 5] = x[0]  # copies
    arguments = {"n_permutations": 35, "seed": 4, "n_jobs": 2, **options, **scheme}
    fast = fastmi.permutation_test(x, y, **arguments)
    monkeypatch.setattr(permutation, "as_ksg1", lambda *_: None)
    slow = fastmi.permutation_test(x, y, **arguments)
    several = isinstance(fast, list)
    pairs = zip(fast, slow, strict=True) if several else [(fast, slow)]
    for of_fast, of_slow in pairs:
        np.testing.assert_array_equal(of_fast.null, of_slow.null)
        assert of_fast.p_value == of_slow.p_value
        assert of_fast.estimate == of_slow.estimate


def test_threads_and_slabs_change_nothing(rng, threads, monkeypatch):
    x, y = rng.standard_normal((2, 200, 2))
    one = fastmi.permutation_test(x, y, n_permutations=40, seed=0, n_jobs=1)
    monkeypatch.setattr(permutation, "_TOGETHER", 1)
    many = fastmi.permutation_test(x, y, n_permutations=40, seed=0, n_jobs=threads)
    np.testing.assert_array_equal(one.null, many.null)


def test_the_surrogate_kernel_checks_its_contract(rng):
    x, y = rng.standard_normal((2, 50, 2))
    order = np.arange(50)[np.newaxis]

    def call(orders, *, ks=(3,), threads=1):
        given = iter([orders, None])
        return kernels().ksg_surrogates(
            x, y, list(ks), "chebyshev", "auto", lambda: next(given), threads
        )[0]

    terms = ksg_terms([x, y], [3], variant=1, metric="chebyshev", algorithm="auto", n_jobs=1)
    assert call(order)[0, 0] == terms.psi_mean[0]
    assert call(order[:0]).shape == (0, 1)
    assert call(None).shape == (0, 1)
    for orders, message in [
        (np.zeros((1, 50), dtype=np.int64), "orders must be permutations"),
        (order + 1, "orders must be permutations"),
        (order - 1, "orders must be permutations"),
        (order[0], r"orders must have shape \[s, n\]"),
        (order[:, :49].copy(), r"orders must have shape \[s, n\]"),
    ]:
        with pytest.raises(ValueError, match=message):
            call(orders)
    with pytest.raises(TypeError, match="orders must be C-contiguous int64"):
        call(order.astype(np.float64))
    with pytest.raises(ValueError, match="k must be in"):
        call(order, ks=[50])
    with pytest.raises(ValueError, match="ks must not be empty"):
        call(order, ks=[])
    with pytest.raises(ValueError, match="threads must be"):
        call(order, threads=0)


def test_device_of_other_methods(rng, host_gpu):
    x, y = pair(rng)
    with pytest.raises(ValueError, match="x must be in host memory"):
        fastmi.permutation_test(host_gpu.put(x), host_gpu.put(y), method="gaussian")
    with pytest.raises(TypeError, match=r"options must be among .*; got device"):
        fastmi.permutation_test(x, y, method="gaussian", device="cuda")
    with pytest.raises(ValueError, match="device must be 'auto'"):
        fastmi.permutation_test(x, y, device="gpu")
