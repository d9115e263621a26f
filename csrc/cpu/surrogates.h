#pragma once

#include <cstdint>
#include <vector>

#include "common/points.h"
#include "cpu/buffer.h"
#include "cpu/parallel.h"

namespace fastmi::cpu {

/// The nearest others of each sample in one variable (Chebyshev), in order of distance: all those
/// nearer than cutoff[i], at most `capacity` of them.
template <class T>
struct NeighbourLists {
  std::int64_t n = 0;
  int d = 0;
  std::int64_t capacity = 0;
  std::int64_t stride = 0;      ///< of columns: n rounded up to whole vectors
  int row_size = 0;             ///< d rounded up to whole vectors, the rest zero
  Buffer<T> columns;            ///< [d][stride], +inf behind the n samples
  Buffer<T> rows;               ///< [n][row_size]
  Buffer<T> distance;           ///< [n][capacity]
  Buffer<std::int32_t> sample;  ///< [n][capacity]
  Buffer<std::int32_t> size;    ///< [n]
  Buffer<T> cutoff;             ///< [n]
};

/// KSG estimates (variant 1, Chebyshev) of x, its rows reordered, and y: what does not depend on
/// the order is done once.
///
/// Reordering leaves the neighbours of a sample within either variable as they are. Where the two
/// are independent about sqrt(k n) samples lie within the k-th joint distance in each, so lists of
/// a few times that many hold nearly all searches and counts; the rest scan all samples. Memory
/// about n * capacity * (sizeof(T) + 4) for each variable, time to build O(n^2 d).
template <class T>
class Surrogates {
 public:
  /// capacity: of the lists, in [k, n - 1]. x and y [n, d].
  Surrogates(const Points<T>& x, const Points<T>& y, std::vector<int> ks, std::int64_t capacity,
             const Execution& execution);

  /// Whether the lists came out long enough to be worth using: many equal distances cut them short.
  bool worthwhile() const;

  /// psi_mean[surrogates][len(ks)]: mean of psi(n_x + 1) + psi(n_y + 1) for pairs (x[order[i]],
  /// y[i]), the bits of ksg(). orders [surrogates][n], each a permutation (else
  /// std::invalid_argument). Threads share out surrogates.
  void psi_means(const std::int64_t* orders, std::int64_t surrogates, const Execution& execution,
                 double* psi_mean) const;

 private:
  struct Scratch;
  void run(const std::int64_t* order, Scratch& scratch, double* psi_mean) const;

  std::vector<int> ks_;
  int largest_k_;
  NeighbourLists<T> x_, y_;
};

}  // namespace fastmi::cpu
