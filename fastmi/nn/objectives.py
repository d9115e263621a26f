"""Lower bounds on mutual information, and their relatives, as functions of critic scores.

Every function takes a square score matrix S with ``S[i, j] = f(x_i, y_j)``: its diagonal holds
joint pairs, the rest product pairs. Or two tensors, scores of joint pairs and of product pairs,
say under a shuffle of y; their shapes are free. They return a scalar in nats to be maximised, in
float64, differentiable, so that minus it is a loss for any network::

    loss = -fastmi.nn.infonce(critic.matrix(encoder(x), y))

With B joint and M product pairs, P the softmax of the product scores and s the logistic
function, the gradients are

=============  ======================  =============================
objective      joint score             product score
=============  ======================  =============================
dv             1 / B                   -P
MovingDV       1 / B                   -exp(S - log m) / M
tuba           1 / B                   -exp(S - a) / M
infonce        (1 - P_ii) / B          -P_ij / B, P softmax of row i
jensen         s(-S) / B               -s(S) / M
logistic       alpha s(-S) / B         -(1 - alpha) s(S) / M
=============  ======================  =============================
"""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, softplus

__all__ = [
    "MovingDV",
    "clipped_dv",
    "demi",
    "dv",
    "infonce",
    "jensen",
    "logistic",
    "nwj",
    "smile",
    "tuba",
]


def dv(scores: Tensor, product: Tensor | None = None) -> Tensor:
    """Donsker and Varadhan's bound, ``mean S - log mean exp S'``.

    Tight at ``f = log p(x, y) / (p(x) p(y)) + const``. On held-out data it is a lower bound but
    for the bias of the logarithm, about half the variance of its argument; on training data it
    can exceed the truth without limit.

    Args:
        scores: Score matrix (B, B), B >= 2; or joint scores.
        product: Scores of product pairs, if `scores` are joint scores.

    Returns:
        Scalar, float64.

    Raises:
        TypeError: Scores that are not a tensor of real numbers.
        ValueError: `scores` is no square matrix of at least two rows, and `product` is None;
            or one of the two is empty.
    """
    joint, product = _parts(scores, product)
    return joint.mean() - _log_mean_exp(product)


def tuba(
    scores: Tensor, product: Tensor | None = None, *, log_baseline: float | Tensor = 0.0
) -> Tensor:
    """Barber and Agakov's tractable unnormalised bound with baseline ``exp(a)``.

    ``1 + mean(S - a) - mean exp(S' - a)`` (Poole et al. 2019, eq. 8), tight at
    ``f = log p(x, y) / (p(x) p(y)) + a``. With a = 0 it is the form of Nguyen, Wainwright and
    Jordan (2010) whose critic is the log ratio itself.

    Args:
        scores: See :func:`dv`.
        product: See :func:`dv`.
        log_baseline: The a; a tensor must match both parts, as one per y does, shape (B,).

    Returns:
        Scalar, float64.

    Raises:
        ValueError: See :func:`dv`.
    """
    if isinstance(log_baseline, Tensor) and product is None:
        # Before the diagonal is taken out, so that column j meets its own baseline.
        scores = scores.double() - log_baseline
        log_baseline = 0.0
    joint, product = _parts(scores, product)
    return 1.0 + (joint - log_baseline).mean() - (product - log_baseline).exp().mean()


def nwj(scores: Tensor, product: Tensor | None = None) -> Tensor:
    """Nguyen, Wainwright and Jordan's bound, :func:`tuba` with a = 1.

    Unbiased on held-out data, but with M independent product pairs even the best critic leaves
    a variance of ``(exp(I) - 1) / M`` or more.

    Args:
        scores: See :func:`dv`.
        product: See :func:`dv`.

    Returns:
        Scalar, float64.

    Raises:
        ValueError: See :func:`dv`.
    """
    return tuba(scores, product, log_baseline=1.0)


