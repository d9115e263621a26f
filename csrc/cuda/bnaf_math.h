// Numbers with an exponent of their own, and where a flow's numbers lie in memory.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <type_traits>

#include "common/portable.h"

namespace fastmi::cuda {

template <class T>
struct BnafFormat;
template <>
struct BnafFormat<float> {
  using Bits = std::int32_t;
  static constexpr int kMantissaBits = 23;
  static constexpr int kBias = 127;
  static constexpr float kLn2High = 0x1.62e4p-1F;
  static constexpr float kLn2Low = 0x1.7f7d1cp-20F;
  /// Numbers below 2^-kKept times the largest of their block are raised to that, so that no sum is
  /// zero.
  static constexpr float kKept = 100;
};
template <>
struct BnafFormat<double> {
  using Bits = std::int64_t;
  static constexpr int kMantissaBits = 52;
  static constexpr int kBias = 1023;
  static constexpr double kLn2High = 0x1.62e42fefa38p-1;
  static constexpr double kLn2Low = 0x1.ef35793c7673p-45;
  static constexpr double kKept = 1000;
};

/// Logarithms are clamped to this size: beyond it even sums of exponents are out of range.
inline constexpr int kFarthest = 65536;

/// 2^n for whole n, or the smallest normal number if that is larger.
template <class T>
FASTMI_HD T power_of_two(T n) {
  using F = BnafFormat<T>;
  using Bits = typename F::Bits;
  const T least = 1 - F::kBias;
  const auto whole = static_cast<Bits>(n < least ? least : n);
  return std::bit_cast<T>((whole + F::kBias) << F::kMantissaBits);
}

/// The exponent of a positive normal number, as a floating-point number.
template <class T>
FASTMI_HD T exponent_of(T v) {
  using F = BnafFormat<T>;
  using Bits = typename F::Bits;
  return static_cast<T>((std::bit_cast<Bits>(v) >> F::kMantissaBits) - F::kBias);
}

/// exp(x) = part 2^n with n whole and part in [0.7, 1.42).
template <class T>
struct SplitExp {
  T part;
  T n;
};

/// Splits exp(x), with x clamped to +-kFarthest; NaN stays.
template <class T>
FASTMI_HD SplitExp<T> split_exp(T x) {
  using F = BnafFormat<T>;
  const T far = kFarthest;
  if (x > far) x = far;
  if (x < -far) x = -far;
  const T n = std::rint(x * T(1.4426950408889634));
  T r = std::fma(-n, F::kLn2High, x);
  r = std::fma(-n, F::kLn2Low, r);
  return {std::exp(r), n};
}

/// exp(x) * 2^-exponent, but about 2^-kKept at least.
template <class T>
FASTMI_HD T scaled_exp(T x, T exponent) {
  const SplitExp<T> e = split_exp(x);
  const T n = e.n - exponent;
  return e.part * power_of_two(n < -BnafFormat<T>::kKept ? -BnafFormat<T>::kKept : n);
}

/// tanh(u), and its slope sech^2(u) = part * 2^n with full relative precision. `sech2` is the same
/// number in T, which cannot fall below the smallest normal number.
template <class T>
struct SplitTanh {
  T tanh;
  T part;
  T n;
  T sech2;
};

template <class T>
FASTMI_HD SplitTanh<T> split_tanh(T u) {
  // With e = exp(-2 |u|): sech^2 = 4 e / (1 + e)^2.
  const SplitExp<T> e = split_exp(T(-2) * std::fabs(u));
  const T scale = power_of_two(e.n);
  const T above_one = T(1) + e.part * scale;
  const T part = T(4) * e.part / (above_one * above_one);
  return {std::tanh(u), part, e.n, part * scale};
}

/// Samples stand in slots, which fill whole tiles. First come the samples that have a y, then, from
/// the next tile on, the others, so that no tile holds both kinds.
struct Slots {
  int conditioned;
  int conditioned_slots;
  int n;
  int count;

  /// The sample of a slot, -1 where there is none.
  FASTMI_HD int sample(int slot) const {
    if (slot < conditioned_slots) return slot < conditioned ? slot : -1;
    const int sample = slot - conditioned_slots + conditioned;
    return sample < n ? sample : -1;
  }
};

/// A number for every unit and slot: in an array [units][slots] of the workspace, or [samples,
/// units] of the caller; null data stands for ones.
template <class T>
struct Units {
  const T* data = nullptr;
  int unit_step = 0;
  int slot_step = 0;
  Slots slots{};

  static Units own(const T* data, int slots) {
    return {data, slots, 1, {slots, slots, slots, slots}};
  }
  static Units callers(const T* data, std::int64_t units, const Slots& slots) {
    return {data, 1, static_cast<int>(units), slots};
  }
  FASTMI_HD std::int64_t offset(int unit, int sample) const {
    return static_cast<std::int64_t>(unit) * unit_step +
           static_cast<std::int64_t>(sample) * slot_step;
  }
  FASTMI_HD T at(int unit, int slot) const {
    if (data == nullptr) return T(1);
    const int sample = slots.sample(slot);
    return sample < 0 ? T(0) : data[offset(unit, sample)];
  }
};

/// A row of packed weights: its first number and how many it has.
struct RowPlace {
  std::uint32_t start;
  int length;
};

/// Weights as fastmi.ops.block_triangle packs them. If `positive`, the diagonal blocks are
/// logarithms. A dense matrix is a single block.
template <class T>
struct Triangle {
  const T* raw = nullptr;
  int blocks = 0;
  int a_out = 0;
  int a_in = 0;
  bool positive = false;
  float one_by_out = 0;
  float one_by_in = 0;

  Triangle() = default;
  Triangle(const T* numbers, std::int64_t of_blocks, int out, int in, bool is_positive)
      : raw(numbers),
        blocks(static_cast<int>(of_blocks)),
        a_out(out),
        a_in(in),
        positive(is_positive),
        one_by_out(1.0F / static_cast<float>(out)),
        one_by_in(1.0F / static_cast<float>(in)) {}

  FASTMI_HD int rows() const { return blocks * a_out; }
  FASTMI_HD int columns() const { return blocks * a_in; }
  /// Exact below 2^21 rows, where the rounding error of the product is less than its distance to a
  /// whole number.
  FASTMI_HD int block_of_row(int row) const {
    return static_cast<int>((static_cast<float>(row) + 0.5F) * one_by_out);
  }
  FASTMI_HD int block_of_column(int column) const {
    return static_cast<int>((static_cast<float>(column) + 0.5F) * one_by_in);
  }
  FASTMI_HD int length(int block) const { return (block + 1) * a_in; }
  /// Where a row of this block starts.
  FASTMI_HD std::uint32_t start(int row, int block) const {
    return static_cast<std::uint32_t>(length(block)) *
           static_cast<std::uint32_t>(2 * row - block * a_out) / 2;
  }
  /// The place of a row; rows behind the last have length 0.
  FASTMI_HD RowPlace place(int row) const {
    if (row >= rows()) return {0, 0};
    const int block = block_of_row(row);
    return {start(row, block), length(block)};
  }
};

/// Most units of a layer, see Triangle::block_of_row.
inline constexpr std::int64_t kMostUnits = std::int64_t{1} << 21;
/// Most weights of one matrix: twice their number fits 32 bits.
inline constexpr std::int64_t kMostWeights = (std::int64_t{1} << 31) - 1;

}  // namespace fastmi::cuda
