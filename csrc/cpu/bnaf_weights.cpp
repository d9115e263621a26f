#include "cpu/bnaf_weights.h"

#include <algorithm>

namespace fastmi::cpu {
namespace {

template <class T>
constexpr T kZeros[kTileRows] = {};

/// out = (the panels, all of one depth) in.
template <class T>
void multiply_panels(const Kernels<T>& kernels, const T* panel, std::int64_t panels,
                     std::int64_t depth, int vectors, const T* in, T* out) {
  const std::int64_t width = static_cast<std::int64_t>(vectors) * kernels.lanes;
  for (std::int64_t p = 0; p < panels; ++p) {
    kernels.multiply_tile(nullptr, 0, panel + p * kTileRows * depth, depth, in, vectors, kZeros<T>,
                          out + p * kTileRows * width);
  }
}

}  // namespace

template <class T>
BnafWeights<T>::BnafWeights(BlockTriangle shape, const T* raw, bool positive)
    : shape_(shape), raw_(raw), positive_(positive) {
  rows_.reserve(shape.rows());
  std::int64_t offset = 0;
  for (std::int64_t i = 0; i < shape.blocks; ++i) {
    const std::int64_t length = (i + 1) * shape.a_in;
    for (std::int64_t p = 0; p < shape.a_out; ++p, offset += length) {
      rows_.push_back({offset, positive ? length - shape.a_in : length, length});
    }
  }
  std::int64_t size = 0;
  for (std::int64_t p = 0; p < panels(); ++p) {
    panel_starts_.push_back(size);
    size += kTileRows * (depth(p) - common(p));
  }
  panels_.resize(size);
  size = 0;
  for (std::int64_t k = 0; k < shape.columns(); k += kTileRows) {
    ColumnPanel panel{size, shape.first_row(k), shape.rows(), {}};
    // Reading beyond the last column would run into the next row, and out of the array in the last.
    const std::int64_t last = k + kTileRows - 1;
    if (last < shape.columns()) panel.packed = positive ? shape.first_row(last) + shape.a_out : 0;
    if (panel.packed < shape.rows()) {
      const Row& row = rows_[panel.packed];
      panel.rest = {raw + row.offset + k, shape.blocks - panel.packed / shape.a_out, shape.a_out,
                    row.length, shape.a_in};
    }
    size += kTileRows * (panel.packed - panel.first);
    column_panels_.push_back(panel);
  }
  columns_.resize(size);
  if (!positive) return;
  exps_.resize(shape.rows() * shape.a_in);
  scaled_.resize(shape.rows() * shape.a_in);
  exponents_.resize(shape.blocks);
  slopes_.resize(shape.blocks * slope_panels() * kTileRows * shape.a_in);
  slope_columns_.resize(shape.blocks * slope_column_panels() * kTileRows * shape.a_out);
}

template <class T>
std::int64_t BnafWeights<T>::items(int step, bool backward) const {
  const std::int64_t blocks = positive_ ? shape_.blocks : 0;
  if (step == 0) return blocks;
  return blocks + (positive_ ? panels() : 0) +
         (backward ? static_cast<std::int64_t>(column_panels_.size()) : 0);
}

template <class T>
void BnafWeights<T>::pack(const Kernels<T>& kernels, int step, std::int64_t item) {
  if (step == 0) return take_exp(kernels, item);
  if (positive_) {
    if (item < shape_.blocks) return pack_slopes(item);
    item -= shape_.blocks;
    if (item < panels()) return pack_panel(item);
    item -= panels();
  }
  pack_column_panel(item);
}

template <class T>
void BnafWeights<T>::multiply(const Kernels<T>& kernels, int vectors, const T* start, const T* in,
                              T* out) const {
  const std::int64_t width = static_cast<std::int64_t>(vectors) * kernels.lanes;
  for (std::int64_t p = 0; p < panels(); ++p) {
    const T* rows[kTileRows];
    for (std::int64_t r = 0; r < kTileRows; ++r) {
      // Rows behind the last are computed, from the last, and ignored.
      rows[r] = raw_ + rows_[std::min(p * kTileRows + r, shape_.rows() - 1)].offset;
    }
    kernels.multiply_tile(rows, common(p), panels_.data() + panel_starts_[p], depth(p) - common(p),
                          in, vectors, start == nullptr ? nullptr : start + p * kTileRows,
                          out + p * kTileRows * width);
  }
}

template <class T>
void BnafWeights<T>::multiply_transposed(const Kernels<T>& kernels, int vectors, bool add,
                                         const T* in, T* out) const {
  const std::int64_t width = static_cast<std::int64_t>(vectors) * kernels.lanes;
  for (const ColumnPanel& panel : column_panels_) {
    kernels.multiply_columns(columns_.data() + panel.start, panel.packed - panel.first, panel.rest,
                             in + panel.first * width, vectors, add, out);
    out += kTileRows * width;
  }
}

template <class T>
void BnafWeights<T>::multiply_slopes(const Kernels<T>& kernels, int vectors, std::int64_t i,
                                     const T* in, T* out) const {
  const T* panel = slopes_.data() + i * slope_panels() * kTileRows * shape_.a_in;
  multiply_panels(kernels, panel, slope_panels(), shape_.a_in, vectors, in, out);
}

template <class T>
void BnafWeights<T>::multiply_slopes_transposed(const Kernels<T>& kernels, int vectors,
                                                std::int64_t i, const T* in, T* out) const {
  const T* panel = slope_columns_.data() + i * slope_column_panels() * kTileRows * shape_.a_out;
  multiply_panels(kernels, panel, slope_column_panels(), shape_.a_out, vectors, in, out);
}

template <class T>
T BnafWeights<T>::at(std::int64_t r, std::int64_t k) const {
  if (r >= shape_.rows() || k >= rows_[r].length) return T(0);
  if (k >= rows_[r].diagonal) return exp_row(r)[k - rows_[r].diagonal];
  return raw_[rows_[r].offset + k];
}

template <class T>
void BnafWeights<T>::take_exp(const Kernels<T>& kernels, std::int64_t i) {
  const std::int64_t size = shape_.a_out * shape_.a_in;
  T* block = exps_.data() + i * size;
  for (std::int64_t p = 0; p < shape_.a_out; ++p) {
    const Row& row = rows_[i * shape_.a_out + p];
    std::copy_n(raw_ + row.offset + row.diagonal, shape_.a_in, block + p * shape_.a_in);
  }
  kernels.exp_block(size, block, scaled_.data() + i * size, &exponents_[i]);
}

template <class T>
void BnafWeights<T>::pack_panel(std::int64_t p) {
  const std::int64_t first = p * kTileRows;
  T* to = panels_.data() + panel_starts_[p];
  for (std::int64_t k = common(p); k < depth(p); ++k) {
    for (int r = 0; r < kTileRows; ++r) *to++ = at(first + r, k);
  }
}

template <class T>
void BnafWeights<T>::pack_column_panel(std::int64_t p) {
  T* to = columns_.data() + column_panels_[p].start;
  for (std::int64_t r = column_panels_[p].first; r < column_panels_[p].packed; ++r) {
    for (int k = 0; k < kTileRows; ++k) *to++ = at(r, p * kTileRows + k);
  }
}

template <class T>
void BnafWeights<T>::pack_slopes(std::int64_t i) {
  const auto value = [&](std::int64_t p, std::int64_t q) {
    return p < shape_.a_out && q < shape_.a_in ? scaled_row(i * shape_.a_out + p)[q] : T(0);
  };
  T* to = slopes_.data() + i * slope_panels() * kTileRows * shape_.a_in;
  for (std::int64_t p = 0; p < shape_.a_out; p += kTileRows) {
    for (std::int64_t q = 0; q < shape_.a_in; ++q) {
      for (int r = 0; r < kTileRows; ++r) *to++ = value(p + r, q);
    }
  }
  to = slope_columns_.data() + i * slope_column_panels() * kTileRows * shape_.a_out;
  for (std::int64_t q = 0; q < shape_.a_in; q += kTileRows) {
    for (std::int64_t p = 0; p < shape_.a_out; ++p) {
      for (int r = 0; r < kTileRows; ++r) *to++ = value(p, q + r);
    }
  }
}

template class BnafWeights<float>;
template class BnafWeights<double>;

}  // namespace fastmi::cpu
