"""Inputs: conversions without needless copies, and a message for every bad input."""

import numpy as np
import pytest

import fastmi
from fastmi._inputs import as_blocks, as_radius, as_samples, jitter


@pytest.fixture
def x(rng):
    return rng.standard_normal((30, 2))


class TestConversion:
    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_contiguous_floats_are_not_copied(self, x, dtype):
        given = x.astype(dtype)
        assert as_samples(given, "x") is given
        column = np.ascontiguousarray(given[:, 0])
        samples = as_samples(column, "x")
        assert samples.shape == (30, 1)
        assert np.shares_memory(samples, column)

    def test_read_only_arrays_are_not_copied(self, x):
        x.flags.writeable = False
        assert as_samples(x, "x") is x

    @pytest.mark.parametrize(
        "dtype", ["bool", "int8", "uint16", "int64", "uint64", "float16", "longdouble"]
    )
    def test_other_numbers_become_float64(self, dtype):
        given = np.array([0, 1, 1, 0]).astype(dtype)
        samples = as_samples(given, "x")
        assert samples.dtype == np.float64
        np.testing.assert_array_equal(samples[:, 0], [0, 1, 1, 0])

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    @pytest.mark.parametrize(
        "change",
        [
            np.asfortranarray,
            lambda a: a[::-1],
            lambda a: np.repeat(a, 2, axis=1)[:, ::2],
            lambda a: a.astype(a.dtype.newbyteorder()),
            lambda a: np.frombuffer(b"!" + a.tobytes(), np.int8)[1:].view(a.dtype).reshape(a.shape),
        ],
        ids=["fortran", "reversed", "strided", "byteswapped", "unaligned"],
    )
    def test_layouts(self, x, dtype, change):
        given = change(x.astype(dtype))
        samples = as_samples(given, "x")
        assert samples.dtype == np.dtype(dtype)
        assert samples.dtype.isnative
        assert samples.flags.c_contiguous
        assert samples.flags.aligned
        np.testing.assert_array_equal(samples, given)

    def test_nested_lists_have_samples_in_rows(self):
        assert as_samples([[1, 2, 3], [4, 5, 6]], "x").shape == (2, 3)
        assert as_samples((1.0, 2.0, 3.0), "x").shape == (3, 1)

    def test_subclasses_become_plain_arrays(self, x):
        unmasked = np.ma.masked_array(x, mask=False)
        for given in (unmasked, x.view(np.matrix)):
            samples = as_samples(given, "x")
            assert type(samples) is np.ndarray
            np.testing.assert_array_equal(samples, x)

    def test_dlpack_alone_is_enough(self, x):
        class OnlyDLPack:
            def __dlpack__(self, **options):
                return x.__dlpack__(**options)

            def __dlpack_device__(self):
                return x.__dlpack_device__()

        samples = as_samples(OnlyDLPack(), "x")
        assert np.shares_memory(samples, x)

    def test_blocks_of_two_dtypes_become_float64(self, x):
        blocks = as_blocks((x.astype(np.float32), x), ("x", "y"))
        assert [b.dtype for b in blocks] == [np.float64, np.float64]
        assert blocks[1] is x

    def test_pandas(self, x):
        pd = pytest.importorskip("pandas")
        frame = pd.DataFrame(x, columns=["a", "b"])
        np.testing.assert_array_equal(as_samples(frame, "x"), x)
        column = pd.Series(np.ascontiguousarray(x[:, 0]))
        assert np.shares_memory(as_samples(column, "x"), column.to_numpy())
        frame["flag"] = x[:, 0] > 0
        frame["count"] = pd.array(range(30), dtype="Int64")
        samples = as_samples(frame, "x")
        np.testing.assert_array_equal(samples[:, 2], x[:, 0] > 0)
        np.testing.assert_array_equal(samples[:, 3], range(30))

    def test_polars(self, x):
        pl = pytest.importorskip("polars")
        frame = pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "flag": x[:, 0] > 0})
        np.testing.assert_array_equal(as_samples(frame, "x")[:, :2], x)
        column = frame["a"]
        assert np.shares_memory(as_samples(column, "x"), column.to_numpy())

    def test_torch(self, x):
        torch = pytest.importorskip("torch")
        given = torch.from_numpy(x)
        assert np.shares_memory(as_samples(given, "x"), x)
        assert np.shares_memory(as_samples(given.clone().requires_grad_(), "x"), x) is False
        assert as_samples(given.float(), "x").dtype == np.float32
        with pytest.raises(TypeError, match=r"^x must be readable.*Tensor.*BFloat16"):
            as_samples(given.bfloat16(), "x")


