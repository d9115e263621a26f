"""Conditional mutual information from two critics."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from time import perf_counter
from typing import TYPE_CHECKING, ClassVar

from fastmi.estimators._base import Estimate
from fastmi.estimators.conditional import is_empty
from fastmi.estimators.critic import CCMI, CriticEstimator, ccmi_objective

if TYPE_CHECKING:
    from fastmi.nn.discriminative import Objective


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
