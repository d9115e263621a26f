// k-th nearest distances of the points of one strip, one vector of queries at a time.
//
// Lanes are queries that follow each other in y; candidates are broadcast to all of them. The
// search leaves each strip as soon as the next candidate is farther in y than every lane's k-th
// distance, and stops at the first strip on either side that is farther in x.
#pragma once

#include <limits>

#include "cpu/simd.h"
#include "cpu/strips.h"

namespace fastmi::cpu::FASTMI_LEVEL {

template <class T>
FASTMI_INLINE Vec<T> lane_numbers() {
  Vec<T> numbers;
  for (int l = 0; l < kLanes<T>; ++l) numbers[l] = static_cast<T>(l);
  return numbers;
}

/// The k nearest distances of each lane, ascending; K is k, or 0 for a run-time k.
template <class T, int K>
struct LaneLists {
  Vec<T> nearest[K > 0 ? K : kStripMaxK];
  int run_time_k;

  FASTMI_INLINE int k() const { return K > 0 ? K : run_time_k; }
  FASTMI_INLINE Vec<T> worst() const { return nearest[k() - 1]; }
  FASTMI_INLINE void reset(Vec<T> value) {
    for (int q = 0; q < k(); ++q) nearest[q] = value;
  }
  FASTMI_INLINE void insert(Vec<T> distance) {
    if constexpr (K == 0) {
      // Long lists are in memory: no step waits for the one before.
      for (int q = k() - 1; q > 0; --q) {
        nearest[q] = vmin(nearest[q], vmax(nearest[q - 1], distance));
      }
      nearest[0] = vmin(nearest[0], distance);
      return;
    }
    for (int q = 0; q < k(); ++q) {
      const Vec<T> smaller = vmin(nearest[q], distance);
      distance = vmax(nearest[q], distance);
      nearest[q] = smaller;
    }
  }
};

/// kScaled: gaps in y count c times.
template <class T, int K, bool kScaled>
struct StripSearch {
  const Strips<T>& strips;
  T c;
  LaneLists<T, K> lists;
  Vec<T> x, y;           ///< the queries
  T y_first, y_last;     ///< their range in y
  std::uint32_t active;  ///< lanes that hold a query

  static constexpr int kFollowed = 4;
  std::int32_t followed[2 * kFollowed + 1];  ///< positions in the strips on either side

  FASTMI_INLINE void enter_strip(int own) {
    for (int offset = -kFollowed; offset <= kFollowed; ++offset) {
      const int strip = own + offset;
      if (strip >= 0 && strip < strips.count) followed[offset + kFollowed] = strips.start[strip];
    }
  }

  FASTMI_INLINE Vec<T> scaled(Vec<T> gap_y) const {
    if constexpr (kScaled) return gap_y * broadcast(c);
    return gap_y;
  }

  /// Lanes for which a gap along one axis still allows a nearer point.
  FASTMI_INLINE std::uint32_t reached(Vec<T> gap) const {
    return mask_lt(gap, lists.worst()) & active;
  }

  FASTMI_INLINE void offer(std::int32_t p) {
    const Vec<T> dx = broadcast(strips.x[p]) - x;
    const Vec<T> dy = scaled(broadcast(strips.y[p]) - y);
    const Vec<T> distance = max_abs(max_abs(Vec<T>{}, dx), dy);
    // For short lists a branch that is hard to predict costs more than it saves.
    if (K > 0 || reached(distance) != 0) lists.insert(distance);
  }

  FASTMI_INLINE void go_up(std::int32_t p, std::int32_t end) {
    for (; p < end; ++p) {
      if (strips.y[p] >= y_last && reached(scaled(broadcast(strips.y[p]) - y)) == 0) break;
      offer(p);
    }
  }

  FASTMI_INLINE void go_down(std::int32_t p, std::int32_t begin) {
    for (; p >= begin; --p) {
      if (reached(scaled(y - broadcast(strips.y[p]))) == 0) break;
      offer(p);
    }
  }

  /// First point of a strip with y not below the queries'. Queries come in order of y, so the
  /// nearest strips are followed from where the last search left them.
  FASTMI_INLINE std::int32_t lower_bound(int strip, int offset) {
    if (offset >= -kFollowed && offset <= kFollowed) {
      std::int32_t& at = followed[offset + kFollowed];
      const std::int32_t end = strips.start[strip + 1];
      while (at < end && strips.y[at] < y_first) ++at;
      return at;
    }
    std::int32_t begin = strips.start[strip];
    std::int32_t length = strips.start[strip + 1] - begin;
    while (length > 0) {
      const std::int32_t half = length / 2;
      const bool below = strips.y[begin + half] < y_first;
      begin = below ? begin + half + 1 : begin;
      length = below ? length - half - 1 : half;
    }
    return begin;
  }

