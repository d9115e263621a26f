#pragma once

#include <cstdint>
#include <vector>

#include "common/metric.h"
#include "common/points.h"
#include "cpu/parallel.h"
#include "cpu/psi_summary.h"

namespace fastmi::cpu {

/// KSG algorithm 1 of (x, c y) for every scale c and every k, from one pass over the distances.
///
/// The joint distance at scale c is max(D_x, c D_y) and the margin of y counts c D_y < r, both on
/// computed distances: coordinates are never rescaled. scales: positive, any order; ks: each in
/// [1, n - 1]; counts [scales][ks][2][n], written. Two columns: a strip search per
/// scale. Else O(n^2 (dx + dy)) time plus some n^2 per scale, 2 n numbers of scratch per query in
/// flight. Independent of threads and SIMD level.
template <class T>
std::vector<PsiSummary> ksg_sweep(const Points<T>& x, const Points<T>& y,
                                  const std::vector<T>& scales, const std::vector<int>& ks,
                                  Metric metric, const Execution& execution, std::int64_t* counts);

}  // namespace fastmi::cpu
