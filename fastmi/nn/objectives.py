"""Lower bounds on mutual information, and their relatives, as functions of critic scores.

Every function takes a square score matrix S with ``S[i, j] = f(x_i, y_j)``, whose diagonal holds
joint pairs and the rest product pairs; or two tensors of any shape, with the scores of joint pairs
and of product pairs, which a shuffle of y may give. It returns a scalar in nats to be maximised, in
float64 and differentiable, so that minus it is a loss for any network::

    loss = -fastmi.nn.infonce(critic.matrix(encoder(x), y))

With B joint and M product pairs, P the softmax of the product scores and s the logistic
function, the gradients are

============== ======================= ==================================================
objective      joint score             product score
============== ======================= ==================================================
dv             1 / B                   -P
MovingDV       1 / B                   -exp(S - log m) / M
tuba           1 / B                   -exp(S - a) / M
infonce        (1 - P_ii) / B          -P_ij / B, P softmax of row i
infonce_anchor (1-a) (1 - P_ii) / B    -(1-a) P_ij / B - a Q_ij / B, P and Q with nu
jensen         s(-S) / B               -s(S) / M
logistic       alpha s(-S) / B         -(1 - alpha) s(S) / M
============== ======================= ==================================================
"""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, softplus

from fastmi._checks import check_real

__all__ = [
    "MovingDV",
    "clipped_dv",
    "demi",
    "dv",
    "infonce",
    "infonce_anchor",
    "jensen",
    "logistic",
    "nwj",
    "smile",
    "tuba",
]


def dv(scores: Tensor, product: Tensor | None = None) -> Tensor:
    """Donsker and Varadhan's bound, ``mean S - log mean exp S'``.

    It is tight at ``f = log p(x, y) / (p(x) p(y)) + const``. On held-out data it is a lower bound
    up to the bias of the logarithm, which is about half the variance of its argument; on training
    data it can exceed the truth without limit.

    Args:
        scores: Score matrix (B, B), B >= 2; or scores of joint pairs.
        product: Scores of product pairs, if `scores` are those of joint pairs.

    Returns:
        Scalar, float64.

    Raises:
        TypeError: Scores that are not a tensor of real numbers.
        ValueError: `scores` is no square matrix of at least two rows while `product` is None, or
            one of the two is empty.
    """
    joint, product = _parts(scores, product)
    return joint.mean() - _log_mean_exp(product)


def tuba(
    scores: Tensor, product: Tensor | None = None, *, log_baseline: float | Tensor = 0.0
) -> Tensor:
    """Barber and Agakov's tractable unnormalised bound with baseline ``exp(a)``.

    It is ``1 + mean(S - a) - mean exp(S' - a)`` (Poole et al. 2019, eq. 8), tight at
    ``f = log p(x, y) / (p(x) p(y)) + a``. With a = 0 it is the form of Nguyen, Wainwright and
    Jordan (2010) whose critic is the log ratio itself.

    Args:
        scores: See :func:`dv`.
        product: See :func:`dv`.
        log_baseline: The number a, or a tensor that broadcasts against the scores of joint and
            of product pairs, such as one number per y, shape (B,).

    Returns:
        Scalar, float64.

    Raises:
        ValueError: See :func:`dv`.
    """
    if isinstance(log_baseline, Tensor) and product is None:
        # Subtracted before the diagonal is taken out, so that column j meets its own baseline.
        scores = scores.double() - log_baseline
        log_baseline = 0.0
    joint, product = _parts(scores, product)
    return 1.0 + (joint - log_baseline).mean() - (product - log_baseline).exp().mean()


