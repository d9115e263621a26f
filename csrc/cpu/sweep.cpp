#include "cpu/sweep.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "cpu/block_tree.h"
#include "cpu/kernels.h"

namespace fastmi::cpu {
namespace {

/// Rows of the queries of one item: half a megabyte stays in the L2 cache, and a block of
/// candidates, once loaded, serves all its queries.
constexpr std::int64_t kRowBytes = 512 << 10;
constexpr std::int64_t kMostQueries = 16;

/// Scratch of one thread.
template <class T>
struct SweepScratch {
  Buffer<T> rows_x, rows_y, kept_x, kept_y, best, radius, limits;
  Buffer<std::int64_t> counts_x, counts_y;
};

template <class T>
void to_external(const BlockTree<T>& tree, Metric metric, T* row, std::int64_t length) {
  if (metric != Metric::kEuclidean) return;
  const T inverse = 1 / tree.scale;
  for (std::int64_t p = 0; p < length; ++p) row[p] = std::sqrt(row[p]) * inverse;
}

}  // namespace

template <class T>
std::vector<PsiSummary> ksg_sweep(const Points<T>& x, const Points<T>& y,
                                  const std::vector<T>& scales, const std::vector<int>& ks,
                                  Metric metric, const Execution& execution, std::int64_t* counts) {
  const std::int64_t n = x.n;
  const int number = static_cast<int>(scales.size());
  const int lists = static_cast<int>(ks.size());
  // The kernel takes scales and ks in order; results go back to where they were asked for.
  std::vector<int> scale_order(scales.size());
  std::vector<int> k_order(ks.size());
  std::iota(scale_order.begin(), scale_order.end(), 0);
  std::iota(k_order.begin(), k_order.end(), 0);
  std::sort(scale_order.begin(), scale_order.end(),
            [&](int a, int b) { return scales[a] < scales[b]; });
  std::sort(k_order.begin(), k_order.end(), [&](int a, int b) { return ks[a] < ks[b]; });
  std::vector<T> sorted_scales;
  std::vector<int> sorted_ks;
  for (const int s : scale_order) sorted_scales.push_back(scales[s]);
  for (const int q : k_order) sorted_ks.push_back(ks[q]);

  const auto rows_metric = [&](const Points<T>& points) {
    return points.d == 1 ? Metric::kChebyshev : metric;
  };
  const BlockTree<T> trees[2] = {build_block_tree(Blocks<T>{x}, rows_metric(x), false, execution),
                                 build_block_tree(Blocks<T>{y}, rows_metric(y), false, execution)};
  const auto& kernels = current_kernels<T>();
  const auto rows_of = [&](Metric m) {
    return m == Metric::kEuclidean ? kernels.distance_rows_euclidean
                                   : kernels.distance_rows_chebyshev;
  };
  const std::int64_t length = static_cast<std::int64_t>(trees[0].blocks) * kBlock;
  const std::int64_t row_bytes = 2 * length * static_cast<std::int64_t>(sizeof(T));
  const std::int64_t together = std::clamp<std::int64_t>(kRowBytes / row_bytes, 1, kMostQueries);
  const std::int64_t entries = static_cast<std::int64_t>(number) * lists;

  std::vector<SweepScratch<T>> scratch(execution.threads);
  std::vector<std::vector<std::int64_t>> zeros(execution.threads,
                                               std::vector<std::int64_t>(entries));
  parallel_for(execution, (n + together - 1) / together, [&](std::int64_t item, int thread) {
    SweepScratch<T>& own = scratch[thread];
    if (own.rows_x.empty()) {
      own.rows_x.resize(together * length);
      own.rows_y.resize(together * length);
      own.kept_x.resize(length + kBlock);
      own.kept_y.resize(length + kBlock);
      own.best.resize(sorted_ks.back());
      own.radius.resize(entries);
      own.limits.resize(entries);
      own.counts_x.resize(entries);
      own.counts_y.resize(entries);
    }
    const std::int64_t first = item * together;
    const int queries = static_cast<int>(std::min(together, n - first));
    rows_of(rows_metric(x))(trees[0], first, queries, own.rows_x.data());
    rows_of(rows_metric(y))(trees[1], first, queries, own.rows_y.data());
    to_external(trees[0], rows_metric(x), own.rows_x.data(), queries * length);
    to_external(trees[1], rows_metric(y), own.rows_y.data(), queries * length);
    for (int i = 0; i < queries; ++i) {
      T* dx = own.rows_x.data() + i * length;
      T* dy = own.rows_y.data() + i * length;
      const std::int64_t sample = first + i;
      dx[sample] = dy[sample] = std::numeric_limits<T>::infinity();
      kernels.sweep_query(dx, dy, length, sorted_scales.data(), number, sorted_ks.data(), lists,
                          own.kept_x.data(), own.kept_y.data(), own.best.data(), own.radius.data(),
                          own.counts_x.data(), own.counts_y.data(), own.limits.data());
      for (int s = 0; s < number; ++s) {
        for (int q = 0; q < lists; ++q) {
          const std::int64_t from = static_cast<std::int64_t>(s) * lists + q;
          const std::int64_t to = static_cast<std::int64_t>(scale_order[s]) * lists + k_order[q];
          counts[(2 * to + 0) * n + sample] = own.counts_x[from];
          counts[(2 * to + 1) * n + sample] = own.counts_y[from];
          zeros[thread][to] += own.radius[from] == 0;
        }
      }
    }
  });
  std::vector<PsiSummary> summaries(entries);
  for (std::int64_t e = 0; e < entries; ++e) {
    for (const auto& of_thread : zeros) summaries[e].zero_radius += of_thread[e];
    summarise_psi(counts + 2 * e * n, 2, n, 1, execution, summaries[e]);
  }
  return summaries;
}

#define FASTMI_INSTANTIATE(T)                                                                \
  template std::vector<PsiSummary> ksg_sweep(const Points<T>&, const Points<T>&,             \
                                             const std::vector<T>&, const std::vector<int>&, \
                                             Metric, const Execution&, std::int64_t*);
FASTMI_INSTANTIATE(float)
FASTMI_INSTANTIATE(double)
#undef FASTMI_INSTANTIATE

}  // namespace fastmi::cpu
