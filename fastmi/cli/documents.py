"""What ``--json`` prints: one document of settings, notes and estimates."""

import json
import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import typer

import fastmi
from fastmi._cautions import Caution
from fastmi.cli.options import Scale
from fastmi.cli.pairs import TESTS, PairMatrix, in_unit
from fastmi.cli.samples import Samples
from fastmi.cli.visible import visible_json
from fastmi.estimators import Method


def estimate_dict(
    value: float, stderr: float, cautions: Sequence[Caution], unit: str
) -> dict[str, Any]:
    """Return an estimate in `unit`; `value` and `stderr` are in nats."""
    return {
        "mi": json_number(in_unit(value, unit)),
        "stderr": json_number(in_unit(stderr, unit)),
        "warnings": caution_dicts(cautions),
    }


def caution_dicts(cautions: Sequence[Caution]) -> list[dict[str, str]]:
    """Return cautions with their kinds."""
    return [{"kind": text.kind, "text": str(text)} for text in cautions]


def correction_dict(estimate: fastmi.Estimate, unit: str) -> dict[str, Any]:
    """Return the bias that was subtracted, the law that it is from and the interval, in `unit`."""
    twin, interval = estimate.twin, estimate.interval
    reference = {} if twin is None else {"reference": json_number(in_unit(twin.reference, unit))}
    return {
        "bias": json_number(in_unit(estimate.bias, unit)),
        "twin": None if twin is None else twin.to_dict() | reference,
        "interval": None
        if interval is None
        else [json_number(in_unit(end, unit)) for end in interval],
    }


def json_number(value: float) -> float | str:
    """Return "inf", "-inf" or "nan" for what JSON has no number for."""
    return value if math.isfinite(value) else str(value)


def pair_dicts(result: PairMatrix, unit: str) -> list[dict[str, Any]]:
    """Return every pair by falling MI, the tied ones last."""
    order = [*result.ranked(), *result.tied()]
    return [
        {"x": result.names[i], "y": result.names[j]}
        | estimate_dict(found.value, found.stderr, found.warnings, unit)
        | {name: json_number(value) for name, value in found.tests.items()}
        | {"method": found.method, "n": found.n, "tied": found.tied}
        for (i, j), found in ((pair, result.estimates[pair]) for pair in order)
    ]


def test_dict(rows: Mapping[str, Sequence[Any]], at: int) -> dict[str, Any]:
    """Return the p-values and the like of one row of a table, as far as it has them."""
    return {name: json_number(float(rows[name][at])) for name in TESTS if name in rows}


def settings(samples: Samples, method: Method, options: dict[str, Any]) -> dict[str, Any]:
    """Return what documents say of the data, the method and its options."""
    return {
        "n": samples.n,
        "dropped": samples.dropped,
        "method": method.name,
        "options": options,
        "scale": (Scale.STD if samples.scaled else Scale.NONE).value,
    }


def closing(unit: str, seconds: float, notes: list[str]) -> dict[str, Any]:
    """Return what every document says."""
    return {"unit": unit, "seconds": seconds, "notes": notes, "version": fastmi.__version__}


def print_json(document: dict[str, Any]) -> None:
    """Print a document, with escapes for what a terminal would obey."""
    # Characters that the encoding of stdout lacks can be escaped in JSON as well.
    unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    text = json.dumps(document, indent=2, allow_nan=False, ensure_ascii=not unicode)
    typer.echo(visible_json(text))
