// Joint radii and counts of one sample for x in many orders. Lanes are orders: whatever depends on
// y and z alone is one number for all of them, and x comes as rows [sample][dim][orders].
#pragma once

#include <cstdint>
#include <limits>

#include "cpu/simd.h"
#include "cpu/strips_kernel.h"

namespace fastmi::cpu::FASTMI_LEVEL {

/// gaps[j] = max(gaps[j], |column[j] - value|) for n numbers, without fused operations.
template <class T>
void widen_gaps(const T* column, T value, std::int64_t n, T* gaps) {
  std::int64_t j = 0;
  const Vec<T> from = broadcast(value);
  for (; j + kLanes<T> <= n; j += kLanes<T>) {
    store(gaps + j, max_abs(load(gaps + j), load(column + j) - from));
  }
  for (; j < n; ++j) {
    const T gap = column[j] < value ? value - column[j] : column[j] - value;
    gaps[j] = gaps[j] < gap ? gap : gaps[j];
  }
}

/// Distance in (x, and whatever `gap` is the distance in) from sample i to j, for one vector of
/// orders.
template <class T>
FASTMI_INLINE Vec<T> exchanged_distance(const T* x, int d, std::int64_t width, std::int64_t i,
                                        std::int64_t j, T gap) {
  Vec<T> distance = broadcast(gap);
  for (int c = 0; c < d; ++c) {
    distance = max_abs(distance, load(x + (j * d + c) * width) - load(x + (i * d + c) * width));
  }
  return distance;
}

template <class T, int K>
FASTMI_INLINE void radii_of_vector(const T* x, int d, std::int64_t width, std::int64_t i,
                                   const std::int32_t* samples, const T* gaps, std::int64_t number,
                                   int k, T* nearest) {
  LaneLists<T, K> lists;
  lists.run_time_k = k;
  for (int q = 0; q < k; ++q) lists.nearest[q] = load(nearest + q * width);
  for (std::int64_t c = 0; c < number; ++c) {
    // Candidates come in the order of their distance in (y, z), which bounds the joint one.
    if (mask_lt(broadcast(gaps[c]), lists.worst()) == 0) break;
    const Vec<T> distance = exchanged_distance(x, d, width, i, samples[c], gaps[c]);
    if (mask_lt(distance, lists.worst()) != 0) lists.insert(distance);
  }
  for (int q = 0; q < k; ++q) store(nearest + q * width, lists.nearest[q]);
}

/// Offers candidates to the lists of the k nearest distances [k][width] of every order.
///
/// x [n][d][width], width a multiple of the lanes; samples and gaps [number]: candidates and their
/// distances in (y, z), ascending.
template <class T>
void exchanged_radii(const T* x, int d, std::int64_t width, std::int64_t i,
                     const std::int32_t* samples, const T* gaps, std::int64_t number, int k,
                     T* nearest) {
  for (std::int64_t s = 0; s < width; s += kLanes<T>) {
    switch (k) {
      case 3:
        radii_of_vector<T, 3>(x + s, d, width, i, samples, gaps, number, k, nearest + s);
        break;
      case 5:
        radii_of_vector<T, 5>(x + s, d, width, i, samples, gaps, number, k, nearest + s);
        break;
      default:
        radii_of_vector<T, 0>(x + s, d, width, i, samples, gaps, number, k, nearest + s);
    }
  }
}

/// Counts the candidates nearer than radius [width], and those nearer in x as well.
///
/// samples and gaps as above; counts [width] of `gap < radius` go to `near`, and with x to
/// `near_x` unless that is null.
template <class T>
void exchanged_within(const T* x, int d, std::int64_t width, std::int64_t i,
                      const std::int32_t* samples, const T* gaps, std::int64_t number,
                      const T* radius, std::int64_t* near, std::int64_t* near_x) {
  for (std::int64_t s = 0; s < width; s += kLanes<T>) {
    const Vec<T> limit = load(radius + s);
    VecInt<T> count{};
    VecInt<T> count_x{};
    for (std::int64_t c = 0; c < number; ++c) {
      const Vec<T> gap = broadcast(gaps[c]);
      if (mask_lt(gap, limit) == 0) break;
      count = count_lt<T>(count, gap, limit);
      if (near_x != nullptr) {
        const Vec<T> distance = exchanged_distance(x + s, d, width, i, samples[c], gaps[c]);
        count_x = count_lt<T>(count_x, distance, limit);
      }
    }
    for (int l = 0; l < kLanes<T>; ++l) {
      near[s + l] = count[l];
      if (near_x != nullptr) near_x[s + l] = count_x[l];
    }
  }
}

}  // namespace fastmi::cpu::FASTMI_LEVEL
