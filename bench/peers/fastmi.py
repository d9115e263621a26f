"""fastmi itself, through its public call."""

from __future__ import annotations

from peers._base import Peer, Samples


class Fastmi(Peer):
    """`fastmi.mi` as a user calls it, with every core.

    Args:
        n_jobs: Threads; None is the library's own default, all usable cores.
        algorithm: Passed on to `fastmi.mi`.
    """

    name = "fastmi"
    notes = "fastmi.mi(x, y, k=k), defaults"

    def __init__(self, n_jobs: int | None = None, algorithm: str = "auto") -> None:
        self.n_jobs = n_jobs
        self.algorithm = algorithm

    def version(self) -> str:
        import fastmi

        return str(fastmi.__version__)

    def max_n(self, dx: int, dy: int) -> int:
        return 20_000_000 if dx + dy <= 6 else 200_000

    def mi(self, x: Samples, y: Samples, k: int) -> float:
        import fastmi

        return float(fastmi.mi(x, y, k=k, n_jobs=self.n_jobs, algorithm=self.algorithm))
