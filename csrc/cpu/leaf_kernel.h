// What the k-NN and the counting kernels share: distances from one query to the lanes of a
// leaf, the 8-bit prefilter, and gaps between bounding boxes. Bounds are exact, not merely
// close: rounding is monotone, so a coordinate difference taken at the edge of a box bounds the
// computed difference of every point in it.
#pragma once

#include <cstdint>
#include <limits>

#include "cpu/heed.h"
#include "cpu/leaf_tree.h"
#include "cpu/simd.h"

namespace fastmi::cpu::FASTMI_LEVEL {

/// Dims between two tests for an early exit.
inline constexpr int kDimGroup = 8;

template <class T>
FASTMI_INLINE T larger(T a, T b) {
  return a > b ? a : b;
}

/// One more coordinate difference in the distance of one variable.
template <Metric M, class T>
FASTMI_INLINE Vec<T> accumulate(Vec<T> acc, Vec<T> difference) {
  if constexpr (M == Metric::kChebyshev) {
    return max_abs(acc, difference);
  } else {
    return acc + difference * difference;
  }
}

/// Internal distances (squared for kEuclidean) of `query` to G vectors of lanes at `lanes`. Returns
/// false, leaving acc unspecified, if none is below limit.
template <Metric M, int G, class T>
FASTMI_INLINE bool distances_below(const LeafTree<T>& tree, const T* lanes, const T* query, T limit,
                                   Vec<T> (&acc)[G]) {
  constexpr int W = kLanes<T>;
  const Vec<T> bound = broadcast(limit);
  const auto any_below = [&] {
    std::uint32_t below = 0;
    for (int g = 0; g < G; ++g) below |= mask_lt(acc[g], bound);
    return below != 0;
  };
  for (int g = 0; g < G; ++g) acc[g] = Vec<T>{};
  if constexpr (M == Metric::kChebyshev) {
    const int d = tree.d;
    int j = 0;
    while (d - j > kDimGroup) {
      for (const int stop = j + kDimGroup; j < stop; ++j) {
        const Vec<T> q = broadcast(query[j * kLeaf]);
        for (int g = 0; g < G; ++g) {
          acc[g] = accumulate<M, T>(acc[g], load(lanes + j * kLeaf + g * W) - q);
        }
      }
      if (!any_below()) return false;
    }
    for (; j < d; ++j) {
      const Vec<T> q = broadcast(query[j * kLeaf]);
      for (int g = 0; g < G; ++g) {
        acc[g] = accumulate<M, T>(acc[g], load(lanes + j * kLeaf + g * W) - q);
      }
    }
  } else {
    int j = 0;
    const int* ends = tree.ends.data();
    const int variables = static_cast<int>(tree.ends.size());
    Vec<T> sum[G];
    for (int v = 0; v < variables; ++v) {
      for (int g = 0; g < G; ++g) sum[g] = Vec<T>{};
      for (; j < ends[v]; ++j) {
        const Vec<T> q = broadcast(query[j * kLeaf]);
        for (int g = 0; g < G; ++g) {
          sum[g] = accumulate<M, T>(sum[g], load(lanes + j * kLeaf + g * W) - q);
        }
      }
      for (int g = 0; g < G; ++g) acc[g] = vmax(acc[g], sum[g]);
      if (!any_below()) return false;
    }
  }
  return true;
}

/// Lanes of a leaf that hold a sample.
template <class T>
FASTMI_INLINE std::uint64_t used_lanes(const LeafTree<T>& tree, int leaf) {
  const int size = tree.leaf_size(leaf);
  return size == kLeaf ? ~std::uint64_t{0} : (std::uint64_t{1} << size) - 1;
}

/// What the 8-bit coordinates of two points say about their distance. With `gap` the largest
/// difference in steps, the distance lies strictly between gap - 1 and gap + 1 steps, as rounding
/// down moves each coordinate by less than one. The slack covers rounding in `quantise` itself.
template <class T>
struct ByteLimits {
  int maybe;   ///< a point nearer than the limit has gap <= maybe; 255: no information
  int surely;  ///< an unclipped point with gap <= surely is nearer than the limit; may be -1

