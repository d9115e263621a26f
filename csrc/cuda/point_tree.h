// Samples in the order of a Morton curve through their ranks, under a binary tree of bounding
// boxes.
//
// Ranks spread every column evenly, whatever its distribution, and keep equal values together. Leaf
// l holds positions [l, l + 1) * kLeaf of the order. Nodes are numbered from 1 at the root, the
// children of v being 2v and 2v + 1, and leaf l is node `leaves` + l; leaves without samples have
// boxes that nothing reaches.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "cuda/sorted.h"

namespace fastmi::cuda {

inline constexpr int kLeaf = 8;

template <class T>
struct PointTree {
  const T* coords;             ///< [d][stride], scaled, in the order of the tree
  const std::int32_t* sample;  ///< [n], in that order
  const T* boxes;              ///< [2 leaves][2][d]: lower, then upper corner
  const std::int32_t* least;   ///< [2 leaves]: smallest sample of each node
  const std::uint8_t* closes;  ///< [d]
  std::int64_t stride;
  std::int32_t n;
  std::int32_t leaves;  ///< a power of two
  int d;

  FASTMI_HD T coord(int j, std::int64_t position) const { return coords[j * stride + position]; }
  FASTMI_HD const T* lower(std::int64_t node) const { return boxes + node * 2 * d; }
  FASTMI_HD const T* upper(std::int64_t node) const { return boxes + (node * 2 + 1) * d; }

  /// Combines a gap per dim to a distance as between two samples. Smaller gaps never give a larger
  /// distance, rounding included.
  template <Metric M, class Gap>
  FASTMI_HD T combine(Gap&& gap) const {
    T distance = 0;
    T sum = 0;
    for (int j = 0; j < d; ++j) {
      const T g = gap(j);
      if constexpr (M == Metric::kChebyshev) {
        distance = larger(distance, g);
      } else {
        sum = sum + g * g;
        if (closes[j] != 0) {
          distance = larger(distance, sum);
          sum = 0;
        }
      }
    }
    return distance;
  }

  template <Metric M>
  FASTMI_HD T between(std::int64_t a, std::int64_t b) const {
    return combine<M>([&](int j) { return std::fabs(coord(j, a) - coord(j, b)); });
  }
  /// No sample of the node is nearer to the one at `position`.
  template <Metric M>
  FASTMI_HD T least_distance(std::int64_t position, std::int64_t node) const {
    const T* low = lower(node);
    const T* high = upper(node);
    return combine<M>([&](int j) {
      const T at = coord(j, position);
      return larger(larger(low[j] - at, at - high[j]), T(0));
    });
  }
  /// No sample of the node, which is not empty, is farther away.
  template <Metric M>
  FASTMI_HD T greatest_distance(std::int64_t position, std::int64_t node) const {
    const T* low = lower(node);
    const T* high = upper(node);
    return combine<M>([&](int j) {
      const T at = coord(j, position);
      return larger(at - low[j], high[j] - at);
    });
  }
};

/// Morton codes of the ranks: `bits` bits of each of the first dims, 62 bits at most in all.
struct MortonCodes {
  struct State {};
  struct Shared {};
  static constexpr int kThreads = 256;
  struct Params {
    const std::int32_t* const* ranks;  ///< [dims][n]
    int dims;
    int bits;
    std::int64_t n;
    std::uint64_t* codes;   ///< [n], written
    std::int32_t* samples;  ///< [n], written
  };

  template <class Block>
  FASTMI_HD static void run(Block& block, const Params& p) {
    block.each([&](int t, State&) {
      const std::int64_t i = block.index() * kThreads + t;
      if (i >= p.n) return;
      std::uint64_t code = 0;
      for (int bit = p.bits - 1; bit >= 0; --bit) {
        for (int j = 0; j < p.dims; ++j) {
          const std::uint64_t rank = static_cast<std::uint64_t>(p.ranks[j][i]);
          const std::uint64_t leading = (rank << p.bits) / static_cast<std::uint64_t>(p.n);
          code = code << 1 | (leading >> bit & 1);
        }
      }
      p.codes[i] = code;
      p.samples[i] = static_cast<std::int32_t>(i);
    });
  }
};

/// Coordinates in the order of the tree; batch: the dim.
template <class T>
struct GatherCoords {
  struct State {};
  struct Shared {};
  static constexpr int kThreads = 256;
  struct Params {
    const T* columns;  ///< [batch][stride]
    const std::int32_t* sample;
    std::int64_t n;
    std::int64_t stride;
    T scale;
    T* coords;  ///< [batch][stride], written
  };

  template <class Block>
  FASTMI_HD static void run(Block& block, const Params& p) {
    block.each([&](int t, State&) {
      const std::int64_t position = block.index() * kThreads + t;
      if (position >= p.n) return;
      p.coords[block.batch() * p.stride + position] =
          p.columns[block.batch() * p.stride + p.sample[position]] * p.scale;
    });
  }
};

/// Boxes of all nodes at one depth: of leaves from their samples, of other nodes from their
/// children.
template <class T>
struct NodeBoxes {
  struct State {};
  struct Shared {};
  static constexpr int kThreads = 256;
  struct Params {
    PointTree<T> tree;
    std::int64_t first;  ///< first node at this depth, and number of them
    T* boxes;
    std::int32_t* least;
  };

