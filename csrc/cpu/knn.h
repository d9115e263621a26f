#pragma once

#include <cstdint>
#include <vector>

#include "common/metric.h"
#include "common/points.h"
#include "cpu/cost_model.h"
#include "cpu/parallel.h"

namespace fastmi::cpu {

/// What a search returns besides distances: the algorithm that ran, and the exponent of the power
/// of two by which its samples were multiplied.
struct Search {
  Algorithm algorithm;
  int exponent;
};

/// Distance from each sample to its k-th nearest other sample, for every k of a list.
///
/// blocks: m >= 1 views of n samples; ks: each in [1, n - 1], any order; distances [len(ks)][n],
/// written. The joint distance is the maximum over the blocks. Distances are in units of
/// 2^-exponent, where all of them are normal numbers: radii that only serve to count stay in these
/// units. Results do not depend on algorithm, threads or SIMD level.
template <class T>
Search search_radii(const Blocks<T>& blocks, const std::vector<int>& ks, Metric metric,
                    Algorithm algorithm, const Execution& execution, T* distances);

/// The same in the unit of the samples, where a Euclidean distance may be infinite or subnormal.
/// Returns the algorithm that ran, as does kneighbors.
template <class T>
Algorithm kth_distance(const Blocks<T>& blocks, const std::vector<int>& ks, Metric metric,
                       Algorithm algorithm, const Execution& execution, T* distances);

/// The k nearest other samples of each sample, ordered by (distance, index): distances [n][k] and
/// indices [n][k], written. Euclidean neighbours are ordered by their squared distance, which can
/// differ where the rounded roots are equal. kSort is not available.
template <class T>
Algorithm kneighbors(const Blocks<T>& blocks, int k, Metric metric, Algorithm algorithm,
                     const Execution& execution, T* distances, std::int64_t* indices);

/// The k nearest of the first `among` samples of each of the others, as kneighbors orders them:
/// distances [n - among][k] and indices [n - among][k], written; k <= among < n.
template <class T>
Algorithm kneighbors_among(const Blocks<T>& blocks, std::int64_t among, int k, Metric metric,
                           Algorithm algorithm, const Execution& execution, T* distances,
                           std::int64_t* indices);

}  // namespace fastmi::cpu
