"""The estimators that train a network: their options, the training and the result."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from time import perf_counter

import numpy as np
import torch
from torch import Tensor

from fastmi._cautions import Caution, announce
from fastmi._checks import check_choice, check_integer, check_real
from fastmi._estimate import Estimate, History
from fastmi._extras import Progress
from fastmi._feasible import feasible_limit
from fastmi.estimators._base import Estimator
from fastmi.estimators.neural.folds import Trained, distinct, merge
from fastmi.estimators.neural.inputs import INPUTS
from fastmi.estimators.neural.parts import SPLITS
from fastmi.estimators.neural.split import DTYPES, Split, split_samples
from fastmi.estimators.neural.trained import MeanModel, TrainedModel
from fastmi.nn.fit import Fit, Reading
from fastmi.nn.training import Training, train
from fastmi.normalize import check_normalize

# With fewer held-out samples `feasible_limit` is not defined and a standard error is a guess.
_FEW_HELD_OUT = 50
# A value so many standard errors below zero, and below zero by so many nats, is no accident.
_MANY_ERRORS = 4.0
_NOTHING = 0.02
# Information that is missing is worth a word from so many nats and this share of the value on.
_NOTABLE = 0.05
_SHARE = 0.1
# Nats that no estimate on samples that fit a computer can certify, see `feasible_limit`.
_DIVERGED = 100.0

# Where a network takes float32, mapped samples are rounded to multiples of this many deviations, so
# that a change of unit or offset moves no bit of most data sets. This is about what float32 itself
# resolves. ReLU networks get a coarser grid: a single bit can send their training elsewhere, by up
# to 3e-3 nats after 1500 steps, and they resolve nothing finer.
_FINE_GRID = 2.0**-20
COARSE_GRID = 2.0**-14


@dataclass(frozen=True, kw_only=True)
class NeuralEstimator(Estimator, Training):
    """Options of every estimator that trains a network; a base class.

    A part of the samples is held out; the value and its ``local`` are of that part, with the
    parameters frozen. With `patience`, half of the held-out samples (at most 10 000) choose the
    parameters and the others give the value, so that the choice does not flatter it. Rows that are
    copies of each other stay on one side of the split.

    Units and offsets of the columns do not matter: every column is mapped by statistics of the
    training samples before the network sees it. `normalize` scales all samples together,
    held-out ones included, and replaces the scaling to one deviation that is done otherwise.

    ``estimate.model`` is the trained network with the maps before it, and
    ``estimate.pointwise(x, y)`` its pointwise information of samples.

    Args:
        seed: Seed of the split, the initial parameters and the batches; None for a fresh one.
            `resume` needs one.
        device: Where to train: "auto", where the samples are; or a torch device, such as "cpu"
            or "cuda:1".
        dtype: Type of the network and the samples, "float32" or "float64". Means and
            log-sum-exp are accumulated in float64 either way.
        test_size: Share of the samples held out, in (0, 1); ignored if `test` samples are given.
        split: "random" holds out samples by chance; "blocked" the last ones, for time series,
            where samples near in time are alike. Ignored if `test` samples are given.
        gap: Number of samples that "blocked" leaves out between the parts.
        folds: Number of trainings, each with another part of the samples held out, so that every
            sample gives its share of the value without having been trained on (cross-fitting): the
            value scatters less, and ``local`` has one entry per sample, in their order. Half of
            the share `test_size` chooses the parameters of each. ``history`` is that of the first
            training, ``model`` averages all, and the `checkpoint` of training i > 1 has ``.i``
            appended to its name. 1 holds out one part. Ignored with "blocked", if `test`
            samples are given, and, with a note, where a batch would not fit.
        inputs: What is done to each column: "standard", mean 0 and deviation 1; "asinh", first
            ``asinh((x - median) / spread)``, which makes heavy tails light; "auto", that only
            for columns with a sample more than 10 spreads from the median, where the spread is
            0.74 times the distance of the quartiles; "scores", after "auto" the normal scores, read
            off a bent line through quantiles of the training samples; "none", nothing.

    Raises:
        TypeError: An option of the wrong type.
        ValueError: An option out of range.
    """

    patience: int | None = 10
    progress: Progress = "auto"
    device: str = "auto"
    dtype: str = "float32"
    test_size: float = 0.2
    split: str = "random"
    gap: int = 0
    folds: int = 1
    inputs: str = "auto"
    normalize: str | None = None

    _grid = _FINE_GRID

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.resume and self.seed is None:
            raise ValueError("resume=True needs a seed, so that the split is the same; got None")
        check_choice("dtype", self.dtype, DTYPES)
        check_normalize(self.normalize)
        check_real("test_size", self.test_size, 0.0, 1.0, ends="()")
        check_choice("split", self.split, SPLITS)
        check_integer("gap", self.gap, 0)
        check_integer("folds", self.folds, 1)
        if self.gap and self.split != "blocked":
            raise ValueError(f"gap must be 0 unless split='blocked'; got gap={self.gap}")
        check_choice("inputs", self.inputs, INPUTS)

    def estimate(self, x: object, y: object, *, test: object = None) -> Estimate:
        """Estimate I(X; Y) in nats.

        Args:
            x: Samples, shape (n, dx) or (n,): anything array-like, or a torch tensor on any
                device.
            y: Samples, shape (n, dy) or (n,), row i paired with row i of `x`.
            test: Held-out samples (x_test, y_test); None to hold out `test_size` of the others.

        Returns:
            The estimate. Its ``local`` are the contributions of the held-out samples that gave
            the value, its ``terms`` what else the model says, its ``history`` the curves of
            the training.

        Raises:
            FloatingPointError: The loss became NaN or infinite; the message names the step.
            TypeError: Samples that are not real numbers; a critic that returns no tensor.
            ValueError: Samples of wrong shape or length, not finite, fewer than a batch, or
                constant where a density is needed; a critic or base that returns the wrong shape.
        """
        return self._estimate((x, y), ("x", "y"), test)

    def _make_fit(self, train: tuple[Tensor, ...]) -> Fit:
        """Return an untrained model for samples like `train`; torch's generators are seeded."""
        raise NotImplementedError

    def _trust(self, reading: Reading, train_reading: Reading) -> list[Caution]:
        """Return reasons to distrust the value, from readings of held-out and training samples."""
        return [
            *_gap_warning(reading, train_reading),
            *_limit_warning(reading.value, len(reading.local)),
            *_negative_warning(reading),
            *_misfit_warning(reading),
            *_normal_warning(reading),
        ]

    def _estimate(
        self, variables: Sequence[object], names: Sequence[str], test: object
    ) -> Estimate:
        start = perf_counter()
        splits, folds, models = [], [], []
        for number, split in enumerate(self._splits(variables, names, test)):
            estimator = self if number == 0 else self._with_own_checkpoint(number)
            trained = estimator._run(split, number)
            terms = self._in_units(trained.reading.terms, split)
            folds.append(trained._replace(reading=replace(trained.reading, terms=terms)))
            # Estimates are read, and their pickles loaded, on machines without the device as well.
            network = trained.network
            models.append(TrainedModel(split.maps, network, names, split.train[0].dtype).cpu())
            splits.append(split)
        merged = merge(folds, [split.rows for split in splits])
        reading = merged.reading
        return announce(
            Estimate(
                reading.value,
                k=None,
                n=splits[0].n,
                dims=tuple(tensor.shape[1] for tensor in splits[0].train),
                method=self.method,
                stderr=reading.stderr,
                local=reading.local,
                warnings=distinct(
                    [*(w for split in splits for w in split.warnings), *self._cautions(merged)]
                ),
                algorithm="none",
                seconds=perf_counter() - start,
                device=str(splits[0].train[0].device),
                history=merged.history,
                terms=reading.terms,
                model=models[0] if len(models) == 1 else MeanModel(models),
            )
        )

    def _splits(
        self, variables: Sequence[object], names: Sequence[str], test: object
    ) -> Iterator[Split]:
        splits = split_samples(
            variables,
            names,
            test,
            device=self.device,
            dtype=self.dtype,
            inputs=self.inputs,
            normalize=self.normalize,
            grid=self._grid,
            test_size=self.test_size,
            split=self.split,
            gap=self.gap,
            folds=self.folds,
            seed=self.seed,
            batch_size=self.batch_size,
            selects=self.patience is not None,
            identify=self.checkpoint is not None,
        )
        return (self._prepared(split, names) for split in splits)

    def _prepared(self, split: Split, names: Sequence[str]) -> Split:
        """Return the samples without what the method cannot take."""
        del names
        return split

    def _with_own_checkpoint(self, number: int) -> NeuralEstimator:
        """Return the estimator of a fold after the first, whose file has its number appended."""
        if self.checkpoint is None:
            return self
        return replace(self, checkpoint=f"{os.fspath(self.checkpoint)}.{number + 1}")

    def _cautions(self, trained: Trained) -> list[Caution]:
        if trained.alike is None:
            return trained.cautions
        return [*trained.cautions, *self._trust(trained.reading, trained.alike)]

    def _identity(self, fold: int) -> dict[str, object]:
        """Return the options that shape a run beside those of the training loop."""
        loop = {"device", *(option.name for option in fields(Training))}
        own = {name: value for name, value in self.get_params().items() if name not in loop}
        return {"method": self.method, "fold": fold} | own

    def _in_units(self, terms: dict[str, float], split: Split) -> dict[str, float]:
        """Return the terms of a reading in the units of the user's columns."""
        del split
        return terms

    def _run(self, split: Split, fold: int = 0) -> Trained:
        """Train a model on the samples of one fold and read it."""
        with torch.random.fork_rng(devices=[]):
            # Only the CPU's generator: torch.manual_seed would seed those of every GPU as well.
            if self.seed is None:
                torch.default_generator.seed()
            else:
                torch.default_generator.manual_seed(self.seed)
            fit = self._make_fit(split.train)
        fit.model.to(split.train[0].device, split.train[0].dtype)
        history = train(
            fit.model,
            split.train,
            split.select,
            loss=fit.loss,
            estimate=fit.estimate,
            score=fit.score,
            options=self,
            identity=self._identity(fold) | split.fingerprints,
        )
        with torch.no_grad():
            reading = fit.read(*split.report)
            # As many training samples as held-out ones, so that both readings scatter alike.
            alike = fit.read(*(tensor[: len(reading.local)] for tensor in split.train))
            network = fit.pointwise(reading, *split.report)
        return Trained(reading, alike, history, _divergence_warning(history), network)


