// SIMD vocabulary of one level. Included by kernels_f32.cpp and kernels_f64.cpp only, which are
// compiled once per level, with FASTMI_LEVEL defined; everything lives in namespace
// fastmi::cpu::FASTMI_LEVEL, so that code compiled with AVX-512 flags can never be the copy the
// linker keeps for the other levels.
//
// Lanes are candidates or queries, never dims: a distance is computed by the same operations in
// the same order at every level, hence equal bits.
#pragma once

#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define FASTMI_INLINE inline __attribute__((always_inline))

namespace fastmi::cpu::FASTMI_LEVEL {

#if defined(__AVX512F__)
inline constexpr int kVecBytes = 64;
#elif defined(__AVX2__)
inline constexpr int kVecBytes = 32;
#else
inline constexpr int kVecBytes = 16;
#endif

template <class T>
struct VecOf;
template <>
struct VecOf<float> {
  typedef float Type __attribute__((vector_size(kVecBytes)));
  typedef std::int32_t Int __attribute__((vector_size(kVecBytes)));
};
template <>
struct VecOf<double> {
  typedef double Type __attribute__((vector_size(kVecBytes)));
  typedef std::int64_t Int __attribute__((vector_size(kVecBytes)));
};

template <class T>
using Vec = typename VecOf<T>::Type;
template <class T>
using VecInt = typename VecOf<T>::Int;
template <class T>
inline constexpr int kLanes = kVecBytes / static_cast<int>(sizeof(T));

template <class T>
FASTMI_INLINE Vec<T> load(const T* from) {
  Vec<T> v;
  std::memcpy(&v, from, sizeof v);
  return v;
}

template <class T>
FASTMI_INLINE void store(T* to, Vec<T> v) {
  std::memcpy(to, &v, sizeof v);
}

template <class T>
FASTMI_INLINE Vec<T> broadcast(T value) {
  return value - Vec<T>{};
}

/// Loads min(count, lanes) numbers; lanes behind them hold `filler`.
template <class T>
FASTMI_INLINE Vec<T> load_part(const T* from, std::int64_t count, T filler) {
  if (count >= kLanes<T>) return load(from);
#if defined(__AVX512F__)
  const auto mask = (1U << count) - 1;
  if constexpr (sizeof(T) == 8) {
    return _mm512_mask_loadu_pd(broadcast(filler), static_cast<__mmask8>(mask), from);
  } else {
    return _mm512_mask_loadu_ps(broadcast(filler), static_cast<__mmask16>(mask), from);
  }
#endif
  T lanes[kLanes<T>];
  for (int l = 0; l < kLanes<T>; ++l) lanes[l] = l < count ? from[l] : filler;
  return load(lanes);
}

template <class T>
FASTMI_INLINE void store_part(T* to, std::int64_t count, Vec<T> v) {
  if (count >= kLanes<T>) return store(to, v);
#if defined(__AVX512F__)
  const auto mask = (1U << count) - 1;
  if constexpr (sizeof(T) == 8) {
    return _mm512_mask_storeu_pd(to, static_cast<__mmask8>(mask), v);
  } else {
    return _mm512_mask_storeu_ps(to, static_cast<__mmask16>(mask), v);
  }
#endif
  T lanes[kLanes<T>];
  store(lanes, v);
  for (int l = 0; l < count; ++l) to[l] = lanes[l];
}

/// Indices for shuffles of two vectors a, b that swap the lanes of a whose number has bit `step`
/// set with the lanes of b whose number has not. The result takes the place of a, or with `second`
/// that of b. All steps together transpose a square.
template <class T>
FASTMI_INLINE VecInt<T> pick_lanes(int step, bool second) {
  VecInt<T> pick{};
  for (int l = 0; l < kLanes<T>; ++l) {
    const bool upper = (l & step) != 0;
    pick[l] = second ? (upper ? kLanes<T> + l : l + step) : (upper ? kLanes<T> + l - step : l);
  }
  return pick;
}

#if defined(__AVX512F__)

FASTMI_INLINE Vec<double> vmax(Vec<double> a, Vec<double> b) { return _mm512_max_pd(a, b); }
FASTMI_INLINE Vec<float> vmax(Vec<float> a, Vec<float> b) { return _mm512_max_ps(a, b); }
FASTMI_INLINE Vec<double> vmin(Vec<double> a, Vec<double> b) { return _mm512_min_pd(a, b); }
FASTMI_INLINE Vec<float> vmin(Vec<float> a, Vec<float> b) { return _mm512_min_ps(a, b); }
// vrange with "larger magnitude, sign cleared": max(a, |b|) for a >= 0 in one instruction.
FASTMI_INLINE Vec<double> max_abs(Vec<double> a, Vec<double> b) {
  return _mm512_range_pd(a, b, 0x0B);
}
FASTMI_INLINE Vec<float> max_abs(Vec<float> a, Vec<float> b) { return _mm512_range_ps(a, b, 0x0B); }
FASTMI_INLINE std::uint32_t mask_lt(Vec<double> a, Vec<double> b) {
  return _mm512_cmp_pd_mask(a, b, _CMP_LT_OQ);
}
FASTMI_INLINE std::uint32_t mask_lt(Vec<float> a, Vec<float> b) {
  return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ);
}

