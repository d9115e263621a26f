#pragma once

#include <cstdint>

#include "common/metric.h"
#include "common/points.h"
#include "cpu/cost_model.h"
#include "cpu/leaf_tree.h"
#include "cpu/parallel.h"
#include "cpu/sorted.h"

namespace fastmi::cpu {

/// Counts the other samples within radius[r][i] of each sample i, for each of `radii` lists of
/// radii. Returns the algorithm that ran.
///
/// If strict, a sample counts when distance < radius, as in n_x(i) of Kraskov et al. (2004,
/// https://doi.org/10.1103/PhysRevE.69.066138), eq. 8; otherwise when distance <= radius. The
/// computed distances themselves are compared. Radii are in units of 2^-exponent, as search_radii
/// returns them. counts [radii][n] is written. Results do not depend on algorithm, threads or SIMD
/// level.
template <class T>
Algorithm count_within(const Blocks<T>& blocks, const T* radius, bool strict, Metric metric,
                       Algorithm algorithm, const Execution& execution, std::int64_t* counts,
                       int radii = 1, int exponent = 0);

/// One variable, prepared for many counts around all its samples, with any radii.
template <class T>
class CountSpace {
 public:
  CountSpace(const Points<T>& points, Metric metric, Algorithm algorithm,
             const Execution& execution);

  /// Fits the search to radii like these [n]; only speed depends on it.
  void prepare(const T* radius, const Execution& execution);

  /// Writes counts[radii][n], the same numbers as count_within. Thread-safe. Lists of radii share
  /// one pass: eight cost about twice as much as one.
  void count(const T* radius, int radii, int exponent, bool strict, const Execution& execution,
             std::int64_t* counts) const;

  /// The power of two that distances of the variable are multiplied by, and its exponent.
  T scale() const { return tree_.scale; }
  int exponent() const;

 private:
  std::int64_t n_;
  Metric metric_;
  bool sorts_;
  SortedColumn<T> sorted_;
  LeafTree<T> tree_;
};

}  // namespace fastmi::cpu
