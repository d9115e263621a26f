// One query of a search that leaves out samples near in time: rows of its distances in every
// block, +inf where a sample is left out, lie one after the other.
#pragma once

#include "cpu/knn_kernel.h"

namespace fastmi::cpu::FASTMI_LEVEL {

/// The k nearest by (largest distance over the rows, position), ascending into best and position.
template <class T>
void nearest_in_rows(const T* rows, int blocks, std::int64_t length, int k, T* best,
                     std::int32_t* position) {
  constexpr int W = kLanes<T>;
  NeighbourHeap<T, true> heap{best, position, k};
  for (int q = 0; q < k; ++q) {
    best[q] = std::numeric_limits<T>::infinity();
    position[q] = std::numeric_limits<std::int32_t>::max();
  }
  for (std::int64_t p = 0; p < length; p += W) {
    Vec<T> joint = load(rows + p);
    for (int b = 1; b < blocks; ++b) joint = vmax(joint, load(rows + b * length + p));
    // Positions ascend, so that of equal distances the first one stays.
    std::uint32_t below = mask_lt(joint, broadcast(best[0]));
    if (below == 0) continue;
    alignas(64) T distance[W];
    store(distance, joint);
    for (; below != 0; below &= below - 1) {
      const int lane = __builtin_ctz(below);
      if (distance[lane] < best[0]) {
        heap.sift_from_root(distance[lane], static_cast<std::int32_t>(p) + lane, k);
      }
    }
  }
  heap.sort_ascending();
}

/// Positions whose distances are below limits[b] in each of the rows members[0 .. size - 1].
template <class T>
std::int64_t count_in_rows(const T* rows, std::int64_t length, const int* members, int size,
                           const T* limits) {
  constexpr int W = kLanes<T>;
  std::int64_t count = 0;
  for (std::int64_t p = 0; p < length; p += W) {
    std::uint32_t inside = ~std::uint32_t{0};
    for (int s = 0; s < size; ++s) {
      const int b = members[s];
      inside &= mask_lt(load(rows + b * length + p), broadcast(limits[b]));
    }
    count += __builtin_popcount(inside);
  }
  return count;
}

}  // namespace fastmi::cpu::FASTMI_LEVEL
