// Rows of gaps between 15-bit coordinates, and what they say about distances.
#pragma once

#include "cpu/leaf_kernel.h"
#include "cpu/steps.h"

namespace fastmi::cpu::FASTMI_LEVEL {

// Thirty-two 16-bit coordinates or gaps at once, whatever the instruction set.
typedef std::int16_t Steps32 __attribute__((vector_size(64)));
inline constexpr int kStepLanes = 32;

FASTMI_INLINE Steps32 load_steps(const std::int16_t* from) {
  Steps32 v;
  std::memcpy(&v, from, sizeof v);
  return v;
}
FASTMI_INLINE void store_steps(std::int16_t* to, Steps32 v) { std::memcpy(to, &v, sizeof v); }
FASTMI_INLINE Steps32 broadcast_step(int step) {
  return static_cast<std::int16_t>(step) - Steps32{};
}

FASTMI_INLINE Steps32 max_gap(Steps32 acc, Steps32 a, Steps32 b) {
#if defined(__AVX512BW__)
  const __m512i gap = _mm512_abs_epi16(_mm512_sub_epi16((__m512i)a, (__m512i)b));
  return (Steps32)_mm512_max_epi16((__m512i)acc, gap);
#else
  const Steps32 up = a - b;
  const Steps32 down = b - a;
  acc = acc > up ? acc : up;
  return acc > down ? acc : down;
#endif
}

/// Bit l is set where lane l is at most `limit`.
FASTMI_INLINE std::uint32_t mask_steps(Steps32 a, Steps32 limit) {
#if defined(__AVX512BW__)
  return _mm512_cmple_epi16_mask((__m512i)a, (__m512i)limit);
#else
  const Steps32 inside = a <= limit;
#if defined(__SSE2__)
  std::uint32_t mask = 0;
  alignas(64) std::int16_t lanes[kStepLanes];
  std::memcpy(lanes, &inside, sizeof inside);
  for (int part = 0; part < 2; ++part) {
    const auto* from = reinterpret_cast<const __m128i*>(lanes) + 2 * part;
    const __m128i bytes = _mm_packs_epi16(_mm_load_si128(from), _mm_load_si128(from + 1));
    mask |= static_cast<std::uint32_t>(_mm_movemask_epi8(bytes)) << (16 * part);
  }
  return mask;
#else
  std::uint32_t mask = 0;
  for (int l = 0; l < kStepLanes; ++l) mask |= static_cast<std::uint32_t>(inside[l] & 1) << l;
  return mask;
#endif
#endif
}

/// Adds one to the lanes that are at most `limit`.
FASTMI_INLINE Steps32 count_steps(Steps32 count, Steps32 a, Steps32 limit) {
#if defined(__AVX512BW__)
  return (Steps32)_mm512_mask_sub_epi16((__m512i)count,
                                        _mm512_cmple_epi16_mask((__m512i)a, (__m512i)limit),
                                        (__m512i)count, _mm512_set1_epi16(-1));
#else
  return count - (a <= limit);
#endif
}

FASTMI_INLINE std::int64_t sum_steps(Steps32 counts) {
#if defined(__AVX512BW__)
  return _mm512_reduce_add_epi32(_mm512_madd_epi16((__m512i)counts, _mm512_set1_epi16(1)));
#else
  std::int64_t sum = 0;
  for (int l = 0; l < kStepLanes; ++l) sum += counts[l];
  return sum;
#endif
}

/// Smaller of two numbers without sign.
FASTMI_INLINE Steps32 min_unsigned(Steps32 a, Steps32 b) {
#if defined(__AVX512BW__)
  return (Steps32)_mm512_min_epu16((__m512i)a, (__m512i)b);
#else
  typedef std::uint16_t Unsigned __attribute__((vector_size(64)));
  return (Unsigned)a < (Unsigned)b ? a : b;
#endif
}

template <class T>
using LaneInt = std::conditional_t<sizeof(T) == 8, std::int64_t, std::int32_t>;

template <class T>
FASTMI_INLINE VecInt<T> lane_indices() {
  VecInt<T> indices;
  for (int l = 0; l < kLanes<T>; ++l) indices[l] = l;
  return indices;
}

/// rows[q][length]: largest gap in steps from samples first .. first + queries - 1 to every
/// sample; kNoPoint for the query itself and past the end.
template <class T>
void step_rows(const StepColumns<T>& columns, std::int64_t first, int queries, std::int16_t* rows) {
  constexpr int G = kStepGroup / kStepLanes;
  const int d = columns.d;
  const std::int64_t length = columns.length();
  for (std::int64_t b = 0; b < columns.groups; ++b) {
    const std::int16_t* lanes = columns.group(b);
    for (int q = 0; q < queries; ++q) {
      const std::int64_t query = first + q;
      const std::int16_t* at = columns.group(query / kStepGroup) + query % kStepGroup;
      Steps32 acc[G] = {};
      for (int j = 0; j < d; ++j) {
        const Steps32 here = broadcast_step(at[j * kStepGroup]);
        for (int g = 0; g < G; ++g) {
          acc[g] = max_gap(acc[g], load_steps(lanes + j * kStepGroup + g * kStepLanes), here);
        }
      }
      std::int16_t* row = rows + q * length + b * kStepGroup;
      for (int g = 0; g < G; ++g) store_steps(row + g * kStepLanes, acc[g]);
    }
  }
  for (int q = 0; q < queries; ++q) {
    std::int16_t* row = rows + q * length;
    row[first + q] = kNoPoint;
    for (std::int64_t i = columns.n; i < length; ++i) row[i] = kNoPoint;
  }
}

template <class T>
FASTMI_INLINE T exact_distance(const StepColumns<T>& columns, std::int64_t i, std::int64_t j) {
  constexpr int W = kLanes<T>;
  const T* a = columns.row(i);
  const T* b = columns.row(j);
  Vec<T> acc{};
  int c = 0;
  for (; c + W <= columns.d; c += W) acc = max_abs(acc, load(a + c) - load(b + c));
  if (c < columns.d) {
    // Lanes past the end of the row hold other samples.
    const Vec<T> gap = load(a + c) - load(b + c);
    const VecInt<T> inside = lane_indices<T>() < static_cast<LaneInt<T>>(columns.d - c);
    acc = max_abs(acc, (Vec<T>)((VecInt<T>)gap & inside));
  }
  return horizontal_max(acc);
}

/// What gaps say about "distance < limit": at most `surely` (-1: none), it is true; above
/// `maybe`, false. The slack covers the rounding of coordinates and limits.
struct StepLimits {
  int surely;
  int maybe;

  template <class T>
  static FASTMI_INLINE StepLimits of(T limit, T per_unit) {
    constexpr T kRelative = 4 * std::numeric_limits<T>::epsilon();
    constexpr T kAbsolute = T(0.03);
    constexpr T kTop = kTopStep;
    const T least = limit * per_unit * (1 - kRelative) - kAbsolute;
    const T most = limit * per_unit * (1 + kRelative) + kAbsolute;
    StepLimits limits;
    limits.surely = least < 1 ? -1 : least < kTop + 1 ? static_cast<int>(least) - 1 : kTopStep;
    limits.maybe = most < kTop - 1 ? static_cast<int>(most) + 1 : kTopStep;
    return limits;
  }
};

}  // namespace fastmi::cpu::FASTMI_LEVEL
