"""Chooses the method for arguments that hold names, where the user names none.

Numbers stay with the default of the function. Names (strings, categories, booleans of data frames,
objects) are classes, for which each function has a method, whatever numbers they could be given.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import reduce
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._cautions import Caution, Note, constant_caution
from fastmi._checks import as_k, check_noise, check_search, check_seed
from fastmi._columns import check_pairing, dtype_of, frame_columns
from fastmi._device import gpu_of
from fastmi._estimate import Estimate, changed
from fastmi._inputs import as_blocks
from fastmi._refusals import refusal
from fastmi._symbols import crossed, numbered
from fastmi._table import read_table
from fastmi.estimators.auto.kinds import (
    CLASSES,
    CONSTANT,
    holds_names,
    kinds_of,
    method_for,
    with_codes,
)
from fastmi.normalize import check_normalize, normalize_blocks

Array: TypeAlias = NDArray[Any]

# Share of values that occur once, above which strings that read as numbers are taken for those.
_UNIQUE_SHARE = 0.5
# Types of objects that stand for numbers, and how dtypes of times begin in polars and pyarrow.
_OBJECTS = (date, time, timedelta, Decimal, Fraction, np.datetime64, np.timedelta64)
_TIMES = ("date", "time", "duration", "timestamp", "object")


@dataclass(frozen=True)
class Choice:
    """A method, and the arguments as it takes them.

    Attributes:
        method: Name of the method.
        arrays: The arguments, in the order in which the method takes them.
        exchanged: Whether x and y change places.
        named: Whether a variable holds names; else the arguments are those of the user, with times
            in seconds.
        dims: Columns of each argument of the user, if a variable holds names.
        normalized: Whether the numbers among them are normalised already.
        alike: Number of samples with the same names as each sample in every variable of names,
            shape (n,), where names were set apart as numbers.
        cautions: What the user should know.
    """

    method: str
    arrays: tuple[object, ...]
    exchanged: bool = False
    named: bool = False
    dims: tuple[int, ...] = ()
    normalized: bool = False
    alike: NDArray[np.intp] | None = None
    cautions: tuple[Caution, ...] = field(default=())

    def shown(self, found: list[Estimate]) -> list[Estimate]:
        """Return estimates as those of the arguments that the user gave."""
        return [self._as_given(each) for each in found] if self.named else found

    def for_each_k(self, found: Estimate | list[Estimate], k: object) -> Estimate | list[Estimate]:
        """Return the estimates as those of the user's arguments, one for each number in `k`."""
        ks = as_k(k)
        shown = self.shown(found if isinstance(found, list) else [found])
        if isinstance(ks, int):
            return shown[0]
        if len(shown) < len(ks):  # a method without neighbours
            shown = [changed(shown[0], float(shown[0])) for _ in ks]
        return shown

    def _as_given(self, estimate: Estimate) -> Estimate:
        warnings = estimate.warnings
        fields: dict[str, Any] = {"dims": self.dims}
        if self.exchanged:
            warnings = tuple(map(_renamed, warnings))
            if estimate.counts is not None:
                fields["counts"] = estimate.counts[::-1].copy()
        few: tuple[Caution, ...] = ()
        if self.alike is not None and estimate.k is not None:
            few = few_alike(self.alike, estimate.k)
        return changed(
            estimate, float(estimate), warnings=(*self.cautions, *few, *warnings), **fields
        )


