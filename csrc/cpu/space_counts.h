#pragma once

#include <cstdint>
#include <vector>

#include "common/metric.h"
#include "common/points.h"
#include "cpu/cost_model.h"
#include "cpu/parallel.h"

namespace fastmi::cpu {

/// The distance from each sample to its k-th joint neighbour, for every k of a list, and the number
/// of other samples within it in every space.
///
/// spaces: the blocks of each, whose joint distance is the largest of theirs. radius [len(ks)][n]
/// and counts [len(ks)][spaces][n], written: distance < radius if strict, otherwise distance <=
/// radius. kSort counts in spaces of one column; spaces of several are then searched by kAuto. All
/// ks share one search of the joint space, and in each space one structure and one pass.
/// Results do not depend on algorithm, threads or SIMD level. Returns the search of the joint space
/// that ran.
template <class T>
Algorithm space_counts(const Blocks<T>& blocks, const std::vector<int>& ks,
                       const std::vector<std::vector<int>>& spaces, bool strict, Metric metric,
                       Algorithm algorithm, const Execution& execution, T* radius,
                       std::int64_t* counts);

}  // namespace fastmi::cpu
