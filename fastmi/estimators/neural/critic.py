"""Mutual information from critics: networks that tell joint from product pairs."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from fastmi._cautions import Caution
from fastmi._checks import check_choice, check_real, hidden_widths
from fastmi._estimate import Estimate
from fastmi._inputs import is_empty
from fastmi.estimators.neural.base import COARSE_GRID, NeuralEstimator
from fastmi.estimators.neural.folds import Trained
from fastmi.estimators.neural.split import Split
from fastmi.nn import critics, objectives
from fastmi.nn.discriminative import ConditionalInformation, CriticFit, Objective
from fastmi.nn.fit import Reading

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
            sample, which is faster and noisier.
    """

    critic: str | nn.Module = "concat"
    # With all pairs, a step at 512 units takes nine times as long, and at n = 5000 the network
    # overfits sooner (bench/bench_neural_defaults.py).
    hidden: Sequence[int] = (128, 128)
    negatives: str = "all"

    _grid = COARSE_GRID

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.critic, nn.Module):
            check_choice("critic", self.critic, CRITICS)
        object.__setattr__(self, "hidden", hidden_widths(self.hidden))
        check_choice("negatives", self.negatives, NEGATIVES)
        if self.batch_size < 2:
            raise ValueError(
                f"batch_size must be at least 2, for product pairs; got {self.batch_size}"
            )
        self._objective()

    def _objective(self) -> Objective:
        """Return what to train on and what to report; raise if an option of it is bad."""
        raise NotImplementedError

    def _make_fit(self, train: tuple[Tensor, ...]) -> CriticFit:
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

    def _trust(self, reading: Reading, train_reading: Reading) -> list[Caution]:
        found = super()._trust(reading, train_reading)
        if reading.effective < _FEW_PAIRS:
            found.append(
                Caution(
                    f"the partition term rests on about {reading.effective:.0f} of "
                    f"{reading.product_pairs} product pairs: its error is larger than stderr shows",
                    "few_pairs",
                )
            )
        return found


@dataclass(frozen=True, kw_only=True)
class DonskerVaradhan(CriticEstimator):
    """Donsker and Varadhan's lower bound, ``E_P f - log E_Q exp f``.

    It differs from :class:`MINE` in the gradient only, which small batches bias here.
    """

    def _objective(self) -> Objective:
        return Objective(objectives.dv, objectives.dv, _partition_weights(None))


@dataclass(frozen=True, kw_only=True)
class MINE(CriticEstimator):
    """Belghazi et al. (2018): Donsker and Varadhan's bound with a corrected gradient.

    See https://arxiv.org/abs/1801.04062.

    Args:
        rate: Weight of a new batch in the moving average that is the gradient's denominator, in
            (0, 1]; with 1 the gradient is the biased one of :class:`DonskerVaradhan`.
    """

    rate: float = 0.01
    hidden: Sequence[int] = (512, 512)
    negatives: str = "shuffle"

    def _objective(self) -> Objective:
        return Objective(objectives.MovingDV(self.rate), objectives.dv, _partition_weights(None))


@dataclass(frozen=True, kw_only=True)
class NWJ(CriticEstimator):
    """Nguyen, Wainwright and Jordan's lower bound, ``1 + E_P (f - 1) - E_Q exp(f - 1)``.

    It is unbiased given the critic, but its variance grows like exp(I).
    See https://arxiv.org/abs/0809.0853.
    """

    def _objective(self) -> Objective:
        return Objective(objectives.nwj, objectives.nwj, lambda product: (product - 1.0).exp())

    def _trust(self, reading: Reading, train_reading: Reading) -> list[Caution]:
        found = super()._trust(reading, train_reading)
        m = len(reading.local)
        if reading.value > 0.0:
            least = math.sqrt(math.expm1(min(reading.value, 700.0)) / m)
            if least > 0.1 * reading.value:
                found.append(
                    Caution(
                        f"at {reading.value:.3g} nats even the best critic's standard deviation on "
                        f"{m} held-out samples is about {least:.2g} nats",
                        "scatter",
                    )
                )
        return found