  FASTMI_INLINE void other_strip(int own, int offset) {
    const int strip = own + offset;
    const std::int32_t middle = lower_bound(strip, offset);
    go_up(middle, strips.start[strip + 1]);
    go_down(middle - 1, strips.start[strip]);
  }

  FASTMI_INLINE void run(int strip, std::int32_t first, int lanes, Vec<T> limit) {
    x = load(strips.x.data() + first);
    y = load(strips.y.data() + first);
    y_first = strips.y[first];
    y_last = strips.y[first + lanes - 1];
    active = (lanes == 32 ? 0 : (std::uint32_t{1} << lanes)) - 1;
    const T infinity = std::numeric_limits<T>::infinity();
    lists.reset(limit);

    for (int l = 0; l < lanes; ++l) {
      const Vec<T> distance = max_abs(max_abs(Vec<T>{}, broadcast(strips.x[first + l]) - x),
                                      scaled(broadcast(strips.y[first + l]) - y));
      // A point is not its own neighbour.
      lists.insert(lane_numbers<T>() == static_cast<T>(l) ? broadcast<T>(infinity) : distance);
    }
    const std::int32_t begin = strips.start[strip];
    const std::int32_t end = strips.start[strip + 1];
    // Nearest candidates first, alternating, so that the lists tighten on both sides.
    std::int32_t up = first + lanes;
    std::int32_t down = first - 1;
    for (int c = 0; c < lists.k() && up < end && down >= begin; ++c) {
      offer(up++);
      offer(down--);
    }
    go_up(up, end);
    go_down(down, begin);

    bool right = true;
    bool left = true;
    for (int step = 1; right || left; ++step) {
      right = right && strip + step < strips.count &&
              reached(broadcast(strips.low[strip + step]) - x) != 0;
      if (right) other_strip(strip, step);
      left = left && strip - step >= 0 && reached(x - broadcast(strips.high[strip - step])) != 0;
      if (left) other_strip(strip, -step);
    }
  }
};

template <class T, int K, bool kScaled>
FASTMI_INLINE void strip_search(const Strips<T>& strips, int strip, T c, const T* bound,
                                const int* ks, int queries, T* by_x, T* by_y) {
  constexpr int W = kLanes<T>;
  StripSearch<T, K, kScaled> search{strips, c, {}, {}, {}, 0, 0, 0, {}};
  search.lists.run_time_k = ks[queries - 1];
  search.enter_strip(strip);
  const std::int32_t end = strips.start[strip + 1];
  for (std::int32_t first = strips.start[strip]; first < end; first += W) {
    const int lanes = end - first < W ? end - first : W;
    alignas(64) T limit[W];
    for (int l = 0; l < W; ++l) {
      limit[l] = bound != nullptr && l < lanes ? bound[strips.x_rank[first + l]]
                                               : std::numeric_limits<T>::infinity();
    }
    search.run(strip, first, lanes, load(limit));
    for (int q = 0; q < queries; ++q) {
      alignas(64) T distance[W];
      store(distance, search.lists.nearest[ks[q] - 1]);
      T* to_x = by_x + q * strips.n;
      T* to_y = by_y == nullptr ? nullptr : by_y + q * strips.n;
      for (int l = 0; l < lanes; ++l) {
        to_x[strips.x_rank[first + l]] = distance[l];
        if (to_y != nullptr) to_y[strips.y_rank[first + l]] = distance[l];
      }
    }
  }
}

template <class T, bool kScaled>
FASTMI_INLINE void search_strip(const Strips<T>& strips, int strip, T c, const T* bound,
                                const int* ks, int queries, T* by_x, T* by_y) {
  switch (ks[queries - 1]) {
    case 1:
      return strip_search<T, 1, kScaled>(strips, strip, c, bound, ks, queries, by_x, by_y);
    case 2:
      return strip_search<T, 2, kScaled>(strips, strip, c, bound, ks, queries, by_x, by_y);
    case 3:
      return strip_search<T, 3, kScaled>(strips, strip, c, bound, ks, queries, by_x, by_y);
    case 4:
      return strip_search<T, 4, kScaled>(strips, strip, c, bound, ks, queries, by_x, by_y);
    case 5:
      return strip_search<T, 5, kScaled>(strips, strip, c, bound, ks, queries, by_x, by_y);
    default:
      return strip_search<T, 0, kScaled>(strips, strip, c, bound, ks, queries, by_x, by_y);
  }
}

template <class T>
void knn_strip(const Strips<T>& strips, int strip, const int* ks, int queries, T* by_x, T* by_y) {
  search_strip<T, false>(strips, strip, T(1), nullptr, ks, queries, by_x, by_y);
}

template <class T>
void knn_strip_scaled(const Strips<T>& strips, int strip, T c, const T* bound, const int* ks,
                      int queries, T* by_x, T* by_y) {
  search_strip<T, true>(strips, strip, c, bound, ks, queries, by_x, by_y);
}

}  // namespace fastmi::cpu::FASTMI_LEVEL
