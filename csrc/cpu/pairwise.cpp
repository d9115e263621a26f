#include "cpu/pairwise.h"

#include <algorithm>
#include <numeric>

#include "cpu/strips.h"

namespace fastmi::cpu {

template <class T>
void count_sorted_pair(const SortedColumn<T>& x, const SortedColumn<T>& y,
                       const std::vector<int>& ks, const Execution& execution, std::int64_t* counts,
                       std::vector<PsiSummary>& summaries) {
  const std::int64_t n = static_cast<std::int64_t>(x.values.size());
  std::vector<int> ascending(ks);
  std::sort(ascending.begin(), ascending.end());
  const std::size_t entries = ks.size() * static_cast<std::size_t>(n);
  Buffer<T> by_x(entries);
  Buffer<T> by_y(entries);
  kth_distance_strips<T>(build_strips(x, y, ascending.back(), T(1), execution), ascending,
                         execution, by_x.data(), by_y.data());
  for (std::size_t q = 0; q < ks.size(); ++q) {
    const auto at = std::lower_bound(ascending.begin(), ascending.end(), ks[q]) - ascending.begin();
    const T* first = by_x.data() + at * n;
    summaries[q].zero_radius = std::count(first, first + n, T(0));
    count_sorted(x, T(1), first, execution, counts + 2 * q * n);
    count_sorted(y, T(1), by_y.data() + at * n, execution, counts + (2 * q + 1) * n);
  }
}

template <class T>
std::vector<PairSummary> ksg_pairwise(const T* columns, std::int64_t m, std::int64_t n,
                                      const std::vector<ColumnPair>& pairs,
                                      const std::vector<int>& ks, const Execution& execution,
                                      std::atomic<std::int64_t>& done) {
  std::vector<SortedColumn<T>> sorted(static_cast<std::size_t>(m));
  parallel_for(execution, m,
               [&](std::int64_t j, int) { sorted[j] = sort_column(columns + j * n, n); });
  const std::size_t lists = ks.size();
  std::vector<PairSummary> found(pairs.size() * lists);
  const Execution serial;
  parallel_for(execution, static_cast<std::int64_t>(pairs.size()), [&](std::int64_t p, int) {
    Buffer<std::int64_t> counts(lists * 2 * static_cast<std::size_t>(n));
    std::vector<PsiSummary> summaries(lists);
    count_sorted_pair(sorted[pairs[p].x], sorted[pairs[p].y], ks, serial, counts.data(), summaries);
    for (std::size_t q = 0; q < lists; ++q) {
      const std::int64_t* of_k = counts.data() + 2 * q * n;
      summarise_psi(of_k, 2, n, 1, serial, summaries[q]);
      PairSummary& summary = found[p * lists + q];
      static_cast<PsiSummary&>(summary) = summaries[q];
      for (int b = 0; b < 2; ++b) {
        const std::int64_t* margin = of_k + b * n;
        summary.count_sum[b] = std::accumulate(margin, margin + n, std::int64_t{0});
      }
    }
    done.fetch_add(1, std::memory_order_relaxed);
  });
  return found;
}

#define FASTMI_INSTANTIATE(T)                                                               \
  template void count_sorted_pair(const SortedColumn<T>&, const SortedColumn<T>&,           \
                                  const std::vector<int>&, const Execution&, std::int64_t*, \
                                  std::vector<PsiSummary>&);                                \
  template std::vector<PairSummary> ksg_pairwise(                                           \
      const T*, std::int64_t, std::int64_t, const std::vector<ColumnPair>&,                 \
      const std::vector<int>&, const Execution&, std::atomic<std::int64_t>&);
FASTMI_INSTANTIATE(float)
FASTMI_INSTANTIATE(double)
#undef FASTMI_INSTANTIATE

}  // namespace fastmi::cpu
