"""An affine flow that makes a conditional flow start at the joint normal of training samples."""

from __future__ import annotations

import torch
from torch import Tensor

from fastmi.nn.canonical import canonical_maps, shrunk
from fastmi.nn.flows import Flow

__all__ = ["NormalStart"]


class NormalStart(Flow):
    """Residuals of x under the joint normal of training samples: white given y, and white alone.

    Conditioned rows become ``C (x - m - B (y - m_y))``, unconditioned ones ``M (x - m)``. C and M
    are inverse Cholesky factors of the normal's covariance of x given y and of x alone, so that
    columns which do not correlate stay as they are. Nothing of it is trained: a flow behind it that
    starts as the identity learns the rest, and before its first update the difference of the two
    cross-entropies is the information of the normal. The canonical correlations are shrunk
    (:func:`fastmi.nn.canonical.shrunk`), as those of samples overfit.

    Args:
        x: Training samples, shape (n, d).
        y: Training samples, shape (n, d_y).
    """

    capturable = True

    x_mean: Tensor
    y_mean: Tensor
    slopes: Tensor
    white_given: Tensor
    white_alone: Tensor
    log_det_given: Tensor
    log_det_alone: Tensor

    def __init__(self, x: Tensor, y: Tensor) -> None:
        super().__init__()
        self.dims, self.y_dims = x.shape[1], y.shape[1]
        (a, shift), (b, shift_y) = canonical_maps(x, y)
        xi, eta = x.double() @ a.T + shift, y.double() @ b.T + shift_y
        pairs = min(self.dims, self.y_dims)
        rho = (xi[:, :pairs] * eta[:, :pairs]).mean(0).clamp(0.0, 1.0)
        rho = shrunk(rho, len(x), self.dims, self.y_dims)
        # In canonical form x given y has the mean rho y and the variance 1 - rho^2.
        back = torch.linalg.inv(a)
        left = torch.ones(self.dims, dtype=a.dtype, device=a.device)
        left[:pairs] -= rho.square()
        self.register_buffer("x_mean", x.double().mean(0).to(x.dtype))
        self.register_buffer("y_mean", y.double().mean(0).to(y.dtype))
        self.register_buffer("slopes", (back[:, :pairs] * rho @ b[:pairs]).to(x.dtype))
        for name, variances in (("given", left), ("alone", torch.ones_like(left))):
            factor = torch.linalg.cholesky(back * variances @ back.T)
            eye = torch.eye(self.dims, dtype=a.dtype, device=a.device)
            white = torch.linalg.solve_triangular(factor, eye, upper=False)
            self.register_buffer(f"white_{name}", white.to(x.dtype))
            log_det = white.diagonal().log().sum()
            self.register_buffer(f"log_det_{name}", log_det.to(x.dtype))

    def forward(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """See :meth:`Flow.forward`."""
        self._check(x, y)
        given = 0 if y is None else len(y)
        centred = x - self.x_mean
        alone = centred[given:] @ self.white_alone.T
        log_det = self.log_det_alone.expand(len(alone))
        if y is None:
            return alone, log_det
        residual = centred[:given] - (y - self.y_mean) @ self.slopes.T
        return (
            torch.cat([residual @ self.white_given.T, alone]),
            torch.cat([self.log_det_given.expand(given), log_det]),
        )

    def inverse(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """See :meth:`Flow.inverse`."""
        self._check(z, y)
        given = 0 if y is None else len(y)
        alone: Tensor = torch.linalg.solve_triangular(self.white_alone, z[given:].T, upper=False).T
        if y is None:
            return alone + self.x_mean
        residual = torch.linalg.solve_triangular(self.white_given, z[:given].T, upper=False).T
        mean = (y - self.y_mean) @ self.slopes.T
        x: Tensor = torch.cat([residual + mean, alone]) + self.x_mean
        return x