class TestBadSamples:
    @pytest.mark.parametrize(
        "bad, message",
        [
            (np.zeros((4, 2, 2)), r"x must be 1-D .* or 2-D .*got 3-D, shape \(4, 2, 2\)"),
            (3.0, "x must be 1-D .*got a scalar"),
            ([], r"x must have at least one sample and one column; got shape \(0,\)"),
            (np.zeros((0, 3)), r"at least one sample .*got shape \(0, 3\)"),
            (np.zeros((5, 0)), r"at least .* one column; got shape \(5, 0\)"),
            ([[1.0, 2.0], [3.0]], "x must be readable as a NumPy array; got list: "),
            (np.ma.masked_equal([1.0, 2.0, 1.0], 1.0), "x must not have masked .*got 2 of 3"),
            ([1.0, np.nan, 2.0, np.nan], r"x must be finite; got nan in row 1 \(2 such values"),
            (
                [[1, 2], [3, np.inf]],
                r"x must be finite; got inf in column 1, row 1 \(1 such value ",
            ),
            ([0.0, 1e308], r"x must be at most 8.99e\+307 in magnitude.*got 1e\+308 in row 1"),
            (
                np.array([[0, 3e38]], np.float32),
                r"at most 1.7e\+38 .*fit float32.* column 1, row 0",
            ),
            (np.array([0.0, -np.inf], np.float32), "x must be finite; got -inf in row 1"),
        ],
        ids=lambda v: None if isinstance(v, str) else type(v).__name__,
    )
    def test_value_errors(self, bad, message):
        with pytest.raises(ValueError, match=message):
            as_samples(bad, "x")

    @pytest.mark.parametrize(
        "bad, message",
        [
            ([1, None], "x must be real numbers .*got list with dtype object: convert it"),
            (np.array([1.0, 2.0], dtype=object), "got ndarray with dtype object"),
            ([1j, 2], "got list with dtype complex128"),
            (["1", "2"], "got list with dtype <U1"),
            ("12", "got str with dtype <U2"),
            (None, "got NoneType with dtype object"),
            ({1: 2}, "got dict with dtype object"),
            ((v for v in [1, 2]), "got generator with dtype object"),
            (np.array(["2020-01-01"], "datetime64[D]"), r"dtype datetime64\[D\]"),
            (np.zeros(3, dtype=[("a", float)]), "got ndarray with dtype"),
        ],
        ids=lambda v: None if isinstance(v, str) else type(v).__name__,
    )
    def test_type_errors(self, bad, message):
        with pytest.raises(TypeError, match=message):
            as_samples(bad, "x")

    def test_an_unreadable_array_says_why(self):
        class OnAnotherDevice:
            def __array__(self, dtype=None, copy=None):
                raise TypeError("cannot convert, use .cpu()")

        with pytest.raises(TypeError, match=r"x must be readable.*OnAnotherDevice: .*\.cpu\(\)"):
            as_samples(OnAnotherDevice(), "x")

    def test_frames_name_the_column(self):
        pd = pytest.importorskip("pandas")
        frame = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, np.nan]})
        with pytest.raises(ValueError, match=r"got nan in column 1 \('b'\), row 1"):
            as_samples(frame, "x")
        frame["b"] = ["one", "two"]
        with pytest.raises(TypeError, match="x must be numeric; got column 'b' with dtype"):
            as_samples(frame, "x")

    def test_numbers_of_samples_must_match(self):
        with pytest.raises(
            ValueError,
            match=r"x and y must have the same number of samples; got x with n=5, y .*n=4",
        ):
            fastmi.mi(np.arange(5.0), np.arange(4.0))
        with pytest.raises(ValueError, match="is one of them transposed"):
            fastmi.mi(np.arange(5.0), np.zeros((2, 5)))


PAIR = (np.arange(5.0), np.arange(5.0) ** 2)


