#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "cpu/block_triangle.h"
#include "cpu/buffer.h"
#include "cpu/gemm.h"
#include "cpu/kernels.h"

namespace fastmi::cpu {

/// The weights of one layer as the matrix kernels read them, with exp taken on the diagonal blocks
/// where those are positive. A panel is kTileRows rows wide and stored column by column,
/// [k][kTileRows], with zeros where the triangle has none.
template <class T>
class BnafWeights {
 public:
  /// `positive`: the diagonal blocks of `raw` are logarithms. `raw` must outlive this and stay as
  /// it is.
  BnafWeights(BlockTriangle shape, const T* raw, bool positive);

  /// Packing is divided into independent items, in two phases: all items of step 0 come before any
  /// of step 1. Without `backward`, what only the backward pass needs is left out.
  static constexpr int kSteps = 2;
  std::int64_t items(int step, bool backward) const;
  void pack(const Kernels<T>& kernels, int step, std::int64_t item);

  /// out = start + W in on one tile of samples; adds to `out` where start is null. `start` is
  /// padded to whole panels, and so are the rows of `out`.
  void multiply(const Kernels<T>& kernels, int vectors, const T* start, const T* in, T* out) const;
  /// out = W^T in; with `add`, out += W^T in.
  void multiply_transposed(const Kernels<T>& kernels, int vectors, bool add, const T* in,
                           T* out) const;

  /// Products with diagonal block i, scaled by 2^-exponent(i) to a largest number near 1; `in` and
  /// `out` start at the block's rows. Up to kTileRows - 1 rows behind those of `out` are
  /// overwritten.
  void multiply_slopes(const Kernels<T>& kernels, int vectors, std::int64_t i, const T* in,
                       T* out) const;
  void multiply_slopes_transposed(const Kernels<T>& kernels, int vectors, std::int64_t i,
                                  const T* in, T* out) const;

  const BlockTriangle& shape() const { return shape_; }

  std::int64_t panels() const { return (shape_.rows() + kTileRows - 1) / kTileRows; }
  /// Columns that panel p of rows has.
  std::int64_t depth(std::int64_t p) const {
    return rows_[std::min(shape_.rows(), (p + 1) * kTileRows) - 1].length;
  }

  /// One row of the matrix: where it starts in the storage, its diagonal block's first column (the
  /// length where diagonal blocks are not positive), its length.
  struct Row {
    std::int64_t offset;
    std::int64_t diagonal;
    std::int64_t length;
  };
  const Row& row(std::int64_t r) const { return rows_[r]; }

  /// exp of row r of its diagonal block; the same scaled by 2^-exponent of the block.
  const T* exp_row(std::int64_t r) const { return exps_.data() + r * shape_.a_in; }
  const T* scaled_row(std::int64_t r) const { return scaled_.data() + r * shape_.a_in; }
  T exponent(std::int64_t i) const { return exponents_[i]; }

 private:
  /// A panel of kTileRows columns. Its rows [first, packed) are packed at `start`. In the rows
  /// behind, all these columns lie left of the diagonal blocks and are read where they are.
  struct ColumnPanel {
    std::int64_t start;
    std::int64_t first;
    std::int64_t packed;
    ColumnsOf<T> rest;
  };

  T at(std::int64_t r, std::int64_t k) const;
  /// Number of columns of panel p that lie left of the diagonal blocks in all its rows.
  std::int64_t common(std::int64_t p) const { return rows_[p * kTileRows].diagonal; }
  std::int64_t slope_panels() const { return (shape_.a_out + kTileRows - 1) / kTileRows; }
  std::int64_t slope_column_panels() const { return (shape_.a_in + kTileRows - 1) / kTileRows; }
  void take_exp(const Kernels<T>& kernels, std::int64_t i);
  void pack_panel(std::int64_t p);
  void pack_column_panel(std::int64_t p);
  void pack_slopes(std::int64_t i);

  BlockTriangle shape_;
  const T* raw_;
  bool positive_;
  std::vector<Row> rows_;
  std::vector<std::int64_t> panel_starts_;
  std::vector<ColumnPanel> column_panels_;
  Buffer<T> panels_;   ///< columns from common(p) on
  Buffer<T> columns_;  ///< packed rows of the column panels
  Buffer<T> exps_;
  Buffer<T> scaled_;
  Buffer<T> exponents_;
  Buffer<T> slopes_;         ///< scaled diagonal blocks, each in panels of its rows
  Buffer<T> slope_columns_;  ///< the same blocks in panels of their columns
};

}  // namespace fastmi::cpu
