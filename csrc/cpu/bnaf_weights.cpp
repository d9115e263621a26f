#include "cpu/bnaf_weights.h"

#include <algorithm>

namespace fastmi::cpu {

template <class T>
BnafWeights<T>::BnafWeights(BlockTriangle shape, const T* raw, bool positive)
    : shape_(shape), raw_(raw), positive_(positive) {
  std::int64_t size = 0;
  for (std::int64_t r = 0; r < shape.rows(); r += kTileRows) {
    panel_starts_.push_back(size);
    size += kTileRows * depth(r / kTileRows);
  }
  panels_.resize(size);
  size = 0;
  for (std::int64_t k = 0; k < shape.columns(); k += kTileRows) {
    column_starts_.push_back(size);
    size += kTileRows * (shape.rows() - shape.first_row(k));
  }
  columns_.resize(size);
  if (!positive) return;
  exps_.resize(shape.rows() * shape.a_in);
  scaled_.resize(shape.rows() * shape.a_in);
  exponents_.resize(shape.rows());
  slopes_.resize(shape.blocks * slope_panels() * kTileRows * shape.a_in);
  slope_columns_.resize(shape.blocks * slope_column_panels() * kTileRows * shape.a_out);
}

template <class T>
std::int64_t BnafWeights<T>::depth(std::int64_t p) const {
  return shape_.row_length(std::min(shape_.rows(), (p + 1) * kTileRows) - 1);
}

template <class T>
std::int64_t BnafWeights<T>::items(int step) const {
  if (step == 0) return panels();
  return column_panels() + (positive_ ? shape_.blocks : 0);
}

template <class T>
void BnafWeights<T>::pack(const Kernels<T>& kernels, int step, std::int64_t item) {
  if (step == 0) {
    pack_panel(kernels, item);
  } else if (item < column_panels()) {
    pack_column_panel(item);
  } else {
    pack_slopes(item - column_panels());
  }
}

template <class T>
T BnafWeights<T>::at(std::int64_t r, std::int64_t k) const {
  if (r >= shape_.rows() || k >= shape_.row_length(r)) return T(0);
  const std::int64_t diagonal = shape_.diagonal(r);
  if (positive_ && k >= diagonal) return exp_row(r)[k - diagonal];
  return raw_[shape_.row_offset(r) + k];
}

template <class T>
void BnafWeights<T>::pack_panel(const Kernels<T>& kernels, std::int64_t p) {
  const std::int64_t first = p * kTileRows;
  const std::int64_t rows = std::min<std::int64_t>(kTileRows, shape_.rows() - first);
  if (positive_) {
    for (std::int64_t r = first; r < first + rows; ++r) {
      kernels.exp_row(raw_ + shape_.row_offset(r) + shape_.diagonal(r), shape_.a_in,
                      exps_.data() + r * shape_.a_in, scaled_.data() + r * shape_.a_in,
                      &exponents_[r]);
    }
  }
  T* to = panels_.data() + panel_starts_[p];
  std::int64_t k = 0;
  if (rows == kTileRows) {
    const T* from[kTileRows];
    for (int r = 0; r < kTileRows; ++r) from[r] = raw_ + shape_.row_offset(first + r);
    const std::int64_t common = positive_ ? shape_.diagonal(first) : shape_.row_length(first);
    for (; k < common; ++k) {
      for (int r = 0; r < kTileRows; ++r) *to++ = from[r][k];
    }
  }
  for (; k < depth(p); ++k) {
    for (int r = 0; r < kTileRows; ++r) *to++ = at(first + r, k);
  }
}

template <class T>
void BnafWeights<T>::pack_column_panel(std::int64_t p) {
  const std::int64_t first = p * kTileRows;
  const std::int64_t last = std::min<std::int64_t>(first + kTileRows, shape_.columns()) - 1;
  T* to = columns_.data() + column_starts_[p];
  // Rows from here on have all of the columns, and below their diagonal block.
  const std::int64_t full = last < first + kTileRows - 1
                                ? shape_.rows()
                                : shape_.first_row(last) + (positive_ ? shape_.a_out : 0);
  std::int64_t r = first_row(p);
  for (; r < full; ++r) {
    for (std::int64_t k = first; k < first + kTileRows; ++k) *to++ = at(r, k);
  }
  for (; r < shape_.rows(); ++r) {
    const T* from = raw_ + shape_.row_offset(r) + first;
    for (int k = 0; k < kTileRows; ++k) *to++ = from[k];
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
