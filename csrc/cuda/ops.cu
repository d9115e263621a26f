#include "cuda/drivers.h"
#include "cuda/kernels.cuh"
#include "cuda/ops.h"

namespace fastmi::cuda {

template <class T>
void kth_distance(const Blocks<T>& blocks, const std::vector<int>& ks, Metric metric,
                  Algorithm algorithm, const Execution& execution, T* distances) {
  DeviceQueue queue(execution);
  drive_kth_distance(queue, blocks, ks, metric, algorithm, distances);
}

template <class T>
void kneighbors(const Blocks<T>& blocks, int k, Metric metric, Algorithm algorithm,
                const Execution& execution, T* distances, std::int64_t* indices) {
  DeviceQueue queue(execution);
  drive_kneighbors(queue, blocks, k, metric, algorithm, distances, indices);
}

template <class T>
void count_within(const Blocks<T>& blocks, const T* radius, bool strict, Metric metric,
                  Algorithm algorithm, const Execution& execution, std::int64_t* counts) {
  DeviceQueue queue(execution);
  drive_count_within(queue, blocks, radius, strict, metric, algorithm, counts);
}

template <class T>
std::vector<PsiSummary> ksg(const Blocks<T>& blocks, const std::vector<int>& ks, int variant,
                            Metric metric, Algorithm algorithm, const Execution& execution,
                            std::int64_t* counts) {
  DeviceQueue queue(execution);
  return drive_ksg(queue, blocks, ks, variant, metric, algorithm, counts);
}

template <class T>
std::vector<PsiSummary> ksg_sweep(const Points<T>& x, const Points<T>& y,
                                  const std::vector<T>& scales, const std::vector<int>& ks,
                                  Metric metric, const Execution& execution, std::int64_t* counts) {
  DeviceQueue queue(execution);
  return drive_ksg_sweep(queue, x, y, scales, ks, metric, counts);
}

template <class T>
std::vector<PsiSummary> ksg_permutations(const Blocks<T>& blocks, const std::int64_t* orders,
                                         std::int64_t number, const std::vector<int>& ks,
                                         Metric metric, Algorithm algorithm,
                                         const Execution& execution) {
  DeviceQueue queue(execution);
  return drive_ksg_permutations(queue, blocks, orders, number, ks, metric, algorithm);
}

template <class T>
std::vector<PsiSummary> ksg_pairs(const Blocks<T>& blocks, const std::int64_t* pairs,
                                  std::int64_t number, const std::vector<int>& ks,
                                  Algorithm algorithm, const Execution& execution) {
  DeviceQueue queue(execution);
  return drive_ksg_pairs(queue, blocks, pairs, number, ks, algorithm);
}

template <class T>
std::int64_t first_unusable(const T* values, std::int64_t size, const Execution& execution) {
  DeviceQueue queue(execution);
  return drive_first_unusable(queue, values, size);
}

#define FASTMI_INSTANTIATE(T)                                                                      \
  template void kth_distance(const Blocks<T>&, const std::vector<int>&, Metric, Algorithm,         \
                             const Execution&, T*);                                                \
  template void kneighbors(const Blocks<T>&, int, Metric, Algorithm, const Execution&, T*,         \
                           std::int64_t*);                                                         \
  template void count_within(const Blocks<T>&, const T*, bool, Metric, Algorithm,                  \
                             const Execution&, std::int64_t*);                                     \
  template std::vector<PsiSummary> ksg(const Blocks<T>&, const std::vector<int>&, int, Metric,     \
                                       Algorithm, const Execution&, std::int64_t*);                \
  template std::vector<PsiSummary> ksg_sweep(const Points<T>&, const Points<T>&,                   \
                                             const std::vector<T>&, const std::vector<int>&,       \
                                             Metric, const Execution&, std::int64_t*);             \
  template std::vector<PsiSummary> ksg_permutations(const Blocks<T>&, const std::int64_t*,         \
                                                    std::int64_t, const std::vector<int>&, Metric, \
                                                    Algorithm, const Execution&);                  \
  template std::vector<PsiSummary> ksg_pairs(const Blocks<T>&, const std::int64_t*, std::int64_t,  \
                                             const std::vector<int>&, Algorithm,                   \
                                             const Execution&);                                    \
  template std::int64_t first_unusable(const T*, std::int64_t, const Execution&)
FASTMI_INSTANTIATE(float);
FASTMI_INSTANTIATE(double);

}  // namespace fastmi::cuda
