// Neighbours and counts by descending a PointTree, a thread per query. Queries that follow each
// other in the order of the tree take nearly the same way down.
#pragma once

#include "common/block_distance.h"
#include "common/possible.h"
#include "cuda/neighbour_heap.h"
#include "cuda/point_tree.h"

namespace fastmi::cuda {

FASTMI_HD int depth_of(std::int32_t node) {
#if defined(__CUDA_ARCH__)
  return 31 - __clz(node);
#else
  return 31 - __builtin_clz(static_cast<unsigned>(node));
#endif
}

/// One sibling waits at every depth.
inline constexpr int kStack = 32;

template <class T, Metric M, bool kWithIndex>
struct TreeSearch {
  struct State {};
  struct Shared {};
  static constexpr int kThreads = 128;
  struct Params {
    PointTree<T> tree;
    Space<T> space;
    std::int64_t first;  ///< position of the first query of this launch
    std::int64_t queries;
    int k;
    T* heap_distances;           ///< [k][queries], scratch
    std::int32_t* heap_samples;  ///< the same; unused without indices
    int number;                  ///< how many ks there are
    const std::int32_t* ks;
    std::int64_t stride;
    T* radius;                 ///< [number][stride] by sample, written
    T* distances;              ///< [n][k] by sample, written unless null
    std::int64_t* neighbours;  ///< the same
    std::int32_t* nearest;     ///< [k][stride] by sample, written unless null
  };

  template <class Block>
  FASTMI_HD static void run(Block& block, const Params& p) {
    block.each([&](int t, State&) {
      const std::int64_t query = block.index() * kThreads + t;
      if (query >= p.queries) return;
      const NeighbourHeap<T, kWithIndex> heap{p.heap_distances + query, p.heap_samples + query,
                                              p.queries, p.k};
      search(p, heap, p.first + query);
      heap.sort_ascending();
      write(p, heap, p.tree.sample[p.first + query]);
    });
  }

 private:
  using Heap = NeighbourHeap<T, kWithIndex>;

  FASTMI_HD static void search(const Params& p, const Heap& heap, std::int64_t query) {
    const PointTree<T>& tree = p.tree;
    heap.fill(std::numeric_limits<T>::infinity());
    const std::int32_t own = tree.leaves + static_cast<std::int32_t>(query / kLeaf);
    scan_leaf(tree, heap, query, own);
    std::int32_t nodes[kStack];
    T distances[kStack];
    int pending = 0;
    nodes[pending] = 1;
    distances[pending++] = 0;
    while (pending > 0) {
      const std::int32_t node = nodes[--pending];
      const T distance = distances[pending];
      const T reach = heap.distance(0);
      if (!(distance <= reach)) continue;
      // Of samples exactly at the reach, only those with a number below the last one kept can
      // enter.
      if (distance == reach && (!kWithIndex || tree.least[node] >= heap.sample(0))) continue;
      if (node >= tree.leaves) {
        if (node != own) scan_leaf(tree, heap, query, node);
        continue;
      }
      const T left = tree.template least_distance<M>(query, 2 * node);
      const T right = tree.template least_distance<M>(query, 2 * node + 1);
      // Where both touch the query, the side that holds it comes first.
      const bool right_first =
          right < left ||
          (right == left && own >> (depth_of(own) - depth_of(node) - 1) == 2 * node + 1);
      nodes[pending] = 2 * node + (right_first ? 0 : 1);
      distances[pending++] = right_first ? left : right;
      nodes[pending] = 2 * node + (right_first ? 1 : 0);
      distances[pending++] = right_first ? right : left;
    }
  }

  FASTMI_HD static void scan_leaf(const PointTree<T>& tree, const Heap& heap, std::int64_t query,
                                  std::int32_t node) {
    const std::int64_t begin = static_cast<std::int64_t>(node - tree.leaves) * kLeaf;
    const std::int64_t end = smaller<std::int64_t>(tree.n, begin + kLeaf);
    for (std::int64_t other = begin; other < end; ++other) {
      if (other != query) {
        heap.offer(tree.template between<M>(query, other), tree.sample[other]);
      }
    }
  }

