#include "cpu/surrogates.h"

#include <algorithm>
#include <utility>

#include "common/permutation.h"
#include "cpu/buffer.h"
#include "cpu/knn.h"
#include "cpu/pairwise.h"
#include "cpu/psi_summary.h"

namespace fastmi::cpu {
namespace {

Buffer<std::int64_t> invert(const std::int64_t* order, std::int64_t n) {
  Buffer<std::int64_t> inverse(static_cast<std::size_t>(n));
  invert_permutation(order, n, inverse.data());
  return inverse;
}

}  // namespace

template <class T>
Surrogates<T>::Surrogates(const Points<T>& x, const Points<T>& y, std::vector<int> ks,
                          Metric metric, Algorithm algorithm, const Execution& execution)
    : x_(x),
      y_(y),
      ks_(std::move(ks)),
      metric_(metric),
      algorithm_(resolve_algorithm(algorithm, x.n, 2, x.d + y.d,
                                   *std::max_element(ks_.begin(), ks_.end()))),
      two_columns_(algorithm_ == Algorithm::kSort) {
  for (const Points<T>& points : {x, y}) {
    if (two_columns_) {
      sorted_.push_back(sort_column(points.data, points.n));
    } else {
      margins_.emplace_back(points, metric, algorithm, execution);
    }
  }
}

template <class T>
void Surrogates<T>::two_columns(const std::int64_t* order, double* psi_mean) const {
  const std::int64_t n = x_.n;
  const std::size_t lists = ks_.size();
  const Execution serial;
  const Buffer<std::int64_t> inverse = invert(order, n);
  SortedColumn<T> x = sorted_[0];
  for (std::int32_t& sample : x.sample) sample = static_cast<std::int32_t>(inverse[sample]);
  Buffer<std::int64_t> counts(lists * 2 * static_cast<std::size_t>(n));
  std::vector<PsiSummary> summaries(lists);
  count_sorted_pair(x, sorted_[1], ks_, serial, counts.data(), summaries);
  for (std::size_t q = 0; q < lists; ++q) {
    summarise_psi(counts.data() + 2 * q * n, 2, n, 1, serial, summaries[q]);
    psi_mean[q] = summaries[q].mean;
  }
}

/// Joint k-th distances [len(ks)][n] in the order of the samples of x, and of those of y, in units
/// of 2^-exponent. Returns the exponent, which no order changes.
template <class T>
int Surrogates<T>::search(const std::int64_t* order, T* by_x, T* by_y,
                          const Execution& execution) const {
  const std::int64_t n = x_.n;
  invert(order, n);
  Buffer<T> reordered(static_cast<std::size_t>(n * x_.d));
  for (std::int64_t i = 0; i < n; ++i) {
    std::copy_n(x_.data + order[i] * x_.d, x_.d, reordered.data() + i * x_.d);
  }
  const Search found = search_radii(Blocks<T>{{reordered.data(), n, x_.d}, y_}, ks_, metric_,
                                    algorithm_, execution, by_y);
  for (std::size_t q = 0; q < ks_.size(); ++q) {
    for (std::int64_t i = 0; i < n; ++i) by_x[q * n + order[i]] = by_y[q * n + i];
  }
  return found.exponent;
}

/// Serves several orders on one thread, with their counts in one pass.
template <class T>
void Surrogates<T>::group(const std::int64_t* orders, std::int64_t number, double* psi_mean) const {
  const std::int64_t n = x_.n;
  const auto lists = static_cast<std::int64_t>(ks_.size());
  const std::int64_t radii = number * lists;
  const Execution serial;
  Buffer<T> radius[2];
  Buffer<std::int64_t> counts[2];
  for (int b = 0; b < 2; ++b) {
    radius[b].resize(static_cast<std::size_t>(radii * n));
    counts[b].resize(radius[b].size());
  }
  int exponent = 0;
  for (std::int64_t s = 0; s < number; ++s) {
    const std::int64_t at = s * lists * n;
    exponent = search(orders + s * n, radius[0].data() + at, radius[1].data() + at, serial);
  }
  for (int b = 0; b < 2; ++b) {
    margins_[b].count(radius[b].data(), static_cast<int>(radii), exponent, true, serial,
                      counts[b].data());
  }
  Buffer<std::int64_t> both(2 * static_cast<std::size_t>(n));
  for (std::int64_t r = 0; r < radii; ++r) {
    const std::int64_t* order = orders + r / lists * n;
    for (std::int64_t i = 0; i < n; ++i) {
      both[i] = counts[0][r * n + order[i]];
      both[n + i] = counts[1][r * n + i];
    }
    PsiSummary summary;
    summarise_psi(both.data(), 2, n, 1, serial, summary);
    psi_mean[r] = summary.mean;
  }
}

template <class T>
void Surrogates<T>::psi_means(const std::int64_t* orders, std::int64_t number,
                              const Execution& execution, double* psi_mean) {
  const std::int64_t n = x_.n;
  const auto lists = static_cast<std::int64_t>(ks_.size());
  if (number == 0) return;
  if (two_columns_) {
    parallel_for(execution, number,
                 [&](std::int64_t s, int) { two_columns(orders + s * n, psi_mean + s * lists); });
    return;
  }
  if (!prepared_) {
    Buffer<T> radius[2] = {Buffer<T>(static_cast<std::size_t>(lists * n)),
                           Buffer<T>(static_cast<std::size_t>(lists * n))};
    search(orders, radius[0].data(), radius[1].data(), execution);
    for (int b = 0; b < 2; ++b) margins_[b].prepare(radius[b].data(), execution);
    prepared_ = true;
  }
  // Larger groups gain little more, and every thread must get one.
  constexpr std::int64_t kTogether = 16;
  // A radius of one thread takes 32 to 48 bytes.
  constexpr std::int64_t kMostRadii = std::int64_t{1} << 21;
  const std::int64_t size = std::max<std::int64_t>(
      1, std::min({kTogether, kMostRadii / (lists * n), number / (2 * execution.threads)}));
  parallel_for(execution, (number + size - 1) / size, [&](std::int64_t item, int) {
    const std::int64_t begin = item * size;
    group(orders + begin * n, std::min(size, number - begin), psi_mean + begin * lists);
  });
}

template class Surrogates<float>;
template class Surrogates<double>;

}  // namespace fastmi::cpu
