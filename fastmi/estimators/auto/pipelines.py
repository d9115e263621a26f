"""Runs the parts of ``method="auto"``: the copula of the samples, and KSG in two coordinates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from fastmi._cautions import Caution, quiet
from fastmi._checks import Seed
from fastmi._estimate import Estimate, Twin
from fastmi._plug_in import OF_TWO, OF_TWO_GIVEN_THIRD
from fastmi._spread import near_origin
from fastmi.estimators._copula import Array, Copula, fit
from fastmi.estimators.auto.rules import Part, short
from fastmi.estimators.neighbors.conditional import ConditionalKSG
from fastmi.estimators.neighbors.ksg import KSG
from fastmi.estimators.neighbors.relevance import RelevanceKSG
from fastmi.normalize import normalize_blocks


@dataclass(frozen=True)
class Measured:
    """What the parts say.

    Attributes:
        n: Number of samples.
        columns: Number of columns that vary.
        copula: The law that resembles the samples; None where there is none.
        samples: Estimates less their bias, by pipeline and number of neighbours.
    """

    n: int
    columns: int
    copula: Copula | None
    samples: dict[str, dict[int, Estimate]] = field(default_factory=dict)

    @property
    def reference(self) -> float | None:
        """Information of the copula without a bound at 0, in nats."""
        of = self.copula
        return None if of is None else of.reference - of.information + of.raw

    @cached_property
    def reference_stderr(self) -> float:
        """Standard error of the reference; 0 where there is none.

        That of a t copula is the deviation of its pointwise information over the root of n, which
        holds the error of the tail index.
        """
        of = self.copula
        if of is None or math.isinf(of.tail_index):
            return 0.0 if of is None else of.error
        pointwise = of.draw_pointwise(self.n, np.random.default_rng(0))
        return max(of.error, float(pointwise.std()) / math.sqrt(self.n))

    @property
    def twin(self) -> Twin | None:
        """The copula, as results carry it."""
        of = self.copula
        return None if of is None else Twin(of.reference, of.tail_index)

    def parts(self, k: int) -> list[Part]:
        """Return what each pipeline says with k neighbours."""
        return [
            Part(float(own[k]), own[k].stderr, *_corrections(own[k]))
            for own in self.samples.values()
        ]


def _corrections(of: Estimate) -> tuple[float, float]:
    """Return what was added to an estimate, or to its parts, by twins, and what was subtracted."""
    biases = [part.bias for part in of.components.values() or (of,)]
    return sum(max(-bias, 0.0) for bias in biases), sum(max(bias, 0.0) for bias in biases)


def scores_of(
    blocks: Sequence[Array], names: Sequence[str]
) -> tuple[list[Array], tuple[Caution, ...]]:
    """Return the normal scores of the columns that vary, float64, and cautions about the others.

    Args:
        blocks: Samples of each variable.
        names: What to call each in messages.
    """
    doubles = [near_origin(block).astype(np.float64, copy=False) for block in blocks]
    scores, notes = normalize_blocks(doubles, names, "copula")
    return [block[:, np.ptp(block, axis=0) > 0.0] for block in scores], notes


def measure(
    scores: list[Array], ks: Sequence[int], *, n_jobs: int | None, seed: Seed | None
) -> Measured:
    """Run the parts on normal scores.

    The second pipeline runs where the first finds less than the copula has, by more than noise,
    since these two do not tell which of them is right.

    Args:
        scores: Normal scores of columns that vary, of x and y, or of x, y and z.
        ks: Numbers of neighbours.
        n_jobs: Number of threads.
        seed: Seed of the twins; None stands for a fixed one.
    """
    columns = sum(block.shape[1] for block in scores)
    copula = fit(scores, OF_TWO if len(scores) == 2 else OF_TWO_GIVEN_THIRD)
    measured = Measured(len(scores[0]), columns, copula)
    # With twice as many neighbours, single columns show whether they resolve the dependence.
    twice = [2 * k for k in ks if columns == 2 and 2 * k < measured.n]
    every = sorted({*ks, *twice})
    options: dict[str, Any] = {"k": every, "n_jobs": n_jobs, "noise": 0.0, "seed": seed}
    twin = None if copula is None else "twin"
    ksg = KSG if len(scores) == 2 else ConditionalKSG
    with quiet():
        # Without twins nothing tells what a rotation towards dependence adds by chance.
        if len(scores) == 2 and columns > 2 and copula is not None:
            relevant = RelevanceKSG(bias_correction="parts", **options)
            measured.samples["ksg_relevance"] = _by_k(relevant.of_scores(scores, copula))
        if not measured.samples or _falls_short(measured):
            estimator: Any = ksg(bias_correction=twin, normalize="copula", **options)
            measured.samples["ksg_scores"] = _by_k(estimator.estimate(*scores))
    return measured


def _by_k(estimates: list[Estimate]) -> dict[int, Estimate]:
    return {estimate.k or 0: estimate for estimate in estimates}


def _falls_short(measured: Measured) -> bool:
    """Return whether what has run is below the reference by more than noise for some k."""
    of = measured.reference
    (first,) = measured.samples.values()
    return of is None or any(short(part, of) for k in first for part in measured.parts(k))
