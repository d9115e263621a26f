"""The reference definitions against SciPy and against numbers worked out by hand."""

import math

import numpy as np
import pytest

import reference
from samples import draw, draw_blocks

P = {"chebyshev": np.inf, "euclidean": 2.0}


@pytest.mark.parametrize("d", [1, 2, 5, 17])
def test_distances_and_neighbors_agree_with_ckdtree(d, metric):
    spatial = pytest.importorskip("scipy.spatial")
    x = draw("gaussian", 300, d, "float64")
    distance, index = spatial.cKDTree(x).query(x, k=8, p=P[metric])
    ours, ours_index = reference.kneighbors([x], 7, metric)
    np.testing.assert_array_equal(ours_index, index[:, 1:])
    np.testing.assert_allclose(ours, distance[:, 1:], rtol=1e-14)


def test_joint_distance_is_chebyshev_of_the_concatenation():
    x, y = draw_blocks("gaussian", 150, (2, 3), "float64")
    np.testing.assert_array_equal(
        reference.joint_distances([x, y], "chebyshev"),
        reference.block_distances(np.hstack([x, y]), "chebyshev"),
    )


def test_distances_by_hand():
    x = np.array([[0.0, 0.0], [3.0, -4.0]])
    assert reference.block_distances(x, "chebyshev")[0, 1] == 4.0
    assert reference.block_distances(x, "euclidean")[0, 1] == 5.0
    y = np.array([[0.0], [4.5]])
    assert reference.joint_distances([x, y], "euclidean")[0, 1] == 5.0
    assert reference.joint_distances([x, y], "chebyshev")[0, 1] == 4.5


def test_distances_keep_the_dtype(dtype, metric):
    assert reference.block_distances(draw("gaussian", 9, 3, dtype), metric).dtype == dtype


def test_ties_are_ordered_by_index():
    x = np.array([[0.0], [1.0], [-1.0], [0.0], [1.0]])
    distance, index = reference.kneighbors([x], 4, "chebyshev")
    np.testing.assert_array_equal(index[0], [3, 1, 2, 4])
    np.testing.assert_array_equal(distance[0], [0.0, 1.0, 1.0, 1.0])
    np.testing.assert_array_equal(index[3], [0, 1, 2, 4])


def test_counts_by_hand():
    x = np.array([[0.0], [1.0], [3.0]])
    radius = np.array([1.0, 2.0, 0.0])
    np.testing.assert_array_equal(reference.count_within([x], radius, True, "chebyshev"), [0, 1, 0])
    np.testing.assert_array_equal(
        reference.count_within([x], radius, False, "chebyshev"), [1, 2, 0]
    )


def test_digamma_agrees_with_scipy():
    special = pytest.importorskip("scipy.special")
    n = np.concatenate([np.arange(1, 400), [1999, 2000, 2001, 10**5, 10**9, 2**53]])
    np.testing.assert_allclose(reference.digamma(n), special.digamma(n), rtol=4e-16, atol=1e-15)


def test_ksg_terms_by_hand():
    # The joint radius of sample 0 for k = 1 is 1 (sample 1): x counts D_x < 1, y counts D_y < 1.
    x = np.array([[0.0], [1.0], [0.5], [4.0]])
    y = np.array([[0.0], [0.25], [3.0], [0.5]])
    (one,) = reference.ksg_terms([x, y], [1], 1, "chebyshev")
    np.testing.assert_array_equal(one.counts[:, 0], [1, 2])
    # In variant 2 the radii are 1 in x and 0.25 in y, and the counts are closed.
    (two,) = reference.ksg_terms([x, y], [1], 2, "chebyshev")
    np.testing.assert_array_equal(two.counts[:, 0], [2, 1])
    assert one.zero_radius == 0


def test_log_unit_ball():
    assert reference.log_unit_ball(2, "euclidean") == pytest.approx(math.log(math.pi))
    assert reference.log_unit_ball(3, "euclidean") == pytest.approx(math.log(4 / 3 * math.pi))
    assert reference.log_unit_ball(3, "chebyshev") == pytest.approx(math.log(8.0))