def choose(
    arrays: Sequence[object],
    names: Sequence[str],
    default: str,
    *,
    conditional: bool = False,
    normalize: object = None,
) -> Choice:
    """Return the method for these arguments and what it takes in their place.

    Args:
        arrays: x and y, or x, y and z, or one variable.
        names: What to call each in messages.
        default: Name of the method for numbers.
        conditional: Whether the methods are those of :func:`fastmi.cmi`.
        normalize: The option that the user gave.

    Raises:
        TypeError: Values of a type that no method takes; strings that read as different numbers.
        ValueError: Missing values; samples of wrong shape or length; names that all differ.
    """
    check_pairing(arrays, names)
    if any(gpu_of(x) is not None for x in arrays):
        return Choice(default, tuple(arrays))  # what is on a GPU is numbers
    if not any(map(holds_names, arrays)):
        return Choice(default, tuple(map(_without_times, arrays, names)))
    check_normalize(normalize)
    read, labels = with_codes(list(map(_without_times, arrays, names)), names)
    blocks = as_blocks(read, names)
    dims = tuple(block.shape[1] for block in blocks)
    for x, block, name, named in zip(arrays, blocks, names, labels, strict=True):
        if named:
            _refuse_numerals(x, block, name)
    if len(blocks) == 1:
        return Choice("discrete", tuple(blocks), named=True, dims=dims)
    kinds = kinds_of(blocks, labels)
    cautions = tuple(
        constant_caution(name)
        for name, kind in zip(names[:2], kinds, strict=False)
        if kind.name == CONSTANT
    )
    n = len(blocks[0])
    if all(kind.name in (CLASSES, CONSTANT) for kind in kinds) and (
        cautions or method_for(kinds, n) == "discrete"
    ):
        return Choice("discrete", tuple(blocks), named=True, dims=dims, cautions=cautions)
    if not conditional and len(blocks) == 2:
        exchanged = labels[0]
        _refuse_identifiers(blocks[0 if exchanged else 1], names[0 if exchanged else 1])
        taken = tuple(blocks[::-1] if exchanged else blocks)
        return Choice("ross", taken, exchanged=exchanged, named=True, dims=dims, cautions=cautions)
    for block, name, named in zip(blocks, names, labels, strict=True):
        if named:
            _refuse_identifiers(block, name)
    apart, notes = _classes_apart(blocks, names, labels, normalize)
    symbols = [
        numbered(_numbers_of_rows(block))
        for block, named in zip(blocks, labels, strict=True)
        if named
    ]
    cells = reduce(crossed, symbols)
    return Choice(
        default,
        tuple(apart),
        named=True,
        dims=dims,
        normalized=normalize is not None,
        alike=cells.size[cells.of],
        cautions=(*cautions, *notes),
    )


def few_alike(alike: NDArray[np.intp], k: int) -> tuple[Caution, ...]:
    """Return a caution if samples have fewer others of the same names than neighbours are asked."""
    small = int(np.count_nonzero(alike <= k))
    if not small:
        return ()
    text = (
        f"{small} of {len(alike)} samples have k={k} or fewer samples with the same names: their "
        "neighbours have other names, and show no dependence; merge rare classes"
    )
    return (Caution(text, "small_class"),)


def options_for(
    choice: Choice, known: Sequence[str], given: Mapping[str, object]
) -> dict[str, object]:
    """Return the options of a neighbour search that the chosen method has, all of them checked.

    The user asked for no method, and one without neighbours has no use for their number.

    Args:
        choice: What was chosen.
        known: Options of the method.
        given: Options that the user gave or left at their defaults.

    Raises:
        TypeError: An option of the wrong type.
        ValueError: An option out of range.
    """
    as_k(given["k"])
    check_search(given["metric"], given["algorithm"], given["n_jobs"])
    check_noise(given["noise"])
    seed: Any = given["seed"]
    check_seed(seed)
    kept = {name: value for name, value in given.items() if name in known}
    return kept | ({"normalize": None} if choice.normalized else {})


def _without_times(x: object, name: str) -> object:
    """Return one column of times, durations or numbers that are objects as seconds and numbers.

    Times count from the first of them, to the last digit. Anything else stays as it is.

    Raises:
        ValueError: Some are missing.
    """
    if not _holds_objects(x):
        return x
    try:
        columns = read_table(x, name)
    except (TypeError, ValueError):  # what is no table is named where samples are read
        return x
    (column, *others) = columns
    if others or column.problem or column.named:
        return x
    if column.missing is not None:
        raise ValueError(
            f"{name} must not have missing values; got {int(column.missing.sum())} of them, the "
            f"first in row {int(column.missing.argmax())}: leave those rows out of every variable"
        )
    return column.values


