from __future__ import annotations
import collections.abc
import numpy
import numpy.typing
import typing

__all__: list[str] = [
    "BnafPassF32",
    "BnafPassF64",
    "StopFlag",
    "bnaf_forward",
    "build_info",
    "ceiling_probe",
    "choose_algorithm",
    "coincidences",
    "count_within",
    "digamma",
    "exchange",
    "exchanged_counts",
    "first_unusable",
    "heed_stop",
    "kneighbors",
    "kneighbors_among",
    "ksg",
    "ksg_pairs",
    "ksg_surrogates",
    "ksg_sweep",
    "kth_distance",
    "rectangle_counts",
    "rectangle_radii",
    "ross_estimates",
    "simd_level",
    "simd_levels",
    "space_counts",
    "theiler_counts",
]

class BnafPassF32:
    def backward(
        self,
        f_gradient: numpy.ndarray,
        slope_gradient: numpy.ndarray,
        for_x: bool,
        for_y: bool,
        threads: typing.SupportsInt | typing.SupportsIndex,
    ) -> tuple: ...
    @property
    def f(self) -> numpy.typing.NDArray[numpy.float32]: ...
    @property
    def log_slopes(self) -> numpy.typing.NDArray[numpy.float32]: ...

class BnafPassF64:
    def backward(
        self,
        f_gradient: numpy.ndarray,
        slope_gradient: numpy.ndarray,
        for_x: bool,
        for_y: bool,
        threads: typing.SupportsInt | typing.SupportsIndex,
    ) -> tuple: ...
    @property
    def f(self) -> numpy.typing.NDArray[numpy.float64]: ...
    @property
    def log_slopes(self) -> numpy.typing.NDArray[numpy.float64]: ...

class StopFlag:
    def __init__(self) -> None: ...
    def set(self) -> None: ...
    def watch(self) -> None: ...

def bnaf_forward(
    x: numpy.ndarray,
    parameters: numpy.ndarray,
    widths: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    y: numpy.ndarray | None,
    d_y: typing.SupportsInt | typing.SupportsIndex,
    y_widths: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    leak: typing.SupportsFloat | typing.SupportsIndex,
    keep: bool,
    threads: typing.SupportsInt | typing.SupportsIndex,
) -> typing.Any: ...
def build_info() -> dict: ...
def ceiling_probe(
    block: numpy.ndarray,
    seconds: typing.SupportsFloat | typing.SupportsIndex,
    threads: typing.SupportsInt | typing.SupportsIndex,
) -> float: ...
def choose_algorithm(
    n: typing.SupportsInt | typing.SupportsIndex,
    dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    k: typing.SupportsInt | typing.SupportsIndex,
    indices: bool = False,
) -> str: ...
def coincidences(blocks: collections.abc.Sequence[numpy.ndarray]) -> tuple: ...
def count_within(
    blocks: collections.abc.Sequence[numpy.ndarray],
    radius: numpy.ndarray,
    strict: bool,
    metric: str,
    algorithm: str,
    threads: typing.SupportsInt | typing.SupportsIndex,
) -> tuple: ...
def digamma(n: numpy.typing.NDArray[numpy.int64]) -> numpy.typing.NDArray[numpy.float64]: ...
def exchange(
    candidates: numpy.typing.NDArray[numpy.int64],
    sequence: numpy.typing.NDArray[numpy.int64],
    taken: numpy.typing.NDArray[numpy.bool],
) -> numpy.typing.NDArray[numpy.int64]: ...
def exchanged_counts(
    blocks: collections.abc.Sequence[numpy.ndarray],
    ks: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    orders: numpy.typing.NDArray[numpy.int64],
    threads: typing.SupportsInt | typing.SupportsIndex,
) -> numpy.typing.NDArray[numpy.int64]: ...
def first_unusable(block: numpy.ndarray) -> int: ...
def heed_stop() -> None: ...
def kneighbors(
    blocks: collections.abc.Sequence[numpy.ndarray],
    k: typing.SupportsInt | typing.SupportsIndex,
    metric: str,
    algorithm: str,
    threads: typing.SupportsInt | typing.SupportsIndex,
) -> tuple: ...
def kneighbors_among(
    blocks: collections.abc.Sequence[numpy.ndarray],
    among: typing.SupportsInt | typing.SupportsIndex,
    k: typing.SupportsInt | typing.SupportsIndex,
    metric: str,
    algorithm: str,
    threads: typing.SupportsInt | typing.SupportsIndex,
) -> tuple: ...
def ksg(
    blocks: collections.abc.Sequence[numpy.ndarray],
    ks: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    variant: typing.SupportsInt | typing.SupportsIndex,
    metric: str,
    algorithm: str,
    threads: typing.SupportsInt | typing.SupportsIndex,
) -> tuple: ...
def ksg_pairs(
    blocks: collections.abc.Sequence[numpy.ndarray],
    pairs: numpy.typing.NDArray[numpy.int64],
    ks: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    algorithm: str,
    report: typing.Any,
    threads: typing.SupportsInt | typing.SupportsIndex,
) -> tuple: ...
def ksg_surrogates(
    x: numpy.ndarray,
    y: numpy.ndarray,
    ks: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    metric: str,
    algorithm: str,
    next_orders: collections.abc.Callable,
    threads: typing.SupportsInt | typing.SupportsIndex,
) -> tuple: ...
def ksg_sweep(
    x: numpy.ndarray,
    y: numpy.ndarray,
    scales: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
    ks: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    metric: str,
    threads: typing.SupportsInt | typing.SupportsIndex,
) -> tuple: ...
def kth_distance(
    blocks: collections.abc.Sequence[numpy.ndarray],
    ks: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    metric: str,
    algorithm: str,
    threads: typing.SupportsInt | typing.SupportsIndex,
) -> tuple: ...
def rectangle_counts(
    blocks: collections.abc.Sequence[numpy.ndarray],
    ks: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    spaces: collections.abc.Sequence[
        collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex]
    ],
    metric: str,
    algorithm: str,
    threads: typing.SupportsInt | typing.SupportsIndex,
) -> tuple: ...
def rectangle_radii(
    block: numpy.ndarray,
    neighbours: numpy.typing.NDArray[numpy.int64],
    ks: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    metric: str,
    threads: typing.SupportsInt | typing.SupportsIndex,
) -> numpy.ndarray: ...
def ross_estimates(
    values: numpy.typing.NDArray[numpy.float64],
    labels: numpy.typing.NDArray[numpy.int64],
    ks: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    threads: typing.SupportsInt | typing.SupportsIndex,
) -> numpy.typing.NDArray[numpy.float64]: ...
def simd_level() -> str: ...
def simd_levels() -> list[str]: ...
def space_counts(
    blocks: collections.abc.Sequence[numpy.ndarray],
    ks: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    spaces: collections.abc.Sequence[
        collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex]
    ],
    strict: bool,
    metric: str,
    algorithm: str,
    threads: typing.SupportsInt | typing.SupportsIndex,
) -> tuple: ...
def theiler_counts(
    blocks: collections.abc.Sequence[numpy.ndarray],
    ks: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    window: typing.SupportsInt | typing.SupportsIndex,
    closed: bool,
    spaces: collections.abc.Sequence[
        collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex]
    ],
    metric: str,
    threads: typing.SupportsInt | typing.SupportsIndex,
) -> tuple: ...