def infonce(scores: Tensor) -> Tensor:
    """Van den Oord et al.'s contrastive bound, ``mean_i [S_ii - log mean_j exp S_ij]``.

    The positive is among the B columns, so that the value never exceeds log B.

    Args:
        scores: Score matrix (B, B), B >= 2.

    Returns:
        Scalar, float64.

    Raises:
        ValueError: See :func:`dv`.
    """
    return infonce_local(scores).mean()


def infonce_local(scores: Tensor) -> Tensor:
    """Return the terms of :func:`infonce`, shape (B,), float64."""
    _check_square(scores)
    wide = scores.double()
    return wide.diagonal() - wide.logsumexp(1) + math.log(len(scores))


def jensen(scores: Tensor, product: Tensor | None = None) -> Tensor:
    """The Jensen-Shannon objective, ``-mean softplus(-S) - mean softplus(S')``.

    Not an amount of information: at its optimum, the log ratio, it is twice the
    Jensen-Shannon divergence less 2 log 2.

    Args:
        scores: See :func:`dv`.
        product: See :func:`dv`.

    Returns:
        Scalar, float64.

    Raises:
        ValueError: See :func:`dv`.
    """
    joint, product = _parts(scores, product)
    return -softplus(-joint).mean() - softplus(product).mean()


def logistic(scores: Tensor, product: Tensor | None = None, *, alpha: float = 0.5) -> Tensor:
    """Log-likelihood of telling joint pairs, of prior weight alpha, from product pairs.

    ``alpha mean log s(S) + (1 - alpha) mean log s(-S')``; at the optimum f is the log ratio plus
    ``logit(alpha)``. Read out by :func:`demi`, or by :func:`clipped_dv` for alpha = 1/2.

    Args:
        scores: See :func:`dv`.
        product: See :func:`dv`.
        alpha: In (0, 1).

    Returns:
        Scalar, float64.

    Raises:
        ValueError: See :func:`dv`; `alpha` out of range.
    """
    alpha = check_alpha(alpha)
    joint, product = _parts(scores, product)
    return alpha * logsigmoid(joint).mean() + (1.0 - alpha) * logsigmoid(-product).mean()


def smile(scores: Tensor, product: Tensor | None = None, *, tau: float = 5.0) -> Tensor:
    """Song and Ermon's read-out of a critic trained by :func:`jensen`.

    :func:`dv` whose scores are clipped to [-tau, tau] inside the partition term only: less
    variance, but neither a lower nor an upper bound. An infinite tau is :func:`dv`.

    Args:
        scores: See :func:`dv`.
        product: See :func:`dv`.
        tau: Above 0.

    Returns:
        Scalar, float64.

    Raises:
        ValueError: See :func:`dv`; `tau` out of range.
    """
    tau = check_limit("tau", tau)
    joint, product = _parts(scores, product)
    return joint.mean() - _log_mean_exp(product.clamp(-tau, tau))


def clipped_dv(scores: Tensor, product: Tensor | None = None, *, limit: float) -> Tensor:
    """:func:`dv` of scores clipped to [-limit, limit] (Mukherjee et al. 2019, CCMI).

    Clipping logits at L is clipping probabilities to [eps, 1 - eps], ``L = log((1-eps)/eps)``.

    Args:
        scores: See :func:`dv`.
        product: See :func:`dv`.
        limit: Above 0.

    Returns:
        Scalar, float64.

    Raises:
        ValueError: See :func:`dv`; `limit` out of range.
    """
    limit = check_limit("limit", limit)
    joint, product = _parts(scores, product)
    return joint.clamp(-limit, limit).mean() - _log_mean_exp(product.clamp(-limit, limit))


def demi(scores: Tensor, product: Tensor | None = None, *, alpha: float = 0.5) -> Tensor:
    """Liao et al.'s read-out of a critic trained by :func:`logistic`, ``mean S - logit(alpha)``.

    No partition term, hence no correction of the critic's error, up or down.

    Args:
        scores: See :func:`dv`.
        product: See :func:`dv`; not used.
        alpha: In (0, 1), as in training.

    Returns:
        Scalar, float64.

    Raises:
        ValueError: See :func:`dv`; `alpha` out of range.
    """
    alpha = check_alpha(alpha)
    joint, _ = _parts(scores, product)
    return joint.mean() - math.log(alpha / (1.0 - alpha))


