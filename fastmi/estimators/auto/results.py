"""Makes the estimates of ``method="auto"`` from what its parts have measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import numpy as np

from fastmi._cautions import Caution, Note
from fastmi._estimate import Estimate, Local, changed
from fastmi.estimators.auto.kinds import CLASSES, CONSTANT, Kind, described
from fastmi.estimators.auto.pipelines import Measured
from fastmi.estimators.auto.rules import NORMAL, combined, tolerance

# Kinds of cautions of the parts for which the whole has rules of its own, or that do not hold for
# it: scales differ on purpose, and what is too low is corrected.
_OF_PARTS = frozenset({"scale", "low", "twin", "bias", "between"})
# Share of the fall of a function's estimate with twice as many neighbours from which a dependence
# counts as not resolved. Resolved ones of 12 kinds reach 0.3 at n = 100, 0.15 at n = 300 and 0.1 at
# n = 1000; functions have 0.7 to 0.95 once neighbours follow them.
_UNRESOLVED = 0.5
# Share of the samples that are as close in every variable as the joint neighbours, above which
# counts of mixtures tell nothing.
_EVERYWHERE = 0.5


def estimate_of(
    measured: Measured, k: int, dims: tuple[int, ...], cautions: tuple[Caution, ...]
) -> Estimate:
    """Return the estimate for one number of neighbours.

    Args:
        measured: What the pipelines say.
        k: The number of neighbours.
        dims: Columns of each argument.
        cautions: What is known against the samples.
    """
    twin, error = measured.twin, measured.reference_stderr
    whole = combined(
        measured.parts(k),
        reference=measured.reference,
        reference_stderr=error,
        columns=measured.columns,
        n=measured.n,
    )
    n, parts = measured.n, {name: own[k] for name, own in measured.samples.items()}
    components = {name: changed(part, float(part), dims=dims) for name, part in parts.items()}
    if measured.reference is not None:
        reference = Estimate(
            measured.reference,
            k=None,
            n=n,
            dims=dims,
            method="copula",
            stderr=error,
            local=partial(np.full, n, measured.reference),
            twin=twin,
        )
        components = {"copula": reference, **components}
    unresolved = _unresolved_cautions(measured, k)
    interval = whole.interval
    if unresolved:
        interval = (interval[0], math.inf)
    found, shares = list(parts.values()), whole.shares
    uncorrected = sum(share * own.uncorrected for share, own in zip(shares, found, strict=True))
    return Estimate(
        whole.value,
        k=k,
        n=n,
        dims=dims,
        method="auto",
        stderr=whole.stderr,
        local=partial(_mean_local, found, shares),
        warnings=partial(
            _joined, (*cautions, *_consistent((*whole.cautions, *unresolved), cautions)), found
        ),
        algorithm=found[0].algorithm,
        bias=uncorrected - whole.value,
        twin=twin,
        components=components,
        # Without a copula no bias was corrected, and how far off the value is nobody knows.
        interval=None if measured.reference is None else interval,
    )


def _unresolved_cautions(measured: Measured, k: int) -> tuple[Caution, ...]:
    """Return a caution if neighbours do not resolve how single columns depend, else none.

    Where y is a function of x, a neighbour in x is one in y, and the estimate is about
    ``psi(n) - psi(k)``: with twice as many neighbours it falls by ``psi(2 k) - psi(k)``. Where the
    dependence is resolved it stays the same.
    """
    of = measured.samples.get("ksg_scores", {})
    if measured.columns != 2 or measured.copula is None or 2 * k not in of:
        return ()
    fall = of[k].local - of[2 * k].local
    full = sum(1.0 / i for i in range(k, 2 * k))
    mean, error = float(fall.mean()), float(fall.std()) / math.sqrt(measured.n)
    if mean <= _UNRESOLVED * full or mean - 2.0 * error <= 0.5 * _UNRESOLVED * full:
        return ()
    text = (
        f"the estimate falls by {mean:.2g} nats from k={k} to k={2 * k} neighbours, as where one "
        f"variable is a function of the other: n={measured.n} samples do not resolve the "
        "dependence, and the information may be far larger, or infinite; take the estimate as a "
        "lower bound"
    )
    return (Caution(text, "low"),)


def _consistent(found: tuple[Caution, ...], samples: tuple[Caution, ...]) -> tuple[Caution, ...]:
    """Return what speaks against a value, but not that it is too low where copies make it too high.

    Args:
        found: Cautions about the value.
        samples: Cautions about the samples.
    """
    if all(caution.kind != "copies" for caution in samples):
        return found
    return tuple(caution for caution in found if caution.kind != "low")


def nothing(k: int, n: int, dims: tuple[int, ...], cautions: tuple[Caution, ...]) -> Estimate:
    """Return the estimate where x or y is constant, of which nothing depends on the other."""
    return Estimate(
        0.0,
        k=k,
        n=n,
        dims=dims,
        method="auto",
        stderr=0.0,
        local=partial(np.zeros, n),
        warnings=cautions,
    )


def by_another(
    found: Estimate, k: int, method: str, kinds: Sequence[Kind], dims: tuple[int, ...]
) -> Estimate:
    """Return the estimate of a method for classes or mixtures, with a note that names it."""
    about = ", ".join(described("xyz"[: len(kinds)], kinds))
    text = f"{about}: the estimate is that of method={method!r}"
    half = NORMAL * found.stderr
    if method != "discrete" and sum(kind.columns for kind in kinds) > 2:
        text += ", whose bias in several columns is not corrected, so that there is no interval"
        half = math.nan
    cautions: tuple[Caution, ...] = (Note(text, "method"),)
    counts = found.counts if method == "mesner" else None
    if counts is not None and counts.mean(axis=1).min() > _EVERYWHERE * found.n:
        cautions += (_everywhere_caution(k),)
        half = math.nan
    elif method != "discrete" and float(found) > 2.0 * found.stderr:
        cautions += _sparse_cautions(kinds, found.n)
    return changed(
        found,
        float(found),
        k=k,
        dims=dims,
        method="auto",
        warnings=partial(_joined, cautions, [found], frozenset()),
        components={method: found},
        interval=(float(found) - half, float(found) + half) if math.isfinite(half) else None,
    )


def _sparse_cautions(kinds: Sequence[Kind], n: int) -> tuple[Caution, ...]:
    """Return a caution if neighbours among so many columns are far, else none.

    In d columns there are 2^d orthants, and with less than a sample in each no neighbour is on the
    same side of the middle in every column.
    """
    classes = math.prod(kind.symbols for kind in kinds if kind.name == CLASSES)
    columns = sum(kind.columns for kind in kinds if kind.name not in (CLASSES, CONSTANT))
    if columns <= math.log2(n / classes):
        return ()
    where = f"n={n} samples" + f" of {classes} classes" * (classes > 1)
    text = (
        f"{where} are few for {columns} columns that are not classes: neighbours are far, and the "
        "estimate is too low; use fewer columns, and take it as a lower bound"
    )
    return (Caution(text, "low"),)


def _everywhere_caution(k: int) -> Caution:
    return Caution(
        f"most samples are as close in x and in y as the k={k} joint neighbours, as rows of many "
        "columns with few values each are: the estimate tends to 0 whatever the dependence; use "
        "fewer columns",
        "scale",
    )


def examined(found: Estimate, trained: Estimate) -> Estimate:
    """Return the estimate with what a trained estimator says, which its interval then holds.

    Args:
        found: The estimate of the other parts.
        trained: That of the trained estimator, from samples that it was not trained on.
    """
    value, other = float(found), float(trained)
    cautions: tuple[Caution, ...] = ()
    low, high = found.interval or (value, value)
    if abs(other - value) > max(2.0 * math.hypot(found.stderr, trained.stderr), tolerance(value)):
        text = (
            f"a trained flow (method={trained.method!r}) says {other:.3g} nats, and the other "
            f"parts {value:.3g}"
        )
        if other > value:
            text += ": dependence may be of a kind that neighbours do not show, and the interval "
            text += "holds both"
            high = max(high, other + NORMAL * trained.stderr)
            cautions = (Caution(text, "disagreement"),)
        else:
            text += ": flows miss dependence that is hard to learn, and the estimate stays"
            cautions = (Note(text, "disagreement"),)
    return changed(
        found,
        value,
        warnings=partial(_joined, cautions, [found]),
        components={**found.components, trained.method: trained},
        interval=None if found.interval is None else (low, high),
    )


def _mean_local(of: Sequence[Estimate], shares: Sequence[float]) -> Local:
    """Return the mean of the local values of several estimates, weighted by their shares."""
    total: Local = np.zeros(of[0].n)
    for share, estimate in zip(shares, of, strict=True):
        total = total + share * estimate.local
    return total


def _joined(
    cautions: tuple[Caution, ...], of: Sequence[Estimate], but: frozenset[str] = _OF_PARTS
) -> tuple[Caution, ...]:
    """Return the cautions, and those of other kinds that the parts have, each once.

    Args:
        cautions: Those of the whole.
        of: The parts.
        but: Kinds of cautions of the parts that are left out.
    """
    kinds = but | {caution.kind for caution in cautions}
    rest: dict[str, Caution] = {}
    for estimate in of:
        for caution in estimate.warnings:
            if caution.kind not in kinds:
                rest.setdefault(caution.kind, caution)
    return (*cautions, *rest.values())
