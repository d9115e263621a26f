"""The Kullback-Leibler divergence of one sample from another: Gaussian, and of classes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from time import perf_counter
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._cautions import Caution, announce
from fastmi._checks import check_choice
from fastmi._estimate import Estimate
from fastmi._inputs import read_two
from fastmi._plug_in import digamma_real
from fastmi._spread import near_origin
from fastmi._symbols import as_symbols, stacked
from fastmi.estimators._base import Estimator
from fastmi.estimators.discrete import grassberger, plug_in
from fastmi.ops.digamma import digamma

Array: TypeAlias = NDArray[Any]
Floats: TypeAlias = NDArray[np.float64]

# Least of the singular values of standardised columns below which one is a function of the others.
_RANK_TOLERANCE = 1e-10
# Share of the samples of x in classes with one sample in x_other, above which the value scatters.
_SINGLE_SHARE = 0.05


@dataclass(frozen=True, kw_only=True)
class GaussianKLDivergence(Estimator):
    """D(P || Q) of the Gaussians with the means and covariances of the samples.

    With means a, b and covariances A, B of n samples of P and m of Q in d columns::

        D = 1/2 [tr(B^-1 A) + (a - b)' B^-1 (a - b) - d + log det B - log det A]

    For normal samples the expectation of each term is known (Goodman 1963 for the determinants, the
    mean of an inverse Wishart matrix for the others), and the bias is subtracted. Only means and
    covariances are compared, whatever else differs. No linear map of the columns changes the value.

    Args:
        bias_correction: "normal" subtracts the bias that the value has on normal samples; None
            leaves it.
    """

    bias_correction: str | None = "normal"

    def __post_init__(self) -> None:
        if self.bias_correction is not None:
            check_choice("bias_correction", self.bias_correction, ("normal",))

    def estimate(self, x: object, x_other: object) -> Estimate:
        """Estimate D(P || Q) in nats.

        Args:
            x: Samples of P, shape (n, d) or (n,).
            x_other: Samples of Q, shape (m, d) or (m,).

        Returns:
            One estimate; its ``local`` are log ratios of the fitted densities at the samples of P.

        Raises:
            TypeError: Samples that are not real numbers.
            ValueError: Samples of wrong shape, not finite, with different numbers of columns, or
                with columns that are constant or linear functions of others; n or m <= d + 2.
        """
        start = perf_counter()
        own, other = read_two(x, x_other, ("x", "x_other"))
        (n, d), m = own.shape, len(other)
        if min(n, m) <= d + 2:
            raise ValueError(
                "x and x_other must have more samples than columns, by more than 2; got "
                f"n={n}, m={m}, {d} columns"
            )
        own, other = _standardised(own, other)
        for block, name in ((own, "x"), (other, "x_other")):
            _check_rank(block, name)
        mean, mean_other = own.mean(axis=0), other.mean(axis=0)
        root = np.linalg.cholesky(np.cov(own.T, bias=True).reshape(d, d))
        root_other = np.linalg.cholesky(np.cov(other.T, bias=True).reshape(d, d))
        white = np.linalg.solve(root, (own - mean).T)
        white_other = np.linalg.solve(root_other, (own - mean_other).T)
        log_det = 2.0 * float(np.log(np.diag(root)).sum())
        log_det_other = 2.0 * float(np.log(np.diag(root_other)).sum())
        square = (white_other**2).sum(axis=0)
        local: Floats = 0.5 * (square - (white**2).sum(axis=0) + log_det_other - log_det)
        raw, bias = float(local.mean()), 0.0
        if self.bias_correction is not None:
            quadratic = float(square.mean())
            unbiased = quadratic * (m - d - 2) / m - d / m
            dets = _log_det_bias(m, d) - _log_det_bias(n, d)
            bias = 0.5 * (quadratic - unbiased + dets)
        # What each sample of Q changes through its mean and covariance.
        u = np.linalg.solve(root_other, (other - mean_other).T)
        moment = white_other @ white_other.T / n
        shift = white_other.mean(axis=1)
        change = 0.5 * ((u**2).sum(axis=0) - ((moment @ u) * u).sum(axis=0)) - shift @ u
        stderr = math.hypot(float(local.std()) / n**0.5, float(change.std()) / m**0.5)
        found = []
        if min(n, m) < 10 * d:
            found.append(
                Caution(
                    f"n={n}, m={m} samples are few for {d} columns: values scatter widely",
                    "few_samples",
                )
            )
        return announce(
            Estimate(
                raw - bias,
                k=None,
                n=n,
                dims=(d, d),
                method=self.method,
                stderr=stderr,
                local=local,
                warnings=tuple(found),
                seconds=perf_counter() - start,
                bias=bias,
            )
        )


def _standardised(given: Array, given_other: Array) -> tuple[Floats, Floats]:
    """Return both samples in units and from the origin of the second, column by column."""
    both = near_origin(np.concatenate([given, given_other])).astype(np.float64)
    largest = np.abs(both).max(axis=0)
    both /= np.where(largest > 0.0, largest, 1.0)  # so that squares neither overflow nor vanish
    own, other = both[: len(given)], both[len(given) :]
    center, spread = other.mean(axis=0), other.std(axis=0)
    spread = np.where(spread > 0.0, spread, 1.0)
    return (own - center) / spread, (other - center) / spread


def _check_rank(block: Floats, name: str) -> None:
    centered = block - block.mean(axis=0)
    length = np.sqrt((centered**2).sum(axis=0))
    rank = 0
    if length.all():
        singular = np.linalg.svd(centered / length, compute_uv=False)
        rank = int((singular > _RANK_TOLERANCE * singular[0]).sum())
    if rank < block.shape[1]:
        raise ValueError(
            f"{name} must have columns that vary and are no linear functions of one another, for "
            "its Gaussian to have a density; got others: leave out constant and repeated columns"
        )


def _log_det_bias(n: int, d: int) -> float:
    """Return E log det S - log det C of the covariance S of n normal samples with covariance C."""
    return math.fsum(digamma_real((n - i) / 2) for i in range(1, d + 1)) - d * math.log(n / 2)


@dataclass(frozen=True, kw_only=True)
class DiscreteKLDivergence(Estimator):
    """D(P || Q) of discrete variables, from the counts of their symbols.

    It is ``sum_s p_s log(p_s / q_s)``, the cross-entropy of P and Q less the entropy of P. A symbol
    of P that Q's sample lacks makes it infinite, and a warning says how many there are.

    Args:
        correction: "none" takes the observed frequencies, whose value is too large by about ``(K -
            1) (1/n + 1/m) / 2`` for K symbols where P is Q. "grassberger" corrects the entropy as
            :class:`fastmi.DiscreteEntropy` does, and has psi(m_s + 1) in the place of log(m_s),
            which is free of bias for symbols that are not rare.
    """

    correction: str = "grassberger"

    def __post_init__(self) -> None:
        check_choice("correction", self.correction, ("none", "grassberger"))

    def estimate(self, x: object, x_other: object) -> Estimate:
        """Estimate D(P || Q) in nats.

        Args:
            x: Classes, shape (n, d) or (n,), as in :meth:`fastmi.DiscreteEntropy.estimate`.
            x_other: Classes, shape (m, d) or (m,).

        Raises:
            TypeError: Values that cannot be compared.
            ValueError: Samples of wrong shape, with different numbers of columns; missing labels.
        """
        start = perf_counter()
        both, n, d = stacked(x, x_other, ("x", "x_other"))
        symbols, _ = as_symbols(both, "x and x_other")
        m = len(symbols.of) - n
        size, other = (
            np.bincount(part, minlength=len(symbols.size))
            for part in (symbols.of[:n], symbols.of[n:])
        )
        occurs = size > 0
        surprise = np.zeros(len(size))
        if self.correction == "none":
            surprise[occurs] = plug_in(size[occurs], n)
            with np.errstate(divide="ignore"):
                cross = math.log(m) - np.log(other)
        else:
            surprise[occurs] = grassberger(size[occurs], n)
            cross = math.log(m) - digamma((other + 1).astype(np.int64))
            cross[other == 0] = np.inf
        each = np.where(occurs, cross - surprise, 0.0)
        local = each[symbols.of[:n]]
        absent = occurs & (other == 0)
        found = []
        if absent.any():
            value, stderr = math.inf, math.nan
            found.append(_absent_caution(int(absent.sum()), int(size[absent].sum()), n))
        else:
            value = math.fsum(each * size) / n
            share = (size / n) ** 2
            ratio = float((share[occurs] * m / other[occurs]).sum())
            # What the scatter of Q adds: the variance of p / q, to first order.
            stderr = math.sqrt(float(local.var()) / n + max(ratio - 1.0, 0.0) / m)
            rare = int(size[occurs & (other == 1)].sum())
            if rare > _SINGLE_SHARE * n:
                found.append(
                    Caution(
                        f"{rare} of {n} samples of x are of classes that x_other has once: the "
                        "value scatters, and others may be missing; merge rare classes",
                        "few_samples",
                    )
                )
        return announce(
            Estimate(
                value,
                k=None,
                n=n,
                dims=(d, d),
                method=self.method,
                stderr=stderr,
                local=local,
                warnings=tuple(found),
                seconds=perf_counter() - start,
            )
        )


def _absent_caution(classes: int, samples: int, n: int) -> Caution:
    return Caution(
        f"{classes} classes of x, with {samples} of {n} samples, do not occur in x_other: the "
        "value is infinite; merge rare classes, or leave these samples out",
        "infinite",
    )
