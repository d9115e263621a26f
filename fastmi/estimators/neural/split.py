"""Samples on their way into a training: read, normalised, split by use, moved to the device."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fastmi._cautions import Caution, Note
from fastmi._inputs import as_blocks
from fastmi.estimators.neural.inputs import InputMap, make_map
from fastmi.estimators.neural.parts import Parts, divide, divide_in_folds
from fastmi.nn.identity import fingerprint

Array = NDArray[Any]

DTYPES: dict[str, Any] = {"float32": np.float32, "float64": np.float64}
# A column is coarse in float32 if its standard deviation is below this share of its largest
# value: rounding then is 6e-4 of the deviation, which hides whatever exceeds about 7 nats.
_COARSE = 1e-4
# So many numbers are mapped at once: float64 copies of all columns of wide data would need several
# times the memory of the data itself.
_AT_ONCE = 1 << 22


@dataclass(frozen=True)
class Split:
    """Samples by use, each a tuple of tensors (one per variable) on the device.

    Attributes:
        train: Samples of the updates.
        select: Held-out samples of the curves, which also choose the parameters if there is
            a patience.
        report: Held-out samples that give the value. They overlap with `select` only if that
            does not choose the parameters.
        maps: What was done to the columns of each variable.
        log_slopes: Mean of log |dz/dx| of each map over the samples of `report`: what an entropy
            of the mapped samples exceeds that of the user's samples by.
        warnings: What splitting, mapping and leaving out columns gave reason to warn of.
        n: Number of samples in all.
        fingerprints: Hashes of the samples as they were given: "data" of `variables`, "held_out"
            of `test` samples, None without them. Empty unless they were asked for.
        rows: Numbers of the rows of `report`.
    """

    train: tuple[Tensor, ...]
    select: tuple[Tensor, ...]
    report: tuple[Tensor, ...]
    maps: tuple[InputMap, ...]
    log_slopes: tuple[float, ...]
    warnings: tuple[Caution, ...]
    n: int
    fingerprints: dict[str, str | None]
    rows: NDArray[np.int64]

    def map(self, pick: Callable[..., tuple[Tensor, ...]]) -> Split:
        """Return the split whose tensors are ``pick(*tensors)`` of each part."""
        train, select, report = pick(*self.train), pick(*self.select), pick(*self.report)
        return replace(self, train=train, select=select, report=report)


def split_samples(
    variables: Sequence[object],
    names: Sequence[str],
    test: object,
    *,
    device: str,
    dtype: str,
    inputs: str,
    normalize: str | None,
    grid: float,
    test_size: float,
    split: str,
    gap: int,
    folds: int,
    seed: int | None,
    batch_size: int,
    selects: bool,
    identify: bool,
) -> Iterator[Split]:
    """Yield the samples of all variables, checked, split and mapped, one fold after the other.

    Args:
        variables: Samples of each variable, as the user gave them.
        names: Name of each variable, for messages.
        test: Held-out samples of each variable; None to hold out a part of the others.
        device: "auto" for the device that the samples are on, or the name of one.
        dtype: "float32" or "float64".
        inputs: How the columns are mapped, one of :data:`fastmi.estimators.neural.inputs.INPUTS`.
        normalize: None, or the name of a normalisation.
        grid: Mapped samples are rounded to multiples of this where `dtype` is "float32".
        test_size: Share of the samples held out if `test` is None.
        split: "random" or "blocked".
        gap: Number of rows between the parts of a blocked split.
        folds: Number of folds of a random split if `test` is None.
        seed: Seed of the choice of the held-out samples; None for a fresh one.
        batch_size: Number of samples in each update.
        selects: Whether held-out samples choose the parameters.
        identify: Whether to take fingerprints.

    Raises:
        TypeError: Samples that are not real numbers; a `test` that is not a tuple of them.
        ValueError: Samples of wrong shape or length, not finite or too few; a `device` that
            torch cannot use.
    """
    where = _device(variables, device)
    blocks = as_blocks([on_host(variable) for variable in variables], names)
    n = len(blocks[0])
    fingerprints: dict[str, str | None] = {}
    if identify:
        # Of what came in, not of what the maps make of it, whose last bits depend on the processor.
        fingerprints = {"data": fingerprint(blocks), "held_out": None}
    if test is None:
        held_out = round(test_size * n)
    else:
        others = _test_blocks(test, blocks, names)
        if identify:
            fingerprints["held_out"] = fingerprint(others)
        held_out = len(others[0])
        blocks = [np.concatenate(pair) for pair in zip(blocks, others, strict=True)]
        n += held_out
    divided: list[Parts] = []
    if folds > 1 and test is None and split == "random":
        divided = divide_in_folds(blocks, folds, seed=seed, test_size=test_size, selects=selects)
    too_few = [len(one.train) < batch_size or not len(one.select) for one in divided]
    if any(too_few) or not divided:
        parts = divide(
            blocks,
            held_out,
            given=test is not None,
            split=split,
            gap=gap,
            seed=seed,
            batch_size=batch_size,
            selects=selects,
        )
        if divided:
            text = (
                f"folds={folds} would leave fewer than batch_size={batch_size} samples to train "
                "on: one part of the samples is held out instead"
            )
            parts = parts._replace(warnings=(*parts.warnings, Note(text, "folds")))
        divided = [parts]
    for parts in divided:
        yield _map_parts(
            blocks,
            names,
            parts,
            where=where,
            dtype=dtype,
            inputs=inputs,
            normalize=normalize,
            grid=grid,
            fingerprints=fingerprints,
        )


def _map_parts(
    blocks: Sequence[Array],
    names: Sequence[str],
    parts: Parts,
    *,
    where: torch.device,
    dtype: str,
    inputs: str,
    normalize: str | None,
    grid: float,
    fingerprints: dict[str, str | None],
) -> Split:
    """Return the parts of all variables, mapped by statistics of their training samples.

    See :func:`split_samples` for the arguments.
    """
    found = [*parts.warnings]
    maps, slopes, tensors = [], [], []
    for block, name in zip(blocks, names, strict=True):
        made, mapped, notes = _map_variable(
            block,
            parts.train,
            name,
            inputs=inputs,
            normalize=normalize,
            grid=grid if dtype == "float32" else 0.0,
            dtype=dtype,
        )
        found += notes
        maps.append(made)
        held_out_rows = torch.from_numpy(block[parts.report].astype(np.float64, copy=False))
        slopes.append(float(made.log_slope(held_out_rows).mean()))
        tensors.append(torch.from_numpy(mapped))
    found += _unseen_warnings(maps, blocks, names)
    train, select, report = (
        tuple(tensor[torch.from_numpy(rows)].to(where) for tensor in tensors)
        for rows in (parts.train, parts.select, parts.report)
    )
    return Split(
        train,
        select,
        report,
        tuple(maps),
        tuple(slopes),
        tuple(found),
        len(blocks[0]),
        fingerprints,
        parts.report,
    )


def without_constant_columns(
    split: Split, which: int, name: str, *, needed_by: str | None = None
) -> Split:
    """Return the split without the constant columns of one variable, with a warning.

    A variable of which every column is constant stays as it is, unless something needs its
    density.

    Args:
        split: The samples.
        which: Place of the variable among the tensors of each part.
        name: Name of the variable.
        needed_by: Option that needs the density of the variable, as it reads in a message:
            "side='x'"; None if none does.

    Raises:
        ValueError: All columns are constant, and a density is needed.
    """
    first = split.train[which][0]
    varies = (split.train[which] != first).any(0)
    for part in (split.select, split.report):
        varies |= (part[which] != first).any(0)
    constant = (~varies).nonzero()[:, 0].tolist()
    if not constant or (needed_by is None and len(constant) == len(varies)):
        return split
    if len(constant) == len(varies):
        raise ValueError(
            f"{name} must not be constant with {needed_by}: it has no density; the information is 0"
        )

    def without(*blocks: Tensor) -> tuple[Tensor, ...]:
        return tuple(
            block[:, varies].contiguous() if i == which else block for i, block in enumerate(blocks)
        )

    note = (
        f"columns {', '.join(map(str, constant))} of {name} are constant and left out: "
        "they have no density, and share no information"
    )
    split = split.map(without)
    split.maps[which].keep(varies)
    return replace(split, warnings=(*split.warnings, Caution(note, "constant")))


def _device(variables: Sequence[object], device: str) -> torch.device:
    """Return the device to train on."""
    devices = {variable.device for variable in variables if isinstance(variable, Tensor)}
    if device == "auto":
        if len(devices) > 1:
            raise ValueError(
                f"tensors must be on one device; got {', '.join(sorted(map(str, devices)))}: "
                "name one with device="
            )
        return devices.pop() if devices else torch.device("cpu")
    try:
        found = torch.device(device)
        torch.empty(0, device=found)
        torch.Generator(found)
    except (RuntimeError, TypeError, AssertionError) as error:
        raise ValueError(
            f"device must be 'auto' or a device that torch can use; got device={device!r}: {error}"
        ) from error
    return found


def on_host(variable: object) -> object:
    """Return a tensor of another device as one of the CPU, where all samples are checked."""
    device = getattr(variable, "device", None)
    if getattr(device, "type", "cpu") == "cpu":
        return variable
    moved: Any = variable
    return moved.detach().cpu()


def _test_blocks(test: object, blocks: Sequence[Array], names: Sequence[str]) -> list[Array]:
    """Return the held-out samples that the user gave, checked against the others."""
    if not isinstance(test, tuple | list) or len(test) != len(blocks):
        listed = ", ".join(f"{name}_test" for name in names)
        raise TypeError(f"test must be a tuple ({listed}); got {type(test).__name__}")
    others = as_blocks([on_host(one) for one in test], [f"{name}_test" for name in names])
    for block, other, name in zip(blocks, others, names, strict=True):
        if block.shape[1] != other.shape[1]:
            raise ValueError(
                f"{name} and {name}_test must have the same number of columns; "
                f"got {block.shape[1]} and {other.shape[1]}"
            )
    return others


def _map_variable(
    block: Array,
    training: NDArray[np.int64],
    name: str,
    *,
    inputs: str,
    normalize: str | None,
    grid: float,
    dtype: str,
) -> tuple[InputMap, Array, list[Caution]]:
    """Return the map of a variable, its mapped samples in `dtype`, and what to warn of.

    See :func:`make_map` for the arguments.
    """
    n, d = block.shape
    # A normalisation may need all columns at once.
    step = d if normalize is not None else max(_AT_ONCE // n, 1)
    mapped = np.empty((n, d), DTYPES[dtype])
    maps: list[InputMap] = []
    found: list[Caution] = []
    coarse: list[int] = []
    for start in range(0, d, step):
        own = slice(start, start + step)
        made, wide, notes = make_map(
            block[:, own], training, name, inputs=inputs, normalize=normalize, grid=grid
        )
        maps.append(made)
        found += notes
        if inputs == "none" and dtype == "float32" and block.dtype != np.float32:
            coarse += (start + _coarse_columns(wide)).tolist()
        with np.errstate(over="ignore"):
            mapped[:, own] = wide
    if not np.isfinite(mapped).all():
        raise ValueError(
            f"{name} must fit dtype={dtype!r}; got values beyond its range: "
            "use inputs='auto' or dtype='float64'"
        )
    lost = (mapped == mapped[0]).all(axis=0) & (block != block[0]).any(axis=0)
    if inputs == "none" and lost.any():
        raise ValueError(
            f"{name} must keep its values apart in dtype={dtype!r}; got columns "
            f"{', '.join(map(str, np.flatnonzero(lost)))} that are constant in it: use "
            "inputs='auto' or dtype='float64'"
        )
    if coarse:
        text = (
            f"columns {', '.join(map(str, coarse))} of {name} vary by less than {_COARSE:g} of "
            "their largest value, which float32 rounds coarsely: use inputs='auto', centre them, "
            "or use dtype='float64'"
        )
        found.append(Caution(text, "rounding"))
    return InputMap.joined(maps), mapped, found


def _coarse_columns(block: Array) -> NDArray[np.int64]:
    """Return the numbers of the columns that float32 would round coarsely."""
    largest = np.abs(block).max(axis=0)
    spread = (block / np.where(largest > 0.0, largest, 1.0)).std(axis=0)
    return np.flatnonzero((spread > 0.0) & (spread < _COARSE))


def _unseen_warnings(
    maps: Sequence[InputMap], blocks: Sequence[Array], names: Sequence[str]
) -> list[Caution]:
    """Return warnings of the columns that vary among the held-out samples alone."""
    found = []
    for made, block, name in zip(maps, blocks, names, strict=True):
        unseen = (made.factor == 0.0).numpy() & (block != block[0]).any(axis=0)
        if unseen.any():
            text = (
                f"columns {', '.join(map(str, np.flatnonzero(unseen)))} of {name} are constant "
                "among the training samples: what they say about held-out ones is left out"
            )
            found.append(Caution(text, "constant"))
    return found