def _gap_warning(reading: Reading, train_reading: Reading) -> list[Caution]:
    gap = train_reading.value - reading.value
    scatter = math.hypot(reading.stderr, train_reading.stderr)
    if not gap > max(3.0 * scatter, 0.1 * max(abs(reading.value), 0.5)):
        return []
    return [
        Caution(
            f"the model is overfitted: {train_reading.value:.3g} nats on training samples, "
            f"{reading.value:.3g} on held-out ones: more samples, a smaller network, fewer steps "
            "or patience would help",
            "overfitted",
        )
    ]


def _limit_warning(value: float, m: int) -> list[Caution]:
    if m < _FEW_HELD_OUT:
        text = f"{m} held-out samples give the value: stderr is unreliable below {_FEW_HELD_OUT}"
        return [Caution(text, "few_samples")]
    if not value > feasible_limit(m):
        return []
    text = (
        f"the value exceeds {feasible_limit(m):.3g} nats, the most that {m} held-out samples can "
        "certify as a lower bound (McAllester and Stratos 2020)"
    )
    return [Caution(text, "above_limit")]


def _negative_warning(reading: Reading) -> list[Caution]:
    if not reading.value < -max(_MANY_ERRORS * reading.stderr, _NOTHING):
        return []
    text = (
        f"the value, {reading.value:.3g} nats with a standard error of {reading.stderr:.2g}, is "
        "far below zero, and information is never negative: the network misjudges held-out "
        "samples; more samples, a smaller network, or fewer or smaller steps would help"
    )
    return [Caution(text, "negative")]