#elif defined(__AVX2__)

FASTMI_INLINE Vec<double> vmax(Vec<double> a, Vec<double> b) { return _mm256_max_pd(a, b); }
FASTMI_INLINE Vec<float> vmax(Vec<float> a, Vec<float> b) { return _mm256_max_ps(a, b); }
FASTMI_INLINE Vec<double> vmin(Vec<double> a, Vec<double> b) { return _mm256_min_pd(a, b); }
FASTMI_INLINE Vec<float> vmin(Vec<float> a, Vec<float> b) { return _mm256_min_ps(a, b); }
FASTMI_INLINE Vec<double> max_abs(Vec<double> a, Vec<double> b) {
  return _mm256_max_pd(a, _mm256_andnot_pd(_mm256_set1_pd(-0.0), b));
}
FASTMI_INLINE Vec<float> max_abs(Vec<float> a, Vec<float> b) {
  return _mm256_max_ps(a, _mm256_andnot_ps(_mm256_set1_ps(-0.0F), b));
}
FASTMI_INLINE std::uint32_t mask_lt(Vec<double> a, Vec<double> b) {
  return static_cast<std::uint32_t>(_mm256_movemask_pd(_mm256_cmp_pd(a, b, _CMP_LT_OQ)));
}
FASTMI_INLINE std::uint32_t mask_lt(Vec<float> a, Vec<float> b) {
  return static_cast<std::uint32_t>(_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_LT_OQ)));
}

#else

#if defined(__SSE2__)
FASTMI_INLINE Vec<double> vmax(Vec<double> a, Vec<double> b) { return _mm_max_pd(a, b); }
FASTMI_INLINE Vec<float> vmax(Vec<float> a, Vec<float> b) { return _mm_max_ps(a, b); }
FASTMI_INLINE Vec<double> vmin(Vec<double> a, Vec<double> b) { return _mm_min_pd(a, b); }
FASTMI_INLINE Vec<float> vmin(Vec<float> a, Vec<float> b) { return _mm_min_ps(a, b); }
#else
template <class V>
FASTMI_INLINE V vmax(V a, V b) {
  return a > b ? a : b;
}
template <class V>
FASTMI_INLINE V vmin(V a, V b) {
  return a < b ? a : b;
}
#endif
FASTMI_INLINE Vec<double> max_abs(Vec<double> a, Vec<double> b) {
  return vmax(a, (Vec<double>)((VecInt<double>)b & INT64_MAX));
}
FASTMI_INLINE Vec<float> max_abs(Vec<float> a, Vec<float> b) {
  return vmax(a, (Vec<float>)((VecInt<float>)b & INT32_MAX));
}
#if defined(__SSE2__)
FASTMI_INLINE std::uint32_t sign_mask(VecInt<double> lanes) {
  return static_cast<std::uint32_t>(_mm_movemask_pd((__m128d)lanes));
}
FASTMI_INLINE std::uint32_t sign_mask(VecInt<float> lanes) {
  return static_cast<std::uint32_t>(_mm_movemask_ps((__m128)lanes));
}
#else
template <class I>
FASTMI_INLINE std::uint32_t sign_mask(I lanes) {
  std::uint32_t mask = 0;
  for (int l = 0; l < static_cast<int>(kVecBytes / sizeof lanes[0]); ++l) {
    mask |= static_cast<std::uint32_t>(lanes[l] & 1) << l;
  }
  return mask;
}
#endif
template <class V>
FASTMI_INLINE std::uint32_t mask_lt(V a, V b) {
  return sign_mask(a < b);
}

#endif

/// a * b + c, rounded once where the level has such an instruction: for kernels outside the
/// contract of equal bits.
template <class T>
FASTMI_INLINE Vec<T> fma(Vec<T> a, Vec<T> b, Vec<T> c) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 8) {
    return _mm512_fmadd_pd(a, b, c);
  } else {
    return _mm512_fmadd_ps(a, b, c);
  }
