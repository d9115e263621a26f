#pragma once

#include <cstdint>
#include <vector>

#include "common/points.h"
#include "cpu/parallel.h"

namespace fastmi::cpu {

/// Counts of the conditional KSG estimator for x in many orders, beside y and z as they are.
///
/// For (x[order[i]], y[i], z[i]) and every k of a list: the number of other samples within the
/// distance to the k-th joint neighbour, strictly, in (x, z), (y, z) and z. All distances are
/// Chebyshev distances. orders [number][n], any rows in [0, n); ks ascending, in [1, n - 1] and at
/// most kStripMaxK; counts [number][len(ks)][3][n], written, the same numbers as space_counts.
///
/// What depends on y and z alone is done once per sample, and the orders fill the lanes of a
/// vector: O(n^2 (d_y + d_z)) time, and about O(number n c) for c samples within the joint radius
/// in z. number n d_x numbers of memory. Results do not depend on threads or SIMD level.
template <class T>
void exchanged_counts(const Points<T>& x, const Points<T>& y, const Points<T>& z,
                      const std::vector<int>& ks, const std::int64_t* orders, std::int64_t number,
                      const Execution& execution, std::int64_t* counts);

/// Chooses one candidate for each row, in the order of `sequence`: the first that is not taken, or
/// the last if all are. candidates [rows][size], in [0, n); sequence [rows], a permutation of the
/// rows; taken [n], updated; chosen [rows], written.
void exchange(const std::int64_t* candidates, std::int64_t rows, int size,
              const std::int64_t* sequence, std::vector<bool>& taken, std::int64_t* chosen);

}  // namespace fastmi::cpu
