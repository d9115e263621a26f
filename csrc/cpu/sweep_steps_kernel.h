// One query of a scale sweep on rows of gaps in steps: few distances are computed, and each only
// once.
#pragma once

#include "cpu/steps_kernel.h"
#include "cpu/sweep_kernel.h"

namespace fastmi::cpu::FASTMI_LEVEL {

/// Distances of points that are no longer in the row of gaps; there is room for one more vector.
template <class T>
struct StepPool {
  T* distances;
  std::int64_t size;

  FASTMI_INLINE void add(T distance) { distances[size++] = distance; }
  FASTMI_INLINE void close() {
    for (int l = 0; l < kLanes<T>; ++l) distances[size + l] = std::numeric_limits<T>::infinity();
  }
};

/// sums[t] = points of one margin with distance below limits[t]. Points within rounding of a limit
/// move from the row to the pool. marks: scratch, 2 Steps32 per limit; positions: scratch.
template <class T>
FASTMI_INLINE void count_row(const StepColumns<T>& columns, std::int64_t query, std::int16_t* row,
                             StepPool<T> pool, const T* limits, int number, std::int16_t* marks,
                             std::int32_t* positions, std::int64_t* sums) {
  constexpr int kTogether = 8;
  const std::int64_t length = columns.length();
  std::int16_t* above = marks;
  std::int16_t* surely = marks + static_cast<std::int64_t>(number) * kStepLanes;
  int width = 0;
  for (int t = 0; t < number; ++t) {
    const StepLimits limit = StepLimits::of(limits[t], columns.per_unit);
    store_steps(above + t * kStepLanes, broadcast_step(limit.surely + 1));
    store_steps(surely + t * kStepLanes, broadcast_step(limit.surely));
    width = larger(width, limit.maybe - limit.surely);
  }
  const Steps32 open = broadcast_step(width - 1);
  int doubtful = 0;
  constexpr int G = kStepGroup / kStepLanes;
  for (std::int64_t p = 0; p < length; p += kStepGroup) {
    Steps32 gap[G];
    // How far the gap lies above the nearest limit that it exceeds, modulo 2^16.
    Steps32 least[G];
    for (int g = 0; g < G; ++g) {
      gap[g] = load_steps(row + p + g * kStepLanes);
      least[g] = broadcast_step(-1);
    }
    for (int t = 0; t < number; ++t) {
      const Steps32 from = load_steps(above + t * kStepLanes);
      for (int g = 0; g < G; ++g) least[g] = min_unsigned(least[g], gap[g] - from);
    }
    for (int g = 0; g < G; ++g) {
      std::uint32_t unsure = mask_steps(least[g], open) & mask_steps(Steps32{}, least[g]);
      for (; unsure != 0; unsure &= unsure - 1) {
        const std::int64_t j = p + g * kStepLanes + __builtin_ctz(unsure);
        __builtin_prefetch(columns.row(j));
        positions[doubtful++] = static_cast<std::int32_t>(j);
      }
    }
  }
  for (int f = 0; f < doubtful; ++f) {
    pool.add(exact_distance(columns, query, positions[f]));
    row[positions[f]] = kNoPoint;
  }
  pool.close();
  count_below_limits(pool.distances, pool.size, limits, number, sums);
  // A lane of 16 bits counts at most this many vectors.
  constexpr std::int64_t kRun = std::int64_t{32767} * kStepLanes;
  for (int first = 0; first < number; first += kTogether) {
    for (std::int64_t begin = 0; begin < length; begin += kRun) {
      const std::int64_t end = length - begin < kRun ? length : begin + kRun;
      Steps32 limit[kTogether];
      Steps32 found[kTogether] = {};
      for (int t = 0; t < kTogether; ++t) {
        limit[t] =
            first + t < number ? load_steps(surely + (first + t) * kStepLanes) : broadcast_step(-1);
      }
      for (std::int64_t p = begin; p < end; p += kStepLanes) {
        const Steps32 gap = load_steps(row + p);
        for (int t = 0; t < kTogether; ++t) found[t] = count_steps(found[t], gap, limit[t]);
      }
      for (int t = 0; t < kTogether && first + t < number; ++t) {
        sums[first + t] += sum_steps(found[t]);
      }
    }
  }
}

/// counts[number][lists] from limits[number][lists], which are overwritten. Many scales share a
/// limit: where this variable decides the k-th distance, its limit does not depend on the scale.
/// sums: scratch like counts.
template <class T>
FASTMI_INLINE void count_margin(const StepColumns<T>& columns, std::int64_t query,
                                std::int16_t* row, StepPool<T> pool, T* limits, int number,
                                int lists, std::int16_t* marks, std::int32_t* positions,
                                std::int64_t* sums, std::int64_t* counts) {
  const int entries = number * lists;
  // At first, counts holds the place of each limit among the distinct ones.
  int distinct = 0;
  for (int t = 0; t < entries; ++t) {
    const bool same = t >= lists && limits[t] == limits[t - lists];
    counts[t] = same ? counts[t - lists] : distinct++;
  }
  for (int t = 0; t < entries; ++t) limits[counts[t]] = limits[t];
  count_row(columns, query, row, pool, limits, distinct, marks, positions, sums);
  for (int t = 0; t < entries; ++t) counts[t] = sums[counts[t]];
}

/// Positions in [begin, end), whole groups, where both gaps are at most their limits; returns how
/// many.
FASTMI_INLINE int collect_within(const std::int16_t* row_x, const std::int16_t* row_y,
                                 std::int64_t begin, std::int64_t end, Steps32 limit_x,
                                 Steps32 limit_y, std::int32_t* found) {
  constexpr int G = kStepGroup / kStepLanes;
  int size = 0;
  for (std::int64_t p = begin; p < end; p += kStepGroup) {
    std::uint32_t mask[G];
    std::uint32_t any = 0;
    for (int g = 0; g < G; ++g) {
      const std::int64_t at = p + g * kStepLanes;
      mask[g] =
          mask_steps(load_steps(row_x + at), limit_x) & mask_steps(load_steps(row_y + at), limit_y);
      any |= mask[g];
    }
    if (any == 0) continue;
    for (int g = 0; g < G; ++g) {
      for (; mask[g] != 0; mask[g] &= mask[g] - 1) {
        found[size++] = static_cast<std::int32_t>(p) + g * kStepLanes + __builtin_ctz(mask[g]);
      }
    }
  }
  return size;
}

/// The search of one query, see sweep_steps.
template <class T>
struct StepSearch {
  const StepColumns<T>& x;
  const StepColumns<T>& y;
  std::int64_t query;
  std::int16_t* row_x;
  std::int16_t* row_y;
  StepPool<T> in_x, in_y;  ///< points leave both rows when their distances are computed
  NeighbourHeap<T, false> heap;

