// Joint radii and counts of one sample for x in many orders. Lanes are orders: whatever depends on
// y and z alone is one number for all of them.
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

/// Distances in x and in whatever `gap` is the distance in, from a sample to another for one
/// vector of orders; own and other are their rows [d][lanes].
template <class T>
FASTMI_INLINE Vec<T> exchanged_distance(const T* own, const T* other, int d, T gap) {
  Vec<T> distance = broadcast(gap);
  for (int c = 0; c < d; ++c) {
    distance = max_abs(distance, load(other + c * kLanes<T>) - load(own + c * kLanes<T>));
  }
  return distance;
}

template <class T, int K>
FASTMI_INLINE void radii_of_vector(const T* x, int d, std::int64_t i, const std::int32_t* samples,
                                   const T* gaps, std::int64_t number, int k, std::int64_t width,
                                   T* nearest) {
  const std::int64_t row = std::int64_t{d} * kLanes<T>;
  LaneLists<T, K> lists;
  lists.run_time_k = k;
  for (int q = 0; q < k; ++q) lists.nearest[q] = load(nearest + q * width);
  for (std::int64_t c = 0; c < number; ++c) {
    // Candidates come in the order of their distance in (y, z), which bounds the joint one.
    if (mask_lt(broadcast(gaps[c]), lists.worst()) == 0) break;
    const Vec<T> distance = exchanged_distance(x + i * row, x + samples[c] * row, d, gaps[c]);
    if (mask_lt(distance, lists.worst()) != 0) lists.insert(distance);
  }
  for (int q = 0; q < k; ++q) store(nearest + q * width, lists.nearest[q]);
}

/// Offers candidates to the lists of the k nearest distances [k][width] of every order.
///
/// x [width / lanes][n][d][lanes]; samples and gaps [number]: candidates and their distances in
/// (y, z), ascending.
template <class T>
void exchanged_radii(const T* x, std::int64_t n, int d, std::int64_t width, std::int64_t i,
                     const std::int32_t* samples, const T* gaps, std::int64_t number, int k,
                     T* nearest) {
  for (std::int64_t s = 0; s < width; s += kLanes<T>, x += n * d * kLanes<T>) {
    switch (k) {
      case 3:
        radii_of_vector<T, 3>(x, d, i, samples, gaps, number, k, width, nearest + s);
        break;
      case 5:
        radii_of_vector<T, 5>(x, d, i, samples, gaps, number, k, width, nearest + s);
        break;
      default:
        radii_of_vector<T, 0>(x, d, i, samples, gaps, number, k, width, nearest + s);
    }
  }
}

/// Counts the candidates with gap < radius [width] in `near` [width], and those that are as near in
/// x too in `near_x` [width], unless that is null. The others are as above, in any order.
template <class T>
void exchanged_within(const T* x, std::int64_t n, int d, std::int64_t width, std::int64_t i,
                      const std::int32_t* samples, const T* gaps, std::int64_t number,
                      const T* radius, std::int64_t* near, std::int64_t* near_x) {
  const std::int64_t row = std::int64_t{d} * kLanes<T>;
  for (std::int64_t s = 0; s < width; s += kLanes<T>, x += n * row) {
    const Vec<T> limit = load(radius + s);
    VecInt<T> count{};
    VecInt<T> count_x{};
    if (near_x == nullptr) {
      for (std::int64_t c = 0; c < number; ++c) {
        count = count_lt<T>(count, broadcast(gaps[c]), limit);
      }
    } else {
      for (std::int64_t c = 0; c < number; ++c) {
        count = count_lt<T>(count, broadcast(gaps[c]), limit);
        const Vec<T> distance = exchanged_distance(x + i * row, x + samples[c] * row, d, gaps[c]);
        count_x = count_lt<T>(count_x, distance, limit);
      }
      for (int l = 0; l < kLanes<T>; ++l) near_x[s + l] = count_x[l];
    }
    for (int l = 0; l < kLanes<T>; ++l) near[s + l] = count[l];
  }
}

}  // namespace fastmi::cpu::FASTMI_LEVEL
