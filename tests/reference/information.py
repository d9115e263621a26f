"""Mutual information by summation over a grid."""

import numpy as np


def of_masses(masses: np.ndarray) -> float:
    """I(X; Y) in nats of a table p(x, y), whose sum need not be 1.

    A density times the weights of a quadrature rule is such a table, since the weights cancel in
    p / (p_x p_y).
    """
    p = masses / masses.sum()
    independent = p.sum(axis=1, keepdims=True) * p.sum(axis=0, keepdims=True)
    inside = p > 0
    return float(np.sum(p[inside] * np.log(p[inside] / independent[inside])))
