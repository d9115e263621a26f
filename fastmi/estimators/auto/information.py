"""Mutual information, plain and conditional, by several estimators that check one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastmi._cautions import Caution, Note, announce, quiet
from fastmi._checks import (
    Seed,
    as_k,
    check_flag,
    check_noise,
    check_search,
    check_seed,
    generator,
    k_list,
)
from fastmi._columns import check_pairing
from fastmi._device import as_device
from fastmi._estimate import Estimate
from fastmi._extras import load
from fastmi._inputs import as_blocks, is_empty
from fastmi.estimators._base import Estimator
from fastmi.estimators._methods import CMI_METHODS, MI_METHODS
from fastmi.estimators.auto.cautions import of_samples, without_twin
from fastmi.estimators.auto.kinds import (
    Kind,
    continuous_of,
    described,
    kinds_of,
    method_for,
    mixed_of,
    with_codes,
)
from fastmi.estimators.auto.pipelines import measure, scores_of
from fastmi.estimators.auto.results import by_another, estimate_of, examined, nothing
from fastmi.estimators.neighbors._ties import with_trace
from fastmi.estimators.neighbors.conditional import ConditionalKSG
from fastmi.estimators.neighbors.ksg import KSG

Array: TypeAlias = NDArray[Any]

_NAMES = ("x", "y", "z")


@dataclass(frozen=True, kw_only=True)
class _Combined(Estimator):
    """Base of both estimators, with their options.

    Raises:
        TypeError: An option of the wrong type.
        ValueError: An option out of range.
    """

    k: int | Sequence[int] | NDArray[np.integer[Any]] = 3
    n_jobs: int | None = None
    noise: float | None = None
    seed: Seed | None = None
    device: str = "auto"

    def __post_init__(self) -> None:
        object.__setattr__(self, "k", as_k(self.k))
        check_search("chebyshev", "auto", self.n_jobs)
        check_noise(self.noise)
        check_seed(self.seed)
        if self.device != "auto":
            device = as_device(self.device, without_gpu=type(self).__name__)
            object.__setattr__(self, "device", device)

    def settle(
        self, blocks: list[Array], names: Sequence[str], recall: Any = None
    ) -> tuple[list[Array], tuple[Caution, ...]]:
        """Return the blocks with noise where ties need it, and what the user should know of them.

        Args:
            blocks: Arrays from :func:`fastmi._inputs.as_blocks`.
            names: What to call each in messages.
            recall: As in :func:`fastmi.estimators.neighbors._settle.settle`.
        """
        kinds = kinds_of(blocks, [False] * len(blocks))
        method = self._method_for(kinds, len(blocks[0]))
        if method == "discrete":
            return blocks, ()
        if method == "ross":
            at = continuous_of(kinds)
            settled, cautions = self._other(method).settle([blocks[at]], [names[at]])
            return [*blocks[:at], *settled, *blocks[at + 1 :]], cautions
        if method is not None:
            settled, cautions = self._other(method, len(blocks)).settle(blocks, names)
            return list(settled), cautions
        return self._separated(blocks, names, kinds, recall)

    def _method_for(self, kinds: Sequence[Kind], n: int) -> str | None:
        """Return the method for discrete variables and mixtures that suits these kinds, or None."""
        return method_for(kinds, n, separate=self.noise != 0.0)

    def _separated(
        self, blocks: list[Array], names: Sequence[str], kinds: Sequence[Kind], recall: Any = None
    ) -> tuple[list[Array], tuple[Caution, ...]]:
        """Return blocks in which noise separates equal values where they matter, and cautions."""
        settled, cautions = self._ksg(len(blocks)).settle(blocks, names, recall)
        if self.noise is not None or not mixed_of(kinds):
            return settled, cautions
        note = Note(
            ", ".join(described(names, kinds))
            + ": seeded noise was added that separates equal values, which changes no information",
            "ties",
        )
        rest = tuple(caution for caution in cautions if caution.kind != "ties")
        return with_trace(blocks, self.seed), (*rest, note)

    def _ksg(self, number: int) -> KSG | ConditionalKSG:
        """Return the estimator whose treatment of ties is that of the pipelines."""
        ksg = ConditionalKSG if number == 3 else KSG
        return ksg(
            k=self.k, n_jobs=self.n_jobs, noise=self.noise, seed=self.seed, normalize="copula"
        )

    def _other(self, method: str, number: int = 2) -> Any:
        """Return the estimator for discrete variables or mixtures, with the options that it has."""
        row = (CMI_METHODS if number == 3 else MI_METHODS)[method]
        own = {
            "k": self.k,
            "n_jobs": self.n_jobs,
            "noise": self.noise,
            "seed": self.seed,
            "normalize": "copula",
        }
        return row.make(**{name: value for name, value in own.items() if name in row.options})

    def _estimates(self, arrays: Sequence[object]) -> Estimate | list[Estimate]:
        start = perf_counter()
        names = _NAMES[: len(arrays)]
        check_pairing(arrays, names)
        read, labels = with_codes(arrays, names)
        blocks = as_blocks(read, names)
        ks = k_list(self.k, len(blocks[0]), blocks)
        kinds = kinds_of(blocks, labels)
        method = self._method_for(kinds, len(blocks[0]))
        if method is None:
            found = self._of_continuous(blocks, names, ks, kinds)
        else:
            found = self._of_kinds(method, blocks, kinds, ks)
        seconds = perf_counter() - start
        for estimate in found:
            estimate.seconds = seconds
            estimate.method = self.method
        return announce(found[0] if isinstance(self.k, int) else found)

    def _of_continuous(
        self,
        blocks: list[Array],
        names: Sequence[str],
        ks: tuple[int, ...],
        kinds: Sequence[Kind],
    ) -> list[Estimate]:
        n = len(blocks[0])
        dims = tuple(block.shape[1] for block in blocks)
        settled, cautions = self._separated(blocks, names, kinds)
        kept, notes = scores_of(settled, names)
        flat = [name for name, block in zip(names, kept, strict=True) if block.shape[1] == 0]
        cautions = (*cautions, *notes)
        if "x" in flat or "y" in flat:
            return [nothing(k, n, dims, cautions) for k in ks]
        if "z" in flat:
            kept = kept[:2]
        cautions += of_samples(kept)
        measured = measure(kept, ks, n_jobs=self.n_jobs, seed=self.seed)
        if measured.copula is None:
            cautions += without_twin(n, sum(block.shape[1] for block in kept))
        return [estimate_of(measured, k, dims, cautions) for k in ks]

    def _of_kinds(
        self, method: str, blocks: list[Array], kinds: Sequence[Kind], ks: tuple[int, ...]
    ) -> list[Estimate]:
        """Return the estimate of each k by a method for discrete variables or mixtures."""
        dims = tuple(block.shape[1] for block in blocks)
        if method == "ross" and continuous_of(kinds) == 1:
            blocks = blocks[::-1]
        with quiet():
            found = self._other(method, len(blocks)).estimate(*blocks)
        listed = found if isinstance(found, list) else [found] * len(ks)
        return [
            by_another(each, k, method, kinds, dims) for each, k in zip(listed, ks, strict=True)
        ]


@dataclass(frozen=True, kw_only=True)
class Auto(_Combined):
    """I(X; Y) by estimators that correct and check one another.

    KSG is too low where variables have many columns, by an amount that depends on the data. Three
    parts make the estimate of continuous variables, from the normal scores of every column:

    - "copula": R, the information of the Gaussian or t copula that resembles the samples, free of
      the bias that chance adds.
    - "ksg_relevance": :class:`fastmi.RelevanceKSG` with ``bias_correction="parts"``. It is left out
      where each variable is one column.
    - "ksg_scores": KSG of all columns less the bias of its twins, samples of that copula. With more
      than two columns it runs only where the part before is below R by more than noise.

    A difference d of two numbers counts as ``found(d) = d max(0, 1 - (c s / d)^2)``, where s is the
    standard error of KSG, the larger one of both, and c is 1 in rule 1 and 1.75 in rule 2, so that
    noise decides nothing (the nonnegative garrote of Breiman 1995,
    https://doi.org/10.2307/1269730).

    1. Both estimates by KSG give their mean, moved towards the larger one as far as they are found
       to differ, E: columns that carry nothing hide dependence and invent none.
    2. The estimate is ``R + found(E - R)``. Where the copula holds, R has the smaller error, and
       elsewhere E sees what R does not.

    Classes get the estimator that is made for them, which a note names: "discrete" where both
    variables take few values, "ross" where one does and the other is continuous, each on normal
    scores. Mixtures of two columns get "mesner". With more columns seeded noise separates equal
    values, which keeps the information (with ``noise=0``, they get "mesner" as well), and the parts
    above are taken.

    ``components`` of the result holds what each part says, ``bias`` what was subtracted in all, and
    ``interval`` is meant to hold the information, and not the mean of the estimator, in 95 % of
    samples. Where the copula holds it does; of 300 random laws of 15 kinds, most of them unlike it,
    in 90 %, and the others have more information. It is ``value +- 1.96 s``, with s the standard
    error of E (that of R, if larger), reaches as far towards E as rule 2 has taken the value from
    it, since what passes for noise may be there, and holds shares of the correction, of the
    departure from R and of the disagreement, which may be wrong. Above it holds also a tenth of the
    value for what no part sees, times ``sqrt(5000 / n)`` with fewer samples; in two columns half of
    it, as far as E is found to depart from R. Where no bias could be corrected, there is no
    interval. For "discrete" and two columns of classes and mixtures it is ``value +- 1.96 stderr``.
    ``local`` is the mean of the local values of both KSG parts.

    Args:
        thorough: Whether a flow (method "ndoe") is trained as well, which takes a minute or more
            and needs torch. Where it says more than the other parts, beyond the errors of both, a
            caution says so and the interval holds both; the value stays. For continuous variables
            only.
        seed: Seed of the noise, of the twins and of the training. None stands for a fixed seed.
        device: "auto" or "cpu": the samples are read in host memory.
    """

    thorough: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_flag("thorough", self.thorough)

    def estimate(self, x: object, y: object) -> Estimate | list[Estimate]:
        """Estimate I(X; Y) in nats.

        Args:
            x: Samples, shape (n, dx) or (n,): numbers, or classes of any type in every column.
            y: Samples, shape (n, dy) or (n,), row i paired with row i of `x`.

        Returns:
            One estimate, or a list of them if `k` is a sequence.

        Raises:
            ImportError: ``thorough=True``, and torch is not installed.
            TypeError: Samples that are neither real numbers nor classes.
            ValueError: Samples of wrong shape or length, not finite; k >= n.
        """
        if self.thorough:
            load("torch", extra="torch", needed_by="thorough=True")
        return self._estimates((x, y))

    def _of_continuous(
        self,
        blocks: list[Array],
        names: Sequence[str],
        ks: tuple[int, ...],
        kinds: Sequence[Kind],
    ) -> list[Estimate]:
        found = super()._of_continuous(blocks, names, ks, kinds)
        if not self.thorough or not found[0].components:
            return found
        with quiet():
            # Networks take whole numbers only as seeds.
            rng = generator(0 if self.seed is None else self.seed)
            flow = MI_METHODS["ndoe"].make(seed=int(rng.integers(0, 2**63)))
            trained = flow.estimate(*blocks)
        return [examined(each, trained) for each in found]


@dataclass(frozen=True, kw_only=True)
class ConditionalAuto(_Combined):
    """I(X; Y | Z) by estimators that correct and check one another.

    It is :class:`fastmi.Auto` with two parts: R, the information of the Gaussian or t copula that
    resembles the samples, and E, the estimator of Frenzel and Pompe (2007) on normal scores less
    its bias on samples of that copula. The estimate is ``R + found(E - R)``. Columns that carry
    nothing hide dependence that is of another kind from E. Classes get the method "discrete",
    mixtures "mesner". Without z it is :class:`fastmi.Auto`.

    Args:
        seed: Seed of the noise and of the twins. None stands for a fixed seed.
        device: "auto" or "cpu": the samples are read in host memory.
    """

    def estimate(self, x: object, y: object, z: object = None) -> Estimate | list[Estimate]:
        """Estimate I(X; Y | Z) in nats.

        Args:
            x: Samples, shape (n, dx) or (n,): numbers, or classes of any type in every column.
            y: Samples, shape (n, dy) or (n,), row i paired with row i of `x`.
            z: Samples of the condition, shape (n, dz) or (n,). None or no columns: I(X; Y).

        Returns:
            One estimate, or a list of them if `k` is a sequence.

        Raises:
            TypeError: Samples that are neither real numbers nor classes.
            ValueError: Samples of wrong shape or length, not finite; k >= n.
        """
        if is_empty(z):
            found = Auto(**self.get_params()).estimate(x, y)
            for estimate in found if isinstance(found, list) else [found]:
                estimate.method = self.method
            return found
        return self._estimates((x, y, z))
