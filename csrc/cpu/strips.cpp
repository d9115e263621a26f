#include "cpu/strips.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "cpu/kernels.h"

namespace fastmi::cpu {

template <class T>
Strips<T> build_strips(const SortedColumn<T>& x, const SortedColumn<T>& y, int k, T c,
                       const Execution& execution) {
  Strips<T> strips;
  const std::int64_t n = static_cast<std::int64_t>(x.values.size());
  strips.n = n;

  // On smooth data with x and y of equal spread a strip of sqrt(c k n) points is about twice as
  // wide as the k-th distance; times are flat within 5 % from 0.7 to 1.4 of that.
  const std::int64_t target = std::max<std::int64_t>(
      64, static_cast<std::int64_t>(std::min(
              std::sqrt(static_cast<double>(c) * static_cast<double>(k) * static_cast<double>(n)),
              static_cast<double>(n))));
  strips.start.push_back(0);
  for (std::int64_t begin = 0; begin < n;) {
    std::int64_t end = std::min(n, begin + target);
    if (n - end < target / 2) end = n;
    while (end < n && x.values[end] == x.values[end - 1]) ++end;
    strips.start.push_back(static_cast<std::int32_t>(end));
    strips.low.push_back(x.values[begin]);
    strips.high.push_back(x.values[end - 1]);
    begin = end;
  }
  strips.count = static_cast<int>(strips.low.size());

  Buffer<std::int32_t> rank_of(static_cast<std::size_t>(n));
  Buffer<std::int32_t> strip_of(static_cast<std::size_t>(n));
  parallel_for(execution, strips.count, [&](std::int64_t s, int) {
    for (std::int32_t p = strips.start[s]; p < strips.start[s + 1]; ++p) {
      rank_of[x.sample[p]] = p;
      strip_of[p] = static_cast<std::int32_t>(s);
    }
  });
  strips.x.resize(static_cast<std::size_t>(n) + kStripPad);
  strips.y.resize(static_cast<std::size_t>(n) + kStripPad);
  strips.x_rank.resize(static_cast<std::size_t>(n));
  strips.y_rank.resize(static_cast<std::size_t>(n));
  // Vectors are loaded whole; the lanes past the end only have to be numbers.
  std::fill(strips.x.begin() + n, strips.x.end(), T(0));
  std::fill(strips.y.begin() + n, strips.y.end(), T(0));

  // Dealing the points out in order of y leaves every strip in order of y. Each part of that order
  // is dealt by one thread, from the places where the parts before it end.
  const std::int64_t parts = execution.threads > 1 ? 4 * execution.threads : 1;
  const auto part_begin = [&](std::int64_t part) { return n * part / parts; };
  Buffer<std::int32_t> rank_at(static_cast<std::size_t>(n));
  std::vector<std::vector<std::int32_t>> next(static_cast<std::size_t>(parts));
  parallel_for(execution, parts, [&](std::int64_t part, int) {
    next[part].assign(static_cast<std::size_t>(strips.count), 0);
    for (std::int64_t p = part_begin(part); p < part_begin(part + 1); ++p) {
      rank_at[p] = rank_of[y.sample[p]];
      ++next[part][strip_of[rank_at[p]]];
    }
  });
  for (int s = 0; s < strips.count; ++s) {
    std::int32_t position = strips.start[s];
    for (auto& of_part : next) position += std::exchange(of_part[s], position);
  }
  parallel_for(execution, parts, [&](std::int64_t part, int) {
    for (std::int64_t p = part_begin(part); p < part_begin(part + 1); ++p) {
      const std::int32_t rank = rank_at[p];
      const std::int32_t to = next[part][strip_of[rank]]++;
      strips.x[to] = x.values[rank];
      strips.y[to] = y.values[p];
      strips.x_rank[to] = rank;
      strips.y_rank[to] = static_cast<std::int32_t>(p);
    }
  });
  return strips;
}

template <class T>
void kth_distance_strips(const Strips<T>& strips, const std::vector<int>& ks,
                         const Execution& execution, T* by_x, T* by_y) {
  const auto& kernels = current_kernels<T>();
  parallel_for(execution, strips.count, [&](std::int64_t s, int) {
    kernels.knn_strip(strips, static_cast<int>(s), ks.data(), static_cast<int>(ks.size()), by_x,
                      by_y);
  });
}

template <class T>
void kth_distance_strips_scaled(const Strips<T>& strips, T c, const T* bound,
                                const std::vector<int>& ks, const Execution& execution, T* by_x,
                                T* by_y) {
  const auto& kernels = current_kernels<T>();
  parallel_for(execution, strips.count, [&](std::int64_t s, int) {
    kernels.knn_strip_scaled(strips, static_cast<int>(s), c, bound, ks.data(),
                             static_cast<int>(ks.size()), by_x, by_y);
  });
}

#define FASTMI_INSTANTIATE(T)                                                                      \
  template Strips<T> build_strips(const SortedColumn<T>&, const SortedColumn<T>&, int, T,          \
                                  const Execution&);                                               \
  template void kth_distance_strips(const Strips<T>&, const std::vector<int>&, const Execution&,   \
                                    T*, T*);                                                       \
  template void kth_distance_strips_scaled(const Strips<T>&, T, const T*, const std::vector<int>&, \
                                           const Execution&, T*, T*);
FASTMI_INSTANTIATE(float)
FASTMI_INSTANTIATE(double)
#undef FASTMI_INSTANTIATE

}  // namespace fastmi::cpu
