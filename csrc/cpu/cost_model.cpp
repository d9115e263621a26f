#include "cpu/cost_model.h"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "cpu/strips.h"

namespace fastmi::cpu {

bool can_sort(int variables, int d, int k) {
  return d == 1 || (variables == 2 && d == 2 && k >= 1 && k <= kStripMaxK);
}

Algorithm choose_algorithm(std::int64_t n, int variables, int d, int k, bool indices) {
  // Samples below which building a tree costs more than it saves: bench/bench_algorithms.py.
  constexpr std::int64_t kTreeMin = 256;
  if (!indices && can_sort(variables, d, k)) return Algorithm::kSort;
  return n < kTreeMin ? Algorithm::kBrute : Algorithm::kTree;
}

Algorithm resolve_algorithm(Algorithm requested, std::int64_t n, int variables, int d, int k) {
  if (requested == Algorithm::kAuto) return choose_algorithm(n, variables, d, k);
  if (requested == Algorithm::kSort && !can_sort(variables, d, k)) {
    throw std::invalid_argument(
        "algorithm='sort' needs one column, or two joint columns and k in [1, " +
        std::to_string(kStripMaxK) + "]; got " + std::to_string(d) + " columns" +
        (k > 0 ? ", k=" + std::to_string(k) : ""));
  }
  return requested;
}

bool use_byte_filter(std::int64_t n, int d, Metric metric) {
  // Fitted at n = 1e4 to 2e4 (see README.md); 4 to 6 are equally fast.
  constexpr int kFilterMinDims = 5;
  constexpr std::int64_t kFilterMin = 512;  // the bytes of fewer points are not worth making
  return metric == Metric::kChebyshev && d >= kFilterMinDims && n >= kFilterMin;
}

int useful_threads(int threads, std::int64_t n, int variables, int d) {
  // Waking a thread costs some 5 to 20 us, and far more on a busy machine. The constants are
  // nanoseconds on one AVX-512 core, right within a factor of 2, by bench/bench_algorithms.py.
  constexpr double kWorkPerThread = 150e3;
  constexpr double kSortPerSample = 120;
  constexpr double kTreePerSampleAndDim = 350;
  constexpr double kPairAndDim = 0.15;
  const double samples = static_cast<double>(n);
  const double work = can_sort(variables, d, 1)
                          ? samples * kSortPerSample
                          : samples * d * std::min(kTreePerSampleAndDim, samples * kPairAndDim);
  return std::clamp(static_cast<int>(work / kWorkPerThread), 1, threads);
}

}  // namespace fastmi::cpu
