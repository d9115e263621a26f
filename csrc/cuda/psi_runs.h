// Digamma terms of counts, summed over runs of samples on the device; the host adds up the runs in
// order.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "common/digamma.h"
#include "common/psi_summary.h"
#include "cuda/block.h"

namespace fastmi::cuda {

struct PsiRun {
  double sum;     ///< sum of the terms' differences to `origin`
  double square;  ///< sum of the squares of these differences
  double origin;  ///< the term of sample 0
  std::int64_t zeros;
  std::int64_t count_sum[2];  ///< sums of the counts of the first two variables
};

inline constexpr int kPsiRun = 128;
inline constexpr int kRunsPerChunk = 128;

/// A thread sums the terms sum_v psi(counts[v] + shift) of one run; batch: the estimate.
template <class T>
struct PsiRuns {
  struct State {};
  struct Shared {};
  static constexpr int kThreads = 128;
  struct Params {
    const std::int64_t* counts;  ///< [batch][m][n]
    const T* radius;             ///< [batch][stride]
    const double* table;         ///< values of digamma
    std::int64_t stride;
    std::int64_t n;
    int m;  ///< at least 2
    int shift;
    PsiRun* runs;  ///< [batch][runs], written
  };

  template <class Block>
  FASTMI_HD static void run(Block& block, const Params& p) {
    block.each([&](int t, State&) {
      const std::int64_t run = block.index() * kThreads + t;
      const std::int64_t runs = ceil_div(p.n, kPsiRun);
      if (run >= runs) return;
      const std::int64_t* counts = p.counts + block.batch() * p.m * p.n;
      const T* radius = p.radius + block.batch() * p.stride;
      const double origin = term(p, counts, 0);
      PsiRun out{0, 0, origin, 0, {0, 0}};
      const std::int64_t end = smaller(p.n, (run + 1) * kPsiRun);
      for (std::int64_t i = run * kPsiRun; i < end; ++i) {
        const double difference = term(p, counts, i) - origin;
        out.sum += difference;
        out.square += difference * difference;
        out.zeros += radius[i] == 0;
        for (int v = 0; v < 2; ++v) out.count_sum[v] += counts[v * p.n + i];
      }
      p.runs[block.batch() * runs + run] = out;
    });
  }

  FASTMI_HD static double term(const Params& p, const std::int64_t* counts, std::int64_t i) {
    double sum = 0;
    for (int v = 0; v < p.m; ++v) sum += digamma_from(p.table, counts[v * p.n + i] + p.shift);
    return sum;
  }
};

/// Adds the runs of one estimate in the order of cpu::summarise_psi.
inline PsiSummary combine(const PsiRun* runs, std::int64_t n) {
  const std::int64_t number = ceil_div(n, kPsiRun);
  PsiSummary summary;
  double sum = 0;
  double square = 0;
  for (std::int64_t begin = 0; begin < number; begin += kRunsPerChunk) {
    double chunk_sum = 0;
    double chunk_square = 0;
    for (std::int64_t r = begin; r < std::min(number, begin + kRunsPerChunk); ++r) {
      chunk_sum += runs[r].sum;
      chunk_square += runs[r].square;
      summary.zero_radius += runs[r].zeros;
      for (int v = 0; v < 2; ++v) summary.count_sum[v] += runs[r].count_sum[v];
    }
    sum += chunk_sum;
    square += chunk_square;
  }
  const double mean = sum / static_cast<double>(n);
  summary.mean = runs[0].origin + mean;
  summary.std = std::sqrt(std::max(0.0, square / static_cast<double>(n) - mean * mean));
  return summary;
}

/// One summary per estimate, from counts [estimates][m][n] and radius [estimates][stride].
template <class T, class Queue>
std::vector<PsiSummary> summarise_psi(Queue& queue, const double* table, const std::int64_t* counts,
                                      const T* radius, std::int64_t estimates, int m,
                                      std::int64_t n, std::int64_t stride, int shift) {
  const std::int64_t number = ceil_div(n, kPsiRun);
  const Scratch<PsiRun, Queue> runs(queue, estimates * number);
  queue.template launch<PsiRuns<T>>(ceil_div(number, PsiRuns<T>::kThreads), estimates,
                                    {counts, radius, table, stride, n, m, shift, runs.data()});
  std::vector<PsiRun> host(static_cast<std::size_t>(runs.size()));
  queue.download(host.data(), runs.data(), runs.size() * sizeof(PsiRun));
  queue.wait();
  std::vector<PsiSummary> summaries;
  for (std::int64_t e = 0; e < estimates; ++e) {
    summaries.push_back(combine(host.data() + e * number, n));
  }
  return summaries;
}

template <class Queue>
Scratch<double, Queue> digamma_table(Queue& queue) {
  static const std::vector<double> table = [] {
    std::vector<double> values(kDigammaTableSize);
    fill_digamma_table(values.data());
    return values;
  }();
  return Scratch<double, Queue>(queue, table);
}

}  // namespace fastmi::cuda
