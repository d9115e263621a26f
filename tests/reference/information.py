"""Mutual information by summation over a grid."""

import numpy as np


def of_masses(masses: np.ndarray) -> float:
    """I in nats of a table p(x, y) of any sum, shape (number of x, number of y).

    A density times the weights of a quadrature rule is such a table: in p / (p_x p_y) the
    weights cancel.
    """
    p = masses / masses.sum()
    independent = p.sum(axis=1, keepdims=True) * p.sum(axis=0, keepdims=True)
    inside = p > 0
    return float(np.sum(p[inside] * np.log(p[inside] / independent[inside])))