  FASTMI_INLINE ByteLimits(T limit_for_maybe, T limit_for_surely, T inverse_step) {
    constexpr T kRelative = T(1e-5);
    constexpr T kAbsolute = T(0.01);
    const T most = limit_for_maybe * inverse_step * (1 + kRelative) + kAbsolute;
    maybe = most < T(254) ? static_cast<int>(most) + 1 : 255;
    const T least = limit_for_surely * inverse_step * (1 - kRelative) - kAbsolute;
    surely = least < T(1) ? -1 : least < T(256) ? static_cast<int>(least) - 1 : 255;
  }
};

struct ByteMasks {
  std::uint64_t maybe;
  std::uint64_t surely;
};

/// Lanes of a leaf that may be, and those that surely are, within the limits of a query.
template <class T>
FASTMI_INLINE ByteMasks compare_bytes(const LeafTree<T>& tree, int leaf, int query_leaf, int query,
                                      ByteLimits<T> limits) {
  const std::uint8_t* lanes = tree.leaf_bytes(leaf);
  const std::uint8_t* q = tree.leaf_bytes(query_leaf) + query;
  const std::uint8_t maybe = static_cast<std::uint8_t>(limits.maybe);
  Bytes64 acc{};
  const int d = tree.d;
  int j = 0;
  while (d - j > kDimGroup) {
    for (const int stop = j + kDimGroup; j < stop; ++j) {
      acc = max_abs_difference(acc, load_bytes(lanes + j * kLeaf), q[j * kLeaf]);
    }
    if (mask_at_most(acc, maybe) == 0) return {0, 0};
  }
  for (; j < d; ++j) {
    acc = max_abs_difference(acc, load_bytes(lanes + j * kLeaf), q[j * kLeaf]);
  }
  // Unused lanes are saturated, and a query may be.
  ByteMasks masks{mask_at_most(acc, maybe) & used_lanes(tree, leaf), 0};
  if (limits.surely >= 0 && (tree.unclipped[query_leaf] >> query & 1) != 0) {
    masks.surely = mask_at_most(acc, static_cast<std::uint8_t>(limits.surely)) &
                   tree.unclipped[leaf] & masks.maybe;
  }
  return masks;
}

/// Chebyshev distance between two points stored as rows.
template <class T>
FASTMI_INLINE T row_distance(const LeafTree<T>& tree, int leaf, int lane, int query_leaf,
                             int query) {
  const T* a = tree.row(leaf, lane);
  const T* b = tree.row(query_leaf, query);
  Vec<T> acc{};
  for (int j = 0; j < tree.row_size; j += kLanes<T>) acc = max_abs(acc, load(a + j) - load(b + j));
  return horizontal_max(acc);
}

/// Distances from a query to the lanes of a leaf set in `select`, as visit(first_lane, Vec
/// distances, bits of `select` for these lanes). Lanes at or above limit may be left out.
template <Metric M, class T, class Visit>
FASTMI_INLINE void scan_lanes(const LeafTree<T>& tree, int leaf, int query_leaf, int query, T limit,
                              std::uint64_t select, Visit&& visit) {
  constexpr int W = kLanes<T>;
  constexpr std::uint64_t kAll = (std::uint64_t{1} << W) - 1;
  const T* lanes = tree.leaf_coords(leaf);
  const T* q = tree.leaf_coords(query_leaf) + query;
  while (select != 0) {
    const int first = __builtin_ctzll(select) / W * W;
    const std::uint64_t here = select >> first & kAll;
    select &= ~(kAll << first);
    Vec<T> acc[1];
    if (distances_below<M, 1>(tree, lanes + first, q, limit, acc)) {
      visit(first, acc[0], static_cast<std::uint32_t>(here));
    }
  }
}

/// Like scan_lanes, for every lane of the leaf.
template <Metric M, class T, class Visit>
FASTMI_INLINE void scan_leaf(const LeafTree<T>& tree, int leaf, int query_leaf, int query, T limit,
                             Visit&& visit) {
  constexpr int W = kLanes<T>;
  constexpr int G = kLeaf / W < 8 ? kLeaf / W : 8;
  constexpr std::uint32_t kAll = (std::uint64_t{1} << W) - 1;
  const T* lanes = tree.leaf_coords(leaf);
  const T* q = tree.leaf_coords(query_leaf) + query;
  for (int first = 0; first < kLeaf; first += G * W) {
    Vec<T> acc[G];
    if (!distances_below<M, G>(tree, lanes + first, q, limit, acc)) continue;
    for (int g = 0; g < G; ++g) visit(first + g * W, acc[g], kAll);
  }
}

/// Distance between two boxes from the gap in each dim.
template <Metric M, class T, class Gap>
FASTMI_INLINE T box_distance(const LeafTree<T>& tree, Gap&& gap) {
  T distance = 0;
  int j = 0;
  if constexpr (M == Metric::kChebyshev) {
    for (; j < tree.d; ++j) distance = larger(distance, gap(j));
  } else {
    const int* ends = tree.ends.data();
    for (int v = 0; v < static_cast<int>(tree.ends.size()); ++v) {
      T sum = 0;
      for (; j < ends[v]; ++j) {
        const T g = larger(gap(j), T(0));
        sum += g * g;
      }
      distance = larger(distance, sum);
    }
  }
  return distance;
}

template <class T>
struct Box {
  const T* lower;
  const T* upper;
};

template <class T>
FASTMI_INLINE Box<T> node_box(const LeafTree<T>& tree, int node) {
  const std::int64_t offset = static_cast<std::int64_t>(node) * tree.d;
  return {tree.lower.data() + offset, tree.upper.data() + offset};
}

/// The node of a leaf, found by descending the implicit tree.
template <class T>
FASTMI_INLINE int leaf_node(const LeafTree<T>& tree, int leaf) {
  int node = 0;
  int begin = 0;
  int end = tree.leaves;
  while (end - begin > 1) {
    const int middle = (begin + end + 1) / 2;
    if (leaf < middle) {
      node += 1;
      end = middle;
    } else {
      node += 2 * (middle - begin);
      begin = middle;
    }
  }
  return node;
}

/// No pair of points of the two boxes is nearer than this.
template <Metric M, class T>
FASTMI_INLINE T least_distance(const LeafTree<T>& tree, Box<T> a, Box<T> b) {
  return box_distance<M>(
      tree, [&](int j) { return larger(b.lower[j] - a.upper[j], a.lower[j] - b.upper[j]); });
}

/// No pair of points of the two boxes is farther apart than this.
template <Metric M, class T>
FASTMI_INLINE T greatest_distance(const LeafTree<T>& tree, Box<T> a, Box<T> b) {
  return box_distance<M>(
      tree, [&](int j) { return larger(b.upper[j] - a.lower[j], a.upper[j] - b.lower[j]); });
}

/// Bit i is set where query i of the leaf may have a point of `box` nearer than limit[i].
template <Metric M, class T>
FASTMI_INLINE std::uint64_t queries_reaching(const LeafTree<T>& tree, int query_leaf, Box<T> box,
                                             const T* limit) {
  constexpr int W = kLanes<T>;
  const T* coords = tree.leaf_coords(query_leaf);
  std::uint64_t reaching = 0;
  for (int first = 0; first < kLeaf; first += W) {
    Vec<T> acc{};
    int j = 0;
    if constexpr (M == Metric::kChebyshev) {
      for (; j < tree.d; ++j) {
        const Vec<T> q = load(coords + j * kLeaf + first);
        acc = vmax(acc, vmax(broadcast(box.lower[j]) - q, q - broadcast(box.upper[j])));
      }
    } else {
      const int* ends = tree.ends.data();
      for (int v = 0; v < static_cast<int>(tree.ends.size()); ++v) {
        Vec<T> sum{};
        for (; j < ends[v]; ++j) {
          const Vec<T> q = load(coords + j * kLeaf + first);
          const Vec<T> gap =
              vmax(vmax(broadcast(box.lower[j]) - q, q - broadcast(box.upper[j])), Vec<T>{});
          sum = sum + gap * gap;
        }
        acc = vmax(acc, sum);
      }
    }
    reaching |= static_cast<std::uint64_t>(mask_lt(acc, load(limit + first))) << first;
  }
  return reaching;
}

/// Leaves of candidates between two looks for an interrupt: from some 20 us of work in one dim to
/// 30 ms in a thousand.
inline constexpr std::uint32_t kVisitsBetween = 64;

/// Switches the per-query box test off for the queries of a leaf if it hardly ever rejects, as in
/// many dims.
struct BoxTestGain {
  int tested = 0;
  int kept = 0;
  bool worth_it() const { return tested < 8 * kLeaf || kept * 16 < tested * 15; }
  void record(std::uint64_t reaching) {
    tested += kLeaf;
    kept += __builtin_popcountll(reaching);
  }
};

}  // namespace fastmi::cpu::FASTMI_LEVEL
