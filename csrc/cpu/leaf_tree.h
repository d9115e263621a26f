#pragma once

#include <cstdint>
#include <vector>

#include "common/metric.h"
#include "common/points.h"
#include "cpu/buffer.h"
#include "cpu/parallel.h"

namespace fastmi::cpu {

/// Samples per leaf: their 8-bit coordinates in one dim fill one AVX-512 register.
inline constexpr int kLeaf = 64;

/// From this many dims single pairs are compared row against row rather than lane by lane.
inline constexpr int kRowDims = 12;

/// A balanced tree of bounding boxes over leaves of 64 samples, each leaf stored coordinate by
/// coordinate. With `spatial` ordering it is a kd-tree; otherwise the leaves hold the samples in
/// input order. All leaves but the last are full.
///
/// Nodes are stored in pre-order: node `i` over leaves [b, e) has its children at i + 1 over
/// [b, m) and at i + 2 (m - b) over [m, e), m = (b + e + 1) / 2; a subtree of s leaves has 2s - 1
/// nodes. Unused lanes of the last leaf hold +inf and index -1.
template <class T>
struct LeafTree {
  std::int64_t n = 0;
  int d = 0;
  int leaves = 0;
  /// Ends of the variables among the dims (kEuclidean only: Chebyshev needs a single end, d).
  std::vector<int> ends;
  /// Power of two applied to every coordinate (1 for Chebyshev), see build_leaf_tree.
  T scale = 1;

  Buffer<T> coords;                  ///< [leaves][d][kLeaf]
  Buffer<std::int32_t> index;        ///< [leaves * kLeaf], original sample or -1
  Buffer<T> lower, upper;            ///< [2 * leaves - 1][d], bounding boxes
  Buffer<std::int32_t> least_index;  ///< [2 * leaves - 1], smallest sample in each box

  // Filled by quantise, empty otherwise.
  Buffer<std::uint8_t> bytes;            ///< [leaves][d][kLeaf], 8-bit coordinates
  std::vector<std::uint64_t> unclipped;  ///< [leaves], lanes with no saturated coordinate
  T inverse_step = 0;                    ///< steps per unit of the 8-bit coordinates
  std::vector<T> rows;                   ///< [leaves * kLeaf][row_size], when d >= kRowDims
  int row_size = 0;                      ///< d rounded up to whole vectors, the rest zero

  const T* leaf_coords(int leaf) const {
    return coords.data() + static_cast<std::int64_t>(leaf) * d * kLeaf;
  }
  const std::uint8_t* leaf_bytes(int leaf) const {
    return bytes.empty() ? nullptr : bytes.data() + static_cast<std::int64_t>(leaf) * d * kLeaf;
  }
  const std::int32_t* leaf_index(int leaf) const {
    return index.data() + static_cast<std::int64_t>(leaf) * kLeaf;
  }
  const T* row(int leaf, int lane) const {
    return rows.data() + (static_cast<std::int64_t>(leaf) * kLeaf + lane) * row_size;
  }
  int leaf_size(int leaf) const {
    const std::int64_t left = n - static_cast<std::int64_t>(leaf) * kLeaf;
    return left < kLeaf ? static_cast<int>(left) : kLeaf;
  }
};

/// O(n log n) (spatial) or O(n) time; n d sizeof(T) bytes plus 1/32 of that for the boxes.
///
/// Euclidean coordinates are multiplied by a power of two that takes the widest column near the
/// largest number whose square can be summed: no square overflows, and gaps down to 2e-37 sqrt(d)
/// (float32) or 4e-307 sqrt(d) (float64) times that width have normal squares. Scaling is exact
/// where it leaves normal numbers. Throws std::invalid_argument if an outlier is so far out that
/// other distances would underflow.
template <class T>
LeafTree<T> build_leaf_tree(const Blocks<T>& blocks, Metric metric, bool spatial,
                            const Execution& execution);

/// The scale of the tree of these blocks.
template <class T>
T tree_scale(const Blocks<T>& blocks, Metric metric);

/// Adds 8-bit coordinates for the kernels' prefilter, made for distances of about `radius`: steps
/// of a common size around each dim's median, saturating at both ends. Rounding down changes a gap
/// between two coordinates by less than one step and saturating only shrinks it, so the filter
/// never drops a true neighbour. Does nothing when radius is 0.
template <class T>
void quantise(LeafTree<T>& tree, T radius, const Execution& execution);

}  // namespace fastmi::cpu
