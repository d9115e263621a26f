"""Adapters, one file per rival, in the order of the table's columns."""

from __future__ import annotations

from peers._base import Peer
from peers.fastmi import Fastmi
from peers.jidt import Jidt
from peers.milca import Milca
from peers.npeet import Npeet
from peers.numba import Numba
from peers.scipy import Scipy
from peers.sklearn import SklearnRegression, SklearnTwoProcesses
from peers.torch import Torch

__all__ = ["Fastmi", "Peer", "all_peers", "choose", "rivals"]


def all_peers() -> list[Peer]:
    """Return one adapter per rival, fastmi first."""
    return [
        Fastmi(),
        Milca(),
        Scipy(),
        SklearnTwoProcesses(),
        SklearnRegression(),
        Npeet(),
        Torch(),
        Jidt(),
        Numba(),
    ]


def choose(names: list[str] | None) -> list[Peer]:
    """Return fastmi and the named peers; every peer without names.

    Raises:
        SystemExit: A name is unknown; the message lists the known ones.
    """
    peers = all_peers()
    if names is None:
        return peers
    known = [peer.name for peer in peers]
    for name in names:
        if name not in known:
            raise SystemExit(f"--peers {name!r} is unknown; the peers are {', '.join(known)}")
    return [peer for peer in peers if peer.name in names]


def rivals(names: list[str]) -> list[Peer]:
    """Return the named peers that can run here, without fastmi."""
    return [peer for peer in choose(names) if peer.name != "fastmi" and peer.available()]
