"""No public function lets a warning of NumPy out: extreme samples get a value or a refusal."""

import warnings
from functools import partial

import numpy as np
import pytest

import fastmi
from fastmi import datasets, neighbors, normalize
from fastmi.compat import npeet
from fastmi.estimators._methods import METHODS

N = 30
DRAWN = np.random.default_rng(0).normal(size=(N, 5))
LABELS = np.arange(N) % 3
ROW = np.arange(N)[:, np.newaxis]


def _units(dtype, kind):
    limits = np.finfo(dtype)
    top = float(limits.max) / 2
    return {
        "near the largest": top * 0.999 / np.abs(DRAWN).max(),
        "squares overflow": 100 * float(limits.max) ** 0.5,
        "squares vanish": 0.01 * float(limits.tiny) ** 0.5,
        "smallest normal": 4 * float(limits.tiny),
    }[kind]


#: Samples from standard normal ones `a`, shape (n, d), for the limits of a dtype.
INPUTS = {
    **{
        kind: lambda a, dtype, kind=kind: a * _units(dtype, kind)
        for kind in ("near the largest", "squares overflow", "squares vanish", "smallest normal")
    },
    "subnormal": lambda a, dtype: np.round(a * 50) * float(np.finfo(dtype).smallest_subnormal),
    "far": lambda a, dtype: a + 0.125 / float(np.finfo(dtype).eps),
    "swallowed by an offset": lambda a, dtype: a + 4 / float(np.finfo(dtype).eps),
    "constant": lambda a, _: np.full_like(a, 3.3),
    "zero": lambda a, _: np.zeros_like(a),
    "huge constant": lambda a, dtype: np.full_like(a, float(np.finfo(dtype).max) / 2),
    "a constant column": lambda a, _: np.where(np.arange(a.shape[1]) == 0, 7.0, a),
    "two values": lambda a, _: (a > 0) * 1.0,
    "the two ends": lambda a, dtype: np.copysign(float(np.finfo(dtype).max) / 2, a),
    "ties up to both ends": lambda a, dtype: (
        np.round(2 * a).clip(-4, 4) * (float(np.finfo(dtype).max) / 8)
    ),
    "huge rounding beside small values": lambda a, _: np.where(
        np.arange(a.shape[1]) == 0, 1e300 * (1 + 2e-16 * (a > 0)), 1e-100 * a
    ),
    "outlier": lambda a, _: np.where(ROW == 5, 1e25, a),
    "largest outlier": lambda a, dtype: np.where(ROW == 0, -0.4 * float(np.finfo(dtype).max), a),
    "unlike columns": lambda a, _: a * np.array([1e-30, 1e30])[: a.shape[1]],
}


def _estimates():
    """Yield name, number of variables and function of each method with options that matter."""
    takes = {
        "mi": (2, fastmi.mi),
        "cmi": (3, fastmi.cmi),
        "total_correlation": (3, fastmi.total_correlation),
        "dual_total_correlation": (3, fastmi.dual_total_correlation),
        "o_information": (3, fastmi.o_information),
        "s_information": (3, fastmi.s_information),
        "kl_divergence": (2, fastmi.kl_divergence),
        "entropy": (1, fastmi.entropy),
    }
    for method in METHODS:
        if method.trains:
            continue
        count, function = takes[method.function]
        always = {"method": method.name, **({"k": 6} if method.name == "lnc" else {})}
        choices = [{}]
        if "normalize" in method.options:
            choices += [{"normalize": "global"}, {"normalize": "copula"}]
        if "noise" in method.options:
            choices += [{"noise": 0}, {"noise": 1e-3, "seed": 0}]
        if method.name == "biksg":
            choices.append({"p": 2})
        elif "metric" in method.options:
            choices.append({"metric": "euclidean"})
        for options in choices:
            call = partial(function, **always, **options)
            if method.takes_classes(1) and count == 2:
                yield f"{method.function} {always} {options}", 1, partial(_of_classes, call)
            else:
                yield f"{method.function} {always} {options}", count, call


def _of_classes(call, x):
    return call(x, LABELS)


def _statistics():
    few = {"n_permutations": 3, "seed": 0}
    for method in ("ksg1", "gaussian"):
        own = {"method": method, **few}
        yield f"pairwise_mi {method}", 2, partial(fastmi.pairwise_mi, **own)
        yield f"permutation_test {method}", 2, partial(_scored, **own)
        yield f"lagged_mi {method}", 2, partial(fastmi.lagged_mi, lags=[0, 1], **own)
        yield f"jackknife_error {method}", 2, partial(_jackknife, method=method)
    subsample = partial(fastmi.subsample_error, halves=3, seed=0)
    yield "subsample_error", 2, subsample
    yield "subsample_error gaussian", 2, partial(subsample, method="gaussian")
    yield "pairwise_mi normalize", 1, partial(fastmi.pairwise_mi, method="ksg1", normalize="local")
    yield "transfer_entropy", 2, partial(fastmi.transfer_entropy, **few)
    for scheme in ("local", "residual", "circular"):
        test = partial(fastmi.permutation_test, scheme=scheme, **few)
        yield f"permutation_test z {scheme}", 3, test