  FASTMI_INLINE void take(std::int64_t j) {
    in_x.add(exact_distance(x, query, j));
    in_y.add(exact_distance(y, query, j));
    row_x[j] = row_y[j] = kNoPoint;
  }

  /// Leaves in the heap, ascending, the k smallest among all max(dx, c dy) and k copies of `bound`.
  FASTMI_INLINE void nearest_below(T bound, T c) {
    // Positions between two updates of the limits: few while nothing is known.
    constexpr std::int64_t kLongestRun = 4 * kStepGroup;
    for (int q = 0; q < heap.k; ++q) heap.distance[q] = bound;
    in_x.close();
    in_y.close();
    offer_scaled(in_x.distances, in_y.distances, in_x.size, c, heap);
    const std::int64_t length = x.length();
    std::int32_t found[kLongestRun];
    std::int64_t run =
        heap.distance[0] < std::numeric_limits<T>::infinity() ? kLongestRun : kStepGroup;
    T reach = -1;
    Steps32 reach_x{};
    Steps32 reach_y{};
    for (std::int64_t begin = 0; begin < length;) {
      if (reach != heap.distance[0]) {
        reach = heap.distance[0];
        reach_x = broadcast_step(StepLimits::of(reach, x.per_unit).maybe);
        reach_y = broadcast_step(StepLimits::of(unscaled_limit(reach, c), y.per_unit).maybe);
      }
      const std::int64_t end = length - begin < run ? length : begin + run;
      const int size = collect_within(row_x, row_y, begin, end, reach_x, reach_y, found);
      const std::int64_t before = in_x.size;
      for (int f = 0; f < size; ++f) {
        __builtin_prefetch(x.row(found[f]));
        __builtin_prefetch(y.row(found[f]));
      }
      for (int f = 0; f < size; ++f) take(found[f]);
      for (std::int64_t f = before; f < in_x.size; ++f) {
        const T joint = larger(in_x.distances[f], c * in_y.distances[f]);
        if (joint < heap.distance[0]) heap.sift_from_root(joint, 0, heap.k);
      }
      begin = end;
      run = run < kLongestRun ? 2 * run : kLongestRun;
    }
    heap.sort_ascending();
  }
};

/// Like sweep_query, for query `query` and its two rows from step_rows, which are overwritten.
/// pool_x, pool_y: scratch of n numbers and a vector more; marks, positions: scratch, see
/// count_row. *guess: the k-th distance at the largest scale that is tried first; it becomes the
/// one found, and only speed depends on it.
template <class T>
void sweep_steps(const StepColumns<T>& x, const StepColumns<T>& y, std::int64_t query,
                 std::int16_t* row_x, std::int16_t* row_y, const T* scales, int number,
                 const int* ks, int lists, T* pool_x, T* pool_y, T* best, T* radius, T* limits,
                 std::int16_t* marks, std::int32_t* positions, std::int64_t* sums,
                 std::int64_t* counts_x, std::int64_t* counts_y, T* guess) {
  constexpr T kInfinity = std::numeric_limits<T>::infinity();
  const int k = ks[lists - 1];
  StepSearch<T> search{x, y, query, row_x, row_y, {pool_x, 0}, {pool_y, 0}, {best, nullptr, k}};
  // The k-th distances of samples are alike, and the more so the more dims there are.
  const T likely = *guess * (1 + T(1) / (x.d + y.d));
  search.nearest_below(likely, scales[number - 1]);
  if (!(best[k - 1] < likely)) search.nearest_below(kInfinity, scales[number - 1]);
  *guess = best[k - 1];
  for (int s = number - 1; s >= 0; --s) {
    // Radii grow with the scale: the last one bounds this one.
    if (s < number - 1) search.nearest_below(best[k - 1], scales[s]);
    for (int q = 0; q < lists; ++q) radius[s * lists + q] = best[ks[q] - 1];
  }
  for (int t = 0; t < number * lists; ++t) limits[t] = radius[t];
  count_margin(x, query, row_x, search.in_x, limits, number, lists, marks, positions, sums,
               counts_x);
  for (int s = 0; s < number; ++s) {
    for (int q = 0; q < lists; ++q) {
      limits[s * lists + q] = unscaled_limit(radius[s * lists + q], scales[s]);
    }
  }
  count_margin(y, query, row_y, search.in_y, limits, number, lists, marks, positions, sums,
               counts_y);
}

}  // namespace fastmi::cpu::FASTMI_LEVEL