class MovingDV:
    """The objective of MINE: :func:`dv` whose gradient has a moving average as denominator.

    On a batch the gradient of log-mean-exp is biased. Belghazi et al. (2018, section 3.2)
    divide by ``m_t = (1 - rate) m_{t-1} + rate mean exp S'`` instead, m_0 being the mean of the
    first batch; here log m is kept, so that nothing overflows.

    Args:
        rate: In (0, 1]; 1 is the biased gradient.

    Raises:
        TypeError: `rate` is not a number.
        ValueError: `rate` out of range.
    """

    def __init__(self, rate: float = 0.01) -> None:
        self.rate = check_real("rate", rate)
        if not 0.0 < self.rate <= 1.0:
            raise ValueError(f"rate must be in (0, 1]; got rate={rate!r}")
        self.log_mean: Tensor | None = None

    def __call__(self, scores: Tensor, product: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Update the average.

        Returns:
            The surrogate to be maximised, whose gradient is the corrected one, and the value
            of :func:`dv`, without gradient.
        """
        joint, product = _parts(scores, product)
        mean = joint.mean()
        log_batch = _log_mean_exp(product)
        now = log_batch.detach()
        if self.log_mean is None:
            self.log_mean = now
        else:
            before = self.log_mean
            if self.rate < 1.0:
                self.log_mean = torch.logaddexp(
                    before + math.log1p(-self.rate), now + math.log(self.rate)
                )
            else:
                self.log_mean = now
        return mean - (log_batch - self.log_mean).exp(), mean.detach() - now

    def state_dict(self) -> dict[str, Any]:
        """Return the average, for a checkpoint."""
        return {"log_mean": self.log_mean}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over the average of a checkpoint."""
        self.log_mean = state["log_mean"]


def check_real(name: str, value: object) -> float:
    """Return `value` as a float; raise TypeError unless it is a number, of NumPy or Python."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(
            f"{name} must be a real number; got {name}={value!r} ({type(value).__name__})"
        )
    return float(value)


def check_limit(name: str, value: object) -> float:
    """Return `value` as a float; raise unless it is above 0; infinity will do."""
    limit = check_real(name, value)
    if not limit > 0.0:
        raise ValueError(f"{name} must be > 0; got {name}={value!r}")
    return limit


def check_alpha(alpha: object) -> float:
    """Return `alpha` as a float; raise unless it is in (0, 1)."""
    share = check_real("alpha", alpha)
    if not 0.0 < share < 1.0:
        raise ValueError(f"alpha must be in (0, 1); got alpha={alpha!r}")
    return share


def _check_tensor(name: str, value: object) -> None:
    if not isinstance(value, Tensor) or value.is_complex():
        got = value.dtype if isinstance(value, Tensor) else type(value).__name__
        raise TypeError(f"{name} must be a tensor of real numbers; got {got}")


def _check_square(scores: Tensor) -> None:
    _check_tensor("scores", scores)
    if scores.dim() != 2 or scores.shape[0] != scores.shape[1] or len(scores) < 2:
        raise ValueError(
            f"scores must be a square matrix of at least two rows; got shape {tuple(scores.shape)}"
        )


def _parts(scores: Tensor, product: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return joint and product scores in float64, in which every reduction is done."""
    if product is not None:
        for name, part in (("scores", scores), ("product", product)):
            _check_tensor(name, part)
            if part.numel() == 0:
                raise ValueError(
                    f"{name} must hold at least one score; got shape {tuple(part.shape)}"
                )
        return scores.double(), product.double()
    _check_square(scores)
    wide = scores.double()
    size = len(wide)
    # All but the first entry, in rows of B + 1: the diagonal is the last column.
    rest = wide.reshape(-1)[1:].view(size - 1, size + 1)[:, :-1]
    return wide.diagonal(), rest


def _log_mean_exp(values: Tensor) -> Tensor:
    return values.reshape(-1).logsumexp(0) - math.log(values.numel())