class TestBadOptions:
    """Options are checked by the public call."""

    @pytest.mark.parametrize(
        "options, message",
        [
            ({"k": 0}, r"k must be in \[1, n - 1\]; got k=0"),
            ({"k": -2}, r"k must be in \[1, n - 1\]; got k=-2"),
            ({"k": 5}, r"k must be in \[1, n - 1\]; got k=5, n=5"),
            ({"k": 8}, r"k must be in \[1, n - 1\]; got k=8, n=5"),
            ({"k": [3, 5]}, r"k must be in \[1, n - 1\]; got k=5, n=5"),
            ({"k": [3, 0]}, r"k must be in \[1, n - 1\]; got k=0"),
            ({"k": []}, r"k must name at least one number of neighbours; got k=\[\]"),
            ({"method": "ksg3"}, "method must be one of 'ksg1', 'ksg2', .*; got method='ksg3'"),
            ({"method": 3}, "method must be one of .*; got method=3"),
            ({"metric": "cosine"}, "metric must be one of 'chebyshev', 'euclidean'; got .*cosine"),
            ({"algorithm": "kd"}, "algorithm must be one of 'auto', 'tree', 'brute', 'sort'; got"),
            ({"n_jobs": 0}, "n_jobs must be None or -1 .* >= 1; got n_jobs=0"),
            ({"n_jobs": -2}, "n_jobs must be .*; got n_jobs=-2"),
            ({"noise": -1e-3}, "noise must be finite and >= 0; got noise=-0.001"),
            ({"noise": float("nan")}, "noise must be finite and >= 0; got noise=nan"),
            ({"noise": float("inf")}, "noise must be finite and >= 0; got noise=inf"),
        ],
        ids=str,
    )
    def test_value_errors(self, options, message):
        with pytest.raises(ValueError, match=message):
            fastmi.mi(*PAIR, **options)

    @pytest.mark.parametrize(
        "options, message",
        [
            ({"k": 3.0}, r"k must be an integer or a sequence of integers; got k=3.0 \(float\)"),
            ({"k": "3"}, "k must be an integer .*got k='3'"),
            ({"k": None}, "k must be an integer .*got k=None"),
            ({"k": True}, "k must be an integer .*got k=True"),
            ({"k": [3, 2.5]}, "k must be an integer or a sequence of integers; got"),
            ({"k": [[1, 2], [3]]}, "k must be an integer or a sequence of integers; got"),
            ({"n_jobs": 2.0}, r"n_jobs must be .*; got n_jobs=2.0 \(float\)"),
            ({"n_jobs": True}, "n_jobs must be .*; got n_jobs=True"),
            ({"n_jobs": "all"}, "n_jobs must be .*; got n_jobs='all'"),
            ({"noise": "small"}, "noise must be None or a real number >= 0; got noise='small'"),
            ({"noise": True}, "noise must be None or a real number >= 0; got noise=True"),
            ({"kk": 3}, "options must be among k, method, metric, n_jobs, .*; got kk"),
        ],
        ids=str,
    )
    def test_type_errors(self, options, message):
        with pytest.raises(TypeError, match=message):
            fastmi.mi(*PAIR, **options)

    def test_entropy_checks_its_own(self):
        with pytest.raises(ValueError, match="correction must be one of 'digamma', 'log', 'log-1'"):
            fastmi.entropy(PAIR[0], correction="none")
        with pytest.raises(ValueError, match="method must be one of 'kl'"):
            fastmi.entropy(PAIR[0], method="ksg1")
        with pytest.raises(TypeError, match=r"among k, method, .*correction.*; got base"):
            fastmi.entropy(PAIR[0], base=2)

    def test_estimators_check_when_made(self):
        with pytest.raises(ValueError, match="variant must be 1 or 2; got variant=3"):
            fastmi.KSG(variant=3)
        with pytest.raises(ValueError, match="k must be in"):
            fastmi.KSG(k=0)
        with pytest.raises(ValueError, match="correction"):
            fastmi.KozachenkoLeonenko(correction="")

    def test_neighbors(self, x):
        near = fastmi.neighbors
        with pytest.raises(TypeError, match=r"k must be one integer; got k=\(1, 2\)"):
            near.kneighbors(x, [1, 2])
        with pytest.raises(ValueError, match="k=30, n=30"):
            near.kth_distance(x, 30)
        with pytest.raises(ValueError, match=r"x must have at least one block"):
            near.kth_distance((), 1)
        with pytest.raises(ValueError, match=r"x\[0\] and x\[1\] must have the same number"):
            near.kth_distance((x, x[1:]), 1)
        with pytest.raises(ValueError, match="n_jobs"):
            near.count_within(x, 1.0, n_jobs=0)

    @pytest.mark.parametrize(
        "radius, error, message",
        [
            (-1.0, ValueError, "radius must be >= 0 and not NaN; got radius=-1.0"),
            ([1.0] * 29 + [np.nan], ValueError, "radius must be .*; got radius=nan"),
            ([1.0, 2.0], ValueError, r"shape \(n,\); got shape \(2,\), n=30"),
            ("wide", TypeError, "radius must be real numbers; got dtype <U4"),
            (None, TypeError, "radius must be real numbers; got dtype object"),
        ],
        ids=str,
    )
    def test_radius(self, x, radius, error, message):
        with pytest.raises(error, match=message):
            fastmi.neighbors.count_within(x, radius)

    @pytest.mark.parametrize(
        "n, error, message",
        [
            ([1, 0, -5], ValueError, r"n must be positive .*got n=0"),
            (np.array([2**63], np.uint64), ValueError, "got n=9223372036854775808"),
            ([1.0], TypeError, "n must be integers; got dtype float64"),
            ([True], TypeError, "n must be integers; got dtype bool"),
        ],
        ids=str,
    )
    def test_digamma(self, n, error, message):
        with pytest.raises(error, match=message):
            fastmi.neighbors.digamma(n)