def nwj(scores: Tensor, product: Tensor | None = None) -> Tensor:
    """Nguyen, Wainwright and Jordan's bound, :func:`tuba` with a = 1.

    It is unbiased on held-out data, but with M independent product pairs even the best critic
    leaves a variance of ``(exp(I) - 1) / M`` or more.

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

    The joint pair is one of the B columns, so that the value never exceeds log B.

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


def infonce_anchor(scores: Tensor, product: Tensor | None = None, *, anchor: float = 0.5) -> Tensor:
    """InfoNCE with an anchor class, whose optimum is the log ratio itself (Ryu et al. 2025).

    A classifier sees x with K candidates y and says which of them is the partner of x, or that none
    is: the anchor class, of prior probability a. With r = exp f the posterior of candidate j is
    ``r_j / (nu + sum_i r_i)`` and of the anchor ``nu / (nu + sum_i r_i)``, nu = K a / (1 - a). It
    is right for every set of candidates only if r is the density ratio, scale included, where
    :func:`infonce` leaves a factor that depends on x open. The function returns the mean log
    posterior of the true class. :func:`demi` with alpha = 1/2 reads the information, which then has
    no limit like log K. For a -> 0 the objective is that of InfoNCE, for K = 1 :func:`logistic`.

    Args:
        scores: Score matrix (B, B), B >= 3, with K = B - 1 candidates of each row; or scores of
            joint pairs, shape (B,).
        product: Scores of product pairs, if `scores` are those of joint pairs: shape (K, B) or
            (B,), column i with the x of joint pair i.
        anchor: The prior probability a, in (0, 1).

    Returns:
        Scalar, float64.

    Raises:
        ValueError: See :func:`dv`; `anchor` out of range; a product score without its joint one.
    """
    anchor = check_real("anchor", anchor, 0.0, 1.0, ends="()")
    joint, others = _parts(scores, product)
    if product is None:
        size = len(scores)
        off_diagonal = ~torch.eye(size, dtype=torch.bool, device=scores.device)
        others = scores.double()[off_diagonal].view(size, size - 1).T
    others = others.reshape(-1, others.shape[-1])
    if others.shape[1] != len(joint):
        raise ValueError(
            f"product must have as many columns as there are joint scores; "
            f"got {others.shape[1]} and {len(joint)}"
        )
    candidates = len(others)
    log_nu = math.log(candidates) + math.log(anchor) - math.log1p(-anchor)
    base = joint.new_full((1, len(joint)), log_nu)
    with_partner = torch.cat([base, joint[None], others[1:]]).logsumexp(0)
    without = torch.cat([base, others]).logsumexp(0)
    return (1.0 - anchor) * (joint - with_partner).mean() + anchor * (log_nu - without).mean()


def jensen(scores: Tensor, product: Tensor | None = None) -> Tensor:
    """The Jensen-Shannon objective, ``-mean softplus(-S) - mean softplus(S')``.

    It is not an amount of information: at its optimum, where f is the log ratio, it is twice the
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

    It is ``alpha mean log s(S) + (1 - alpha) mean log s(-S')``, and at its optimum f is the log
    ratio plus ``logit(alpha)``. :func:`demi` reads the information from such a critic, and so does
    :func:`clipped_dv` for alpha = 1/2.

    Args:
        scores: See :func:`dv`.
        product: See :func:`dv`.
        alpha: Prior weight of the joint pairs, in (0, 1).

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

    It is :func:`dv` with the scores clipped to [-tau, tau] in the partition term only. That lowers
    the variance, but the result is neither a lower nor an upper bound. With an infinite tau it is
    :func:`dv`.

    Args:
        scores: See :func:`dv`.
        product: See :func:`dv`.
        tau: Limit of the scores in the partition term, above 0; infinity for no limit.

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

    Scores clipped at L are probabilities clipped to [eps, 1 - eps] with ``L = log((1-eps)/eps)``.

    Args:
        scores: See :func:`dv`.
        product: See :func:`dv`.
        limit: Limit of all scores, above 0; infinity for no limit.

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

    There is no partition term, so nothing corrects an error of the critic, upwards or downwards.

    Args:
        scores: See :func:`dv`.
        product: See :func:`dv`; not used.
        alpha: The prior weight that the critic was trained with, in (0, 1).

    Returns:
        Scalar, float64.

    Raises:
        ValueError: See :func:`dv`; `alpha` out of range.
    """
    alpha = check_alpha(alpha)
    joint, _ = _parts(scores, product)
    return joint.mean() - math.log(alpha / (1.0 - alpha))


class MovingDV:
    """The objective of MINE: :func:`dv` with a moving average as the gradient's denominator.

    On a batch the gradient of log-mean-exp is biased. Belghazi et al. (2018, section 3.2)
    divide by ``m_t = (1 - rate) m_{t-1} + rate mean exp S'`` instead, m_0 being the mean of the
    first batch. The state is log m, so that nothing overflows.

    Args:
        rate: Weight of a new batch in the moving average, in (0, 1]; 1 gives the biased gradient.

    Raises:
        TypeError: `rate` is not a number.
        ValueError: `rate` out of range.
    """

    def __init__(self, rate: float = 0.01) -> None:
        self.rate = check_real("rate", rate, 0.0, 1.0, ends="(]")
        self.log_mean: Tensor | None = None

    def __call__(self, scores: Tensor, product: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Update the moving average and return the objective of a batch.

        Args:
            scores: See :func:`dv`.
            product: See :func:`dv`.

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
        """Return the moving average for a checkpoint."""
        return {"log_mean": self.log_mean}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Set the moving average from a checkpoint.

        Raises:
            ValueError: It is no number.
        """
        log_mean = state["log_mean"]
        if log_mean is not None and not (
            isinstance(log_mean, Tensor) and log_mean.shape == () and log_mean.is_floating_point()
        ):
            raise ValueError("log_mean must be None or a tensor of one number")
        self.log_mean = log_mean


def check_limit(name: str, value: object) -> float:
    """Return `value` as a float; raise unless it is a number above 0, which may be infinite."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(
            f"{name} must be a real number; got {name}={value!r} ({type(value).__name__})"
        )
    limit = float(value)
    if not limit > 0.0:
        raise ValueError(f"{name} must be > 0; got {name}={value!r}")
    return limit


def check_alpha(alpha: object) -> float:
    """Return `alpha` as a float; raise unless it is a number in (0, 1)."""
    return check_real("alpha", alpha, 0.0, 1.0, ends="()")


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
    """Return the joint and the product scores in float64, the type of every reduction."""
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
    # Without its first entry, the matrix in rows of B + 1 has the rest of its diagonal in the last
    # column.
    rest = wide.reshape(-1)[1:].view(size - 1, size + 1)[:, :-1]
    return wide.diagonal(), rest


def _log_mean_exp(values: Tensor) -> Tensor:
    return values.reshape(-1).logsumexp(0) - math.log(values.numel())
