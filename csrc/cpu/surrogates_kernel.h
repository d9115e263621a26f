// Searches of a permutation test: neighbours in one variable are known, in order of distance, and
// the other variable is shuffled against it.
#pragma once

#include <limits>

#include "cpu/simd.h"

namespace fastmi::cpu::FASTMI_LEVEL {

/// One vector of distances from sample i: columns [d][stride].
template <class T>
FASTMI_INLINE Vec<T> column_distance(const T* columns, std::int64_t stride, int d, std::int64_t i,
                                     std::int64_t first) {
  Vec<T> distance{};
  for (int c = 0; c < d; ++c) {
    const T* column = columns + c * stride;
    distance = max_abs(distance, load(column + first) - broadcast(column[i]));
  }
  return distance;
}

/// distances[stride] from sample i, and below[] the positions of those under `limit`, whose number
/// is returned. Unused entries of a column are +inf.
template <class T>
std::int64_t distances_from(const T* columns, std::int64_t stride, int d, std::int64_t i, T limit,
                            T* distances, std::int32_t* below) {
  constexpr int W = kLanes<T>;
  std::int64_t found = 0;
  for (std::int64_t first = 0; first < stride; first += W) {
    const Vec<T> distance = column_distance(columns, stride, d, i, first);
    store(distances + first, distance);
    for (std::uint32_t mask = mask_lt(distance, broadcast(limit)); mask != 0; mask &= mask - 1) {
      below[found++] = static_cast<std::int32_t>(first + __builtin_ctz(mask));
    }
  }
  return found;
}

/// Samples nearer to sample i than `limit`, itself included if limit > 0.
template <class T>
std::int64_t count_from(const T* columns, std::int64_t stride, int d, std::int64_t i, T limit) {
  VecInt<T> count{};
  for (std::int64_t first = 0; first < stride; first += kLanes<T>) {
    count = count_lt<T>(count, column_distance(columns, stride, d, i, first), broadcast(limit));
  }
  std::int64_t sum = 0;
  for (int l = 0; l < kLanes<T>; ++l) sum += count[l];
  return sum;
}

/// Lowers best[k], ascending, to the k smallest of max(distance[c], |row of sample[c] - row of own|)
/// over c in [0, size), distance ascending. rows [.][row_size], row_size a multiple of kLanes<T>.
template <class T>
void nearest_of_list(const T* distance, const std::int32_t* sample, std::int64_t size,
                     const T* rows, int row_size, std::int64_t own, int k, T* best) {
  constexpr int W = kLanes<T>;
  const T* const own_row = rows + own * row_size;
  for (std::int64_t c = 0; c < size && distance[c] < best[k - 1]; ++c) {
    const T* const row = rows + static_cast<std::int64_t>(sample[c]) * row_size;
    const Vec<T> worst = broadcast(best[k - 1]);
    constexpr std::uint32_t kAll = (1U << W) - 1;
    Vec<T> gap{};
    bool inside = true;
    for (int j = 0; j < row_size && inside; j += W) {
      gap = max_abs(gap, load(row + j) - load(own_row + j));
      inside = mask_lt(gap, worst) == kAll;
    }
    if (!inside) continue;
    T value = horizontal_max(gap);
    value = value > distance[c] ? value : distance[c];
    int q = k - 1;
    for (; q > 0 && best[q - 1] > value; --q) best[q] = best[q - 1];
    best[q] = value;
  }
}

}  // namespace fastmi::cpu::FASTMI_LEVEL
