"""Chooses the method for arguments that hold names, where the user names none.

Numbers stay with the default of the function. Names (strings, categories, booleans of data frames,
objects) are classes, for which each function has a method, whatever numbers they could be given.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._cautions import Caution, Note, constant_caution
from fastmi._checks import as_k, check_noise, check_search, check_seed
from fastmi._columns import check_pairing
from fastmi._estimate import Estimate, changed
from fastmi._inputs import as_blocks
from fastmi._refusals import refusal
from fastmi._symbols import numbered
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


@dataclass(frozen=True)
class Choice:
    """A method, and the arguments as it takes them.

    Attributes:
        method: Name of the method.
        arrays: The arguments, in the order in which the method takes them.
        exchanged: Whether x and y change places.
        named: Whether a variable holds names; else the arguments are those of the user.
        normalized: Whether the numbers among them are normalised already.
        cautions: What the user should know.
    """

    method: str
    arrays: tuple[object, ...]
    exchanged: bool = False
    named: bool = False
    normalized: bool = False
    cautions: tuple[Caution, ...] = field(default=())

    def shown(self, found: Estimate | list[Estimate], k: object) -> Estimate | list[Estimate]:
        """Return the estimates as those of the user's arguments, one for each k.

        Args:
            found: What the method returned.
            k: The option that the user gave.
        """
        if not self.named:
            return found
        ks = as_k(k)
        listed = found if isinstance(found, list) else [found]
        if not isinstance(ks, int) and len(listed) < len(ks):
            listed = [changed(listed[0], float(listed[0])) for _ in ks]
        shown = [self._as_given(each) for each in listed]
        return shown[0] if isinstance(ks, int) else shown

    def _as_given(self, estimate: Estimate) -> Estimate:
        warnings = estimate.warnings
        fields: dict[str, Any] = {}
        if self.exchanged:
            warnings = tuple(map(_renamed, warnings))
            fields = {"dims": estimate.dims[::-1]}
            if estimate.counts is not None:
                fields["counts"] = estimate.counts[::-1].copy()
        return changed(estimate, float(estimate), warnings=(*self.cautions, *warnings), **fields)


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
    if not any(map(holds_names, arrays)):
        return Choice(default, tuple(arrays))
    check_normalize(normalize)
    check_pairing(arrays, names)
    read, labels = with_codes(arrays, names)
    blocks = as_blocks(read, names)
    for x, block, name, named in zip(arrays, blocks, names, labels, strict=True):
        if named:
            _refuse_numerals(x, block, name)
    if len(blocks) == 1:
        return Choice("discrete", tuple(blocks), named=True)
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
        return Choice("discrete", tuple(blocks), named=True, cautions=cautions)
    if not conditional and len(blocks) == 2:
        exchanged = labels[0]
        _refuse_identifiers(blocks[0 if exchanged else 1], names[0 if exchanged else 1])
        taken = tuple(blocks[::-1] if exchanged else blocks)
        return Choice("ross", taken, exchanged=exchanged, named=True, cautions=cautions)
    apart, notes = _classes_apart(blocks, names, labels, normalize)
    return Choice(
        "mesner",
        tuple(apart),
        named=True,
        normalized=normalize is not None,
        cautions=(*cautions, *notes),
    )


def options_for(
    choice: Choice, known: Sequence[str], given: dict[str, object]
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


def _classes_apart(
    blocks: Sequence[Array],
    names: Sequence[str],
    labels: Sequence[bool],
    normalize: object,
) -> tuple[list[Array], tuple[Caution, ...]]:
    """Return blocks in which any two classes are as far apart, and farther than any two numbers.

    A class is written as the binary digits of its number: any two differ in a digit, so that their
    largest difference is the same whichever they are. Neighbours are then searched within a class
    before they are in others, as :class:`fastmi.Ross` searches.
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
