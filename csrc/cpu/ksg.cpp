#include "cpu/ksg.h"

#include <algorithm>

#include "cpu/count.h"
#include "cpu/knn.h"
#include "cpu/pairwise.h"
#include "cpu/psi_summary.h"
#include "cpu/rectangles.h"
#include "cpu/sorted.h"
#include "cpu/space_counts.h"

namespace fastmi::cpu {
namespace {

template <class T>
void count_two_columns(const Blocks<T>& blocks, const std::vector<int>& ks,
                       const Execution& execution, std::int64_t* counts,
                       std::vector<PsiSummary>& summaries) {
  SortedColumn<T> sorted[2];
  parallel_for(execution, 2,
               [&](std::int64_t b, int) { sorted[b] = sort_column(blocks[b].data, blocks[b].n); });
  count_sorted_pair(sorted[0], sorted[1], ks, execution, counts, summaries);
}

/// Algorithm 2: the k nearest joint neighbours span a rectangle, one radius per variable. Returns
/// the algorithm that searched the joint space.
template <class T>
Algorithm count_rectangles(const Blocks<T>& blocks, const std::vector<int>& ks, Metric metric,
                           Algorithm algorithm, const Execution& execution, std::int64_t* counts,
                           std::vector<PsiSummary>& summaries) {
  const std::int64_t n = blocks.front().n;
  const int k = *std::max_element(ks.begin(), ks.end());
  const std::size_t m = blocks.size();
  if (algorithm == Algorithm::kSort) {
    for (const Points<T>& block : blocks) resolve_algorithm(algorithm, n, 1, block.d, 0);
  }
  // kSort cannot return indices: it serves the margins alone.
  const Algorithm joint = algorithm == Algorithm::kSort ? Algorithm::kAuto : algorithm;
  Buffer<T> distances(static_cast<std::size_t>(n) * k);
  Buffer<std::int64_t> neighbours(static_cast<std::size_t>(n) * k);
  const Algorithm ran =
      kneighbors(blocks, k, metric, joint, execution, distances.data(), neighbours.data());
  for (std::size_t q = 0; q < ks.size(); ++q) {
    for (std::int64_t i = 0; i < n; ++i) {
      summaries[q].zero_radius += distances[i * k + ks[q] - 1] == 0;
    }
  }
  const auto lists = static_cast<int>(ks.size());
  Buffer<T> radius(ks.size() * static_cast<std::size_t>(n));
  Buffer<std::int64_t> of_block(radius.size());
  for (std::size_t b = 0; b < m; ++b) {
    CountSpace<T> space(blocks[b], metric, algorithm, execution);
    rectangle_radii(blocks[b], neighbours.data(), k, ks, metric, space.scale(), execution,
                    radius.data());
    space.prepare(radius.data(), execution);
    space.count(radius.data(), lists, space.exponent(), false, execution, of_block.data());
    for (std::size_t q = 0; q < ks.size(); ++q) {
      std::copy_n(of_block.data() + q * n, n, counts + (q * m + b) * n);
    }
  }
  return ran;
}

template <class T>
Algorithm count_squares(const Blocks<T>& blocks, const std::vector<int>& ks, Metric metric,
                        Algorithm algorithm, const Execution& execution, std::int64_t* counts,
                        std::vector<PsiSummary>& summaries) {
  const std::int64_t n = blocks.front().n;
  Buffer<T> radius(ks.size() * static_cast<std::size_t>(n));
  std::vector<std::vector<int>> margins;
  for (std::size_t b = 0; b < blocks.size(); ++b) margins.push_back({static_cast<int>(b)});
  const Algorithm ran =
      space_counts(blocks, ks, margins, true, metric, algorithm, execution, radius.data(), counts);
  for (std::size_t q = 0; q < ks.size(); ++q) {
    summaries[q].zero_radius = std::count(radius.data() + q * n, radius.data() + (q + 1) * n, T(0));
  }
  return ran;
}

}  // namespace

template <class T>
KsgResult ksg(const Blocks<T>& blocks, const std::vector<int>& ks, KsgVariant variant,
              Metric metric, Algorithm algorithm, const Execution& execution,
              std::int64_t* counts) {
  const std::int64_t n = blocks.front().n;
  const int k = *std::max_element(ks.begin(), ks.end());
  const int variables = static_cast<int>(blocks.size());
  KsgResult result;
  std::vector<PsiSummary>& summaries = result.summaries;
  summaries.resize(ks.size());
  if (variant == KsgVariant::kTwo) {
    result.algorithm =
        count_rectangles(blocks, ks, metric, algorithm, execution, counts, summaries);
  } else if (resolve_algorithm(algorithm, n, variables, total_dims(blocks), k) ==
             Algorithm::kSort) {
    result.algorithm = Algorithm::kSort;
    count_two_columns(blocks, ks, execution, counts, summaries);
  } else {
    result.algorithm = count_squares(blocks, ks, metric, algorithm, execution, counts, summaries);
  }
  const int shift = variant == KsgVariant::kOne ? 1 : 0;
  for (std::size_t q = 0; q < ks.size(); ++q) {
    summarise_psi(counts + q * variables * n, variables, n, shift, execution, summaries[q]);
  }
  return result;
}

#define FASTMI_INSTANTIATE(T)                                                                      \
  template KsgResult ksg(const Blocks<T>&, const std::vector<int>&, KsgVariant, Metric, Algorithm, \
                         const Execution&, std::int64_t*);
FASTMI_INSTANTIATE(float)
FASTMI_INSTANTIATE(double)
#undef FASTMI_INSTANTIATE

}  // namespace fastmi::cpu
