"""torch: brute force by chunks of torch.cdist(p=inf), the usual high-dimensional recipe."""

from __future__ import annotations

import math

from peers import _base
from peers._base import Peer, Samples


class Torch(Peer):
    """Chunks small enough that the distances of both blocks stay in the cache."""

    name = "torch"
    notes = "torch.cdist(p=inf) by row chunks, topk, comparison and sum; all cores"

    def version(self) -> str:
        import torch

        return str(torch.__version__)

    def max_n(self, dx: int, dy: int) -> int:
        return 20_000 if dx + dy < 20 else 50_000 if dx + dy <= 20 else 10_000

    def mi(self, x: Samples, y: Samples, k: int) -> float:
        import torch

        torch.set_num_threads(_base.THREADS)
        n = len(x)
        chunk = max(1, min(n, 1_000_000 // n))
        with torch.inference_mode():
            blocks = [torch.from_numpy(x), torch.from_numpy(y)]
            total = 0.0
            for start in range(0, n, chunk):
                distances = [
                    torch.cdist(block[start : start + chunk], block, p=math.inf) for block in blocks
                ]
                joint = torch.maximum(*distances)
                # The query itself is one of the k + 1 nearest, at distance 0.
                radius = joint.topk(k + 1, dim=1, largest=False).values[:, -1:]
                for distance in distances:
                    count = (distance < radius).sum(1)
                    total += torch.digamma(count.double()).sum().item()
            constants = torch.digamma(torch.tensor([k, n], dtype=torch.float64)).sum().item()
        return constants - total / n