def _holds_objects(x: object) -> bool:
    """Return whether a column or a list holds times or other objects than strings and numbers."""
    if isinstance(x, list | tuple):
        return any(isinstance(value, _OBJECTS) for value in x[:1])
    frame = frame_columns(x)
    if frame is not None:
        return len(frame) == 1 and _holds_objects(frame[0][1])
    dtype = dtype_of(x)
    kind = getattr(dtype, "kind", "-")
    return kind in "mMO" or str(dtype).lower().startswith(_TIMES)


def _classes_apart(
    blocks: Sequence[Array],
    names: Sequence[str],
    labels: Sequence[bool],
    normalize: object,
) -> tuple[list[Array], tuple[Caution, ...]]:
    """Return blocks in which any two classes are as far apart, and farther than any two numbers.

    A class is written as the binary digits of its number: any two differ in a digit, so that their
    largest difference is the same whichever they are. Neighbours are then searched within a class
    before they are in others, as :class:`fastmi.Ross` searches; where a class counted like one
    standard deviation, two independent variables with 40 classes as the condition, n = 200, had
    1.4 nats instead of 0.
    """
    numbers = [b for b, named in enumerate(labels) if not named]
    done = list(blocks)
    notes: tuple[Caution, ...] = ()
    if isinstance(normalize, str) and numbers:
        scaled, notes = normalize_blocks(
            [blocks[b] for b in numbers], [names[b] for b in numbers], normalize
        )
        for b, block in zip(numbers, scaled, strict=True):
            done[b] = block
    spans = [float(np.ptp(done[b], axis=0).max()) for b in numbers]
    # Half of the largest float is the most that samples may be.
    distance = min(2.0 * max(spans, default=0.0) or 1.0, float(np.finfo(done[0].dtype).max) / 2)
    for b, named in enumerate(labels):
        if named:
            of = _numbers_of_rows(blocks[b])
            digits = max(1, math.ceil(math.log2(int(of.max()) + 1)))
            bits = (of[:, None] >> np.arange(digits)) & 1
            done[b] = (bits * distance).astype(done[0].dtype)
    return done, notes


def _numbers_of_rows(block: Array) -> NDArray[np.intp]:
    """Return the number of each row among the different rows."""
    if block.shape[1] == 1:
        return numbered(block[:, 0]).of
    _, of = np.unique(block, axis=0, return_inverse=True)
    return of.reshape(-1)


def _refuse_numerals(x: object, codes: Array, name: str) -> None:
    """Raise TypeError for strings that read as numbers and hardly repeat: a column not converted.

    Args:
        x: What the user passed.
        codes: Its classes, shape (n, d).
        name: What to call it.
    """
    _, size = np.unique(codes, axis=0, return_counts=True)
    if np.count_nonzero(size == 1) <= _UNIQUE_SHARE * len(codes) or len(codes) < 2:
        return
    values = np.asarray(x)
    try:
        values.astype(np.float64)
    except (TypeError, ValueError):
        return
    raise refusal(values, x, name)


def _refuse_identifiers(codes: Array, name: str) -> None:
    if len(np.unique(codes, axis=0)) == len(codes):
        raise ValueError(
            f"{name} must be classes, at least one with two samples; got {len(codes)} samples with "
            "as many names, as identifiers have: leave it out"
        )


def _renamed(caution: Caution) -> Caution:
    """Return a caution with x and y in each other's place."""
    text = re.sub(r"\b[xy]\b", lambda found: "yx"["xy".index(found[0])], caution)
    made = Note if isinstance(caution, Note) else Caution
    return made(text, caution.kind)