#elif defined(__FMA__)
  if constexpr (sizeof(T) == 8) {
    return _mm256_fmadd_pd(a, b, c);
  } else {
    return _mm256_fmadd_ps(a, b, c);
  }
#else
  return a * b + c;
#endif
}

/// The next larger number after a non-negative one; infinity stays.
template <class T>
FASTMI_INLINE T next_up(T value) {
  std::conditional_t<sizeof(T) == 8, std::int64_t, std::int32_t> bits;
  std::memcpy(&bits, &value, sizeof bits);
  bits += value < std::numeric_limits<T>::infinity();
  std::memcpy(&value, &bits, sizeof bits);
  return value;
}

/// Adds one to the lanes where a is below b.
template <class T>
FASTMI_INLINE VecInt<T> count_lt(VecInt<T> count, Vec<T> a, Vec<T> b) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 8) {
    const __m512i c = (__m512i)count;
    return (VecInt<T>)_mm512_mask_sub_epi64(c, _mm512_cmp_pd_mask(a, b, _CMP_LT_OQ), c,
                                            _mm512_set1_epi64(-1));
  } else {
    const __m512i c = (__m512i)count;
    return (VecInt<T>)_mm512_mask_sub_epi32(c, _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), c,
                                            _mm512_set1_epi32(-1));
  }
#else
  return count - (VecInt<T>)(a < b);
#endif
}

/// Largest lane; exact in any order.
FASTMI_INLINE double horizontal_max(Vec<double> v) {
#if defined(__AVX512F__)
  return _mm512_reduce_max_pd(v);
#else
  double largest = v[0];
  for (int l = 1; l < kLanes<double>; ++l) largest = v[l] > largest ? v[l] : largest;
  return largest;
#endif
}
FASTMI_INLINE float horizontal_max(Vec<float> v) {
#if defined(__AVX512F__)
  return _mm512_reduce_max_ps(v);
#else
  float largest = v[0];
  for (int l = 1; l < kLanes<float>; ++l) largest = v[l] > largest ? v[l] : largest;
  return largest;
#endif
}

// Sixty-four bytes at once, whatever the level: one 8-bit coordinate of all samples of a leaf.
typedef std::uint8_t Bytes64 __attribute__((vector_size(64)));

FASTMI_INLINE Bytes64 load_bytes(const std::uint8_t* from) {
  Bytes64 v;
  std::memcpy(&v, from, sizeof v);
  return v;
}

FASTMI_INLINE Bytes64 max_abs_difference(Bytes64 acc, Bytes64 a, std::uint8_t b) {
#if defined(__AVX512BW__)
  const __m512i q = _mm512_set1_epi8(static_cast<char>(b));
  const __m512i c = (__m512i)a;
  const __m512i gap = _mm512_sub_epi8(_mm512_max_epu8(c, q), _mm512_min_epu8(c, q));
  return (Bytes64)_mm512_max_epu8((__m512i)acc, gap);
#else
  const Bytes64 q = b - Bytes64{};
  const Bytes64 gap = (a > q ? a : q) - (a < q ? a : q);
  return acc > gap ? acc : gap;
#endif
}

/// Bit l is set where lane l is at most `limit`.
FASTMI_INLINE std::uint64_t mask_at_most(Bytes64 a, std::uint8_t limit) {
#if defined(__AVX512BW__)
  return _mm512_cmple_epu8_mask((__m512i)a, _mm512_set1_epi8(static_cast<char>(limit)));
#elif defined(__SSE2__)
  std::uint64_t mask = 0;
  alignas(64) std::uint8_t bytes[64];
  std::memcpy(bytes, &a, sizeof a);
  const __m128i q = _mm_set1_epi8(static_cast<char>(limit));
  for (int part = 0; part < 4; ++part) {
    const __m128i v = _mm_load_si128(reinterpret_cast<const __m128i*>(bytes) + part);
    const __m128i at_most = _mm_cmpeq_epi8(_mm_min_epu8(v, q), v);
    mask |= static_cast<std::uint64_t>(static_cast<std::uint32_t>(_mm_movemask_epi8(at_most)))
            << (16 * part);
  }
  return mask;
#else
  std::uint64_t mask = 0;
  for (int l = 0; l < 64; ++l) mask |= static_cast<std::uint64_t>(a[l] <= limit) << l;
  return mask;
#endif
}

}  // namespace fastmi::cpu::FASTMI_LEVEL
