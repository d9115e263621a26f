"""Real NVP: affine couplings, which a second variable may condition as in NDoE.

Dinh, Sohl-Dickstein and Bengio (2017), "Density estimation using Real NVP",
https://arxiv.org/abs/1605.08803.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fastmi._checks import check_integer, check_real
from fastmi.nn.flows import Composition, Flow


class AffineCoupling(Flow):
    r"""z = m x + (1 - m) (x e^s + t) with s, t functions of m x and y.

    m keeps one half of the columns. A single column is never kept, so that its s and t depend on
    y alone. The networks see zeros in place of y for unconditioned rows, which deactivates the
    weights of y.

    Args:
        dims: Number of columns d of x.
        keep_first: Whether m keeps the first ``d // 2`` columns or the others.
        y_dims: Number of columns of y; 0 for a flow that takes none.
        hidden: Number of units in each of the two hidden layers of the networks of s and of t.
        limit: Bound of s, which is ``limit tanh(raw / limit)``.
    """

    capturable = True

    kept: Tensor

    def __init__(
        self,
        dims: int,
        *,
        keep_first: bool,
        y_dims: int = 0,
        hidden: int = 128,
        limit: float = 2.0,
    ) -> None:
        super().__init__()
        for name, value, least in (("dims", dims, 1), ("y_dims", y_dims, 0), ("hidden", hidden, 1)):
            check_integer(name, value, least)
        check_real("limit", limit, 0.0, ends="(]")
        self.dims = dims
        self.y_dims = y_dims
        self.limit = limit
        first = torch.arange(dims) < dims // 2
        kept = first if keep_first or dims == 1 else ~first
        self.register_buffer("kept", kept.to(torch.get_default_dtype()))
        self.scale = _network(dims + y_dims, hidden, dims)
        self.shift = _network(dims + y_dims, hidden, dims)

    def forward(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """See :meth:`Flow.forward`."""
        self._check(x, y)
        s, t = self._terms(x, y)
        return torch.addcmul(t, x, s.exp()), s.sum(1)

    def inverse(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """See :meth:`Flow.inverse`."""
        self._check(z, y)
        s, t = self._terms(z, y)
        return (z - t) * (-s).exp()

    def _terms(self, x: Tensor, y: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return s and t, zero in the columns that are kept; those are the same in x and z."""
        seen = x * self.kept
        if self.y_dims:
            beside = x.new_zeros(len(x) - (0 if y is None else len(y)), self.y_dims)
            seen = torch.cat([seen, beside if y is None else torch.cat([y, beside])], 1)
        moved = 1.0 - self.kept
        s = self.limit * torch.tanh(self.scale(seen) / self.limit)
        return s * moved, self.shift(seen) * moved


def RealNVP(dims: int, *, y_dims: int = 0, couplings: int = 6, hidden: int = 128) -> Flow:
    """Return a flow of affine couplings whose kept halves alternate.

    It starts as the identity. With a single column there is nothing to keep, so that every
    coupling, and with it the flow, is affine in x.

    Args:
        dims: Number of columns d of x.
        y_dims: Number of columns of y, which conditions every coupling; 0 for none.
        couplings: Number of couplings.
        hidden: Number of units in each of the two hidden layers of every network.
    """
    check_integer("couplings", couplings, 1)
    return Composition(
        *(
            AffineCoupling(dims, keep_first=layer % 2 == 0, y_dims=y_dims, hidden=hidden)
            for layer in range(couplings)
        )
    )


def _network(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    last = nn.Linear(hidden, outputs)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(
        nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), last
    )
