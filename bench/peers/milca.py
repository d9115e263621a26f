"""MILCA, the C code of the KSG authors, as a shared library named by FASTMI_MILCA."""

from __future__ import annotations

import ctypes
import os
from functools import cache
from pathlib import Path

import numpy as np

from peers._base import Peer, Samples

_SYMBOLS = ("mic_xnyn", "_Z8mic_xnynPPdiiiiS_S_S_")
"""C name and C++ name of the cubic (KSG-1) estimator for one k."""

_DoublePointer = ctypes.POINTER(ctypes.c_double)


@cache
def _mic_xnyn():
    """Load void mic_xnyn(x, dx, dy, n, k, psi, boxes_per_unit, result).

    Raises:
        ImportError: FASTMI_MILCA is unset, not a file or not a library with that function.
    """
    path = os.environ.get("FASTMI_MILCA")
    if not path:
        raise ImportError("FASTMI_MILCA does not name a shared library with mic_xnyn")
    if not Path(path).is_file():
        raise ImportError(f"FASTMI_MILCA={path} is not a file")
    try:
        library = ctypes.CDLL(path)
    except OSError as error:
        raise ImportError(f"FASTMI_MILCA={path} cannot be loaded: {error}") from error
    for symbol in _SYMBOLS:
        if hasattr(library, symbol):
            function = getattr(library, symbol)
            function.restype = None
            return function
    raise ImportError(f"FASTMI_MILCA={path} exports neither of {', '.join(_SYMBOLS)}")


def _as_double_pointer(a: np.ndarray):
    return a.ctypes.data_as(_DoublePointer)


class Milca(Peer):
    """Box-assisted search on a grid over the first component of each block; one core."""

    name = "MILCA"
    notes = "mic_xnyn in process, one core, columns shifted but not rescaled, no noise"
    # Shifting the columns to start at 0 rounds them anew, which can flip a near tie.
    tolerance = 1e-6

    def version(self) -> str:
        _mic_xnyn()
        return "2009"

    def max_n(self, dx: int, dy: int) -> int:
        dims = dx + dy
        return 1_000_000 if dims <= 2 else 100_000 if dims <= 4 else 10_000 if dims <= 40 else 0

    def mi(self, x: Samples, y: Samples, k: int) -> float:
        n = len(x)
        # The grid assumes columns that start at 0 and spread over about four units.
        columns = np.hstack([x, y]).astype(np.float64).T.copy()
        columns -= columns.min(axis=1, keepdims=True)
        boxes_per_unit = (n - 5) / columns.max(axis=1)
        psi = np.empty(n + 1)
        psi[:2] = 0.0, -np.euler_gamma
        np.cumsum(1.0 / np.arange(1, n), out=psi[2:])
        psi[2:] -= np.euler_gamma
        rows = (_DoublePointer * len(columns))(*map(_as_double_pointer, columns))
        result = ctypes.c_double()
        _mic_xnyn()(
            rows,
            ctypes.c_int(x.shape[1]),
            ctypes.c_int(y.shape[1]),
            ctypes.c_int(n),
            ctypes.c_int(k),
            _as_double_pointer(psi),
            _as_double_pointer(boxes_per_unit),
            ctypes.byref(result),
        )
        return result.value
