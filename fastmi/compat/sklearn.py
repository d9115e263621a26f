"""The mutual information scores of scikit-learn on fastmi's kernels.

Arguments and values are the same.

    >>> from fastmi.compat.sklearn import mutual_info_regression  # doctest: +SKIP

The conventions are scikit-learn's. Continuous columns are divided by their standard deviation and
get Gaussian noise of 1e-10, which is drawn in the same order as in scikit-learn, so that the same
`random_state` gives the same results. Two continuous columns take KSG algorithm 1 (Kraskov et al.
2004, https://doi.org/10.1103/PhysRevE.69.066138), a continuous and a discrete column the estimator
of Ross (2014, https://doi.org/10.1371/journal.pone.0087357), two discrete columns the plug-in
estimate. Values are in nats, and negative ones become 0.

The module needs scikit-learn, which checks the input and scales it.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmi._checks import check_search
from fastmi._pool import on_threads
from fastmi.ops.count import count_within
from fastmi.ops.digamma import digamma, psi
from fastmi.ops.knn import kth_distance
from fastmi.ops.ksg import ksg_terms

__all__ = ["mutual_info_classif", "mutual_info_regression"]

Column = NDArray[np.float64]

_NOISE = 1e-10
# Each column uses one thread, since columns run in parallel.
_SEARCH: dict[str, Any] = {"metric": "chebyshev", "algorithm": "auto", "n_jobs": 1}


def mutual_info_regression(
    X: Any,
    y: Any,
    *,
    discrete_features: Any = "auto",
    n_neighbors: int = 3,
    copy: bool = True,
    random_state: Any = None,
    n_jobs: int | None = None,
) -> NDArray[np.float64]:
    """Estimate the mutual information of each column of `X` with a continuous target.

    Args:
        X: Samples, shape (n, features), as an array-like, data frame or sparse matrix.
        y: Target, shape (n,).
        discrete_features: Which columns are discrete: a bool for all columns, a mask or indices;
            "auto" takes all columns of a sparse matrix and none of a dense one.
        n_neighbors: Number of neighbours.
        copy: True leaves `X` as it is; False may scale it in place.
        random_state: Source of the noise: None, a seed or a ``RandomState``.
        n_jobs: Number of threads across columns, with the meaning of scikit-learn: None is 1
            outside a ``joblib.parallel_backend``, -1 is all.

    Returns:
        Values in nats, shape (features,), none below 0.

    Raises:
        ImportError: scikit-learn is not installed.
        TypeError: `n_neighbors` or `n_jobs` is not an integer.
        ValueError: The samples have the wrong shape or are not finite; an option is out of range.
    """
    return _scores(X, y, False, discrete_features, n_neighbors, copy, random_state, n_jobs)


def mutual_info_classif(
    X: Any,
    y: Any,
    *,
    discrete_features: Any = "auto",
    n_neighbors: int = 3,
    copy: bool = True,
    random_state: Any = None,
    n_jobs: int | None = None,
) -> NDArray[np.float64]:
    """Estimate the mutual information of each column of `X` with a discrete target.

    Arguments, result and errors are those of :func:`mutual_info_regression`; `y` holds labels.
    """
    _module("sklearn.utils.multiclass").check_classification_targets(y)
    return _scores(X, y, True, discrete_features, n_neighbors, copy, random_state, n_jobs)


class _Classes(NamedTuple):
    """Labels as integers from 0, and the samples of each class."""

    codes: NDArray[np.intp]
    members: list[NDArray[np.intp]]


def _scores(
    X: Any,
    y: Any,
    discrete_target: bool,
    discrete_features: Any,
    n_neighbors: Any,
    copy: bool,
    random_state: Any,
    n_jobs: int | None,
) -> NDArray[np.float64]:
    if isinstance(n_neighbors, bool) or not isinstance(n_neighbors, Integral):
        raise TypeError(f"n_neighbors must be an integer; got {n_neighbors!r}")
    k = int(n_neighbors)
    if k < 1:
        raise ValueError(f"n_neighbors must be at least 1; got n_neighbors={k}")
    # joblib reads -2 as all cores but one, which check_search does not accept.
    given: object = n_jobs
    check_search("chebyshev", "auto", None if isinstance(given, int) and given < -1 else given)
    if np.ma.is_masked(X) or np.ma.is_masked(y):
        raise ValueError("X and y must not have masked entries, which scikit-learn would unmask")
    validation = _module("sklearn.utils.validation")
    # scikit-learn looks for infinities in a sum first, and at each value if the sum has overflowed.
    with np.errstate(over="ignore", invalid="ignore"):
        X, y = validation.check_X_y(X, y, accept_sparse="csc", y_numeric=not discrete_target)
    sparse = not isinstance(X, np.ndarray)
    discrete = _discrete_mask(discrete_features, X.shape[1], sparse)
    if sparse and not discrete.all():
        raise ValueError("X must be dense to have continuous features; got a sparse matrix")
    try:
        rng = validation.check_random_state(random_state)
    except ValueError as error:
        raise ValueError(f"random_state must suit scikit-learn; got {error}") from None
    X, y = _scaled(X, y, discrete, discrete_target, copy, rng)

    # The classes of a discrete target are computed once for all columns.
    target: Column | _Classes = _classes(y) if discrete_target else _contiguous(y)

    def score(item: tuple[NDArray[Any], np.bool_]) -> float:
        column, is_discrete = item
        feature = _classes(column) if is_discrete else _contiguous(column)
        return max(0.0, _information(feature, target, k))

    items = zip(_columns(X, sparse), discrete, strict=True)
    threads = min(_module("joblib").effective_n_jobs(n_jobs), X.shape[1])
    return np.array(on_threads(score, items, threads))


def _discrete_mask(discrete_features: Any, d: int, sparse: bool) -> NDArray[np.bool_]:
    if isinstance(discrete_features, str):
        if discrete_features != "auto":
            raise ValueError(
                "discrete_features must be 'auto', a bool, a mask or indices; "
                f"got {discrete_features!r}"
            )
        return np.full(d, sparse)
    if isinstance(discrete_features, bool | np.bool_):
        return np.full(d, bool(discrete_features))
    given = np.asarray(discrete_features)
    if given.ndim != 1:
        raise ValueError(
            "discrete_features must be 'auto', a bool, a mask or indices; "
            f"got {discrete_features!r}"
        )
    if given.dtype == np.bool_:
        if given.shape != (d,):
            raise ValueError(
                f"discrete_features must have one entry per column; got {given.shape}, d={d}"
            )
        return given
    mask = np.zeros(d, dtype=np.bool_)
    try:
        mask[given] = True
    except IndexError as error:
        raise ValueError(
            f"discrete_features must be 'auto', a bool, a mask or indices of the {d} columns; "
            f"got {discrete_features!r}"
        ) from error
    return mask


def _scaled(
    X: Any,
    y: NDArray[Any],
    discrete: NDArray[np.bool_],
    discrete_target: bool,
    copy: bool,
    rng: np.random.RandomState,
) -> tuple[Any, NDArray[Any]]:
    """Scale continuous columns and add noise, to X before y as scikit-learn does."""
    scale = _module("sklearn.preprocessing").scale
    continuous = ~discrete
    if continuous.any():
        X = X.astype(np.float64, copy=copy)
        scaled = scale(_squarable(X[:, continuous]), with_mean=False, copy=False)
        level = np.maximum(1, np.abs(scaled).mean(axis=0))
        X[:, continuous] = scaled + _NOISE * level * rng.standard_normal(scaled.shape)
    if not discrete_target:
        y = scale(_squarable(y), with_mean=False)
        # In place, so that a float32 target rounds the noise as in scikit-learn.
        y += _NOISE * np.maximum(1, np.abs(y).mean()) * rng.standard_normal(len(y))
    return X, y


def _squarable(columns: NDArray[Any]) -> NDArray[Any]:
    """Return columns that are about to be scaled, huge ones over a power of two.

    The deviation of the others does not overflow; they stay as scikit-learn would scale them.
    """
    if columns.dtype.kind != "f":
        return columns
    _, exponents = np.frexp(np.abs(columns).max(axis=0))
    huge = exponents > np.finfo(columns.dtype).maxexp // 2 - 12
    return np.ldexp(columns, np.where(huge, -exponents, 0)) if np.any(huge) else columns


def _columns(X: Any, sparse: bool) -> Iterator[NDArray[Any]]:
    for j in range(X.shape[1]):
        if not sparse:
            yield X[:, j]
            continue
        stored = slice(X.indptr[j], X.indptr[j + 1])
        column = np.zeros(X.shape[0])
        column[X.indices[stored]] = X.data[stored]
        yield column


def _contiguous(column: NDArray[Any]) -> Column:
    return np.ascontiguousarray(column, dtype=np.float64).reshape(-1, 1)


def _classes(labels: NDArray[Any]) -> _Classes:
    _, codes = np.unique(labels, return_inverse=True)
    codes = codes.reshape(-1)
    order = np.argsort(codes, kind="stable")
    members = np.split(order, np.bincount(codes).cumsum()[:-1])
    return _Classes(codes, members)


def _information(x: Column | _Classes, y: Column | _Classes, k: int) -> float:
    if isinstance(x, _Classes):
        return _plug_in(x, y) if isinstance(y, _Classes) else _ross(y, x, k)
    return _ross(x, y, k) if isinstance(y, _Classes) else _ksg(x, y, k)


def _plug_in(x: _Classes, y: _Classes) -> float:
    shape = (len(x.members), len(y.members))
    cells = np.bincount(x.codes * shape[1] + y.codes, minlength=shape[0] * shape[1])
    share = cells.reshape(shape) / len(x.codes)
    independent = np.outer(share.sum(axis=1), share.sum(axis=0))
    occupied = share > 0
    return float((share[occupied] * np.log(share[occupied] / independent[occupied])).sum())


def _ksg(x: Column, y: Column, k: int) -> float:
    n = len(x)
    if k >= n:
        raise ValueError(f"n_neighbors must be in [1, n - 1]; got n_neighbors={k}, n={n}")
    terms = ksg_terms([x, y], [k], variant=1, **_SEARCH)
    constant = psi(n) + psi(k)
    if not terms.zero_radius[0]:
        return constant - float(terms.psi_mean[0])
    # nextafter(0, 0) is 0, so that a radius of 0 counts exact copies, as in scikit-learn.
    radius = np.nextafter(kth_distance([x, y], [k], **_SEARCH).distances[0], 0.0)
    within = [count_within([block], radius, strict=False, **_SEARCH).counts for block in (x, y)]
    return constant - float(sum(digamma(counts + 1).mean() for counts in within))


def _ross(x: Column, classes: _Classes, k: int) -> float:
    """Return eq. 2 of Ross (2014): distances within each class, counts among all samples."""
    kept, radii, ks, sizes = [], [], [], []
    for members in classes.members:
        size = len(members)
        if size == 1:
            continue
        k_class = min(k, size - 1)
        kept.append(members)
        radii.append(_class_radius(x[members], k_class))
        ks.append(np.full(size, k_class))
        sizes.append(np.full(size, size))
    if not kept:
        return 0.0
    points = x[np.concatenate(kept)]
    radius = np.nextafter(np.concatenate(radii), 0.0)
    within = count_within([points], radius, strict=False, **_SEARCH).counts + 1
    value = psi(len(points)) + digamma(np.concatenate(ks)).mean()
    return float(value - digamma(np.concatenate(sizes)).mean() - digamma(within).mean())


def _class_radius(points: Column, k: int) -> NDArray[np.float64]:
    if k < len(points) // 2:
        radius: NDArray[np.float64] = kth_distance([points], [k], **_SEARCH).distances[0]
        return radius
    # For so few samples scikit-learn computes x^2 - 2 x y + y^2, whose rounding decides counts.
    values = points[:, 0]
    squares = values * values
    rounded = (squares[:, None] - 2.0 * np.outer(values, values)) + squares[None, :]
    np.fill_diagonal(rounded, np.inf)
    nearest: NDArray[np.float64] = np.partition(rounded, k - 1, axis=1)[:, k - 1]
    return np.sqrt(np.maximum(nearest, 0.0))


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(
            f"fastmi.compat.sklearn needs scikit-learn ({name} could not be imported): "
            "pip install 'fastmi[sklearn]'"
        ) from error
