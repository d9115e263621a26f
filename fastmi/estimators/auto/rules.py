"""The rules by which ``method="auto"`` combines its parts, as functions of their numbers alone.

A difference d of two numbers is noise where it is small beside its standard deviation s, and a
finding where it is large (the nonnegative garrote of Breiman 1995,
https://doi.org/10.2307/1269730, of one number)::

    found(d) = d max(0, 1 - (c s / d)^2)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from fastmi._cautions import Caution, Note

# The factors c for two pipelines that differ, and for what they say beside the reference. The
# second is above 1, because standard errors from local values are down to 0.64 of the true ones
# (bench/bench_error_bars.py).
_PIPELINES, _FAMILY = 1.0, 1.75
# What counts as off: nats, and share of the value.
_NATS, _SHARE = 0.05, 0.10
# How many times what twins and neighbours farther away have added to an estimate may be missing
# still, where the dependence is not that of the twins.
_MISSING = 3.0
# Share of the correction that may be wrong, of the departure from the reference, and of the
# disagreement.
_OF_CORRECTION, _OF_DEPARTURE, _OF_APART = 0.05, 0.1, 0.25
# Share of the value that no part may see, with more than two columns and so many samples; it grows
# with the root of fewer. Of 300 random laws of 15 families (bench/bmi/random_run.py), most of them
# unlike the copula, intervals then cover 90 %. In two columns it is half as large, as far as they
# depart from the copula.
_UNSEEN, _UNSEEN_ROWS, _UNSEEN_OF_TWO = 0.1, 5000, 0.5
#: Two-sided 95 % of a normal variable.
NORMAL = 1.96


@dataclass(frozen=True)
class Part:
    """What one pipeline says with one number of neighbours, in nats.

    Attributes:
        value: KSG less its bias.
        stderr: Standard error of the value.
        missing: What was added to KSG because it is too low on samples like these.
        excess: What was subtracted because it is too high on them.
    """

    value: float
    stderr: float
    missing: float
    excess: float = 0.0


@dataclass(frozen=True)
class Combination:
    """What the parts say together.

    Attributes:
        value: The estimate in nats.
        shares: Shares of the pipelines in what they say together.
        stderr: Standard error of the value.
        interval: 95 % interval for the information.
        cautions: What speaks against the value.
    """

    value: float
    shares: tuple[float, ...]
    stderr: float
    interval: tuple[float, float]
    cautions: tuple[Caution, ...]


def tolerance(value: float) -> float:
    """Return the error in nats from which an estimate counts as off."""
    return max(_NATS, _SHARE * abs(value))


def found(difference: float, deviation: float, factor: float) -> float:
    """Return what of a difference is more than noise."""
    if difference == 0.0:
        return 0.0
    return difference * max(0.0, 1.0 - (factor * deviation / difference) ** 2)


def short(part: Part, reference: float) -> bool:
    """Return whether a part is below the reference by more than noise."""
    return found(part.value - reference, part.stderr, _FAMILY) < 0.0


def combined(
    parts: Sequence[Part],
    *,
    reference: float | None,
    reference_stderr: float,
    columns: int,
    n: int,
) -> Combination:
    """Combine one or two pipelines and the reference.

    Args:
        parts: KSG of relevant directions, of the normal scores, or of both in this order.
        reference: Information of the copula, without a bound at 0; None where there is none.
        reference_stderr: Its standard error.
        columns: Number of columns that vary.
        n: Number of samples.
    """
    noise = max(part.stderr for part in parts)
    apart = parts[0].value - parts[-1].value
    lead = 0.5 + 0.5 * (found(apart, noise, _PIPELINES) / apart if apart else 0.0)
    shares: tuple[float, ...] = (1.0,)
    if len(parts) > 1:
        shares = (lead, 1.0 - lead) if apart > 0.0 else (1.0 - lead, lead)
    together = sum(share * part.value for share, part in zip(shares, parts, strict=True))
    missing = sum(share * part.missing for share, part in zip(shares, parts, strict=True))
    if reference is None:
        value, stderr, family = together, noise, 1.0
    else:
        departure = together - reference
        real = found(departure, noise, _FAMILY)
        family = real / departure if departure else 0.0
        value = reference + real
        stderr = math.hypot(family * noise, reference_stderr)
    cautions = _cautions(parts, value, reference, missing, columns)
    beyond = 0.0 if reference is None else max(value - reference, 0.0)
    share = _OF_CORRECTION * missing + _OF_DEPARTURE * beyond
    kinds = {caution.kind for caution in cautions}
    possible = _MISSING * missing if "low" in kinds else family * missing
    above = max(share, possible, _OF_APART * family * abs(apart))
    # KSG is too high on twins, and need not be where samples depart from them.
    above += family * sum(own * part.excess for own, part in zip(shares, parts, strict=True))
    unseen = _UNSEEN * math.sqrt(max(_UNSEEN_ROWS / n, 1.0)) * max(value, 0.0)
    # Edges and gaps of a law, of which copulas have none, hide a share in two columns as well.
    above += unseen if columns > 2 else _UNSEEN_OF_TWO * family * unseen
    # What of a departure passes for noise may be there.
    above += max(together - value, 0.0)
    below = max(share, value - together)
    half = NORMAL * max(noise, reference_stderr)
    if "disagreement" in kinds:
        below = max(below, value - min(part.value for part in parts))
    interval = (value - half - below, value + half + above)
    return Combination(value, shares, stderr, interval, cautions)


def _cautions(
    parts: Sequence[Part],
    value: float,
    reference: float | None,
    missing: float,
    columns: int,
) -> tuple[Caution, ...]:
    cautions: list[Caution] = []
    first, last = parts[0].value, parts[-1].value
    errors = 2.0 * max(part.stderr for part in parts)
    if abs(first - last) > max(tolerance(value), errors):
        cautions.append(
            Caution(
                f"KSG of relevant directions says {first:.3g} nats and KSG of all columns "
                f"{last:.3g}, each less its bias: the estimate follows the larger one, as columns "
                "that carry nothing hide dependence, and the interval holds both; compare with "
                "more samples, fewer columns, or thorough=True",
                "disagreement",
            )
        )
    if reference is None or columns <= 2:
        return tuple(cautions)
    departure = value - reference
    if abs(departure) > tolerance(reference):
        cautions.append(
            Note(
                f"the dependence is not that of a Gaussian or t copula, of which these samples "
                f"would have {reference:.3g} nats",
                "twin",
            )
        )
        if _MISSING * missing > tolerance(value):
            cautions.append(
                Caution(
                    f"{value:.3g} nats are likely too few: KSG is known to miss {missing:.2g} of "
                    "them, and may miss more where dependence is of another kind; take the "
                    "estimate as a lower bound, and compare with more samples, fewer columns, or, "
                    "without a condition, thorough=True",
                    "low",
                )
            )
    return tuple(cautions)