def _misfit_warning(reading: Reading) -> list[Caution]:
    missed = reading.terms.get("missed", 0.0)
    if not missed > max(_NOTABLE, _SHARE * abs(reading.value)):
        return []
    text = (
        f"what the model leaves unexplained still shares about {missed:.2g} nats, which the value, "
        f"{reading.value:.3g} nats, lacks or more: the dependence is not of a shape that the "
        "model found; another method, more steps or a wider network would help"
    )
    return [Caution(text, "misfit")]


def _normal_warning(reading: Reading) -> list[Caution]:
    normal = reading.terms.get("normal", 0.0)
    if not normal - reading.value > max(_NOTABLE, _SHARE * normal, _MANY_ERRORS * reading.stderr):
        return []
    text = (
        f"a joint normal of the held-out samples has {normal:.3g} nats, more than the value, "
        f"{reading.value:.3g}: the network has lost some of it; more samples, fewer or smaller "
        "steps, or a smaller network would help"
    )
    return [Caution(text, "below_normal")]


def _divergence_warning(history: History) -> list[Caution]:
    size = np.abs(history.train)
    if not size.max() > _DIVERGED:
        return []
    worst = int(size.argmax())
    text = (
        f"the training diverged: the running estimate is {history.train[worst]:.3g} nats at step "
        f"{history.steps[worst]}; lower lr or set clip_norm"
    )
    return [Caution(text, "diverged")]
