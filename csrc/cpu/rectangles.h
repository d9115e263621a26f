#pragma once

#include <cstdint>
#include <vector>

#include "common/metric.h"
#include "common/points.h"
#include "cpu/cost_model.h"
#include "cpu/parallel.h"

namespace fastmi::cpu {

/// The largest distance in one block from each sample to the first ks[q] of its neighbours.
///
/// neighbours [n][k], nearest first; ks: each in [1, k]. Writes radius[ks][n], in units of 1 /
/// scale, which is that of squares in the block (tree_scale), or 1.
template <class T>
void rectangle_radii(const Points<T>& block, const std::int64_t* neighbours, int k,
                     const std::vector<int>& ks, Metric metric, T scale, const Execution& execution,
                     T* radius);

/// Counts within products of balls: the radius of a sample in a block is the largest distance there
/// to its k nearest joint neighbours, as in eq. 9 of Kraskov et al. (2004,
/// https://doi.org/10.1103/PhysRevE.69.066138).
///
/// spaces: the blocks of each; all hold the last block. Writes radius[ks][n], the joint k-th
/// distances, and counts[ks][spaces][n], the other samples within reach, or at it, in every block
/// of a space. ks ascend, each in [1, n - 1]. Candidates are those near in the first column of the
/// last block: O(n^2 d) time where it does not separate the samples. Independent of algorithm,
/// threads and SIMD level. Returns the search of the neighbours that ran, which kSort does not
/// serve.
template <class T>
Algorithm rectangle_counts(const Blocks<T>& blocks, const std::vector<int>& ks,
                           const std::vector<std::vector<int>>& spaces, Metric metric,
                           Algorithm algorithm, const Execution& execution, T* radius,
                           std::int64_t* counts);

}  // namespace fastmi::cpu
