// The operations of cpu/{knn,count,ksg,sweep}.h on samples in device memory.
//
// Blocks hold device addresses. Every function runs on the given stream, waits for it and writes
// to host memory. Results are the CPU's: the same distances, the same integers. They throw
// std::bad_alloc when the device is out of memory and std::runtime_error for what else CUDA
// reports.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "common/metric.h"
#include "common/points.h"
#include "cuda/algorithm.h"
#include "cuda/psi_summary.h"

namespace fastmi::cuda {

/// Where an operation runs.
struct Execution {
  int device = 0;
  std::uintptr_t stream = 0;          ///< a cudaStream_t
  std::function<bool()> interrupted;  ///< asked between launches; true ends the operation
};

/// Thrown when `interrupted` says so; what was launched has ended by then.
class Interrupted {};

template <class T>
void kth_distance(const Blocks<T>& blocks, const std::vector<int>& ks, Metric metric,
                  Algorithm algorithm, const Execution& execution, T* distances);

template <class T>
void kneighbors(const Blocks<T>& blocks, int k, Metric metric, Algorithm algorithm,
                const Execution& execution, T* distances, std::int64_t* indices);

/// radius [n], on the host.
template <class T>
void count_within(const Blocks<T>& blocks, const T* radius, bool strict, Metric metric,
                  Algorithm algorithm, const Execution& execution, std::int64_t* counts);

/// variant 1 or 2.
template <class T>
std::vector<PsiSummary> ksg(const Blocks<T>& blocks, const std::vector<int>& ks, int variant,
                            Metric metric, Algorithm algorithm, const Execution& execution,
                            std::int64_t* counts);

template <class T>
std::vector<PsiSummary> ksg_sweep(const Points<T>& x, const Points<T>& y,
                                  const std::vector<T>& scales, const std::vector<int>& ks,
                                  Metric metric, const Execution& execution, std::int64_t* counts);

/// Algorithm 1 with the rows of the first block in each of `number` orders [number][n], on the
/// host: one summary per order and k. Small problems share launches.
template <class T>
std::vector<PsiSummary> ksg_permutations(const Blocks<T>& blocks, const std::int64_t* orders,
                                         std::int64_t number, const std::vector<int>& ks,
                                         Metric metric, Algorithm algorithm,
                                         const Execution& execution);

/// Algorithm 1 of `number` pairs [number][2] of columns, on the host, of all blocks side by side:
/// one summary per pair and k. Small problems share launches.
template <class T>
std::vector<PsiSummary> ksg_pairs(const Blocks<T>& blocks, const std::int64_t* pairs,
                                  std::int64_t number, const std::vector<int>& ks,
                                  Algorithm algorithm, const Execution& execution);

/// Position of the first of `size` numbers in device memory that is NaN, infinite or so large that
/// a difference of two such numbers overflows; -1 if there is none.
template <class T>
std::int64_t first_unusable(const T* values, std::int64_t size, const Execution& execution);

}  // namespace fastmi::cuda
