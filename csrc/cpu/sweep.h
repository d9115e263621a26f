#pragma once

#include <cstdint>
#include <vector>

#include "common/metric.h"
#include "common/points.h"
#include "common/psi_summary.h"
#include "cpu/parallel.h"

namespace fastmi::cpu {

/// KSG algorithm 1 of (x, c y) for every scale c and every k, from one pass over the distances.
///
/// The joint distance at scale c is max(D_x, c D_y) and the margin of y counts c D_y < r, both on
/// computed distances: coordinates are never rescaled. scales: positive, any order; ks: each in [1,
/// n - 1]; counts [scales][ks][2][n], written; summaries [scales][ks]. Two columns with ks <=
/// kStripMaxK take one strip search per scale (kSort). Otherwise all pairs are compared (kBrute):
/// O(n^2 (dx + dy)) time plus O(n^2) per scale, and 2 n numbers of scratch per query in flight.
/// Independent of threads and SIMD level.
template <class T>
KsgResult ksg_sweep(const Points<T>& x, const Points<T>& y, const std::vector<T>& scales,
                    const std::vector<int>& ks, Metric metric, const Execution& execution,
                    std::int64_t* counts);

}  // namespace fastmi::cpu
