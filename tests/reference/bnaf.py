"""Block neural autoregressive flow, row by row; the slopes come from the product of Jacobians.

A layer maps `blocks` groups of `a_in` inputs to as many groups of `a_out` outputs.
"""

from __future__ import annotations

import numpy as np


def unpack(packed, blocks, a_out, a_in):
    """Full matrix of raw weights, with NaN above the diagonal blocks."""
    dense = np.full((blocks * a_out, blocks * a_in), np.nan)
    at = 0
    for row in range(blocks * a_out):
        length = (row // a_out + 1) * a_in
        dense[row, :length] = packed[at : at + length]
        at += length
    assert at == len(packed)
    return dense


def weight_matrix(packed, blocks, a_out, a_in):
    """Matrix W of a layer: exp of the raw weights on the diagonal blocks, zero above them."""
    raw = unpack(packed, blocks, a_out, a_in)
    w = np.zeros_like(raw)
    for row in range(raw.shape[0]):
        for column in range(raw.shape[1]):
            if column // a_in == row // a_out:
                w[row, column] = np.exp(raw[row, column])
            elif column // a_in < row // a_out:
                w[row, column] = raw[row, column]
    return w


def bnaf(
    x, weights, biases, y=None, y_weights=(), y_biases=(), cross_weights=(), activation="tanh"
):
    """f(x) and log df_i/dx_i in float64, given y in the rows that have one."""
    leak = 0.01 if activation == "leaky-tanh" else 0.0
    d = x.shape[1]
    matrices = _matrices(weights, biases, d)
    f, log_slopes = np.empty(x.shape), np.empty(x.shape)
    for row in range(len(x)):
        given = y is not None and row < len(y)
        h_y = y[row] if given else None
        y_matrices = _matrices(y_weights, y_biases, y.shape[1]) if given else []
        h, jacobian = x[row].astype(float), np.eye(d)
        for level, (w, bias) in enumerate(zip(matrices, biases, strict=True)):
            u = w @ h + bias
            jacobian = w @ jacobian
            if given:
                u = u + cross_weights[level] @ h_y
            if level == len(matrices) - 1:
                h = u
                break
            h = np.tanh(u) + leak * u
            jacobian = (1 / np.cosh(u) ** 2 + leak)[:, None] * jacobian
            if given:
                u_y = y_matrices[level] @ h_y + y_biases[level]
                h_y = np.tanh(u_y) + leak * u_y
        f[row] = h
        log_slopes[row] = np.log(np.diag(jacobian))
    return f, log_slopes


def _matrices(weights, biases, blocks):
    matrices, a_in = [], 1
    for packed, bias in zip(weights, biases, strict=True):
        a_out = len(bias) // blocks
        matrices.append(weight_matrix(packed, blocks, a_out, a_in))
        a_in = a_out
    return matrices
