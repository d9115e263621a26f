"""Samples on their way into a training: read, normalised, split by use, moved to the device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fastmi._cautions import Caution
from fastmi._inputs import as_blocks
from fastmi.normalize import normalize_blocks

Array = NDArray[Any]

DTYPES: dict[str, Any] = {"float32": np.float32, "float64": np.float64}
# With fewer held-out samples nothing can be said about a trained model.
_FEWEST_HELD_OUT = 4
# Each evaluation during the training looks at this many held-out samples at most: with more, it
# would cost as much as the updates between evaluations.
_MOST_WATCHED = 10_000
# A column is coarse in float32 if its standard deviation is below this share of its largest
# value: rounding then is 6e-4 of the deviation, which hides whatever exceeds about 7 nats.
_COARSE = 1e-4


@dataclass(frozen=True)
class Split:
    """Samples by use, each a tuple of tensors (one per variable) on the device.

    Attributes:
        train: Samples of the updates.
        select: Held-out samples of the curves, which also choose the parameters if there is
            a patience.
        report: Held-out samples that give the value. They overlap with `select` only if that
            does not choose the parameters.
        warnings: What normalising, rounding and leaving out columns gave reason to warn of.
        n: Number of samples in all.
    """

    train: tuple[Tensor, ...]
    select: tuple[Tensor, ...]
    report: tuple[Tensor, ...]
    warnings: tuple[Caution, ...]
    n: int

    def map(self, pick: Callable[..., tuple[Tensor, ...]]) -> Split:
        """Return the split whose tensors are ``pick(*tensors)`` of each part."""
        train, select, report = pick(*self.train), pick(*self.select), pick(*self.report)
        return Split(train, select, report, self.warnings, self.n)


def split_samples(
    variables: Sequence[object],
    names: Sequence[str],
    test: object,
    *,
    device: str,
    dtype: str,
    normalize: str | None,
    test_size: float,
    seed: int | None,
    batch_size: int,
    selects: bool,
) -> Split:
    """Return the samples of all variables, checked and split.

    Args:
        variables: Samples of each variable, as the user gave them.
        names: Name of each variable, for messages.
        test: Held-out samples of each variable; None to hold out a part of the others.
        device: "auto" for the device that the samples are on, or the name of one.
        dtype: "float32" or "float64".
        normalize: None, or the name of a normalisation.
        test_size: Share of the samples held out if `test` is None.
        seed: Seed of the choice of the held-out samples; None for a fresh one.
        batch_size: Number of samples in each update.
        selects: Whether held-out samples choose the parameters.

    Raises:
        TypeError: Samples that are not real numbers; a `test` that is not a tuple of them.
        ValueError: Samples of wrong shape or length, not finite or too few; a `device` that
            torch cannot use.
    """
    where = _device(variables, device)
    blocks = as_blocks([_on_host(variable) for variable in variables], names)
    n = len(blocks[0])
    if test is None:
        held_out = round(test_size * n)
        order = np.random.default_rng(seed).permutation(n)
    else:
        others = _test_blocks(test, blocks, names)
        held_out = len(others[0])
        blocks = [np.concatenate(pair) for pair in zip(blocks, others, strict=True)]
        order = np.arange(n + held_out)
        n += held_out
    if held_out < _FEWEST_HELD_OUT or n - held_out < batch_size:
        raise ValueError(
            f"batch_size must be at most the number of training samples, and at least "
            f"{_FEWEST_HELD_OUT} samples be held out; got batch_size={batch_size}, "
            f"{n - held_out} training and {held_out} held-out samples"
        )
    found: tuple[Caution, ...] = ()
    if normalize is not None:
        blocks, found = normalize_blocks(blocks, names, normalize)
    if dtype == "float32":
        found = (*found, *_rounding_warnings(blocks, names))
    with np.errstate(over="ignore"):
        blocks = [block[order].astype(DTYPES[dtype], copy=False) for block in blocks]
    for block, name in zip(blocks, names, strict=True):
        if not np.isfinite(block).all():
            raise ValueError(
                f"{name} must fit dtype={dtype!r}; got values beyond its range: "
                "normalize, or use dtype='float64'"
            )
    tensors = [torch.from_numpy(block).to(where) for block in blocks]

    def rows(first: int, last: int) -> tuple[Tensor, ...]:
        return tuple(tensor[first:last] for tensor in tensors)

    border = n - held_out
    if not selects:
        watched = min(n, border + _MOST_WATCHED)
        return Split(rows(0, border), rows(border, watched), rows(border, n), found, n)
    middle = border + min(held_out // 2, _MOST_WATCHED)
    return Split(rows(0, border), rows(border, middle), rows(middle, n), found, n)


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


def _on_host(variable: object) -> object:
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
    others = as_blocks([_on_host(one) for one in test], [f"{name}_test" for name in names])
    for block, other, name in zip(blocks, others, names, strict=True):
        if block.shape[1] != other.shape[1]:
            raise ValueError(
                f"{name} and {name}_test must have the same number of columns; "
                f"got {block.shape[1]} and {other.shape[1]}"
            )
    return others


def _rounding_warnings(blocks: Sequence[Array], names: Sequence[str]) -> list[Caution]:
    """Return warnings of the float64 columns that float32 would round coarsely."""
    found = []
    for block, name in zip(blocks, names, strict=True):
        if block.dtype == np.float32:
            continue
        largest = np.abs(block).max(axis=0)
        spread = (block / np.where(largest > 0.0, largest, 1.0)).std(axis=0)
        coarse = np.flatnonzero((spread > 0.0) & (spread < _COARSE))
        if coarse.size:
            found.append(
                Caution(
                    f"columns {', '.join(map(str, coarse))} of {name} vary by less than "
                    f"{_COARSE:g} of their largest value, which float32 rounds coarsely: centre "
                    "them, or use dtype='float64'",
                    "rounding",
                )
            )
    return found
