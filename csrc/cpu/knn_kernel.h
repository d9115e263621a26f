// The k nearest neighbours of the 64 queries of one leaf.
//
// The queries descend the tree together, nearest child first, pruned by the worst of their
// current k-th distances; at a leaf each query first tests the leaf's box against its own k-th
// distance, then the leaf's points 4 to 16 at a time.
#pragma once

#include "cpu/leaf_kernel.h"

namespace fastmi::cpu::FASTMI_LEVEL {

/// Max-heap of the k best (distance, sample) pairs of one query. Samples break ties when they
/// are kept, so that the set does not depend on the order of visits.
template <class T, bool kWithIndex>
struct NeighbourHeap {
  T* distance;
  std::int32_t* sample;
  int k;

  FASTMI_INLINE bool before(T da, std::int32_t ia, T db, std::int32_t ib) const {
    if constexpr (kWithIndex) return da < db || (da == db && ia < ib);
    return da < db;
  }

  /// Puts the pair at the root's place and restores the heap over the first `size` entries.
  FASTMI_INLINE void sift_from_root(T value, std::int32_t id, int size) {
    int hole = 0;
    for (;;) {
      int child = 2 * hole + 1;
      if (child >= size) break;
      if (child + 1 < size &&
          before(distance[child], id_at(child), distance[child + 1], id_at(child + 1))) {
        ++child;
      }
      if (!before(value, id, distance[child], id_at(child))) break;
      place(hole, distance[child], id_at(child));
      hole = child;
    }
    place(hole, value, id);
  }

  /// Points with a distance not below this cannot enter the heap.
  FASTMI_INLINE T limit() const {
    if constexpr (kWithIndex) return next_up(distance[0]);
    return distance[0];
  }

  FASTMI_INLINE bool accepts(T value, std::int32_t id) const {
    return before(value, id, distance[0], id_at(0));
  }

  FASTMI_INLINE void sort_ascending() {
    for (int last = k - 1; last > 0; --last) {
      const T value = distance[last];
      const std::int32_t id = id_at(last);
      place(last, distance[0], id_at(0));
      sift_from_root(value, id, last);
    }
  }

