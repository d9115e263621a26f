// The operands of a flow's matrix products, see add_product.
#pragma once

#include <iterator>

#include "cuda/bnaf_math.h"
#include "cuda/bnaf_tile.h"

namespace fastmi::cuda {

/// Rows first, first + 1, ... of a matrix as an operand of add_product.
template <class T>
struct WeightRows {
  static constexpr bool kAlongK = true;
  const Triangle<T>& weights;
  int first;

  template <class Shared>
  FASTMI_HD void prepare(int t, int step, int, int, Shared& shared) const {
    if (step > 0) return;
    for (int row = t; row < static_cast<int>(std::size(shared.steps.places[0])); row += 256) {
      shared.steps.places[0][row] = weights.place(first + row);
    }
  }
  template <class Share, class Shared>
  FASTMI_HD void bring(const Share& share, int, int from, int, const Shared& shared, T* to) const {
    const int k = from + share.k;
    FASTMI_UNROLL
    for (int i = 0; i < Share::kNumbers; ++i) {
      const RowPlace place = shared.steps.places[0][share.row + i * Share::kRowStep];
      to[i] = k < place.length ? weights.raw[place.start + k] : T(0);
    }
  }
  template <class Share, class Shared>
  FASTMI_HD void finish(const Share& share, int, int from, const Shared& shared, T* numbers) const {
    const int k = from + share.k;
    // Most steps lie before all diagonal blocks.
    const int diagonal = shared.steps.places[0][0].length - weights.a_in;
    if (!weights.positive || from + Share::kDepth <= diagonal) return;
    FASTMI_UNROLL
    for (int i = 0; i < Share::kNumbers; ++i) {
      const int length = shared.steps.places[0][share.row + i * Share::kRowStep].length;
      if (k < length && k >= length - weights.a_in) numbers[i] = std::exp(numbers[i]);
    }
  }
};

/// Columns first, first + 1, ... of a matrix; k are its rows.
template <class T>
struct WeightColumns {
  static constexpr bool kAlongK = false;
  const Triangle<T>& weights;
  int first;

  template <class Shared>
  FASTMI_HD void prepare(int t, int step, int from, int end, Shared& shared) const {
    if (t >= static_cast<int>(std::size(shared.steps.a))) return;
    shared.steps.places[step % 2][t] = from + t < end ? weights.place(from + t) : RowPlace{0, 0};
  }
  template <class Share, class Shared>
  FASTMI_HD void bring(const Share& share, int step, int, int, const Shared& shared, T* to) const {
    const int column = first + share.row;
    FASTMI_UNROLL
    for (int i = 0; i < Share::kNumbers; ++i) {
      const RowPlace place = shared.steps.places[step % 2][share.k + i * Share::kStep];
      to[i] = column < place.length ? weights.raw[place.start + column] : T(0);
    }
  }
  template <class Share, class Shared>
  FASTMI_HD void finish(const Share& share, int step, int, const Shared& shared, T* numbers) const {
    const int column = first + share.row;
    // Most steps lie before all diagonal blocks.
    const int diagonal = shared.steps.places[step % 2][0].length - weights.a_in;
    if (!weights.positive || first + Share::kSize <= diagonal) return;
    FASTMI_UNROLL
    for (int i = 0; i < Share::kNumbers; ++i) {
      const int length = shared.steps.places[step % 2][share.k + i * Share::kStep].length;
      if (column < length && column >= length - weights.a_in) numbers[i] = std::exp(numbers[i]);
    }
  }
};

/// An operand that is read as it is.
template <class T>
struct PlainOperand {
  template <class Shared>
  FASTMI_HD static void prepare(int, int, int, int, Shared&) {}
  template <class Share, class Shared>
  FASTMI_HD static void finish(const Share&, int, int, const Shared&, T*) {}
};

/// Slots first, first + 1, ...; k are units.
template <class T>
struct SlotColumns : PlainOperand<T> {
  static constexpr bool kAlongK = false;
  const Units<T>& units;
  int first;

  FASTMI_HD SlotColumns(const Units<T>& of, int from) : units(of), first(from) {}
  template <class Share, class Shared>
  FASTMI_HD void bring(const Share& share, int, int from, int end, const Shared&, T* to) const {
    const int sample = units.slots.sample(first + share.row);
    const int k = from + share.k;
    std::int64_t at = units.offset(k, sample);
    const std::int64_t step = std::int64_t{Share::kStep} * units.unit_step;
    FASTMI_UNROLL
    for (int i = 0; i < Share::kNumbers; ++i, at += step) {
      to[i] = sample >= 0 && k + i * Share::kStep < end ? units.data[at] : T(0);
    }
  }
};

/// Units first ... behind - 1; k are their slots.
template <class T>
struct UnitRows : PlainOperand<T> {
  static constexpr bool kAlongK = true;
  const Units<T>& units;
  int first;
  int behind;

  FASTMI_HD UnitRows(const Units<T>& of, int from, int to) : units(of), first(from), behind(to) {}
  template <class Share, class Shared>
  FASTMI_HD void bring(const Share& share, int, int from, int end, const Shared&, T* to) const {
    const int slot = from + share.k;
    const int sample = slot < end ? units.slots.sample(slot) : -1;
    const int unit = first + share.row;
    std::int64_t at = units.offset(unit, sample);
    const std::int64_t step = std::int64_t{Share::kRowStep} * units.unit_step;
    FASTMI_UNROLL
    for (int i = 0; i < Share::kNumbers; ++i, at += step) {
      const bool there = sample >= 0 && unit + i * Share::kRowStep < behind;
      to[i] = there && units.data == nullptr ? T(1) : T(0);
      if (there && units.data != nullptr) to[i] = units.data[at];
    }
  }
};

/// The units of a matrix's rows, times a number per block of rows.
template <class T>
struct ScaledUnitRows : PlainOperand<T> {
  static constexpr bool kAlongK = true;
  const Triangle<T>& weights;
  const Units<T>& units;
  const Units<T>& of_block;
  int first;

  FASTMI_HD ScaledUnitRows(const Triangle<T>& matrix, const Units<T>& of, const Units<T>& scale,
                           int from)
      : weights(matrix), units(of), of_block(scale), first(from) {}
  template <class Share, class Shared>
  FASTMI_HD void bring(const Share& share, int, int from, int end, const Shared&, T* to) const {
    const int slot = from + share.k;
    FASTMI_UNROLL
    for (int i = 0; i < Share::kNumbers; ++i) {
      const int unit = first + share.row + i * Share::kRowStep;
      const bool there = slot < end && unit < weights.rows();
      to[i] = there ? units.at(unit, slot) * of_block.at(weights.block_of_row(unit), slot) : T(0);
    }
  }
};

}  // namespace fastmi::cuda
