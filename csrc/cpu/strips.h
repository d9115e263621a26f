#pragma once

#include <cstdint>
#include <vector>

#include "cpu/buffer.h"
#include "cpu/parallel.h"
#include "cpu/sorted.h"

namespace fastmi::cpu {

/// Two paired columns cut into strips of about sqrt(c k n) consecutive x ranks, each strip in order
/// of y. Equal values of x share a strip, however many they are, so that a search visits no more
/// strips if x is discrete.
template <class T>
struct Strips {
  std::int64_t n = 0;
  int count = 0;
  std::vector<std::int32_t> start;      ///< [count + 1], also x ranks
  Buffer<T> x, y;                       ///< [n + kStripPad], strip by strip
  Buffer<std::int32_t> x_rank, y_rank;  ///< [n]
  std::vector<T> low, high;             ///< [count], range of x in each strip
};

/// Extra elements behind Strips::x and y, so that a vector may be loaded at any point.
inline constexpr int kStripPad = 16;

/// Longest list of neighbours the strip kernel keeps.
inline constexpr int kStripMaxK = 64;

/// Strips that suit searches for the k nearest of (x, c y); only speed depends on k and c.
template <class T>
Strips<T> build_strips(const SortedColumn<T>& x, const SortedColumn<T>& y, int k, T c,
                       const Execution& execution);

/// Distance of every point to its ks[q]-th nearest other point under max(|dx|, |dy|), written by x
/// rank to by_x[q][n] and, unless null, by y rank to by_y[q][n]. ks ascending, <= kStripMaxK. On
/// smooth data a vector of points meets a few dozen candidates; O(n sqrt n) time at worst.
template <class T>
void kth_distance_strips(const Strips<T>& strips, const std::vector<int>& ks,
                         const Execution& execution, T* by_x, T* by_y);

/// The same under max(|dx|, c |dy|), the product rounded. bound[n], by x rank: no k-th distance is
/// above it, k the largest of ks.
template <class T>
void kth_distance_strips_scaled(const Strips<T>& strips, T c, const T* bound,
                                const std::vector<int>& ks, const Execution& execution, T* by_x,
                                T* by_y);

}  // namespace fastmi::cpu
