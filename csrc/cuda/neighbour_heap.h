#pragma once

#include <cstdint>
#include <limits>

#include "common/portable.h"

namespace fastmi::cuda {

/// Max-heap of the k best (distance, sample) pairs of one query, any k. Entries lie `stride` apart,
/// so that the heaps of neighbouring threads share cache lines. Samples break ties when they are
/// kept, so that the set does not depend on the order of visits.
template <class T, bool kWithIndex>
struct NeighbourHeap {
  T* distances;
  std::int32_t* samples;
  std::int64_t stride;
  int k;

  FASTMI_HD T distance(int p) const { return distances[p * stride]; }
  FASTMI_HD std::int32_t sample(int p) const {
    if constexpr (kWithIndex) return samples[p * stride];
    return 0;
  }
  FASTMI_HD void place(int p, T value, std::int32_t id) const {
    distances[p * stride] = value;
    if constexpr (kWithIndex) samples[p * stride] = id;
  }
  FASTMI_HD static bool before(T da, std::int32_t ia, T db, std::int32_t ib) {
    if constexpr (kWithIndex) return da < db || (da == db && ia < ib);
    return da < db;
  }

  /// Puts `value` in every place: +inf for a heap that takes anything, a negative number for one
  /// that takes nothing.
  FASTMI_HD void fill(T value) const {
    for (int p = 0; p < k; ++p) place(p, value, std::numeric_limits<std::int32_t>::max());
  }

  FASTMI_HD bool accepts(T value, std::int32_t id) const {
    return before(value, id, distance(0), sample(0));
  }

  /// Puts the pair at the root's place and restores the heap over the first `size` entries.
  FASTMI_HD void sift_from_root(T value, std::int32_t id, int size) const {
    int hole = 0;
    for (int child = 1; child < size; child = 2 * hole + 1) {
      T below = distance(child);
      std::int32_t below_id = sample(child);
      if (child + 1 < size) {
        const T other = distance(child + 1);
        const std::int32_t other_id = sample(child + 1);
        if (before(below, below_id, other, other_id)) {
          ++child;
          below = other;
          below_id = other_id;
        }
      }
      if (!before(value, id, below, below_id)) break;
      place(hole, below, below_id);
      hole = child;
    }
    place(hole, value, id);
  }

  FASTMI_HD void offer(T value, std::int32_t id) const {
    if (accepts(value, id)) sift_from_root(value, id, k);
  }

  FASTMI_HD void sort_ascending() const {
    for (int last = k - 1; last > 0; --last) {
      const T value = distance(last);
      const std::int32_t id = sample(last);
      place(last, distance(0), sample(0));
      sift_from_root(value, id, last);
    }
  }
};

}  // namespace fastmi::cuda