  template <class Block>
  FASTMI_HD static void run(Block& block, const Params& p) {
    block.each([&](int t, State&) {
      const std::int64_t at = block.index() * kThreads + t;
      if (at >= p.first) return;
      const PointTree<T>& tree = p.tree;
      const std::int64_t node = p.first + at;
      const bool leaf = p.first == tree.leaves;
      const std::int64_t begin = at * kLeaf;
      const std::int64_t end = smaller<std::int64_t>(tree.n, begin + kLeaf);
      T* low = p.boxes + node * 2 * tree.d;
      T* high = low + tree.d;
      for (int j = 0; j < tree.d; ++j) {
        T least = std::numeric_limits<T>::infinity();
        T most = -least;
        if (leaf) {
          for (std::int64_t position = begin; position < end; ++position) {
            least = smaller(least, tree.coord(j, position));
            most = larger(most, tree.coord(j, position));
          }
        } else {
          least = smaller(tree.lower(2 * node)[j], tree.lower(2 * node + 1)[j]);
          most = larger(tree.upper(2 * node)[j], tree.upper(2 * node + 1)[j]);
        }
        low[j] = least;
        high[j] = most;
      }
      std::int32_t first_sample = std::numeric_limits<std::int32_t>::max();
      if (leaf) {
        for (std::int64_t position = begin; position < end; ++position) {
          first_sample = smaller(first_sample, tree.sample[position]);
        }
      } else {
        first_sample = smaller(p.least[2 * node], p.least[2 * node + 1]);
      }
      p.least[node] = first_sample;
    });
  }
};

/// Owns what a PointTree points to.
template <class T, class Queue>
class PointTreeOf {
 public:
  /// A tree over the dims of `space`; ranks: those of every dim of the samples, null for dims
  /// outside `space`.
  PointTreeOf(Queue& queue, const Samples<T, Queue>& samples, const Space<T>& space,
              const std::vector<const std::int32_t*>& ranks)
      : sample_(ordered(queue, samples.n(), space, ranks)),
        coords_(queue, (space.end - space.begin) * samples.stride()),
        boxes_(queue, 4 * leaves(samples.n()) * (space.end - space.begin)),
        least_(queue, 2 * leaves(samples.n())),
        tree_{coords_.data(),
              sample_.data(),
              boxes_.data(),
              least_.data(),
              samples.closes() + space.begin,
              samples.stride(),
              static_cast<std::int32_t>(samples.n()),
              static_cast<std::int32_t>(leaves(samples.n())),
              space.end - space.begin} {
    queue.template launch<GatherCoords<T>>(ceil_div(tree_.n, GatherCoords<T>::kThreads), tree_.d,
                                           {samples.column(space.begin), sample_.data(), tree_.n,
                                            tree_.stride, space.scale, coords_.data()});
    for (std::int64_t first = tree_.leaves; first > 0; first /= 2) {
      queue.template launch<NodeBoxes<T>>(ceil_div(first, NodeBoxes<T>::kThreads), 1,
                                          {tree_, first, boxes_.data(), least_.data()});
    }
  }

  const PointTree<T>& tree() const { return tree_; }

 private:
  static std::int64_t leaves(std::int64_t n) {
    std::int64_t leaves = 1;
    while (leaves * kLeaf < n) leaves *= 2;
    return leaves;
  }

  static Scratch<std::int32_t, Queue> ordered(Queue& queue, std::int64_t n, const Space<T>& space,
                                              const std::vector<const std::int32_t*>& ranks) {
    constexpr int kMostBits = 62;
    const int dims = smaller(space.end - space.begin, kMostBits);
    // A few bits more than the leaves need: further ones would cost more passes of the sort than
    // they save.
    int needed = 8;
    while (std::int64_t{1} << (needed - 8) < n) ++needed;
    // A rank shifted by this many bits still fits 64.
    constexpr int kMostShift = 31;
    const int bits =
        std::min({static_cast<int>(ceil_div(needed, dims)), kMostBits / dims, kMostShift});
    const Scratch<const std::int32_t*, Queue> of_space(
        queue, std::vector<const std::int32_t*>(ranks.begin() + space.begin,
                                                ranks.begin() + space.begin + dims));
    Scratch<std::uint64_t, Queue> codes(queue, n);
    Scratch<std::int32_t, Queue> samples(queue, n);
    queue.template launch<MortonCodes>(
        ceil_div(n, MortonCodes::kThreads), 1,
        {of_space.data(), dims, bits, n, codes.data(), samples.data()});
    radix_sort(queue, codes, samples, n, bits * dims);
    return samples;
  }

  Scratch<std::int32_t, Queue> sample_;
  Scratch<T, Queue> coords_;
  Scratch<T, Queue> boxes_;
  Scratch<std::int32_t, Queue> least_;
  PointTree<T> tree_;
};

}  // namespace fastmi::cuda