  FASTMI_HD static void write(const Params& p, const Heap& heap, std::int64_t sample) {
    for (int e = 0; e < p.number; ++e) {
      p.radius[e * p.stride + sample] = p.space.scaled_distance(heap.distance(p.ks[e] - 1));
    }
    for (int c = 0; c < p.k; ++c) {
      if (p.neighbours != nullptr) {
        p.distances[sample * p.k + c] = p.space.distance(heap.distance(c));
        p.neighbours[sample * p.k + c] = possible_sample(heap.sample(c), p.tree.n);
      }
      if (p.nearest != nullptr) {
        p.nearest[c * p.stride + sample] = possible_sample(heap.sample(c), p.tree.n);
      }
    }
  }
};

/// batch: the list of limits.
template <class T, Metric M>
struct TreeCount {
  struct State {};
  struct Shared {};
  static constexpr int kThreads = 128;
  struct Params {
    PointTree<T> tree;
    const T* limits;  ///< [batch][stride], by sample
    std::int64_t stride;
    std::int64_t counts_stride;
    std::int64_t* counts;  ///< [batch], counts_stride apart, by sample, written
  };

  template <class Block>
  FASTMI_HD static void run(Block& block, const Params& p) {
    block.each([&](int t, State&) {
      const std::int64_t query = block.index() * kThreads + t;
      if (query >= p.tree.n) return;
      const std::int64_t sample = p.tree.sample[query];
      const T limit = p.limits[block.batch() * p.stride + sample];
      p.counts[block.batch() * p.counts_stride + sample] =
          limit > 0 ? possible_count(count(p.tree, query, limit) - 1, p.tree.n) : 0;
    });
  }

 private:
  /// Number of samples within the limit, the query itself included.
  FASTMI_HD static std::int64_t count(const PointTree<T>& tree, std::int64_t query, T limit) {
    std::int32_t nodes[kStack];
    int pending = 0;
    nodes[pending++] = 1;
    std::int64_t found = 0;
    while (pending > 0) {
      const std::int32_t node = nodes[--pending];
      if (!(tree.template least_distance<M>(query, node) < limit)) continue;
      const int below = depth_of(tree.leaves) - depth_of(node);
      const std::int64_t leaf = (static_cast<std::int64_t>(node) << below) - tree.leaves;
      const std::int64_t begin = leaf * kLeaf;
      const std::int64_t end =
          smaller<std::int64_t>(tree.n, (leaf + (std::int64_t{1} << below)) * kLeaf);
      if (begin >= end) continue;
      if (tree.template greatest_distance<M>(query, node) < limit) {
        found += end - begin;
      } else if (below > 0) {
        nodes[pending++] = 2 * node;
        nodes[pending++] = 2 * node + 1;
      } else {
        for (std::int64_t other = begin; other < end; ++other) {
          found += tree.template between<M>(query, other) < limit;
        }
      }
    }
    return found;
  }
};

/// Limits of one space from radii, or from the rectangle that the neighbours span; batch: entry.
template <class T, Metric M>
struct SpaceLimits {
  struct State {};
  struct Shared {};
  static constexpr int kThreads = 256;
  struct Params {
    Space<T> space;
    bool strict;
    std::int64_t n;
    std::int64_t stride;
    const T* radius;              ///< [batch][stride]
    int radius_exponent;          ///< radii are in units of 2^-radius_exponent
    const std::int32_t* nearest;  ///< [k][stride]: neighbours by distance, or null for squares
    const std::int32_t* ks;       ///< [batch], read with nearest
    const T* columns;             ///< [d][stride]
    T* limits;                    ///< [batch][stride], written
  };

  template <class Block>
  FASTMI_HD static void run(Block& block, const Params& p) {
    block.each([&](int t, State&) {
      const std::int64_t i = block.index() * kThreads + t;
      if (i >= p.n) return;
      T radius = 0;
      int exponent = p.radius_exponent;
      if (p.nearest == nullptr) {
        radius = p.radius[block.batch() * p.stride + i];
      } else {
        exponent = p.space.exponent();
        for (int c = 0; c < p.ks[block.batch()]; ++c) {
          const std::int64_t other = p.nearest[c * p.stride + i];
          const T* column = p.columns + p.space.begin * p.stride;
          radius = larger(radius,
                          block_distance<T>(
                              p.space.end - p.space.begin, p.space.squared ? M : Metric::kChebyshev,
                              p.space.scale, [&](int j) { return column[j * p.stride + i]; },
                              [&](int j) { return column[j * p.stride + other]; }));
        }
      }
      p.limits[block.batch() * p.stride + i] = p.space.limit(radius, exponent, p.strict);
    });
  }
};

}  // namespace fastmi::cuda
