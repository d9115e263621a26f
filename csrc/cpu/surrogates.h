#pragma once

#include <cstdint>
#include <vector>

#include "common/metric.h"
#include "common/points.h"
#include "cpu/cost_model.h"
#include "cpu/count.h"
#include "cpu/parallel.h"
#include "cpu/sorted.h"

namespace fastmi::cpu {

/// KSG estimates (variant 1) between x, with its rows reordered, and y.
///
/// Reordering leaves both variables as they are: they are sorted, or put in a tree, once. The joint
/// search is made anew for each order; the counts of several orders are made in one pass over each
/// variable, a sample's radii side by side.
template <class T>
class Surrogates {
 public:
  /// x, y: views that outlive this; ks in [1, n - 1].
  Surrogates(const Points<T>& x, const Points<T>& y, std::vector<int> ks, Metric metric,
             Algorithm algorithm, const Execution& execution);

  /// The algorithm that searches the joint space for each order.
  Algorithm algorithm() const { return algorithm_; }

  /// psi_mean[number][len(ks)]: mean of psi(n_x + 1) + psi(n_y + 1) for the pairs (x[order[i]],
  /// y[i]), bit for bit that of ksg(). orders [number][n], each a permutation (else
  /// std::invalid_argument). Threads share out the orders. Each holds at most some 100 MB, or what
  /// a single order needs if that is more.
  void psi_means(const std::int64_t* orders, std::int64_t number, const Execution& execution,
                 double* psi_mean);

 private:
  void two_columns(const std::int64_t* order, double* psi_mean) const;
  void group(const std::int64_t* orders, std::int64_t number, double* psi_mean) const;
  int search(const std::int64_t* order, T* by_x, T* by_y, const Execution& execution) const;

  Points<T> x_, y_;
  std::vector<int> ks_;
  Metric metric_;
  Algorithm algorithm_;
  bool two_columns_;
  bool prepared_ = false;
  std::vector<SortedColumn<T>> sorted_;  ///< x and y, for kSort
  std::vector<CountSpace<T>> margins_;   ///< x and y, for other algorithms
};

}  // namespace fastmi::cpu
