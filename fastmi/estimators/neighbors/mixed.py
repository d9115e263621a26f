"""Mutual information where a variable is discrete, or continuous with atoms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fastmi._cautions import Caution
from fastmi._checks import k_list
from fastmi._columns import check_pairing
from fastmi._estimate import Estimate, small_sample_warnings
from fastmi._inputs import check_same_length
from fastmi._symbols import Symbols, as_symbols
from fastmi.estimators.neighbors._mixtures import (
    copies_of,
    label_cautions,
    margin_copies,
    scale_cautions,
)
from fastmi.estimators.neighbors._ties import TIED_SHARE
from fastmi.estimators.neighbors.base import (
    MetricNeighborEstimator,
    Terms,
    rescale_advice,
    zeros,
)
from fastmi.estimators.neighbors.forms import OfTwo
from fastmi.ops.digamma import digamma, psi
from fastmi.ops.knn import KthDistances
from fastmi.ops.rescale import held_radii

Array = NDArray[Any]


@dataclass(frozen=True)
class ClassMembers:
    """The samples of each class, which many estimates with the same classes share.

    Attributes:
        symbols: The class of each sample.
        kept: Samples that are not alone in their class, shape (n,).
        rows: For each class of at least two samples, their numbers among those that are kept.
    """

    symbols: Symbols
    kept: NDArray[np.bool_]
    rows: list[NDArray[np.intp]]

    @classmethod
    def of(cls, symbols: Symbols) -> ClassMembers:
        """Return the members of classes from their symbols."""
        kept = symbols.size[symbols.of] > 1
        labels = symbols.of[kept]
        by_class = np.argsort(labels, kind="stable")
        ends = np.flatnonzero(np.diff(labels[by_class])) + 1
        return cls(symbols, kept, np.split(by_class, ends))


@dataclass(frozen=True, kw_only=True)
class Ross(MetricNeighborEstimator):
    """I(X; Y) for continuous x and discrete y.

    With n_y(i) the size of the class of sample i, k_i = min(k, n_y(i) - 1), d_i the distance to
    its k_i-th neighbour within the class, and m_i the number of samples of any class strictly
    inside d_i, the sample itself included (Ross 2014,
    https://doi.org/10.1371/journal.pone.0087357)::

        I = psi(n) - < psi(n_y) > + < psi(k_i) > - < psi(m_i) >

    Samples alone in their class are dropped, and n is the number of the others.

    Args:
        metric: Distance inside x, "chebyshev" or "euclidean".
        k: Number of neighbours within the class. A sequence gives a list of estimates from one
            search.
        algorithm: Neighbour search: "auto", "tree", "brute", or "sort" for x of one column. The
            counts are the same, the time differs.
        noise: None, the default, separates equal values of x as :class:`fastmi.KSG` does. A number
            adds ``noise * sd(column) * U(-1/2, 1/2)`` to each column of x; 0 adds none.
    """

    def estimate(self, x: object, y: object) -> Estimate | list[Estimate]:
        """Estimate I(X; Y) in nats.

        Args:
            x: Samples, shape (n, dx) or (n,).
            y: Classes, shape (n,) or (n, dy): numbers, booleans, strings, dates or categories.
                Equal rows are one class.

        Returns:
            One estimate, or a list of them if `k` is a sequence. Its ``local`` and ``counts``
            (m_i - 1, n_y(i) - 1) leave out the dropped samples.

        Raises:
            TypeError: x is not real numbers, or values of y cannot be compared.
            ValueError: Samples of wrong shape or length, not finite; missing labels; k >= n; no
                class has two samples.
        """
        start = perf_counter()
        check_pairing((x, y), ("x", "y"))
        samples = self._read((x,), ("x",))
        (points,), ks, _ = samples
        classes, columns = as_symbols(y, "y")
        labels = classes.of
        check_same_length(points, labels, "x", "y")
        members = ClassMembers.of(classes)
        if not members.kept.any():
            raise ValueError(
                "y must be discrete: at least one class with two samples; got "
                f"{len(labels)} samples with as many values: classes go in y, and "
                'method="ksg1" is for two continuous variables'
            )
        terms, algorithm = self._terms_of(points, members, ks)
        dims = (points.shape[1], columns)
        return self._finish(samples, terms, dims=dims, algorithm=algorithm, start=start)

    def of_members(self, points: Array, members: ClassMembers) -> list[Terms]:
        """Return the terms for each k of samples that need no noise any more.

        Args:
            points: Samples of x, shape (n, dx).
            members: The classes, at least one of which has two samples.
        """
        return self._terms_of(points, members, k_list(self.k, len(points)))[0]

    def _terms_of(
        self, points: Array, members: ClassMembers, ks: tuple[int, ...]
    ) -> tuple[list[Terms], str]:
        labels, size = members.symbols.of, members.symbols.size[members.symbols.of]
        dropped = len(labels) - int(members.kept.sum())
        if dropped:
            kept = members.kept
            points, labels, size = points[kept], labels[kept], size[kept]
        numbers = np.minimum(np.array(ks)[:, None], size - 1).astype(np.int64)
        (radii, algorithm), (held,), _ = held_radii(
            lambda blocks: self._class_radii(blocks[0], members.rows, numbers), [points]
        )
        terms = [
            self._class_terms(held, size, k, k_i, radius, dropped)
            for k, k_i, radius in zip(ks, numbers, radii, strict=True)
        ]
        return terms, algorithm

    def _host_only(self) -> str:
        return "Ross"

    def _class_radii(
        self, x: Array, classes: Sequence[NDArray[np.intp]], numbers: NDArray[np.int64]
    ) -> KthDistances:
        """Return the distances to the k_i-th neighbour in the class, for each row k_i of `numbers`.

        The name of the search is that of the one that ran in the largest class.
        """
        radii = np.empty((len(numbers), len(x)), dtype=x.dtype)
        largest, algorithm = 0, "auto"
        for members in classes:
            distances, ran = self._kth_distance([x[members]], numbers[:, members[0]].tolist())
            radii[:, members] = distances
            if len(members) > largest:
                largest, algorithm = len(members), ran
        return KthDistances(radii, algorithm)

    def _class_terms(
        self,
        x: Array,
        size: NDArray[np.intp],
        k: int,
        k_i: NDArray[np.int64],
        radius: Array,
        dropped: int,
    ) -> Terms:
        inside = self._count([x], radius, strict=True)
        local = (psi(len(x)) - digamma(size)) + (digamma(k_i) - digamma(inside + 1))
        found = small_sample_warnings(len(x), k)
        if dropped:
            found.append(
                Caution(
                    f"{dropped} samples are alone in their class of y and were dropped",
                    "lone_class",
                )
            )
        small = int(np.count_nonzero(k_i < k))
        if small:
            found.append(
                Caution(
                    f"{small} of {len(x)} samples are in classes of y with k={k} or fewer samples: "
                    "fewer neighbours were taken there",
                    "small_class",
                )
            )
        tied = zeros(radius)
        if tied > max(1.0, TIED_SHARE * len(x)):
            found.append(
                Caution(
                    f"{tied} of {len(x)} samples have exact copies of x in their class: x has "
                    "atoms, "
                    'method="mixed" allows them',
                    "copies",
                )
            )
        counts = np.stack([inside, size - 1]).astype(np.int64)
        return Terms(local, counts, tuple(found))


@dataclass(frozen=True, kw_only=True)
class MixedKSG(MetricNeighborEstimator, OfTwo):
    """I(X; Y) for variables that are continuous, discrete, or a mixture of both.

    Let r_i be the distance from sample i to its k-th neighbour in the joint space. Where r_i > 0,
    k_i = k, and n_x, n_y count the samples strictly inside r_i. Where r_i = 0, the three count
    the samples at distance 0 in the joint space, in x and in y. All include the sample itself
    (Gao, Kannan, Oh and Viswanath 2017, https://arxiv.org/abs/1709.06212, as in the authors'
    program)::

        I = log n + < psi(k_i) - psi(n_x) - psi(n_y) >

    The paper prints log(n_x + 1) with closed counts instead, which is far too low at small k.

    The `counts` of the result leave the sample itself out: n_x - 1 and n_y - 1.

    Args:
        noise: Adds ``noise * sd(column) * U(-1/2, 1/2)`` to each column. It separates equal values,
            for which this estimator is made: None and 0 add none.
    """

    _ties: ClassVar[str] = "atoms"

    def _terms(self, blocks: list[Array], ks: tuple[int, ...]) -> tuple[list[Terms], str]:
        found, algorithm = self._locals(blocks, ks)
        n = len(blocks[0])
        terms = []
        for k, (local, counts, radius) in zip(ks, found, strict=True):
            margins = partial(margin_copies, self._count, blocks)
            warnings = small_sample_warnings(n, k)
            warnings += scale_cautions(blocks, counts, k, margins, rescale_advice(self.normalize))
            warnings += label_cautions(blocks, ("x", "y"), radius, k, self._value)
            terms.append(Terms(local, counts, tuple(warnings)))
        return terms, algorithm

    def _locals(
        self, blocks: list[Array], ks: tuple[int, ...]
    ) -> tuple[list[tuple[Array, NDArray[np.int64], Array]], str]:
        """Return local values, counts and radii for each k, and the search that ran."""
        n = len(blocks[0])
        atoms: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None
        radii, all_counts, algorithm = self._space_counts(blocks, ks, ((0,), (1,)), strict=True)
        found = []
        for k, radius, counts in zip(ks, radii, all_counts, strict=True):
            k_i = np.full(n, k, dtype=np.int64)
            tied = radius == 0
            if tied.any():
                atoms = atoms or (
                    copies_of(self._count, blocks),
                    margin_copies(self._count, blocks),
                )
                copies, margins = atoms
                k_i[tied] = copies[tied] + 1
                counts[:, tied] = margins[:, tied]
            psi_x, psi_y = digamma(counts + 1)
            found.append((math.log(n) + digamma(k_i) - (psi_x + psi_y), counts, radius))
        return found, algorithm

    def _value(self, k: int, blocks: list[Array]) -> float:
        return float(self._locals(blocks, (k,))[0][0][0].mean())
