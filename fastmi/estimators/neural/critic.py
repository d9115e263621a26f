"""Mutual information from critics: networks that tell joint from product pairs."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any, ClassVar

from fastmi._checks import check_choice, hidden_widths
from fastmi._estimate import Estimate
from fastmi._inputs import is_empty
from fastmi.estimators.neural.base import NeuralEstimator

if TYPE_CHECKING:
    from torch import Tensor, nn

    from fastmi.nn.discriminative import CriticFit, Objective

CRITICS = ("concat", "separable", "bilinear")
NEGATIVES = ("all", "shuffle")

# Effective number of product pairs below which a partition term is guesswork.
_FEW_PAIRS = 20


@dataclass(frozen=True, kw_only=True)
class CriticEstimator(NeuralEstimator):
    """Options of the estimators that train a critic f(x, y); a base class.

    The value comes from held-out pairs: the m joint ones, and as product pairs x_i with
    y_{i+1}, ..., y_{i+8}.

    Args:
        critic: "concat", a ReLU network on (x, y); "separable", g(x) . h(y); "bilinear",
            x^T W y; or a module called as ``critic(x, y)``, see :mod:`fastmi.nn.critics`, of
            which a copy is trained.
        hidden: Widths of the hidden layers of "concat" and "separable".
        negatives: "all" trains on every pair of a batch; "shuffle" on one product pair per
            sample, faster and noisier.
    """

    critic: str | nn.Module = "concat"
    hidden: Sequence[int] = (512, 512)
    negatives: str = "all"

    def __post_init__(self) -> None:
        super().__post_init__()
        from torch import nn

        if not isinstance(self.critic, nn.Module):
            check_choice("critic", self.critic, CRITICS)
        object.__setattr__(self, "hidden", hidden_widths(self.hidden))
        check_choice("negatives", self.negatives, NEGATIVES)
        if self.batch_size < 2:
            raise ValueError(
                f"batch_size must be at least 2, for product pairs; got {self.batch_size}"
            )
        self._objective()

    def estimate(self, x: object, y: object, *, test: object = None) -> Estimate:
        """Estimate I(X; Y) in nats.

        Args:
            x: Samples, shape (n, dx) or (n,): anything array-like, or a torch tensor on any
                device.
            y: Samples, shape (n, dy) or (n,), row i paired with row i of `x`.
            test: Held-out samples (x_test, y_test); None to hold out `test_size` of the others.

        Returns:
            One estimate; its ``local`` are of the held-out samples that gave the value, its
            ``history`` the curves of the training.

        Raises:
            FloatingPointError: The loss became NaN or infinite; the message names the step.
            TypeError: Samples that are not real numbers; a critic that returns no tensor.
            ValueError: Samples of wrong shape or length, not finite, fewer than a batch; a
                critic that returns the wrong shape.
        """
        return self._estimate((x, y), ("x", "y"), test)

    def _objective(self) -> Objective:
        """Return what to train on and what to report."""
        raise NotImplementedError

    def _make_fit(self, train: tuple[Tensor, ...]) -> CriticFit:
        from torch import nn

        from fastmi.nn import critics
        from fastmi.nn.discriminative import CriticFit

        x, y = train
        dx, dy = x.shape[1], y.shape[1]
        model: nn.Module
        if isinstance(self.critic, nn.Module):
            model = copy.deepcopy(self.critic)
        elif self.critic == "concat":
            model = critics.Concat(dx, dy, self.hidden)
        elif self.critic == "separable":
            model = critics.Separable(dx, dy, self.hidden)
        else:
            model = critics.Bilinear(dx, dy)
        return CriticFit(model, self._objective(), self.negatives, self.batch_size)

    def _trust(self, reading: Any, train_reading: Any) -> list[str]:
        found = super()._trust(reading, train_reading)
        if reading.effective < _FEW_PAIRS:
            found.append(
                f"the partition term rests on about {reading.effective:.0f} of "
                f"{reading.product_pairs} product pairs: its error is larger than stderr shows"
            )
        return found


@dataclass(frozen=True, kw_only=True)
class DonskerVaradhan(CriticEstimator):
    """Donsker and Varadhan's lower bound, ``E_P f - log E_Q exp f``.

    The same as :class:`MINE` but for the gradient, which is biased by small batches here.
    """

    method: ClassVar[str] = "dv"

    def _objective(self) -> Objective:
        from fastmi.nn import objectives
        from fastmi.nn.discriminative import Objective

        return Objective(objectives.dv, objectives.dv, _partition_weights(None))


@dataclass(frozen=True, kw_only=True)
class MINE(CriticEstimator):
    """Belghazi et al. (2018): Donsker and Varadhan's bound, its gradient corrected.

    Args:
        rate: Of the moving average in the gradient's denominator, in (0, 1]; 1 is the biased
            gradient of the batch.
    """

    rate: float = 0.01
    negatives: str = "shuffle"
    method: ClassVar[str] = "mine"

    def _objective(self) -> Objective:
        from fastmi.nn import objectives
        from fastmi.nn.discriminative import Objective

        return Objective(objectives.MovingDV(self.rate), objectives.dv, _partition_weights(None))


@dataclass(frozen=True, kw_only=True)
class NWJ(CriticEstimator):
    """Nguyen, Wainwright and Jordan's lower bound, ``1 + E_P (f - 1) - E_Q exp(f - 1)``.

    Unbiased given the critic, but its variance grows like exp(I).
    """

    method: ClassVar[str] = "nwj"

    def _objective(self) -> Objective:
        from fastmi.nn import objectives
        from fastmi.nn.discriminative import Objective

        return Objective(objectives.nwj, objectives.nwj, lambda product: (product - 1.0).exp())

    def _trust(self, reading: Any, train_reading: Any) -> list[str]:
        found = super()._trust(reading, train_reading)
        m = len(reading.local)
        if reading.value > 0.0:
            least = math.sqrt(math.expm1(min(reading.value, 700.0)) / m)
            if least > 0.1 * reading.value:
                found.append(
                    f"at {reading.value:.3g} nats even the best critic's standard deviation on "
                    f"{m} held-out samples is about {least:.2g} nats"
                )
        return found


@dataclass(frozen=True, kw_only=True)
class InfoNCE(CriticEstimator):
    """Van den Oord et al.'s (2018) contrastive lower bound, never above ``log(batch_size)``.

    Evaluated in blocks of the batch size, so that the value belongs to the objective.
    """

    method: ClassVar[str] = "infonce"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.negatives != "all":
            raise ValueError(
                f"negatives must be 'all' with method='infonce'; got {self.negatives!r}"
            )

    def _objective(self) -> Objective:
        from fastmi.nn import objectives
        from fastmi.nn.discriminative import Objective

        return Objective(objectives.infonce, objectives.infonce, blocks=True)

    def _trust(self, reading: Any, train_reading: Any) -> list[str]:
        found = super()._trust(reading, train_reading)
        size = min(self.batch_size, len(reading.local))
        if reading.value > math.log(size) - 1.0:
            found.append(
                f"the value cannot exceed log({size}) = {math.log(size):.3g} nats and is within "
                "1 nat of it: the truth may be far above; use a larger batch_size"
            )
        return found


@dataclass(frozen=True, kw_only=True)
class SMILE(CriticEstimator):
    """Song and Ermon (2020): trained by Jensen-Shannon, read by DV with clipped partition.

    Args:
        tau: Scores beyond it are clipped in the partition term; infinity clips none.
    """

    tau: float = 5.0
    method: ClassVar[str] = "smile"

    def _objective(self) -> Objective:
        from fastmi.nn import objectives
        from fastmi.nn.discriminative import Objective

        tau = objectives.check_limit("tau", self.tau)
        return Objective(
            objectives.jensen, partial(objectives.smile, tau=tau), _partition_weights(tau)
        )


@dataclass(frozen=True, kw_only=True)
class DEMI(CriticEstimator):
    """Liao et al. (2020): a classifier of joint against product pairs, its mean log odds.

    Args:
        alpha: Weight of the joint pairs in training, in (0, 1).
    """

    alpha: float = 0.5
    negatives: str = "shuffle"
    method: ClassVar[str] = "demi"

    def _objective(self) -> Objective:
        from fastmi.nn import objectives
        from fastmi.nn.discriminative import Objective

        objectives.check_alpha(self.alpha)
        return Objective(
            partial(objectives.logistic, alpha=self.alpha),
            partial(objectives.demi, alpha=self.alpha),
        )


@dataclass(frozen=True, kw_only=True)
class CCMI(CriticEstimator):
    """Mukherjee et al. (2019): a balanced classifier read by DV with clipped log odds.

    Args:
        clip: Probabilities are clipped to [clip, 1 - clip], in (0, 1/2).
    """

    clip: float = 1e-3
    negatives: str = "shuffle"
    method: ClassVar[str] = "ccmi"

    def _objective(self) -> Objective:
        return ccmi_objective(self.clip)


def ccmi_objective(clip: float) -> Objective:
    """Return the objective of :class:`CCMI`."""
    from fastmi.nn import objectives
    from fastmi.nn.discriminative import Objective

    eps = objectives.check_real("clip", clip)
    if not 0.0 < eps < 0.5:
        raise ValueError(f"clip must be in (0, 1/2); got clip={clip!r}")
    limit = math.log1p(-eps) - math.log(eps)
    return Objective(
        objectives.logistic,
        partial(objectives.clipped_dv, limit=limit),
        _partition_weights(limit),
        limit=limit,
    )


def _partition_weights(limit: float | None) -> Callable[[Tensor], Tensor]:
    """Return the weights, of mean 1, of product scores in a log-mean-exp."""

    def weights(product: Tensor) -> Tensor:
        clipped = product if limit is None else product.clamp(-limit, limit)
        return clipped.reshape(-1).softmax(0).view(product.shape) * product.numel()

    return weights


@dataclass(frozen=True, kw_only=True)
class ConditionalCCMI(CriticEstimator):
    """Mukherjee et al. (2019): ``I(X; Y | Z) = I(X; (Y, Z)) - I(X; Z)``, each by :class:`CCMI`.

    A difference of two lower bounds is not a bound. Both critics see the same split, so that
    part of their error cancels. A critic of the user's is copied for both terms and must take
    (x, (y, z)) as well as (x, z).

    Args:
        clip: Probabilities are clipped to [clip, 1 - clip], in (0, 1/2).
    """

    clip: float = 1e-3
    negatives: str = "shuffle"
    method: ClassVar[str] = "ccmi"

    def estimate(self, x: object, y: object, z: object = None, *, test: object = None) -> Estimate:
        """Estimate I(X; Y | Z) in nats.

        Args:
            x: Samples, shape (n, dx) or (n,): anything array-like, or a torch tensor on any
                device.
            y: Samples, shape (n, dy) or (n,), row i paired with row i of `x`.
            z: Samples of the condition, shape (n, dz) or (n,). None or no columns: I(X; Y).
            test: Held-out samples (x_test, y_test, z_test); None to hold out `test_size` of
                the others.

        Returns:
            One estimate; its ``history`` is of the term I(X; (Y, Z)).

        Raises:
            FloatingPointError: The loss became NaN or infinite; the message names the step.
            TypeError: Samples that are not real numbers; a critic that returns no tensor.
            ValueError: Samples of wrong shape or length, not finite, fewer than a batch; a
                critic that returns the wrong shape; a checkpoint, as there are two trainings.
        """
        if is_empty(z):
            names = (field.name for field in fields(self))
            options = {name: getattr(self, name) for name in names}
            return CCMI(**options).estimate(x, y, test=test)
        if self.checkpoint is not None:
            raise ValueError("checkpoint must be None for two trainings; got a path")
        import torch

        start = perf_counter()
        split = self._split((x, y, z), ("x", "y", "z"), test)
        first, history, found = self._run(split.map(lambda x, y, z: (x, torch.cat((y, z), 1))))
        second, _, found_alone = self._run(split.map(lambda x, _, z: (x, z)))
        local = first.local - second.local
        warnings = [
            *(f"I(X; (Y, Z)): {text}" for text in found),
            *(f"I(X; Z): {text}" for text in found_alone),
        ]
        return Estimate(
            first.value - second.value,
            k=None,
            n=split.n,
            dims=tuple(tensor.shape[1] for tensor in split.train),
            method=self.method,
            # As if the terms were independent; sharing the samples makes it smaller, if anything.
            stderr=math.hypot(first.stderr, second.stderr),
            local=local,
            warnings=(*split.warnings, *warnings),
            algorithm="none",
            seconds=perf_counter() - start,
            device=str(split.train[0].device),
            history=history,
        )

    def _objective(self) -> Objective:
        return ccmi_objective(self.clip)