class TestRadius:
    def test_float64_radius_compares_exactly_with_float32_distances(self):
        single = np.float32(0.1)  # a little above 0.1
        for radius in (0.1, float(single), 0.1 + 1e-12, 1e-50, 0.0, 1e300, np.inf):
            for strict in (True, False):
                (rounded,) = as_radius(radius, 1, np.dtype(np.float32), strict=strict)
                for distance in (np.float32(0), np.nextafter(single, np.float32(0)), single):
                    real = float(distance)
                    expected = real < radius if strict else real <= radius
                    got = distance < rounded if strict else distance <= rounded
                    assert got == expected, (radius, strict, distance)

    def test_one_number_stands_for_all(self):
        radii = as_radius(2, 4, np.dtype(np.float64), strict=True)
        np.testing.assert_array_equal(radii, [2.0] * 4)
        assert radii.flags.c_contiguous


class TestNoise:
    def test_scale_follows_the_column(self, rng):
        x = rng.standard_normal((4000, 3)) * [1.0, 1e200, 1e-300] + [5.0, 0.0, 0.0]
        (noisy,) = jitter([x], 1e-3, 7)
        moved = (noisy - x) / (1e-3 * np.array([1.0, 1e200, 1e-300]))
        np.testing.assert_allclose(np.abs(moved).max(axis=0), 0.5, rtol=0.1)
        np.testing.assert_allclose(moved.std(axis=0), 12**-0.5, rtol=0.05)

    @pytest.mark.parametrize("noise", [0.0, 1e-10])
    @pytest.mark.parametrize("seed, error", [(-1, ValueError), ("a", TypeError), (1.5, TypeError)])
    def test_a_wrong_seed_is_named_even_without_noise(self, x, noise, seed, error):
        with pytest.raises(error, match="seed must suit"):
            fastmi.mi(x, x, noise=noise, seed=seed)

    def test_seeds(self, x):
        first, again, other = (jitter([x, x], 0.1, seed) for seed in (1, 1, 2))
        np.testing.assert_array_equal(first, again)
        assert (first[0] != other[0]).all()
        assert (first[0] != first[1]).all()

    def test_dtype_constants_and_input_are_kept(self, x):
        single = x.astype(np.float32)
        single[:, 1] = 3.0
        before = single.copy()
        (noisy,) = jitter([single], 0.1, 0)
        assert noisy.dtype == np.float32
        np.testing.assert_array_equal(noisy[:, 1], 3.0)
        np.testing.assert_array_equal(single, before)

    def test_overflow_is_an_error(self, x):
        with pytest.raises(ValueError, match=r"noise must be small .*got noise=1e\+308"):
            jitter([x * 1e10], 1e308, 0)


def test_integers_beyond_float64_are_refused():
    large = 2**53 + np.arange(6)
    with pytest.raises(ValueError, match=r"x must hold integers up to 2\*\*53"):
        fastmi.neighbors.kth_distance(large, 1)
    assert (fastmi.neighbors.kth_distance(large - 2**53, 1) == 1).all()


def test_counts_are_read_only():
    estimate = fastmi.mi(np.arange(20.0), np.arange(20.0) ** 2)
    with pytest.raises(ValueError, match="read-only"):
        estimate.counts[0, 0] = 1