  FASTMI_INLINE std::int32_t id_at(int p) const {
    if constexpr (kWithIndex) return sample[p];
    return 0;
  }
  FASTMI_INLINE void place(int p, T value, std::int32_t id) {
    distance[p] = value;
    if constexpr (kWithIndex) sample[p] = id;
  }
};

template <Metric M, bool kWithIndex, bool kAmong, class T>
FASTMI_INLINE void offer_leaf(const LeafTree<T>& tree, int leaf, int query_leaf, int query,
                              std::int32_t among, NeighbourHeap<T, kWithIndex> heap, T& limit) {
  constexpr int W = kLanes<T>;
  const std::int32_t* samples = tree.leaf_index(leaf);
  const int self = leaf == query_leaf ? query : -1;
  const auto offer = [&](int lane, T distance) {
    const std::int32_t id = kWithIndex ? samples[lane] : 0;
    if (kAmong && samples[lane] >= among) return;
    if (lane == self || !heap.accepts(distance, id)) return;
    heap.sift_from_root(distance, id, heap.k);
    limit = heap.limit();
  };
  const auto offer_lanes = [&](int first, Vec<T> acc, std::uint32_t select) {
    std::uint32_t below = mask_lt(acc, broadcast(limit)) & select;
    if (below == 0) return;
    alignas(64) T distance[W];
    store(distance, acc);
    for (; below != 0; below &= below - 1) {
      const int lane = __builtin_ctz(below);
      offer(first + lane, distance[lane]);
    }
  };
  if constexpr (M == Metric::kChebyshev) {
    const ByteLimits<T> limits(limit, T(0), tree.inverse_step);
    if (tree.leaf_bytes(leaf) != nullptr && limits.maybe < 255) {
      std::uint64_t maybe = compare_bytes(tree, leaf, query_leaf, query, limits).maybe;
      if (tree.rows.empty()) {
        scan_lanes<M>(tree, leaf, query_leaf, query, limit, maybe, offer_lanes);
      } else {
        for (; maybe != 0; maybe &= maybe - 1) {
          const int lane = __builtin_ctzll(maybe);
          offer(lane, row_distance(tree, leaf, lane, query_leaf, query));
        }
      }
      return;
    }
  }
  scan_leaf<M>(tree, leaf, query_leaf, query, limit, offer_lanes);
}

/// Fills best[64][k] (and samples[64][k]) with the neighbours of each query of the leaf,
/// ascending. Distances are internal ones: scaled, and squared for kEuclidean. With kAmong the
/// first `among` samples are the neighbours, and all others are the queries.
template <Metric M, bool kWithIndex, bool kAmong, class T>
FASTMI_INLINE void search_leaf(const LeafTree<T>& tree, int leaf, int k, std::int32_t among,
                               T* best, std::int32_t* samples) {
  const int size = tree.leaf_size(leaf);
  alignas(64) T limit[kLeaf];
  const std::int32_t* queries = tree.leaf_index(leaf);
  for (int i = 0; i < kLeaf; ++i) {
    const bool asks = i < size && !(kAmong && queries[i] < among);
    limit[i] = asks ? std::numeric_limits<T>::infinity() : T(-1);
  }
  for (std::int64_t p = 0; p < static_cast<std::int64_t>(kLeaf) * k; ++p) {
    best[p] = std::numeric_limits<T>::infinity();
    if constexpr (kWithIndex) samples[p] = std::numeric_limits<std::int32_t>::max();
  }
  const auto heap_of = [&](int i) {
    return NeighbourHeap<T, kWithIndex>{best + static_cast<std::int64_t>(i) * k,
                                        samples + static_cast<std::int64_t>(i) * k, k};
  };
  // No query takes a point at `worst` or farther, nor, of points at distance kth, one whose sample
  // number is above `latest`. Without the second rule a crowd of equal points would make every
  // query visit all of them.
  T worst = std::numeric_limits<T>::infinity();
  T kth = worst;
  std::int32_t latest = std::numeric_limits<std::int32_t>::max();
  const auto update_worst = [&] {
    worst = limit[0];
    for (int i = 1; i < size; ++i) worst = larger(worst, limit[i]);
    if constexpr (kWithIndex) {
      kth = 0;
      for (int i = 0; i < size; ++i) {
        if (!kAmong || limit[i] >= 0) kth = larger(kth, best[static_cast<std::int64_t>(i) * k]);
      }
      latest = 0;
      for (int i = 0; i < size; ++i) {
        const std::int64_t root = static_cast<std::int64_t>(i) * k;
        if ((!kAmong || limit[i] >= 0) && best[root] == kth && samples[root] > latest)
          latest = samples[root];
      }
    }
  };
  const auto out_of_reach = [&](T distance, int node) {
    if (!(distance < worst)) return true;
    if (kAmong && tree.least_index[node] >= among) return true;
    return kWithIndex && distance == kth && tree.least_index[node] > latest;
  };

  for (int i = 0; i < size; ++i) {
    offer_leaf<M, kWithIndex, kAmong>(tree, leaf, leaf, i, among, heap_of(i), limit[i]);
  }
  update_worst();

  struct Pending {
    int node, begin, end;
    T distance;
  };
  // Each step down the tree leaves one sibling behind; leaves are numbered with 31 bits.
  Pending stack[64];
  int pending = 0;
  const Box<T> here = node_box(tree, leaf_node(tree, leaf));
  stack[pending++] = {0, 0, tree.leaves, T(0)};
  BoxTestGain gain;
  while (pending > 0) {
    const Pending top = stack[--pending];
    if (out_of_reach(top.distance, top.node)) continue;
    if (top.end - top.begin > 1) {
      if (stop_asked_at(top.end - top.begin)) return;
      const int middle = (top.begin + top.end + 1) / 2;
      Pending left{top.node + 1, top.begin, middle, T(0)};
      Pending right{top.node + 2 * (middle - top.begin), middle, top.end, T(0)};
      left.distance = least_distance<M>(tree, here, node_box(tree, left.node));
      right.distance = least_distance<M>(tree, here, node_box(tree, right.node));
      // Where both touch the queries' box, the side that holds the queries comes first.
      const bool left_first =
          left.distance < right.distance || (left.distance == right.distance && leaf < middle);
      stack[pending++] = left_first ? right : left;
      stack[pending++] = left_first ? left : right;
      continue;
    }
    if (top.begin == leaf) continue;
    std::uint64_t reaching = used_lanes(tree, leaf);
    if (gain.worth_it()) {
      reaching = queries_reaching<M>(tree, leaf, node_box(tree, top.node), limit);
      gain.record(reaching);
      if (reaching == 0) continue;
    }
    while (reaching != 0) {
      const int i = __builtin_ctzll(reaching);
      reaching &= reaching - 1;
      offer_leaf<M, kWithIndex, kAmong>(tree, top.begin, leaf, i, among, heap_of(i), limit[i]);
    }
    update_worst();
  }
  for (int i = 0; i < size; ++i) heap_of(i).sort_ascending();
}

/// The neighbours of each query of the leaf among all other samples, see search_leaf.
template <Metric M, bool kWithIndex, class T>
void knn_leaf(const LeafTree<T>& tree, int leaf, int k, T* best, std::int32_t* samples) {
  search_leaf<M, kWithIndex, false>(tree, leaf, k, 0, best, samples);
}

/// The neighbours among the first `among` samples of those queries of the leaf that are not among
/// them, see search_leaf. What belongs to the other lanes is not defined.
template <Metric M, class T>
void knn_leaf_among(const LeafTree<T>& tree, int leaf, int k, std::int32_t among, T* best,
                    std::int32_t* samples) {
  search_leaf<M, true, true>(tree, leaf, k, among, best, samples);
}

}  // namespace fastmi::cpu::FASTMI_LEVEL
