#include "common/permutation.h"
#include "cuda/drivers.h"
#include "cuda/kernels.cuh"
#include "cuda/ops.h"

namespace fastmi::cuda {

template <class T>
Algorithm kth_distance(const Blocks<T>& blocks, const std::vector<int>& ks, Metric metric,
                       Algorithm algorithm, const Execution& execution, T* distances) {
  DeviceQueue queue(execution);
  return drive_kth_distance(queue, blocks, ks, metric, algorithm, distances);
}

template <class T>
Algorithm kneighbors(const Blocks<T>& blocks, int k, Metric metric, Algorithm algorithm,
                     const Execution& execution, T* distances, std::int64_t* indices) {
  DeviceQueue queue(execution);
  return drive_kneighbors(queue, blocks, k, metric, algorithm, distances, indices);
}

template <class T>
Algorithm count_within(const Blocks<T>& blocks, const T* radius, bool strict, Metric metric,
                       Algorithm algorithm, const Execution& execution, std::int64_t* counts) {
  DeviceQueue queue(execution);
  return drive_count_within(queue, blocks, radius, strict, metric, algorithm, counts);
}

template <class T>
Algorithm space_counts(const Blocks<T>& blocks, const std::vector<int>& ks,
                       const std::vector<std::vector<int>>& spaces, bool strict, Metric metric,
                       Algorithm algorithm, const Execution& execution, T* radius,
                       std::int64_t* counts) {
  DeviceQueue queue(execution);
  return drive_space_counts(queue, blocks, ks, spaces, strict, metric, algorithm, radius, counts);
}

template <class T>
KsgResult ksg(const Blocks<T>& blocks, const std::vector<int>& ks, KsgVariant variant,
              Metric metric, Algorithm algorithm, const Execution& execution,
              std::int64_t* counts) {
  DeviceQueue queue(execution);
  return drive_ksg(queue, blocks, ks, variant, metric, algorithm, counts);
}

template <class T>
KsgResult ksg_sweep(const Points<T>& x, const Points<T>& y, const std::vector<T>& scales,
                    const std::vector<int>& ks, Metric metric, const Execution& execution,
                    std::int64_t* counts) {
  DeviceQueue queue(execution);
  return {drive_ksg_sweep(queue, x, y, scales, ks, metric, counts), Algorithm::kBrute};
}

template <class T>
KsgResult ksg_pairs(const Blocks<T>& blocks, const std::int64_t* pairs, std::int64_t number,
                    const std::vector<int>& ks, Algorithm algorithm, const Execution& execution,
                    std::atomic<std::int64_t>& done) {
  algorithm = resolve(algorithm, blocks.front().n, 2);
  if (number == 0) return {{}, algorithm};
  DeviceQueue queue(execution);
  return {drive_ksg_pairs(queue, blocks, pairs, number, ks, algorithm, done), algorithm};
}

template <class T>
Surrogates<T>::Surrogates(const Points<T>& x, const Points<T>& y, std::vector<int> ks,
                          Metric metric, Algorithm algorithm, const Execution&)
    : blocks_{x, y},
      ks_(std::move(ks)),
      metric_(metric),
      algorithm_(resolve(algorithm, x.n, x.d + y.d)) {}

template <class T>
void Surrogates<T>::psi_means(const std::int64_t* orders, std::int64_t number,
                              const Execution& execution, double* psi_mean) {
  if (number == 0) return;
  const std::int64_t n = blocks_.front().n;
  std::vector<std::int64_t> inverse(static_cast<std::size_t>(n));
  for (std::int64_t s = 0; s < number; ++s) {
    invert_permutation(orders + s * n, n, inverse.data());
  }
  DeviceQueue queue(execution);
  const std::vector<PsiSummary> summaries =
      drive_ksg_permutations(queue, blocks_, orders, number, ks_, metric_, algorithm_);
  for (const PsiSummary& summary : summaries) *psi_mean++ = summary.mean;
}

template <class T>
std::int64_t first_unusable(const T* values, std::int64_t size, const Execution& execution) {
  DeviceQueue queue(execution);
  return drive_first_unusable(queue, values, size);
}

#define FASTMI_INSTANTIATE(T)                                                                      \
  template Algorithm kth_distance(const Blocks<T>&, const std::vector<int>&, Metric, Algorithm,    \
                                  const Execution&, T*);                                           \
  template Algorithm kneighbors(const Blocks<T>&, int, Metric, Algorithm, const Execution&, T*,    \
                                std::int64_t*);                                                    \
  template Algorithm count_within(const Blocks<T>&, const T*, bool, Metric, Algorithm,             \
                                  const Execution&, std::int64_t*);                                \
  template Algorithm space_counts(const Blocks<T>&, const std::vector<int>&,                       \
                                  const std::vector<std::vector<int>>&, bool, Metric, Algorithm,   \
                                  const Execution&, T*, std::int64_t*);                            \
  template KsgResult ksg(const Blocks<T>&, const std::vector<int>&, KsgVariant, Metric, Algorithm, \
                         const Execution&, std::int64_t*);                                         \
  template KsgResult ksg_sweep(const Points<T>&, const Points<T>&, const std::vector<T>&,          \
                               const std::vector<int>&, Metric, const Execution&, std::int64_t*);  \
  template KsgResult ksg_pairs(const Blocks<T>&, const std::int64_t*, std::int64_t,                \
                               const std::vector<int>&, Algorithm, const Execution&,               \
                               std::atomic<std::int64_t>&);                                        \
  template class Surrogates<T>;                                                                    \
  template std::int64_t first_unusable(const T*, std::int64_t, const Execution&)
FASTMI_INSTANTIATE(float);
FASTMI_INSTANTIATE(double);

}  // namespace fastmi::cuda
