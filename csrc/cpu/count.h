#pragma once

#include <cstdint>

#include "common/metric.h"
#include "common/points.h"
#include "cpu/cost_model.h"
#include "cpu/leaf_tree.h"
#include "cpu/parallel.h"
#include "cpu/sorted.h"

namespace fastmi::cpu {

/// Count, for each sample i, the other samples within radius[r][i], for each of `radii` lists, and
/// return the search that ran.
///
/// This is n_x(i) of Kraskov et al. (2004), eq. 8, when strict: distance < radius; otherwise
/// distance <= radius. The comparison is made on the computed distances themselves. counts
/// [radii][n], written. Results do not depend on algorithm, threads or SIMD level.
template <class T>
Algorithm count_within(const Blocks<T>& blocks, const T* radius, bool strict, Metric metric,
                       Algorithm algorithm, const Execution& execution, std::int64_t* counts,
                       int radii = 1);

/// One variable made ready for many counts of all its samples, of whatever radii.
template <class T>
class CountSpace {
 public:
  CountSpace(const Points<T>& points, Metric metric, Algorithm algorithm,
             const Execution& execution);

  /// Fits the search to radii like these [n]; only speed depends on it.
  void prepare(const T* radius, const Execution& execution);

  /// counts[radii][n], written, as of count_within; thread-safe. Lists of radii share one pass:
  /// eight cost about twice as much as one.
  void count(const T* radius, int radii, bool strict, const Execution& execution,
             std::int64_t* counts) const;

 private:
  std::int64_t n_;
  Metric metric_;
  bool sorts_;
  SortedColumn<T> sorted_;
  LeafTree<T> tree_;
};

}  // namespace fastmi::cpu
