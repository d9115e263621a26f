"""KSG for many pairs of single columns in one call of the kernel."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._blocks import DeviceArray, host, like
from fastmi._cautions import Caution
from fastmi._checks import k_list
from fastmi.estimators.neighbors.ksg import KSG, count_warnings, may_warn
from fastmi.normalize import normalize_blocks
from fastmi.ops.coincidences import coincidences
from fastmi.ops.digamma import psi
from fastmi.ops.knn import sorts_pairs
from fastmi.ops.pairwise import pair_terms

Array = NDArray[Any]
Notes: TypeAlias = tuple[Caution, ...]


class PairEstimates(NamedTuple):
    """Estimates of p pairs for one k.

    Attributes:
        k: Number of neighbours.
        values: Nats, shape (p,).
        stderr: Standard errors in nats, shape (p,).
        warnings: Warnings by the number of the pair; pairs without any are left out.
    """

    k: int
    values: NDArray[np.float64]
    stderr: NDArray[np.float64]
    warnings: dict[int, Notes]


def pairs_at_once(ksg: KSG, block: Array | DeviceArray) -> bool:
    """Return whether :func:`estimate_pairs` serves `ksg` for columns of such blocks.

    Raises:
        ValueError: A k that exceeds n - 1.
    """
    n = len(block)
    largest = max(k_list(ksg.k, n))
    if ksg.variant != 1 or isinstance(block, DeviceArray):
        return ksg.variant == 1
    return ksg.algorithm in ("auto", "sort") and sorts_pairs(n, largest)


def estimate_pairs(
    ksg: KSG,
    blocks: Sequence[Array],
    pairs: NDArray[np.int64],
    *,
    n_jobs: int | None,
    report: Callable[[int], object] | None = None,
) -> list[PairEstimates]:
    """Return ``ksg.estimate(column_i, column_j)`` for all (i, j) in `pairs`, bit for bit.

    Args:
        ksg: An estimator for which :func:`pairs_at_once` returns True; its own threads are not
            used.
        blocks: Arrays of shape (n, d) and of one dtype, from :func:`fastmi._inputs.as_blocks`.
        pairs: Positions among the columns of all blocks side by side, shape (p, 2).
        n_jobs: Number of threads, which share the pairs.
        report: Function that is called now and then with the number of pairs done.

    Returns:
        One entry for each k.
    """
    apart, cautions = _settled(ksg, blocks, pairs)
    if not apart:
        return estimate_settled(ksg, blocks, pairs, cautions, n_jobs, report)
    # Pairs that needed noise have columns of their own, in float64.
    tied = np.zeros(len(pairs), dtype=np.bool_)
    tied[list(apart)] = True
    rest = np.flatnonzero(~tied)
    numbers: dict[tuple[int, int], int] = {}
    columns: list[Array] = []
    for pair, settled in apart.items():
        for place in (0, 1):
            # Noise of a column depends on its place in the pair, and not on its partner.
            if numbers.setdefault((place, int(pairs[pair, place])), len(columns)) == len(columns):
                columns.append(host(settled[place]))
    own = np.array(
        [[numbers[place, int(pairs[pair, place])] for place in (0, 1)] for pair in apart]
    )
    noisy = like(blocks[0], np.hstack(columns))
    found = estimate_settled(ksg, [noisy], own, [cautions[pair] for pair in apart], n_jobs, report)
    if len(rest):
        others = estimate_settled(
            ksg,
            blocks,
            np.ascontiguousarray(pairs[rest]),
            [cautions[pair] for pair in rest],
            n_jobs,
            report and (lambda done: report(len(apart) + done)),
        )
        places = [*apart, *rest.tolist()]
        found = [_merged(*both, places) for both in zip(found, others, strict=True)]
    return found


def _settled(
    ksg: KSG, blocks: Sequence[Array], pairs: NDArray[np.int64]
) -> tuple[dict[int, list[Array]], list[Notes]]:
    """Return the columns of the pairs that need noise, and cautions about copies and ties of all.

    Only pairs of which a column, looked at by itself, repeats values are settled one by one.
    """
    columns = [
        like(block, np.ascontiguousarray(host(block)[:, [j]]))
        for block in blocks
        for j in range(block.shape[1])
    ]
    copies, ties = np.array([coincidences([column]) for column in columns]).T
    doubtful = ties[pairs].any(axis=1) | copies[pairs].all(axis=1)
    cautions: list[Notes] = [()] * len(pairs)
    apart = {}
    known: dict[tuple[Hashable, int], Any] = {}

    def recall(name: Hashable, column: Array, compute: Callable[[], Any]) -> Any:
        # The columns live as long as this function, so that no two have one id.
        key = (name, id(column))
        if key not in known:
            known[key] = compute()
        return known[key]

    for pair in np.flatnonzero(doubtful).tolist():
        given = [columns[j] for j in pairs[pair]]
        settled, cautions[pair] = ksg.settle(given, ("x", "y"), recall)
        if settled is not given:
            apart[pair] = settled
    return apart, cautions


def _merged(first: PairEstimates, second: PairEstimates, places: list[int]) -> PairEstimates:
    """Return the estimates of both, whose pairs have the numbers `places`."""
    values, stderr = np.empty(len(places)), np.empty(len(places))
    values[places] = np.concatenate([first.values, second.values])
    stderr[places] = np.concatenate([first.stderr, second.stderr])
    warnings = {places[pair]: found for pair, found in first.warnings.items()}
    for pair, found in second.warnings.items():
        warnings[places[len(first.values) + pair]] = found
    return PairEstimates(first.k, values, stderr, warnings)


def estimate_settled(
    ksg: KSG,
    blocks: Sequence[Array],
    pairs: NDArray[np.int64],
    cautions: Sequence[Notes],
    n_jobs: int | None,
    report: Callable[[int], object] | None,
) -> list[PairEstimates]:
    """Return the estimates of pairs of which no value needs noise any more.

    Args:
        ksg: As in :func:`estimate_pairs`.
        blocks: See there.
        pairs: See there.
        cautions: What is known to speak against each pair.
        n_jobs: See there.
        report: See there.
    """
    n = len(blocks[0])
    # Warnings about each column in the place of x, and in the place of y.
    notes: list[tuple[Notes, Notes]] = [((), ()) for block in blocks for _ in range(block.shape[1])]
    if ksg.normalize is not None:
        columns = np.hstack([host(block) for block in blocks])
        scaled = [_normalized(columns[:, [j]], ksg.normalize) for j in range(len(notes))]
        blocks = [like(blocks[0], np.hstack([column for column, _ in scaled]))]
        notes = [found for _, found in scaled]
    noted = np.array([bool(of_x) for of_x, _ in notes])[pairs].any(axis=1)
    noted |= np.array([bool(found) for found in cautions])
    ks = k_list(ksg.k, n)
    terms = pair_terms(blocks, pairs, ks, algorithm=ksg.algorithm, n_jobs=n_jobs, report=report)
    estimates = []
    for k, psi_mean, psi_std, count_sum, zero_radius in zip(ks, *terms[:4], strict=True):
        values = psi(k) + psi(n) - psi_mean
        doubtful = noted | may_warn(values, k, n, count_sum, zero_radius)
        warnings = {}
        for pair in np.flatnonzero(doubtful).tolist():
            i, j = pairs[pair]
            sums = (int(count_sum[0, pair]), int(count_sum[1, pair]))
            found = count_warnings(
                float(values[pair]),
                k,
                n,
                sums,
                int(zero_radius[pair]),
                partial(_column, blocks, pairs[pair]),
                normalize=ksg.normalize,
                notes=cautions[pair] + notes[i][0] + notes[j][1],
            )
            if found:
                warnings[pair] = found
        estimates.append(PairEstimates(k, values, psi_std / n**0.5, warnings))
    return estimates


def _column(blocks: Sequence[Array], pair: NDArray[np.int64], which: int) -> Array:
    """Return the first or the second column of a pair, shape (n, 1)."""
    at = int(pair[which])
    for block in blocks:
        if at < block.shape[1]:
            return host(block)[:, [at]]
        at -= block.shape[1]
    raise IndexError(f"pair must name columns; got {pair}")


def _normalized(column: Array, normalize: str) -> tuple[Array, tuple[Notes, Notes]]:
    (scaled,), of_x = normalize_blocks([column], ["x"], normalize)
    of_y = normalize_blocks([column], ["y"], normalize)[1] if of_x else ()
    return scaled, (of_x, of_y)
