#pragma once

#include <cstdint>
#include <vector>

#include "common/metric.h"
#include "common/points.h"
#include "cpu/buffer.h"
#include "cpu/parallel.h"

namespace fastmi::cpu {

/// Points per block: one AVX-512 register of quantised coordinates, 1-32 registers of floats.
inline constexpr int kBlock = 64;

/// From this many dims single pairs are compared row against row rather than lane by lane.
inline constexpr int kRowDims = 12;

/// Samples in blocks of 64, each block stored coordinate by coordinate, under a balanced tree of
/// bounding boxes. With `spatial` ordering the tree is a kd-tree whose leaves are the blocks (all
/// full but the last); otherwise blocks hold the samples in input order.
///
/// Nodes are stored in pre-order: node `i` over blocks [b, e) has its children at i + 1 over
/// [b, m) and at i + 2 (m - b) over [m, e), m = (b + e + 1) / 2; a subtree of s blocks has 2s - 1
/// nodes. Unused lanes of the last block hold +inf and index -1.
template <class T>
struct BlockTree {
  std::int64_t n = 0;
  int d = 0;
  int blocks = 0;
  /// Ends of the variables among the dims (kEuclidean only: Chebyshev needs a single end, d).
  std::vector<int> ends;
  /// Power of two applied to every coordinate (1 for Chebyshev), see build_block_tree.
  T scale = 1;

  Buffer<T> coords;                  ///< [blocks][d][kBlock]
  Buffer<std::int32_t> index;        ///< [blocks * kBlock], original sample or -1
  Buffer<T> lower, upper;            ///< [2 * blocks - 1][d], bounding boxes
  Buffer<std::int32_t> least_index;  ///< [2 * blocks - 1], smallest sample in each box

  // Filled by quantise, empty otherwise.
  Buffer<std::uint8_t> bytes;            ///< [blocks][d][kBlock], 8-bit coordinates
  std::vector<std::uint64_t> unclipped;  ///< [blocks], lanes with no saturated coordinate
  T inverse_step = 0;                    ///< levels per unit of the 8-bit coordinates
  std::vector<T> rows;                   ///< [blocks * kBlock][row_size], when d >= kRowDims
  int row_size = 0;                      ///< d rounded up to whole vectors, the rest zero

  const T* block_coords(int block) const {
    return coords.data() + static_cast<std::int64_t>(block) * d * kBlock;
  }
  const std::uint8_t* block_bytes(int block) const {
    return bytes.empty() ? nullptr : bytes.data() + static_cast<std::int64_t>(block) * d * kBlock;
  }
  const std::int32_t* block_index(int block) const {
    return index.data() + static_cast<std::int64_t>(block) * kBlock;
  }
  const T* row(int block, int lane) const {
    return rows.data() + (static_cast<std::int64_t>(block) * kBlock + lane) * row_size;
  }
  int block_size(int block) const {
    const std::int64_t left = n - static_cast<std::int64_t>(block) * kBlock;
    return left < kBlock ? static_cast<int>(left) : kBlock;
  }
};

/// O(n log n) (spatial) or O(n) time; n d sizeof(T) bytes plus 1/32 of that for the boxes.
///
/// Euclidean coordinates are multiplied by a power of two that takes the widest column near the
/// largest number whose square can be summed: no square overflows, and distances down to 1e-37
/// (float32) or 1e-300 (float64) of that width keep theirs. The product is exact outside the
/// subnormal numbers, and distances are divided by it again. Throws std::invalid_argument where
/// an outlier takes even that room.
template <class T>
BlockTree<T> build_block_tree(const Blocks<T>& blocks, Metric metric, bool spatial,
                              const Execution& execution);

/// Add 8-bit coordinates for the kernels' prefilter, made for distances of about `radius`: steps
/// of a common size around each dim's median, saturating at both ends. Rounding down changes a gap
/// between two coordinates by less than one step and saturating only shrinks it, so the filter
/// never drops a true neighbour. Does nothing when radius is 0.
template <class T>
void quantise(BlockTree<T>& tree, T radius, const Execution& execution);

}  // namespace fastmi::cpu
