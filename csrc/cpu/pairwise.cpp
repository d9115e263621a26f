#include "cpu/pairwise.h"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "cpu/buffer.h"
#include "cpu/psi_summary.h"
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
KsgResult ksg_pairs(const Blocks<T>& blocks, const std::int64_t* pairs, std::int64_t number,
                    const std::vector<int>& ks, Algorithm algorithm, const Execution& execution,
                    std::atomic<std::int64_t>& done) {
  const std::int64_t n = blocks.front().n;
  const int k = *std::max_element(ks.begin(), ks.end());
  if (k > kStripMaxK) {
    throw std::invalid_argument("ks must be at most " + std::to_string(kStripMaxK) + "; got " +
                                std::to_string(k));
  }
  if (algorithm != Algorithm::kAuto && algorithm != Algorithm::kSort) {
    throw std::invalid_argument(std::string("ksg_pairs has no algorithm='") +
                                algorithm_name(algorithm) + "' on the CPU; use 'sort'");
  }
  struct Column {
    const T* first;
    int stride;
  };
  std::vector<Column> columns;
  for (const Points<T>& block : blocks) {
    for (int j = 0; j < block.d; ++j) columns.push_back({block.data + j, block.d});
  }
  std::vector<SortedColumn<T>> sorted(columns.size());
  parallel_for(execution, static_cast<std::int64_t>(columns.size()), [&](std::int64_t j, int) {
    Buffer<T> values(static_cast<std::size_t>(n));
    for (std::int64_t i = 0; i < n; ++i) values[i] = columns[j].first[i * columns[j].stride];
    sorted[j] = sort_column(values.data(), n);
  });
  const std::size_t lists = ks.size();
  KsgResult result{std::vector<PsiSummary>(static_cast<std::size_t>(number) * lists),
                   Algorithm::kSort};
  const Execution serial;
  parallel_for(execution, number, [&](std::int64_t p, int) {
    Buffer<std::int64_t> counts(lists * 2 * static_cast<std::size_t>(n));
    std::vector<PsiSummary> summaries(lists);
    count_sorted_pair(sorted[pairs[2 * p]], sorted[pairs[2 * p + 1]], ks, serial, counts.data(),
                      summaries);
    for (std::size_t q = 0; q < lists; ++q) {
      const std::int64_t* of_k = counts.data() + 2 * q * n;
      summarise_psi(of_k, 2, n, 1, serial, summaries[q]);
      result.summaries[p * lists + q] = summaries[q];
    }
    done.fetch_add(1, std::memory_order_relaxed);
  });
  return result;
}

#define FASTMI_INSTANTIATE(T)                                                               \
  template void count_sorted_pair(const SortedColumn<T>&, const SortedColumn<T>&,           \
                                  const std::vector<int>&, const Execution&, std::int64_t*, \
                                  std::vector<PsiSummary>&);                                \
  template KsgResult ksg_pairs(const Blocks<T>&, const std::int64_t*, std::int64_t,         \
                               const std::vector<int>&, Algorithm, const Execution&,        \
                               std::atomic<std::int64_t>&);
FASTMI_INSTANTIATE(float)
FASTMI_INSTANTIATE(double)
#undef FASTMI_INSTANTIATE

}  // namespace fastmi::cpu
