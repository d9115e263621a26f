"""Subtracts the bias of a neighbour estimate that a twin of the samples shows.

The twin has the margins of the samples, value by value, and a Gaussian or t copula whose
information is known, see :mod:`fastmi.estimators._copula`. What the estimator says of samples of
the twin shows how far it is off on samples of this size and shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import hypot
from threading import current_thread, main_thread
from time import perf_counter
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fastmi._backend import thread_count
from fastmi._blocks import device_of, host, like
from fastmi._cautions import Caution, Note, announce, quiet
from fastmi._checks import check_choice, generator
from fastmi._estimate import Estimate, Twin, changed
from fastmi._pool import heed_stop, on_threads
from fastmi.estimators._copula import Copula, ascending, determines, fit, in_order_of, normal_scores
from fastmi.estimators.neighbors._ties import mean_equal
from fastmi.estimators.neighbors.base import InformationEstimator, Terms, widths
from fastmi.estimators.neighbors.forms import Form

Array = NDArray[Any]

# Twins that are estimated. More would gain little: the scatter of the samples' own estimate is
# larger than that of a twin's.
_TWINS = 3
# Share of the pairs of rows that are equal in a column from which the twin, which is as equal, has
# less information than its closed form says; and rows that tell the share well enough.
_REPEATED_SHARE, _LOOK = 0.05, 300
# How far the corrected value may be from the twin's information, in nats, as a share of the larger
# one, and in standard errors, before the samples are said to be unlike the twin.
_UNLIKE, _UNLIKE_SHARE, _UNLIKE_ERRORS = 0.05, 0.15, 3.0
# Bias that is worth a note, in nats and as a share of the value.
_LARGE, _LARGE_SHARE = 0.05, 0.1


@dataclass(frozen=True, kw_only=True)
class TwinCorrected(InformationEstimator, Form):
    """The options of :class:`InformationEstimator` and a correction of the bias.

    Args:
        bias_correction: None, or "twin", which subtracts the bias that the estimator has on samples
            of known information: of a Gaussian or t copula fitted to the ranks, with the margins of
            the samples. The result carries `bias`, `uncorrected` and the `twin`, and its `stderr`
            holds the scatter of the twins as well. Dependence that is unlike the twin's is
            corrected in part only, and a warning says so. Rows are taken as independent, and the
            time is about four times as long. The twins are drawn from `seed`, None stands for a
            fixed one.
    """

    bias_correction: str | None = None

    _corrections: ClassVar[tuple[str, ...]] = ("twin",)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.bias_correction is None:
            return
        check_choice("bias_correction", self.bias_correction, self._corrections)
        theiler = getattr(self, "theiler", 0)
        if theiler:
            raise ValueError(
                "bias_correction must be None with a window of time steps, because the rows of a "
                f"twin are independent; got bias_correction='twin', theiler={theiler!r}"
            )

    def _estimate(
        self, arrays: Sequence[object], names: Sequence[str]
    ) -> Estimate | list[Estimate]:
        if self.bias_correction is None:
            return super()._estimate(arrays, names)
        start = perf_counter()
        samples = self._read(arrays, names)
        blocks, ks, _ = samples
        law, cautions = self._law(blocks, names)
        (terms, algorithm), *twins = self._all_terms(blocks, ks, law)
        with quiet():
            found = self._finish(
                samples, terms, dims=widths(blocks), algorithm=algorithm, start=start
            )
        estimates = found if isinstance(found, list) else [found]
        for position, estimate in enumerate(estimates):
            if law is None:
                warnings = (*estimate.warnings, *cautions)
                estimates[position] = changed(estimate, float(estimate), warnings=warnings)
            else:
                of_twins = np.array([own[position].value for own, _ in twins])
                estimates[position] = _corrected(estimate, law, of_twins)
        return announce(estimates if isinstance(found, list) else estimates[0])

    def _law(
        self, blocks: list[Array], names: Sequence[str]
    ) -> tuple[Copula | None, tuple[Caution, ...]]:
        """Return the law of the twin, or None and the reason why there is none."""
        samples = [host(block) for block in blocks]
        repeating = [name for name, block in zip(names, samples, strict=True) if _repeats(block)]
        if repeating:
            return None, (_repeats_caution(repeating),)
        n, columns = len(samples[0]), sum(widths(samples))
        if n <= columns + 1:
            return None, (_few_rows_caution(n, columns),)
        signed = self._information(len(blocks))
        heed_stop()
        if determines(samples, signed):
            return None, (_determined_caution(),)
        heed_stop()
        scores = samples if self.normalize == "copula" else normal_scores(samples)
        heed_stop()
        law = fit(scores, signed)
        return law, (_determined_caution(),) if law is None else ()

    def _all_terms(
        self, blocks: list[Array], ks: tuple[int, ...], law: Copula | None
    ) -> list[tuple[list[Terms], str]]:
        """Return the terms of the samples, and those of the twins if there are any."""
        if law is None:
            return [self._terms(blocks, ks)]
        seeds = generator(0 if self.seed is None else self.seed).integers(0, 2**63, (_TWINS, 2))
        threads = thread_count(self.n_jobs)
        # On a GPU all estimates share a stream; and an interrupt reaches the threads of the main
        # thread only, not those of a thread that works on one of many estimates.
        together = device_of(blocks[0]) == "cpu" and current_thread() is main_thread()
        workers = min(threads, 1 + _TWINS) if together else 1
        own = replace(self, n_jobs=threads // workers)

        margins = [ascending(host(block)) for block in blocks]

        def terms_of(number: int) -> tuple[list[Terms], str]:
            if number == 0:
                return own._terms(blocks, ks)
            rng = np.random.default_rng(seeds[number - 1])
            twin = draw_twin(law, margins, rng)
            return own._terms(list(map(like, blocks, twin)), ks)

        return on_threads(terms_of, range(1 + _TWINS), workers)


def draw_twin(law: Copula, margins: Sequence[Array], rng: np.random.Generator) -> list[Array]:
    """Return samples of the law with given margins.

    Args:
        law: The law of the twin.
        margins: Ascending values of each column of each block, shapes (d_b, n).
        rng: What to draw with.
    """
    heed_stop()
    drawn = law.draw(margins[0].shape[1], rng)
    heed_stop()
    return list(map(in_order_of, drawn, margins))


def _corrected(estimate: Estimate, law: Copula, of_twins: NDArray[np.float64]) -> Estimate:
    """Return the estimate less the bias of the estimates of the twins."""
    reference = law.reference
    bias = float(of_twins.mean()) - reference
    value = float(estimate) - bias
    scatter = float(of_twins.std(ddof=1)) / len(of_twins) ** 0.5
    # What the value owes to the reference: nothing where the estimator sees all the dependence, all
    # where it sees none, or none is known to be there.
    owed = law.error * (min(abs(bias) / reference, 1.0) if reference > law.error else 1.0)
    stderr = hypot(estimate.stderr, scatter, owed)
    cautions: list[Caution] = []
    largest = max(abs(value), abs(reference))
    apart = abs(value - reference)
    if sum(estimate.dims) > 2 and apart > max(
        _UNLIKE, _UNLIKE_SHARE * largest, _UNLIKE_ERRORS * stderr
    ):
        cautions.append(_unlike_caution(value, reference))
    if owed > max(_UNLIKE, _UNLIKE_SHARE * largest):
        cautions.append(_vague_caution(reference, law.error, estimate))
    if abs(bias) > max(_LARGE, _LARGE_SHARE * abs(value)):
        cautions.append(_bias_note(bias))
    return changed(
        estimate,
        value,
        bias=bias,
        twin=Twin(reference, law.tail_index),
        stderr=stderr,
        warnings=(*estimate.warnings, *cautions),
    )


def _repeats(block: Array) -> bool:
    """Return whether a column that varies takes so few values that rounding costs information."""
    rows = block[:: -(-len(block) // _LOOK)]
    varying = rows[:, (rows != rows[0]).any(axis=0)]
    return any(
        mean_equal(varying[:, [j]]) > _REPEATED_SHARE * len(rows) for j in range(varying.shape[1])
    )


def _repeats_caution(names: Sequence[str]) -> Caution:
    return Caution(
        f"no bias was subtracted: values of {' and '.join(names)} repeat so often, as classes and "
        "counts do, that the information of a twin is not known; see the methods 'mesner', 'ross' "
        "and 'discrete'",
        "twin",
    )


def _few_rows_caution(n: int, columns: int) -> Caution:
    return Caution(
        f"no bias was subtracted: n={n} samples of {columns} columns do not tell which columns "
        "depend on one another; a twin needs more samples than columns, and many more to be good",
        "twin",
    )


def _determined_caution() -> Caution:
    return Caution(
        "no bias was subtracted: one variable determines a combination of the columns of another, "
        "which no twin does: its information would be infinite",
        "twin",
    )


def _vague_caution(reference: float, error: float, estimate: Estimate) -> Caution:
    return Caution(
        f"n={estimate.n} samples are few for {sum(estimate.dims)} columns: the information of the "
        f"twin, {reference:.3g} nats, has a standard error of {error:.2g}, and so has the bias "
        "that was subtracted",
        "twin",
    )


def _unlike_caution(value: float, reference: float) -> Caution:
    return Caution(
        f"the corrected value, {value:.3g} nats, is far from the {reference:.3g} nats of the twin: "
        "the dependence is unlike that of a Gaussian or t copula, and the bias was subtracted in "
        "part only",
        "twin",
    )


def _bias_note(bias: float) -> Note:
    return Note(
        f"samples of the same shape with known information are estimated {abs(bias):.3g} nats too "
        f"{'high' if bias > 0 else 'low'}; this bias was subtracted, which holds for dependence "
        "like theirs",
        "bias",
    )
