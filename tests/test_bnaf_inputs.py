"""Bad input to the fused block autoregressive flow is named, and its layouts must fit together."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")
import torch

from fastmi.ops.bnaf import bnaf, bnaf_ref, bnaf_vector
from fastmi.ops.bnaf_layout import BnafLayout

LAYOUT = BnafLayout(3, (1, 4, 6, 1), 2, (1, 5, 3))

BAD = {
    "x array": ({"x": np.zeros((4, 2))}, TypeError, "x must be a torch tensor; got ndarray"),
    "x integer": ({"x": torch.zeros(4, 2, dtype=torch.int64)}, TypeError, "x must be float32"),
    "x half": ({"x": torch.zeros(4, 2).half()}, TypeError, "x must be float32 or float64"),
    "x 1-D": ({"x": torch.zeros(4)}, ValueError, r"x must have shape \(n, d\)"),
    "x empty": ({"x": torch.zeros(0, 2)}, ValueError, r"x must have shape .* got \(0, 2\)"),
    "x other dtype": ({"x": torch.zeros(4, 2).double()}, TypeError, r"weights\[0\] must have the"),
    "no layers": ({"weights": [], "biases": []}, ValueError, "at least one layer"),
    "one tensor": ({"weights": torch.zeros(6)}, TypeError, "weights must be a sequence"),
    "no weights": ({"weights": None}, TypeError, "weights must be a sequence .* got NoneType"),
    "generator": ({"biases": iter(())}, TypeError, "biases must be a sequence of tensors"),
    "no y_weights": ({"y_weights": None}, TypeError, "y_weights must be a sequence"),
    "weight list": ({"weights": [[1.0], [1.0]]}, TypeError, r"weights\[0\] must be a torch"),
    "biases": ({"biases": [torch.zeros(6)]}, ValueError, "biases must have 2 layers; got 1"),
    "bias": ({"biases": [torch.zeros(5), torch.zeros(2)]}, ValueError, r"biases\[0\] .* 2 blocks"),
    "weight": ({"weights": [torch.zeros(9), torch.zeros(8)]}, ValueError, r"weights\[1\] .*\(9,\)"),
    "last width": (
        {"weights": [torch.zeros(9)], "biases": [torch.zeros(6)]},
        ValueError,
        "one unit per block; got 3",
    ),
    "activation": ({"activation": "relu"}, ValueError, "activation must be one of .* 'relu'"),
    "cross without y": ({"cross_weights": [torch.zeros(1)]}, ValueError, "cross_weights needs y"),
    "y rows": ({"y": torch.zeros(5, 1)}, ValueError, "at most the n rows of x; got 5 and n=4"),
    "y layers": ({"y": torch.zeros(4, 1)}, ValueError, "y_weights must have 1 layers; got 0"),
    "cross shape": (
        {
            "y": torch.zeros(4, 1),
            "y_weights": [torch.zeros(2)],
            "y_biases": [torch.zeros(2)],
            "cross_weights": [torch.zeros(6, 1), torch.zeros(2, 3)],
        },
        ValueError,
        r"cross_weights\[1\] must have shape \(2, 2\); got \(2, 3\)",
    ),
}


@pytest.mark.parametrize("op", [bnaf, bnaf_ref])
@pytest.mark.parametrize("bad", BAD)
def test_bad_input_is_named(op, bad):
    change, error, message = BAD[bad]
    arguments = {
        "x": torch.zeros(4, 2),
        "weights": [torch.zeros(9), torch.zeros(9)],
        "biases": [torch.zeros(6), torch.zeros(2)],
    }
    op(**arguments)
    with pytest.raises(error, match=message):
        op(**{**arguments, **change})


@pytest.mark.parametrize(
    "sizes, error, message",
    [
        ((0, (1, 1)), ValueError, "dims must be an integer >= 1; got dims=0"),
        ((3.0, (1, 1)), TypeError, "dims must be an integer"),
        ((3, (1, -2, 1)), ValueError, "widths must be an integer >= 1; got widths=-2"),
        ((3, (1, 2.5, 1)), TypeError, "widths must be an integer"),
        ((3, (1,)), ValueError, r"widths must be 1, a_1, \.\.\., 1; got \(1,\)"),
        ((3, (2, 4, 1)), ValueError, "widths must be 1, a_1"),
        ((3, (1, 4, 2)), ValueError, "widths must be 1, a_1"),
        ((3, (1, 1), -1), ValueError, "y_dims must be an integer >= 0"),
        ((3, (1, 4, 1), 2), ValueError, r"y_widths must be 1, e_1, .* got \(\) with y_dims=2"),
        ((3, (1, 4, 1), 2, (2, 3)), ValueError, "y_widths must be 1, e_1"),
        ((3, (1, 4, 1), 0, (1, 3)), ValueError, "y_widths must be 1, .* empty without y"),
    ],
)
def test_a_layout_must_fit_together(sizes, error, message):
    with pytest.raises(error, match=message):
        BnafLayout(*sizes)


def test_the_layout_must_be_one():
    with pytest.raises(TypeError, match="layout must be a BnafLayout; got tuple"):
        bnaf_vector(torch.zeros(2, 1), torch.zeros(2), (1, (1, 1)))
    assert BnafLayout(3, [1, 4, 1]) == BnafLayout(3, (1, 4, 1))


@pytest.mark.parametrize(
    "change, error, message",
    [
        (
            {"x": torch.zeros(4, 2).double()},
            ValueError,
            r"x must have shape \(4, 3\); got \(4, 2\)",
        ),
        ({"x": np.zeros((4, 3))}, TypeError, "x must be a torch tensor; got ndarray"),
        ({"vector": torch.zeros(5).double()}, ValueError, r"vector must have shape .* got \(5,\)"),
        ({"vector": torch.zeros(LAYOUT.size)}, TypeError, "vector must have the dtype and device"),
        (
            {"y": torch.zeros(4, 3).double()},
            ValueError,
            r"y must have shape \(4, 2\); got \(4, 3\)",
        ),
        ({"y": torch.zeros(5, 2).double()}, ValueError, "at most the n rows of x; got 5 and n=4"),
        ({"y": torch.zeros(2).double()}, ValueError, r"y must have shape \(n, d\)"),
        ({"activation": "relu"}, ValueError, "activation must be one of .* 'relu'"),
    ],
)
def test_bad_input_beside_a_vector_is_named(change, error, message):
    arguments = {
        "x": torch.zeros(4, 3).double(),
        "vector": torch.zeros(LAYOUT.size).double(),
        "layout": LAYOUT,
        "y": torch.zeros(4, 2).double(),
    }
    bnaf_vector(**arguments)
    with pytest.raises(error, match=message):
        bnaf_vector(**{**arguments, **change})
