// How many points lie within each query's own radius, for the 64 queries of one leaf.
//
// The queries descend the tree together: nodes out of everyone's reach are dropped, nodes inside
// everyone's radius are counted whole. At a leaf the same is decided per query, and only leaves
// that straddle a query's sphere are scanned.
#pragma once

#include "cpu/leaf_kernel.h"

namespace fastmi::cpu::FASTMI_LEVEL {

/// Bit i is set where every point of `box` is nearer than limit[i] to query i of the leaf.
template <Metric M, class T>
FASTMI_INLINE std::uint64_t queries_covering(const LeafTree<T>& tree, int query_leaf, Box<T> box,
                                             const T* limit) {
  constexpr int W = kLanes<T>;
  const T* coords = tree.leaf_coords(query_leaf);
  std::uint64_t covering = 0;
  for (int first = 0; first < kLeaf; first += W) {
    Vec<T> acc{};
    int j = 0;
    if constexpr (M == Metric::kChebyshev) {
      for (; j < tree.d; ++j) {
        const Vec<T> q = load(coords + j * kLeaf + first);
        acc = vmax(acc, vmax(q - broadcast(box.lower[j]), broadcast(box.upper[j]) - q));
      }
    } else {
      const int* ends = tree.ends.data();
      for (int v = 0; v < static_cast<int>(tree.ends.size()); ++v) {
        Vec<T> sum{};
        for (; j < ends[v]; ++j) {
          const Vec<T> q = load(coords + j * kLeaf + first);
          const Vec<T> gap = vmax(q - broadcast(box.lower[j]), broadcast(box.upper[j]) - q);
          sum = sum + gap * gap;
        }
        acc = vmax(acc, sum);
      }
    }
    covering |= static_cast<std::uint64_t>(mask_lt(acc, load(limit + first))) << first;
  }
  return covering;
}

/// counts[r][query] += lanes of one leaf below limits[r][query].
template <Metric M, class T>
FASTMI_INLINE void count_lanes(const LeafTree<T>& tree, int leaf, int query_leaf, int query,
                               const T* limits, T reach, T core, int radii, std::int64_t* counts) {
  const auto count_below = [&](int, Vec<T> acc, std::uint32_t select) {
    for (int r = 0; r < radii; ++r) {
      counts[r * kLeaf + query] +=
          __builtin_popcount(mask_lt(acc, broadcast(limits[r * kLeaf + query])) & select);
    }
  };
  if constexpr (M == Metric::kChebyshev) {
    const ByteLimits<T> bytes(reach, core, tree.inverse_step);
    if (tree.leaf_bytes(leaf) != nullptr && bytes.maybe < 255) {
      const ByteMasks masks = compare_bytes(tree, leaf, query_leaf, query, bytes);
      const int sure = __builtin_popcountll(masks.surely);
      for (int r = 0; r < radii; ++r) counts[r * kLeaf + query] += sure;
      std::uint64_t open = masks.maybe & ~masks.surely;
      if (tree.rows.empty()) {
        scan_lanes<M>(tree, leaf, query_leaf, query, reach, open, count_below);
        return;
      }
      for (; open != 0; open &= open - 1) {
        const int lane = __builtin_ctzll(open);
        const T distance = row_distance(tree, leaf, lane, query_leaf, query);
        for (int r = 0; r < radii; ++r) {
          counts[r * kLeaf + query] += distance < limits[r * kLeaf + query];
        }
      }
      return;
    }
  }
  scan_leaf<M>(tree, leaf, query_leaf, query, reach, count_below);
}

/// counts[r][64] += points with internal distance below limits[r][64], the query itself
/// included. Limits of unused lanes are negative.
template <Metric M, class T>
void count_leaf(const LeafTree<T>& tree, int query_leaf, const T* limits, int radii,
                std::int64_t* counts) {
  const int size = tree.leaf_size(query_leaf);
  // Largest and smallest radius of each query, and over all queries.
  alignas(64) T reach[kLeaf];
  alignas(64) T core[kLeaf];
  T far = -1;
  T near = std::numeric_limits<T>::infinity();
  for (int i = 0; i < kLeaf; ++i) {
    reach[i] = core[i] = limits[i];
    for (int r = 1; r < radii; ++r) {
      const T limit = limits[r * kLeaf + i];
      reach[i] = larger(reach[i], limit);
      core[i] = limit < core[i] ? limit : core[i];
    }
    if (i >= size) continue;
    far = larger(far, reach[i]);
    near = core[i] < near ? core[i] : near;
  }
  const auto add_all = [&](std::uint64_t queries, std::int64_t points) {
    while (queries != 0) {
      const int i = __builtin_ctzll(queries);
      queries &= queries - 1;
      for (int r = 0; r < radii; ++r) counts[r * kLeaf + i] += points;
    }
  };
  const std::uint64_t everyone = used_lanes(tree, query_leaf);

  struct Pending {
    int node, begin, end;
  };
  Pending stack[64];
  int pending = 0;
  const Box<T> here = node_box(tree, leaf_node(tree, query_leaf));
  stack[pending++] = {0, 0, tree.leaves};
  BoxTestGain gain;
  std::uint32_t visits = 0;
  while (pending > 0) {
    const Pending top = stack[--pending];
    const Box<T> box = node_box(tree, top.node);
    if (!(least_distance<M>(tree, here, box) < far)) continue;
    const bool is_leaf = top.end - top.begin == 1;
    if (greatest_distance<M>(tree, here, box) < near) {
      const std::int64_t first = static_cast<std::int64_t>(top.begin) * kLeaf;
      const std::int64_t last = static_cast<std::int64_t>(top.end) * kLeaf;
      add_all(everyone, (last < tree.n ? last : tree.n) - first);
      continue;
    }
    if (!is_leaf) {
      const int middle = (top.begin + top.end + 1) / 2;
      stack[pending++] = {top.node + 1, top.begin, middle};
      stack[pending++] = {top.node + 2 * (middle - top.begin), middle, top.end};
      continue;
    }
    if (++visits % kVisitsBetween == 0 && stop_asked()) return;
    std::uint64_t reaching = everyone;
    if (gain.worth_it()) {
      reaching = queries_reaching<M>(tree, query_leaf, box, reach);
      gain.record(reaching);
      if (reaching == 0) continue;
      // A box wider than every sphere lies inside none.
      if (greatest_distance<M>(tree, box, box) < (M == Metric::kEuclidean ? 4 : 2) * far) {
        const std::uint64_t covering = queries_covering<M>(tree, query_leaf, box, core) & reaching;
        add_all(covering, tree.leaf_size(top.begin));
        reaching &= ~covering;
      }
    }
    while (reaching != 0) {
      const int i = __builtin_ctzll(reaching);
      reaching &= reaching - 1;
      count_lanes<M>(tree, top.begin, query_leaf, i, limits, reach[i], core[i], radii, counts);
    }
  }
}

}  // namespace fastmi::cpu::FASTMI_LEVEL