def _scored(x, y, **options):
    test = fastmi.permutation_test(x, y, **options)
    return test.z_score, test.corrected, str(test)


def _jackknife(x, y, method):
    return fastmi.jackknife_error(fastmi.mi(x, y, method=method))


def _others():
    for name in ("local", "global_", "global_linf", "global_corrected"):
        scale = getattr(normalize, name)
        yield f"normalize.{name}", 1, scale
        yield f"normalize.{name} center", 1, partial(scale, center=True)
    yield "normalize.rank", 1, normalize.rank
    yield "normalize.copula", 1, normalize.copula
    yield "kneighbors", 1, partial(neighbors.kneighbors, k=3)
    yield "count_within", 1, lambda x: neighbors.count_within(x, neighbors.kth_distance(x, 3))
    yield "transforms.cube", 1, datasets.transforms.cube
    yield "transforms.logistic", 1, datasets.transforms.logistic
    yield "transforms.random_mix", 1, partial(datasets.transforms.random_mix, seed=0)
    yield "metrics.score", 2, lambda x, y: datasets.metrics.score(x[:, 0], y[:, 0])
    yield "npeet.mi", 2, npeet.mi
    yield "npeet.mi alpha", 2, partial(npeet.mi, alpha=0.25, k=5)
    yield "npeet.mi z alpha", 3, partial(npeet.mi, alpha=0.25, k=6)
    yield "npeet.entropy", 1, partial(npeet.entropy, noise=0)
    yield "npeet.tc", 1, npeet.tc
    yield "npeet.kldiv", 2, npeet.kldiv
    yield "npeet.micd", 1, lambda x: npeet.micd(x, LABELS[:, np.newaxis])
    yield "npeet.centropycd", 1, lambda x: npeet.centropycd(x, LABELS[:, np.newaxis])
    yield "npeet.entropyd", 1, npeet.entropyd
    yield "npeet.shuffle_test", 2, partial(npeet.shuffle_test, npeet.mi, ns=2)


CALLS = [*_estimates(), *_statistics(), *_others()]


def samples(kind, dtype):
    """Return x, y and z of 2, 2 and 1 columns; y depends on x."""
    x, e, z = DRAWN[:, :2], DRAWN[:, 2:4], DRAWN[:, 4:]
    blocks = (x, 0.8 * x + 0.6 * e, z)
    limit = float(np.finfo(dtype).max) / 2
    return [np.clip(INPUTS[kind](a, dtype), -limit, limit).astype(dtype) for a in blocks]


def run(call, blocks):
    """Call with NumPy's warnings as errors; ValueError is a refusal."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        warnings.filterwarnings("ignore", "every column of x is constant", RuntimeWarning)
        # NPEET's warning of small classes.
        warnings.filterwarnings("ignore", category=UserWarning)
        try:
            return call(*blocks)
        except ValueError as refusal:
            return refusal


@pytest.mark.parametrize("kind", INPUTS)
def test_no_warning_of_numpy(kind, dtype):
    blocks = samples(kind, dtype)
    for name, count, call in CALLS:
        try:
            run(call, [block.copy() for block in blocks[:count]])
        except RuntimeWarning as warning:
            pytest.fail(f"{name}: {warning}")


@pytest.mark.parametrize("kind", INPUTS)
def test_no_warning_of_numpy_in_the_scores_of_scikit_learn(kind, dtype):
    scores = pytest.importorskip("fastmi.compat.sklearn")
    pytest.importorskip("sklearn")
    x, y, _ = samples(kind, dtype)
    for call in (
        lambda: scores.mutual_info_regression(x, y[:, 0], random_state=0),
        lambda: scores.mutual_info_classif(x, LABELS, random_state=0),
    ):
        run(call, [])


def test_determined_variables():
    """Infinite estimates have no error and no score; p-values compare them as they are."""
    x = DRAWN[:, 0]
    plain = {"method": "gaussian"}
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        infinite = fastmi.mi(x, 2 * x, **plain)
        assert np.isposinf(infinite)
        assert np.isnan(fastmi.jackknife_error(infinite))
        error = fastmi.subsample_error(x, 2 * x, halves=3, seed=0, **plain)
        assert np.isnan(error.stderr)
        assert [caution.kind for caution in error.warnings] == ["deterministic", "infinite"]
        lagged = fastmi.lagged_mi(x, 2 * x, lags=[0, 1], n_permutations=19, seed=0, **plain)
        np.testing.assert_allclose(lagged.p_corrected[0], 0.05)
        # Every rotation of alternating values is a linear function of them.
        turns = np.arange(N) % 2
        test = fastmi.permutation_test(
            turns, turns, scheme="circular", n_permutations=19, seed=0, **plain
        )
        assert np.isposinf(test.null).all()
        assert test.p_value == 1.0
        assert np.isnan(test.z_score)
