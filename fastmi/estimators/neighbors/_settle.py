"""Decides what to do about ties and copies among samples before an estimate."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._blocks import host
from fastmi._cautions import Caution, Note
from fastmi._checks import Seed
from fastmi._inputs import jitter
from fastmi._spread import spread
from fastmi.estimators.neighbors._copies import count_copies, tells_copies
from fastmi.estimators.neighbors._ties import (
    TIED_SHARE,
    TRACE,
    never_vary,
    rounding_step,
    traced,
    with_steps_filled,
    with_trace,
    with_unit_noise,
)
from fastmi.ops.coincidences import coincidences

Array = NDArray[Any]
Rows: TypeAlias = "NDArray[np.intp] | None"
Recall: TypeAlias = "Callable[[Hashable, Array, Callable[[], Any]], Any]"
Steps: TypeAlias = "Sequence[Sequence[float | None]]"


# Share of samples with ties above 0 from which estimators for atoms beside continuous values are
# off by about 0.05 nats or more.
_LATTICE_SHARE = 0.1


def settle(
    given: list[Array],
    *,
    noise: float | None,
    seed: Seed | None,
    ties: str,
    tied_share: Callable[[list[Array], Rows], float],
    recall: Recall | None = None,
) -> tuple[list[Array], tuple[Caution, ...]]:
    """Return the blocks to estimate from, and cautions about copies and ties.

    Args:
        given: Arrays from :func:`fastmi._inputs.as_blocks`.
        noise: Level of the noise that was asked for, or None.
        seed: Its seed.
        ties: What noise=None does where ties matter: "trace" separates equal values by noise of
            1e-10; "step" spreads them over the rounding step, where there is one; "fill" does the
            same and nothing else; "keep" and "atoms" are for estimators that take equal values, of
            which "atoms" is misled by equal distances above 0.
        tied_share: Function that returns the share of the samples, or of the rows with these
            numbers, whose radius ties touch.
        recall: For a caller that settles many pairs of the same blocks: a function of a name, a
            block and a function, which returns what the last returned for this name and block.

    Returns:
        `given` itself, or blocks with noise.
    """
    blocks = jitter(given, noise, seed) if noise else given
    suspects = coincidences(given)
    if not any(suspects):
        return blocks, ()
    n = len(given[0])
    if suspects.copies and ties in ("trace", "step") and never_vary(given):
        blocks = with_unit_noise(given, seed) if noise is None else blocks
        return blocks, (_constant_caution(),)
    found = []
    rows: Rows = None
    if suspects.copies:
        tells = tells_copies
        if recall is not None:
            tells = partial(_recalled, recall)
        count, distinct = count_copies(given, tells)
        if count > TIED_SHARE * n:
            found.append(_copies_caution(count, n))
            # Pairs of copies tie too, which says nothing about the values.
            rows = distinct
    if ties != "keep":
        share = tied_share(given, rows)
        if ties == "atoms":
            if share > _LATTICE_SHARE and not noise:
                found.append(_lattice_caution(share))
        elif share > TIED_SHARE:
            if noise == 0:
                caution: Caution | None = tied_caution(share)
            elif ties == "fill":
                blocks, caution = _filled(given, blocks, noise, seed)
            elif noise is None:
                blocks, caution = _separated(given, share, seed, ties == "step", recall)
            else:
                left = tied_share(blocks, rows)
                caution = _noise_caution(left, noise, blocks[0]) if left > TIED_SHARE else None
            found += [] if caution is None else [caution]
    return blocks, tuple(found)


def _separated(
    given: list[Array], share: float, seed: Seed | None, fill: bool, recall: Recall | None
) -> tuple[list[Array], Caution]:
    """Separate tied values, by a trace of noise or by noise as wide as the rounding step."""
    caution: Caution = _separated_note(share, f"of {TRACE:.0e} of each column's spread")
    if fill:
        steps = _steps(given)
        if all(step is not None for of_block in steps for step in of_block):
            return with_steps_filled(given, steps, seed), _separated_note(
                share, "as wide as the rounding step"
            )
        caution = _no_volume_caution(share)
    if recall is None:
        return with_trace(given, seed), caution
    return [
        recall(("traced", b), block, partial(traced, block, b, seed))
        for b, block in enumerate(given)
    ], caution


def _recalled(recall: Recall, block: Array) -> list[float]:
    found: list[float] = recall("tells", block, partial(tells_copies, block))
    return found


def _steps(given: list[Array]) -> list[list[float | None]]:
    """Return the rounding step of each column of each block."""
    return [[rounding_step(column) for column in host(block).T] for block in given]


def _filled(
    given: list[Array], blocks: list[Array], noise: float | None, seed: Seed | None
) -> tuple[list[Array], Caution | None]:
    """Spread tied values over the rounding step, for estimates that a trace of noise would decide.

    Where values repeat without a common step, the blocks stay as they are; the estimator refuses
    samples at distance 0.
    """
    steps = _steps(given)
    flat = [step for of_block in steps for step in of_block]
    if noise is None:
        if None in flat:
            return blocks, _stepless_caution()
        return with_steps_filled(given, steps, seed), _filled_caution(steps)
    spreads = [each for block in given for each in spread(host(block)).deviations.tolist()]
    # Noise that spans half a step is as good as one that spans it.
    if all(
        step is not None and noise * deviation >= 0.5 * step
        for step, deviation in zip(flat, spreads, strict=True)
    ):
        return blocks, None
    return blocks, _noise_decides_caution(noise)


def copies_cautions(blocks: list[Array]) -> tuple[Caution, ...]:
    """Return the caution of :func:`settle` about rows that are copies, () if there are few."""
    if not coincidences(blocks).copies or never_vary(blocks):
        return ()
    count, _ = count_copies(blocks)
    n = len(blocks[0])
    return (_copies_caution(count, n),) if count > TIED_SHARE * n else ()


def _copies_caution(count: int, n: int) -> Caution:
    """Return the caution about `count` of n rows that are copies."""
    return Caution(
        f"{count} of {n} rows are exact copies of one another and pass for close neighbours, "
        "which distorts the estimate: drop the repeated rows, or average what was measured "
        "repeatedly (noise does not help)",
        "copies",
    )


def _constant_caution() -> Caution:
    """Return the caution about samples that are all the same."""
    return Caution(
        "all samples are the same, and the estimate says nothing about dependence: leave out "
        "constant columns",
        "constant",
    )


def _separated_note(share: float, width: str) -> Note:
    """Return the note about samples whose ties were separated by noise of a width, in words."""
    return Note(
        f"{_tied(share)}: seeded noise {width} was added to separate equal values "
        "(noise=0 would leave them tied)",
        "ties",
    )


def _no_volume_caution(share: float) -> Caution:
    """Return the caution about a trace of noise for an estimator that measures volumes."""
    return Caution(
        f"{_tied(share)}, and the values have no common step: seeded noise of {TRACE:.0e} of each "
        "column's spread was added, and this method, which measures volumes, may take it for "
        "dependence: compare with method='ksg1'",
        "ties",
    )


def _lattice_caution(share: float) -> Caution:
    """Return the caution about whole numbers for an estimator of values and atoms."""
    return Caution(
        f"{_tied(share)}, and this method, made for atoms beside continuous values, is far off "
        "there: use method='ksg1', whose default noise separates equal "
        "values, or method='discrete' for classes",
        "ties",
    )


def tied_caution(share: float) -> Caution:
    """Return the caution about samples that noise=0 leaves tied."""
    text = f"{_tied(share)}, and the estimate is off: leave noise at None, which separates them"
    return Caution(text, "ties")


def _noise_caution(share: float, noise: float, block: Array) -> Caution:
    """Return the caution about samples that stay tied in spite of noise that was asked for."""
    return Caution(
        f"{_tied(share)} in spite of noise={noise!r}, which {block.dtype} cannot hold beside "
        "values of this size: leave noise at None",
        "ties",
    )


def _stepless_caution() -> Caution:
    """Return the caution about an entropy of values that repeat and are no multiples of a step."""
    return Caution(
        "values repeat without a common step, and the differential entropy of a variable that "
        "takes single values with positive probability is minus infinity: give noise as wide as "
        "the readings are uncertain, over the standard deviation, or use "
        "fastmi.entropy(x, method='discrete') for classes and counts",
        "ties",
    )


def _filled_caution(steps: Steps) -> Caution:
    """Return the caution about values that were spread over the step between them."""
    widths = sorted({step for of_block in steps for step in of_block if step})
    text = " and ".join(f"{step:.3g}" for step in (widths[:1] + widths[-1:])[: len(widths)])
    return Caution(
        f"values repeat, in steps of {text}, as whole numbers and rounded readings do: seeded "
        "noise as wide as the step was added, and the value is that of readings known to this step "
        "(noise=0 would leave them tied); the entropy of classes or counts is "
        "fastmi.entropy(x, method='discrete')",
        "ties",
    )


def _noise_decides_caution(noise: float) -> Caution:
    """Return the caution about an entropy of repeated values whose noise was chosen too small."""
    return Caution(
        f"values repeat, so that noise={noise!r} decides the value: take noise as wide as the "
        "rounding step (leave noise at None to have the step found), or "
        "fastmi.entropy(x, method='discrete') for classes and counts",
        "ties",
    )


def _tied(share: float) -> str:
    return (
        f"{share:.0%} of the samples have neighbours at the same distance as the k-th, as whole "
        "numbers and rounded readings do"
    )
