#pragma once

#include <cstdint>
#include <vector>

#include "cpu/block_triangle.h"
#include "cpu/buffer.h"
#include "cpu/gemm.h"
#include "cpu/kernels.h"

namespace fastmi::cpu {

/// The weights of one layer in the order in which the matrix kernels read them, with exp taken on
/// the diagonal blocks where those are positive. A panel is kTileRows rows wide and stored column
/// by column, [k][kTileRows], with zeros where the triangle has none.
template <class T>
class BnafWeights {
 public:
  /// `positive`: the diagonal blocks of `raw` are logarithms. `raw` is read by pack() only.
  BnafWeights(BlockTriangle shape, const T* raw, bool positive);

  /// The work of packing, in independent items; all of step 0 before any of step 1.
  static constexpr int kSteps = 2;
  std::int64_t items(int step) const;
  void pack(const Kernels<T>& kernels, int step, std::int64_t item);

  const BlockTriangle& shape() const { return shape_; }
  bool positive() const { return positive_; }

  /// Rows kTileRows p ... of the matrix, columns [0, depth(p)).
  const T* panel(std::int64_t p) const { return panels_.data() + panel_starts_[p]; }
  std::int64_t depth(std::int64_t p) const;
  std::int64_t panels() const { return static_cast<std::int64_t>(panel_starts_.size()); }

  /// Columns kTileRows p ... as rows of a panel of the transposed matrix, over the matrix's rows
  /// from first_row(p) to the last.
  const T* column_panel(std::int64_t p) const { return columns_.data() + column_starts_[p]; }
  std::int64_t first_row(std::int64_t p) const { return shape_.first_row(p * kTileRows); }
  std::int64_t column_panels() const { return static_cast<std::int64_t>(column_starts_.size()); }

  /// Diagonal block i, its rows scaled to a largest number near 1: panels of its rows, and of its
  /// columns.
  const T* slope_panel(std::int64_t i, std::int64_t p) const {
    return slopes_.data() + (i * slope_panels() + p) * kTileRows * shape_.a_in;
  }
  std::int64_t slope_panels() const { return (shape_.a_out + kTileRows - 1) / kTileRows; }
  const T* slope_column_panel(std::int64_t i, std::int64_t p) const {
    return slope_columns_.data() + (i * slope_column_panels() + p) * kTileRows * shape_.a_out;
  }
  std::int64_t slope_column_panels() const { return (shape_.a_in + kTileRows - 1) / kTileRows; }

  /// exp of row r of its diagonal block; the same scaled, and the exponents of the scales.
  const T* exp_row(std::int64_t r) const { return exps_.data() + r * shape_.a_in; }
  const T* scaled_row(std::int64_t r) const { return scaled_.data() + r * shape_.a_in; }
  const T* exponents() const { return exponents_.data(); }

 private:
  T at(std::int64_t r, std::int64_t k) const;
  void pack_panel(const Kernels<T>& kernels, std::int64_t p);
  void pack_column_panel(std::int64_t p);
  void pack_slopes(std::int64_t i);

  BlockTriangle shape_;
  const T* raw_;
  bool positive_;
  std::vector<std::int64_t> panel_starts_;
  std::vector<std::int64_t> column_starts_;
  Buffer<T> panels_;
  Buffer<T> columns_;
  Buffer<T> exps_;
  Buffer<T> scaled_;
  Buffer<T> exponents_;
  Buffer<T> slopes_;
  Buffer<T> slope_columns_;
};

}  // namespace fastmi::cpu