@dataclass(frozen=True, kw_only=True)
class InfoNCE(CriticEstimator):
    """Van den Oord et al.'s (2018) contrastive lower bound, never above ``log(batch_size)``.

    The value is taken over blocks of `batch_size` held-out samples, so that it has the same
    limit as the objective of the training. See https://arxiv.org/abs/1807.03748.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.negatives != "all":
            raise ValueError(
                f"negatives must be 'all' with method='infonce'; got {self.negatives!r}"
            )

    def _objective(self) -> Objective:
        return Objective(objectives.infonce, objectives.infonce, blocks=True)

    def _trust(self, reading: Reading, train_reading: Reading) -> list[Caution]:
        found = super()._trust(reading, train_reading)
        size = min(self.batch_size, len(reading.local))
        if reading.value > math.log(size) - 1.0:
            found.append(
                Caution(
                    f"the value cannot exceed log({size}) = {math.log(size):.3g} nats and is "
                    "within 1 nat of it: the truth may be far above; use a larger batch_size",
                    "saturated",
                )
            )
        return found


@dataclass(frozen=True, kw_only=True)
class InfoNCEAnchor(CriticEstimator):
    """InfoNCE with an anchor class, "none of the candidates" (Ryu et al. 2025).

    The anchor fixes the scale of the density ratio, which InfoNCE leaves open, so that the mean of
    the learnt log ratio over held-out pairs is the value: it is consistent, without a limit like
    ``log(batch_size)``, and no bound, because nothing corrects an error of the critic. See
    https://arxiv.org/abs/2510.25983. The formulas, in :func:`fastmi.nn.infonce_anchor`, were
    derived from the paper's abstract and not compared with its text.

    Args:
        anchor: Prior probability of the anchor class, in (0, 1).
    """

    anchor: float = 0.5

    def _objective(self) -> Objective:
        anchor = check_real("anchor", self.anchor, 0.0, 1.0, ends="()")
        return Objective(partial(objectives.infonce_anchor, anchor=anchor), objectives.demi)


@dataclass(frozen=True, kw_only=True)
class SMILE(CriticEstimator):
    """Song and Ermon (2020): trained by Jensen-Shannon, read by DV with a clipped partition term.

    See https://arxiv.org/abs/1910.06222.

    Args:
        tau: Scores are clipped to [-tau, tau] in the partition term; infinity clips none.
    """

    tau: float = 5.0

    def _objective(self) -> Objective:
        tau = objectives.check_limit("tau", self.tau)
        return Objective(
            objectives.jensen, partial(objectives.smile, tau=tau), _partition_weights(tau)
        )


@dataclass(frozen=True, kw_only=True)
class DEMI(CriticEstimator):
    """Liao et al. (2020): mean log odds of a classifier of joint against product pairs.

    See https://arxiv.org/abs/2010.01766.

    Args:
        alpha: Weight of the joint pairs in training, in (0, 1).
    """

    alpha: float = 0.5
    hidden: Sequence[int] = (512, 512)
    negatives: str = "shuffle"

    def _objective(self) -> Objective:
        objectives.check_alpha(self.alpha)
        return Objective(
            partial(objectives.logistic, alpha=self.alpha),
            partial(objectives.demi, alpha=self.alpha),
        )


@dataclass(frozen=True, kw_only=True)
class CCMI(CriticEstimator):
    """Mukherjee et al. (2019): a balanced classifier read by DV with clipped log odds.

    See https://arxiv.org/abs/1906.01824.

    Args:
        clip: Probabilities are clipped to [clip, 1 - clip], in (0, 1/2).
    """

    clip: float = 1e-3
    hidden: Sequence[int] = (512, 512)
    negatives: str = "shuffle"

    def _objective(self) -> Objective:
        clip = check_real("clip", self.clip, 0.0, 0.5, ends="()")
        limit = math.log1p(-clip) - math.log(clip)
        return Objective(
            objectives.logistic,
            partial(objectives.clipped_dv, limit=limit),
            _partition_weights(limit),
            limit=limit,
        )


@dataclass(frozen=True, kw_only=True)
class ConditionalCCMI(CCMI):
    """Mukherjee et al. (2019): ``I(X; Y | Z) = I(X; (Y, Z)) - I(X; Z)``, each by :class:`CCMI`.

    A difference of two lower bounds is not a bound. Both critics see the same split, so that
    part of their error cancels. A critic of the user's is copied for both terms and must take
    (x, (y, z)) as well as (x, z).
    """

    def estimate(self, x: object, y: object, z: object = None, *, test: object = None) -> Estimate:
        """Estimate I(X; Y | Z) in nats.

        Args:
            x: Samples, as :meth:`CCMI.estimate` takes them.
            y: Samples, row i paired with row i of `x`.
            z: Samples of the condition, shape (n, dz) or (n,). None or no columns: I(X; Y).
            test: Held-out samples (x_test, y_test, z_test); None to hold out `test_size` of
                the others.

        Returns:
            The estimate; its ``history`` is that of the term I(X; (Y, Z)).

        Raises:
            ValueError: A `checkpoint`, which cannot hold two trainings; as for the other errors,
                see :meth:`CCMI.estimate`.
        """
        if is_empty(z):
            return super().estimate(x, y, test=test)
        if self.checkpoint is not None:
            raise ValueError("checkpoint must be None for two trainings; got a path")
        return self._estimate((x, y, z), ("x", "y", "z"), test)

    def _run(self, split: Split, fold: int = 0) -> Trained:
        if len(split.train) == 2:
            return super()._run(split, fold)
        both = super()._run(split.map(lambda x, y, z: (x, torch.cat((y, z), 1))), fold)
        alone = super()._run(split.map(lambda x, _, z: (x, z)), fold)
        reading = Reading(
            both.reading.value - alone.reading.value,
            both.reading.local - alone.reading.local,
            # The terms count as independent. They share samples, which makes the true error
            # smaller, if anything.
            math.hypot(both.reading.stderr, alone.reading.stderr),
        )
        warnings = [
            *(Caution(f"I(X; (Y, Z)): {text}", text.kind) for text in self._cautions(both)),
            *(Caution(f"I(X; Z): {text}", text.kind) for text in self._cautions(alone)),
        ]
        network = ConditionalInformation(both.network, alone.network)
        return Trained(reading, None, both.history, warnings, network)


def _partition_weights(limit: float | None) -> Callable[[Tensor], Tensor]:
    """Return a function from product scores to their weights, of mean 1, in a log-mean-exp.

    Args:
        limit: Where the scores are clipped; None for no clipping.
    """

    def weights(product: Tensor) -> Tensor:
        clipped = product if limit is None else product.clamp(-limit, limit)
        return clipped.reshape(-1).softmax(0).view(product.shape) * product.numel()

    return weights
