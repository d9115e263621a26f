"""Every truth against a Monte Carlo mean over drawn rows, and the sums of the tables."""

import json

import numpy as np
import pytest
import summary
from laws import DEVELOPMENT, HELD_BACK, KINDS, LAWS
from trials import cells_in


@pytest.mark.parametrize("name", LAWS)
def test_the_mean_log_ratio_of_drawn_rows_is_the_truth(name):
    law = LAWS[name]
    mean, error = law.monte_carlo(20_000, np.random.default_rng(5))
    assert mean == pytest.approx(law.truth, abs=4.5 * error + 1e-12)


@pytest.mark.parametrize("name", LAWS)
def test_draws_are_finite_repeatable_and_continuous(name):
    law = LAWS[name]
    x, y = law.draw(300, np.random.default_rng(0))
    again = law.draw(300, np.random.default_rng(0))
    assert (x.shape, y.shape) == ((300, law.dims[0]), (300, law.dims[1]))
    assert np.array_equal(x, again[0])
    assert np.array_equal(y, again[1])
    for column in np.hstack([x, y]).T:
        assert np.isfinite(column).all()
        assert len(np.unique(column)) == 300


def test_every_kind_has_one_member_for_development_and_others_held_back():
    assert len(DEVELOPMENT) == len(KINDS)
    assert all(len(members) > 1 for members in KINDS.values())
    assert {*DEVELOPMENT, *HELD_BACK} == {*LAWS}
    assert sum(map(len, KINDS.values())) == len(LAWS)  # no name stands in two kinds


def _cell(value, truth, seed=0, warned=(), **more):
    found = {} if value is None else {"value": value, "seconds": 1.0, "warned": list(warned)}
    return {"task": "a", "n": 5, "label": "m", "dims": [1, 1], "truth": truth} | {
        "seed": seed,
        **found,
        **more,
    }


def test_a_summary_counts_right_off_and_warned():
    cells = [
        _cell(1.09, 1.0),  # within 10 %
        _cell(0.04, 0.0, warned=["low"]),  # within 0.05 nats, a false alarm
        _cell(1.2, 1.0, warned=["low"]),  # off, warned
        _cell(0.5, 1.0, seed=1, dims=[5, 5]),  # far off, not warned
        _cell(None, 1.0, seed=1),  # a refusal
    ]
    found = summary.summary(cells)
    assert found["right"] == [2, 0]
    assert (found["off"], found["off_warned"]) == (2, 1)
    assert (found["far"], found["far_warned"]) == (1, 0)
    assert (found["right_in_all"], found["right_warned"]) == (2, 1)
    assert found["refused"] == 1
    assert found["mae"] == pytest.approx((0.09 + 0.04 + 0.2 + 0.5) / 4)
    assert found["mae_many"] == pytest.approx(0.5)
    assert found["worst"] == pytest.approx(0.5)
    assert summary.kinds(cells) == {"low": (1, 1)}


def test_intervals_are_held_to_the_truth():
    cells = [
        _cell(1.0, 1.1, interval=[0.9, 1.2]),
        _cell(1.0, 1.3, interval=[0.9, 1.2]),
        _cell(0.01, 0.0, interval=[-0.1, 0.1]),  # too small a value for a relative width
        _cell(1.0, 1.0),
    ]
    found = summary.summary(cells)
    assert (found["intervals"], found["covered"]) == (3, 2)
    assert found["width"] == pytest.approx(0.3)


def test_the_last_line_of_a_cell_counts_and_a_line_cut_off_is_left_out(tmp_path):
    path = tmp_path / "cells.jsonl"
    lines = [{"machine": {}}, _cell(1.0, 1.0), _cell(2.0, 1.0)]
    path.write_text("\n".join(map(json.dumps, lines)) + '\n{"task": "a", "n"')
    assert [cell["value"] for cell in summary.latest(list(cells_in(path)))] == [2.0]
