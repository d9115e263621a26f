from __future__ import annotations
import collections.abc
import numpy
import numpy.typing
import typing

__all__: list[str] = [
    "Buffer",
    "bnaf_backward",
    "bnaf_forward",
    "bnaf_sizes",
    "build_info",
    "ceiling_probe",
    "choose_algorithm",
    "count_within",
    "device_count",
    "device_info",
    "driver_info",
    "first_unusable",
    "kneighbors",
    "ksg",
    "ksg_pairs",
    "ksg_surrogates",
    "ksg_sweep",
    "kth_distance",
    "pointer_device",
    "space_counts",
    "synchronize",
]

class Buffer:
    def __init__(
        self,
        array: numpy.ndarray,
        device: typing.SupportsInt | typing.SupportsIndex,
        stream: typing.SupportsInt | typing.SupportsIndex,
    ) -> None: ...
    @property
    def device(self) -> int: ...
    @property
    def nbytes(self) -> int: ...
    @property
    def pointer(self) -> int: ...

def bnaf_backward(
    shape: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    ],
    dtype: str,
    network: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    leak: typing.SupportsFloat | typing.SupportsIndex,
    workspace: typing.SupportsInt | typing.SupportsIndex,
    f_gradient: typing.SupportsInt | typing.SupportsIndex,
    slope_gradient: typing.SupportsInt | typing.SupportsIndex,
    scratch: typing.SupportsInt | typing.SupportsIndex,
    x_gradient: typing.SupportsInt | typing.SupportsIndex,
    y_gradient: typing.SupportsInt | typing.SupportsIndex,
    gradients: typing.SupportsInt | typing.SupportsIndex,
    device: typing.SupportsInt | typing.SupportsIndex,
    stream: typing.SupportsInt | typing.SupportsIndex,
) -> None: ...
def bnaf_forward(
    shape: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    ],
    dtype: str,
    network: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
    ],
    leak: typing.SupportsFloat | typing.SupportsIndex,
    keep: bool,
    workspace: typing.SupportsInt | typing.SupportsIndex,
    f: typing.SupportsInt | typing.SupportsIndex,
    log_slopes: typing.SupportsInt | typing.SupportsIndex,
    device: typing.SupportsInt | typing.SupportsIndex,
    stream: typing.SupportsInt | typing.SupportsIndex,
) -> None: ...
def bnaf_sizes(
    shape: tuple[
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
        typing.SupportsInt | typing.SupportsIndex,
        typing.SupportsInt | typing.SupportsIndex,
        collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    ],
    dtype: str,
    keep: bool,
    device: typing.SupportsInt | typing.SupportsIndex,
) -> tuple[int, int, int]: ...
def build_info() -> dict: ...
def ceiling_probe(
    block: typing.Any,
    seconds: typing.SupportsFloat | typing.SupportsIndex,
    threads: typing.SupportsInt | typing.SupportsIndex,
) -> float: ...
def choose_algorithm(
    n: typing.SupportsInt | typing.SupportsIndex,
    dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    k: typing.SupportsInt | typing.SupportsIndex,
    indices: bool = False,
) -> str: ...
def count_within(
    blocks: collections.abc.Sequence[typing.Any],
    radius: numpy.ndarray,
    strict: bool,
    metric: str,
    algorithm: str,
    threads: typing.SupportsInt | typing.SupportsIndex,
) -> tuple: ...
def device_count() -> int: ...
def device_info(device: typing.SupportsInt | typing.SupportsIndex) -> dict: ...
def driver_info() -> dict: ...
def first_unusable(block: typing.Any) -> int: ...
def kneighbors(
    blocks: collections.abc.Sequence[typing.Any],
    k: typing.SupportsInt | typing.SupportsIndex,
    metric: str,
    algorithm: str,
    threads: typing.SupportsInt | typing.SupportsIndex,
) -> tuple: ...
def ksg(
    blocks: collections.abc.Sequence[typing.Any],
    ks: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    variant: typing.SupportsInt | typing.SupportsIndex,
    metric: str,
    algorithm: str,
    threads: typing.SupportsInt | typing.SupportsIndex,
) -> tuple: ...
def ksg_pairs(
    blocks: collections.abc.Sequence[typing.Any],
    pairs: numpy.typing.NDArray[numpy.int64],
    ks: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    algorithm: str,
    report: typing.Any,
    threads: typing.SupportsInt | typing.SupportsIndex,
) -> tuple: ...
def ksg_surrogates(
    x: typing.Any,
    y: typing.Any,
    ks: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    metric: str,
    algorithm: str,
    next_orders: collections.abc.Callable,
    threads: typing.SupportsInt | typing.SupportsIndex,
) -> tuple: ...
def ksg_sweep(
    x: typing.Any,
    y: typing.Any,
    scales: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
    ks: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    metric: str,
    threads: typing.SupportsInt | typing.SupportsIndex,
) -> tuple: ...
def kth_distance(
    blocks: collections.abc.Sequence[typing.Any],
    ks: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    metric: str,
    algorithm: str,
    threads: typing.SupportsInt | typing.SupportsIndex,
) -> tuple: ...
def pointer_device(pointer: typing.SupportsInt | typing.SupportsIndex) -> int: ...
def space_counts(
    blocks: collections.abc.Sequence[typing.Any],
    ks: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    spaces: collections.abc.Sequence[
        collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex]
    ],
    strict: bool,
    metric: str,
    algorithm: str,
    threads: typing.SupportsInt | typing.SupportsIndex,
) -> tuple: ...
def synchronize(
    device: typing.SupportsInt | typing.SupportsIndex,
    stream: typing.SupportsInt | typing.SupportsIndex,
) -> None: ...
