"""One file per estimator; the tables below are where :mod:`fastmi.api` finds them by name."""

from collections.abc import Callable
from functools import partial

from fastmi.estimators._base import EntropyEstimator, Estimate, MIEstimator
from fastmi.estimators.entropy import KozachenkoLeonenko
from fastmi.estimators.ksg import KSG

__all__ = ["ENTROPY_METHODS", "KSG", "MI_METHODS", "Estimate", "KozachenkoLeonenko"]

MI_METHODS: dict[str, Callable[..., MIEstimator]] = {
    "ksg1": partial(KSG, variant=1),
    "ksg2": partial(KSG, variant=2),
}

ENTROPY_METHODS: dict[str, Callable[..., EntropyEstimator]] = {
    "kl": KozachenkoLeonenko,
}
