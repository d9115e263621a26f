// The operations of cpu/{knn,count,space_counts,ksg,sweep,pairwise,surrogates}.h, under the same
// names and with the same arguments and results, on samples in device memory.
//
// Blocks hold device addresses. Every function runs on the given stream, waits for it and writes to
// host memory. Results are the same distances and integers as on the CPU. There is no kSort.
// Functions throw std::bad_alloc when the device is out of memory, and std::runtime_error for any
// other error that CUDA reports.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "common/algorithm.h"
#include "common/interrupted.h"
#include "common/ksg_variant.h"
#include "common/metric.h"
#include "common/points.h"
#include "common/psi_summary.h"

namespace fastmi::cuda {

/// Where an operation runs.
struct Execution {
  int device = 0;
  std::uintptr_t stream = 0;          ///< a cudaStream_t
  std::function<bool()> interrupted;  ///< asked between launches; true ends it with Interrupted
};

template <class T>
Algorithm kth_distance(const Blocks<T>& blocks, const std::vector<int>& ks, Metric metric,
                       Algorithm algorithm, const Execution& execution, T* distances);

template <class T>
Algorithm kneighbors(const Blocks<T>& blocks, int k, Metric metric, Algorithm algorithm,
                     const Execution& execution, T* distances, std::int64_t* indices);

/// radius [n], on the host.
template <class T>
Algorithm count_within(const Blocks<T>& blocks, const T* radius, bool strict, Metric metric,
                       Algorithm algorithm, const Execution& execution, std::int64_t* counts);

/// radius [len(ks)][n] and counts, on the host.
template <class T>
Algorithm space_counts(const Blocks<T>& blocks, const std::vector<int>& ks,
                       const std::vector<std::vector<int>>& spaces, bool strict, Metric metric,
                       Algorithm algorithm, const Execution& execution, T* radius,
                       std::int64_t* counts);

template <class T>
KsgResult ksg(const Blocks<T>& blocks, const std::vector<int>& ks, KsgVariant variant,
              Metric metric, Algorithm algorithm, const Execution& execution, std::int64_t* counts);

/// Compares all pairs of samples, however few columns there are.
template <class T>
KsgResult ksg_sweep(const Points<T>& x, const Points<T>& y, const std::vector<T>& scales,
                    const std::vector<int>& ks, Metric metric, const Execution& execution,
                    std::int64_t* counts);

/// pairs [number][2], on the host. Small problems share launches.
template <class T>
KsgResult ksg_pairs(const Blocks<T>& blocks, const std::int64_t* pairs, std::int64_t number,
                    const std::vector<int>& ks, Algorithm algorithm, const Execution& execution,
                    std::atomic<std::int64_t>& done);

/// KSG estimates (variant 1) between x, with its rows reordered, and y.
template <class T>
class Surrogates {
 public:
  Surrogates(const Points<T>& x, const Points<T>& y, std::vector<int> ks, Metric metric,
             Algorithm algorithm, const Execution& execution);

  Algorithm algorithm() const { return algorithm_; }

  /// orders [number][n] and psi_mean [number][len(ks)], on the host. Small problems share launches.
  void psi_means(const std::int64_t* orders, std::int64_t number, const Execution& execution,
                 double* psi_mean);

 private:
  Blocks<T> blocks_;
  std::vector<int> ks_;
  Metric metric_;
  Algorithm algorithm_;
};

/// Like cpu/first_unusable.h, for `size` numbers in device memory.
template <class T>
std::int64_t first_unusable(const T* values, std::int64_t size, const Execution& execution);

}  // namespace fastmi::cuda
