#include "cpu/psi_summary.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "cpu/digamma.h"

namespace fastmi::cpu {

void summarise_psi(const std::int64_t* counts, std::int64_t m, std::int64_t n, int shift,
                   const Execution& execution, PsiSummary& summary) {
  constexpr std::int64_t kChunk = 1 << 14;
  constexpr std::int64_t kRun = 1 << 7;
  const std::int64_t chunks = (n + kChunk - 1) / kChunk;
  const auto term = [&](std::int64_t i, std::int64_t first, std::int64_t second) {
    double sum = digamma(first + shift) + digamma(second + shift);
    for (std::int64_t b = 2; b < m; ++b) sum += digamma(counts[b * n + i] + shift);
    return sum;
  };
  // Differences to one term are summed, as the spread is small against the terms themselves.
  const double origin = term(0, counts[0], counts[n]);
  std::vector<double> sums(static_cast<std::size_t>(chunks));
  std::vector<double> squares(static_cast<std::size_t>(chunks));
  std::vector<std::int64_t> count_sums(static_cast<std::size_t>(2 * chunks));
  parallel_for(execution, chunks, [&](std::int64_t c, int) {
    const std::int64_t end = std::min(n, (c + 1) * kChunk);
    std::int64_t of_first = 0;
    std::int64_t of_second = 0;
    for (std::int64_t begin = c * kChunk; begin < end; begin += kRun) {
      double sum = 0;
      double square = 0;
      for (std::int64_t i = begin; i < std::min(end, begin + kRun); ++i) {
        const std::int64_t first = counts[i];
        const std::int64_t second = counts[n + i];
        const double difference = term(i, first, second) - origin;
        sum += difference;
        square += difference * difference;
        of_first += first;
        of_second += second;
      }
      sums[c] += sum;
      squares[c] += square;
    }
    count_sums[2 * c] = of_first;
    count_sums[2 * c + 1] = of_second;
  });
  double sum = 0;
  double square = 0;
  for (std::int64_t c = 0; c < chunks; ++c) {
    sum += sums[c];
    square += squares[c];
    for (int b = 0; b < 2; ++b) summary.count_sum[b] += count_sums[2 * c + b];
  }
  const double mean = sum / static_cast<double>(n);
  summary.mean = origin + mean;
  summary.std = std::sqrt(std::max(0.0, square / static_cast<double>(n) - mean * mean));
}

}  // namespace fastmi::cpu
