"""The rules of ``method="auto"``, written down once more."""

import math


def garrote(difference, deviation, factor):
    """What of a difference is more than noise."""
    if abs(difference) <= factor * deviation:
        return 0.0
    return difference - factor**2 * deviation**2 / difference


def auto(copula, relevance, scores=None):
    """Combine the copula with one or two (value, standard error) of KSG; all but errors in nats."""
    pipelines = [each for each in (relevance, scores) if each is not None]
    error = max(each[1] for each in pipelines)
    together = sum(each[0] for each in pipelines) / len(pipelines)
    if len(pipelines) == 2:
        together += 0.5 * abs(garrote(relevance[0] - scores[0], error, 1.0))
    return copula + garrote(together - copula, error, 1.75) if not math.isnan(copula) else together
