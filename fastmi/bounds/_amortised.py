"""An amortised density q(z|x): a mixture of Gaussians, warped by affine couplings.

The couplings are those of Dinh, Sohl-Dickstein and Bengio (2017), "Density estimation using Real
NVP", https://arxiv.org/abs/1605.08803.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

# Logarithm of the largest factor by which one coupling stretches a coordinate. Since it is
# bounded, the tails of the warped density remain Gaussian.
_STRETCH = 2.0


@dataclass(frozen=True)
class Parameters:
    """Output of the network, one set of parameters for each x.

    Attributes:
        features: Last hidden layer (n, width), an input of the couplings.
        log_share: Logarithms of the components' shares (n, C).
        mean: Shape (n, C, dz).
        precision: Lower triangular P with ``P^T P`` the inverse covariance, (n, C, dz, dz).
    """

    features: Tensor
    log_share: Tensor
    mean: Tensor
    precision: Tensor


class Amortised(nn.Module):
    """q(z|x) of standardised z, whose parameters a perceptron computes from standardised x.

    Args:
        x: Training observations (n, dx), which set location and scale.
        z: Training latents (n, dz), which do the same for z.
        hidden: Widths of the hidden layers.
        n_components: Number of Gaussians in the mixture.
        n_couplings: Number of affine couplings that warp the mixture.
    """

    def __init__(
        self, x: Tensor, z: Tensor, hidden: Sequence[int], n_components: int, n_couplings: int
    ) -> None:
        super().__init__()
        self.dz = dz = z.shape[1]
        self.n_components = n_components
        for name, data in (("x", x), ("z", z)):
            spread = data.std(dim=0)
            self.register_buffer(f"{name}_mean", data.mean(dim=0))
            self.register_buffer(f"{name}_scale", torch.where(spread > 0, spread, 1.0))
        self.trunk = perceptron([x.shape[1], *hidden])
        self.rows, self.columns = torch.tril_indices(dz, dz, offset=-1).tolist()
        outputs = n_components * (1 + 2 * dz + len(self.rows))
        self.head = nn.Linear(hidden[-1], outputs)
        # At the start q hardly depends on x, and the means of the components differ.
        nn.init.normal_(self.head.weight, std=0.01)
        with torch.no_grad():
            self.head.bias.zero_()
            if n_components > 1:
                first = self.head.bias[n_components : n_components * (1 + dz)]
                first.copy_(torch.randn(first.shape))
        held = dz // 2
        self.couplings = [_Coupling(held, dz - held, hidden[-1], 64) for _ in range(n_couplings)]
        # The ModuleList registers the parameters; the list above keeps the type of the couplings.
        self.warp = nn.ModuleList(self.couplings)

    def forward(self, x: Tensor) -> Tensor:
        """Return the features of x (n, dx), shape (n, width)."""
        standard = (x - self.get_buffer("x_mean")) / self.get_buffer("x_scale")
        return functional.silu(self.trunk(standard))

    def parameters_at(self, x: Tensor) -> Parameters:
        """Return the parameters of q(.|x) for x (n, dx)."""
        features = self(x)
        n, c, dz = len(x), self.n_components, self.dz
        logits, mean, diagonal, below = self.head(features).split(
            [c, c * dz, c * dz, c * len(self.rows)], dim=1
        )
        # An output of zero gives a diagonal of 1.
        roots = functional.softplus(diagonal + math.log(math.e - 1.0)).reshape(n, c, dz)
        precision = torch.diag_embed(roots + 1e-4)
        if self.rows:
            precision = precision.clone()
            precision[:, :, self.rows, self.columns] = below.reshape(n, c, -1)
        return Parameters(features, logits.log_softmax(dim=1), mean.reshape(n, c, dz), precision)

    def log_prob(self, at: Parameters, z: Tensor) -> Tensor:
        """Return log q(z|x) of z (n, K, dz), shape (n, K)."""
        scale = self.get_buffer("z_scale")
        u = (z - self.get_buffer("z_mean")) / scale
        log_det = -scale.log().sum()
        for coupling in reversed(self.couplings):
            u, change = coupling.undo(u.flip(2), at.features)
            log_det = log_det - change
        white = torch.einsum("ncij,nkcj->nkci", at.precision, u[:, :, None] - at.mean[:, None])
        normaliser = at.precision.diagonal(dim1=2, dim2=3).log().sum(dim=2) + at.log_share
        square = -0.5 * (white * white).sum(dim=3) - 0.5 * self.dz * math.log(2.0 * math.pi)
        return torch.logsumexp(square + normaliser[:, None], dim=2) + log_det

    def sample(self, at: Parameters, count: int, generator: torch.Generator) -> Tensor:
        """Draw `count` latents for each x, shape (n, count, dz)."""
        n, _, dz = at.mean.shape
        white = torch.randn(
            (n, 1, dz, count), generator=generator, dtype=at.mean.dtype, device=at.mean.device
        )
        solved = torch.linalg.solve_triangular(at.precision, white, upper=False)
        u = (solved + at.mean[..., None]).transpose(2, 3)
        if self.n_components == 1:
            u = u[:, 0]
        else:
            chosen = torch.multinomial(
                at.log_share.exp(), count, replacement=True, generator=generator
            )
            u = u.gather(1, chosen[:, None, :, None].expand(n, 1, count, dz))[:, 0]
        for coupling in self.couplings:
            u = coupling(u, at.features).flip(2)
        z: Tensor = u * self.get_buffer("z_scale") + self.get_buffer("z_mean")
        return z


class _Coupling(nn.Module):
    """Stretches and shifts the last coordinates by functions of the first ones and of x."""

    def __init__(self, held: int, moved: int, width: int, hidden: int) -> None:
        super().__init__()
        self.held = held
        self.network = perceptron([held + width, hidden, 2 * moved])
        # The coupling starts as the identity.
        for parameter in self.network[-1].parameters():
            nn.init.zeros_(parameter)

    def forward(self, u: Tensor, features: Tensor) -> Tensor:
        held, moved = u[..., : self.held], u[..., self.held :]
        log_scale, shift = self._affine(held, features)
        return torch.cat([held, moved * log_scale.exp() + shift], dim=-1)

    def undo(self, u: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return the inverse image of u, and the log-determinant of the forward map there."""
        held, moved = u[..., : self.held], u[..., self.held :]
        log_scale, shift = self._affine(held, features)
        before = (moved - shift) * (-log_scale).exp()
        return torch.cat([held, before], dim=-1), log_scale.sum(dim=-1)

    def _affine(self, held: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
        wide = features[:, None].expand(-1, held.shape[1], -1)
        raw, shift = self.network(torch.cat([held, wide], dim=-1)).chunk(2, dim=-1)
        return _STRETCH * torch.tanh(raw / _STRETCH), shift


def perceptron(widths: Sequence[int]) -> nn.Sequential:
    """Return linear layers of these widths with SiLU between them."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.SiLU()]
    return nn.Sequential(*layers[:-1])
