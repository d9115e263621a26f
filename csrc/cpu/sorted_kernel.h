// Neighbours along one sorted column.
#pragma once

#include <limits>

#include "cpu/simd.h"

namespace fastmi::cpu::FASTMI_LEVEL {

/// distances[p] for ranks p in [begin, end): the k nearest others of p are the l below it and the
/// k - l above it, for the best l.
template <class T>
void kth_distance_ranks(const T* values, std::int64_t n, int k, std::int64_t begin,
                        std::int64_t end, T* distances) {
  constexpr int W = kLanes<T>;
  for (std::int64_t p = begin; p < end; ++p) distances[p] = std::numeric_limits<T>::infinity();
  for (int l = 0; l <= k; ++l) {
    const std::int64_t first = begin > l ? begin : l;
    const std::int64_t last = end < n - (k - l) ? end : n - (k - l);
    std::int64_t p = first;
    for (; p + W <= last; p += W) {
      const Vec<T> here = load(values + p);
      const Vec<T> both = vmax(here - load(values + p - l), load(values + p + k - l) - here);
      store(distances + p, vmin(load(distances + p), both));
    }
    for (; p < last; ++p) {
      const T below = values[p] - values[p - l];
      const T above = values[p + k - l] - values[p];
      const T both = below > above ? below : above;
      if (both < distances[p]) distances[p] = both;
    }
  }
}

/// How many values on one side of rank p, nearest first, are nearer than its limit. kSide is -1
/// (below) or +1 (above). A group of ranks advances together, so that its searches overlap.
/// With kScaled a gap counts c times.
template <int kSide, bool kScaled, class T>
struct SideCounter {
  const T* values;
  std::int64_t n;
  T c;
  /// Power of two that no count of the group reaches. The next group starts from it, as counts of
  /// neighbouring ranks are alike.
  std::int64_t width = 1;

  static constexpr int kGroup = kLanes<T> > 8 ? kLanes<T> : 8;
  /// Ranks probed at equal strides before the search halves what is left. With one stride for all
  /// lanes a probe is a single load, where halving needs a load per lane; 8 to 32 probes are
  /// equally fast.
  static constexpr std::int64_t kProbes = 16;

  FASTMI_INLINE T gap(std::int64_t p, std::int64_t steps) const {
    return scaled(kSide < 0 ? values[p] - values[p - steps] : values[p + steps] - values[p]);
  }
  FASTMI_INLINE T scaled(T gap) const {
    if constexpr (kScaled) return c * gap;
    return gap;
  }

  /// count[l]: `stride` times the number of probes, at multiples of `stride` below `width`, that
  /// are nearer to rank first + l than limits[l].
  FASTMI_INLINE void probe(std::int64_t first, std::int64_t stride, const T* limits,
                           std::int64_t* count) const {
    constexpr int W = kLanes<T>;
    for (int l = 0; l < kGroup; l += W) {
      const T* const own = values + first + l;
      const Vec<T> here = load(own);
      const Vec<T> limit = load(limits + l);
      VecInt<T> found{};
      for (std::int64_t steps = stride; steps < width; steps += stride) {
        const Vec<T> there = load(own + kSide * steps);
        Vec<T> gaps = kSide < 0 ? here - there : there - here;
        if constexpr (kScaled) gaps *= c;
        found = count_lt<T>(found, gaps, limit);
      }
      for (int lane = 0; lane < W; ++lane) count[l + lane] = found[lane] * stride;
    }
  }

  /// Adds to counts[0, lanes) for ranks first, first + 1, ...
  FASTMI_INLINE void add(std::int64_t first, int lanes, const T* limits, std::int32_t* counts) {
    T largest = limits[0];
    for (int l = 1; l < lanes; ++l) largest = limits[l] > largest ? limits[l] : largest;
    // The rank with the most room on this side, and the one with the least.
    const std::int64_t roomy = kSide < 0 ? first + lanes - 1 : first;
    const std::int64_t tight = kSide < 0 ? first : first + lanes - 1;
    const auto beyond = [&](std::int64_t steps) {
      const std::int64_t at = roomy + kSide * steps;
      if (at < 0 || at >= n) return true;
      const T distance = kSide < 0 ? values[tight] - values[at] : values[at] - values[tight];
      return scaled(distance) >= largest;
    };
    while (!beyond(width)) width *= 2;
    while (width > 1 && beyond(width / 2)) width /= 2;

    std::int64_t count[kGroup] = {};
    const std::int64_t room = kSide < 0 ? tight : n - 1 - tight;
    if (lanes == kGroup && width - 1 <= room) {
      const std::int64_t stride = width > kProbes ? width / kProbes : 1;
      probe(first, stride, limits, count);
      for (std::int64_t step = stride / 2; step > 0; step /= 2) {
        for (int l = 0; l < kGroup; ++l) {
          const std::int64_t more = count[l] + step;
          count[l] = gap(first + l, more) < limits[l] ? more : count[l];
        }
      }
    } else {
      for (std::int64_t step = width / 2; step > 0; step /= 2) {
        for (int l = 0; l < lanes; ++l) {
          const std::int64_t p = first + l;
          const std::int64_t more = count[l] + step;
          const bool inside = kSide < 0 ? p - more >= 0 : p + more < n;
          if (inside && gap(p, more) < limits[l]) count[l] = more;
        }
      }
    }
    for (int l = 0; l < lanes; ++l) counts[l] += static_cast<std::int32_t>(count[l]);
  }
};

template <bool kScaled, class T>
FASTMI_INLINE void count_both_sides(const T* values, std::int64_t n, T c, std::int64_t begin,
                                    std::int64_t end, const T* limits, std::int32_t* counts) {
  SideCounter<-1, kScaled, T> below{values, n, c};
  SideCounter<+1, kScaled, T> above{values, n, c};
  constexpr int kGroup = SideCounter<1, kScaled, T>::kGroup;
  for (std::int64_t first = begin; first < end; first += kGroup) {
    const int lanes = static_cast<int>(end - first < kGroup ? end - first : kGroup);
    std::int32_t* const group = counts + (first - begin);
    for (int l = 0; l < lanes; ++l) group[l] = 0;
    below.add(first, lanes, limits + first, group);
    above.add(first, lanes, limits + first, group);
  }
}

/// counts[p - begin] for ranks p in [begin, end): number of others at a distance D with c D <
/// limits[p].
template <class T>
void count_ranks(const T* values, std::int64_t n, T c, std::int64_t begin, std::int64_t end,
                 const T* limits, std::int32_t* counts) {
  if (c == 1) {
    count_both_sides<false>(values, n, c, begin, end, limits, counts);
  } else {
    count_both_sides<true>(values, n, c, begin, end, limits, counts);
  }
}

}  // namespace fastmi::cpu::FASTMI_LEVEL
