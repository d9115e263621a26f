// Exponential and logarithm of vectors, to about one unit in the last place.
#pragma once

#include "cpu/simd.h"

namespace fastmi::cpu::FASTMI_LEVEL {

template <class T>
struct FloatFormat;
template <>
struct FloatFormat<float> {
  static constexpr int kMantissaBits = 23;
  static constexpr std::int32_t kBias = 127;
  static constexpr float kMagic = 0x1.8p23F;  // adding it rounds to an integer, in the low bits
  static constexpr float kLn2High = 0x1.62e4p-1F;
  static constexpr float kLn2Low = 0x1.7f7d1cp-20F;
};
template <>
struct FloatFormat<double> {
  static constexpr int kMantissaBits = 52;
  static constexpr std::int64_t kBias = 1023;
  static constexpr double kMagic = 0x1.8p52;
  static constexpr double kLn2High = 0x1.62e42fefa38p-1;
  static constexpr double kLn2Low = 0x1.ef35793c7673p-45;
};

/// 2^n for whole n in [1 - bias, bias].
template <class T>
FASTMI_INLINE Vec<T> power_of_two(Vec<T> n) {
  using F = FloatFormat<T>;
  const auto bits = (VecInt<T>)(n + broadcast(F::kMagic + static_cast<T>(F::kBias)));
  return (Vec<T>)(bits << F::kMantissaBits);
}

/// The exponent of a positive normal number, as a floating-point number.
template <class T>
FASTMI_INLINE Vec<T> exponent_of(Vec<T> v) {
  using F = FloatFormat<T>;
  // The bits of kMagic + e, e < 2^11, are those of kMagic plus e.
  const auto magic = (VecInt<T>)broadcast(F::kMagic);
  const VecInt<T> biased = ((VecInt<T>)v) >> F::kMantissaBits;
  return (Vec<T>)(magic + biased) - broadcast(F::kMagic + static_cast<T>(F::kBias));
}

/// exp(x) = 2^n (1 + p) with n whole and |p| < 0.42; p keeps its relative precision.
template <class T>
struct SplitExp {
  Vec<T> n;
  Vec<T> p;
};

/// x must be NaN or small enough for kMagic to round it, for example below 2^20.
template <class T>
FASTMI_INLINE SplitExp<T> split_exp(Vec<T> x) {
  using F = FloatFormat<T>;
  // Taylor's series of (exp(r) - 1 - r) / r^2 on |r| <= ln(2) / 2, cut where terms fall below half
  // a unit in the last place.
  constexpr int kTerms = sizeof(T) == 4 ? 6 : 12;
  constexpr T kInverseFactorial[] = {T(1) / 2,        T(1) / 6,         T(1) / 24,
                                     T(1) / 120,      T(1) / 720,       T(1) / 5040,
                                     T(1) / 40320,    T(1) / 362880,    T(1) / 3628800,
                                     T(1) / 39916800, T(1) / 479001600, T(1) / 6227020800};
  const Vec<T> rounded = fma<T>(x, broadcast(T(1.4426950408889634)), broadcast(F::kMagic));
  const Vec<T> n = rounded - broadcast(F::kMagic);
  Vec<T> r = fma<T>(n, broadcast(-F::kLn2High), x);
  r = fma<T>(n, broadcast(-F::kLn2Low), r);
  Vec<T> series = broadcast(kInverseFactorial[kTerms - 1]);
  for (int t = kTerms - 2; t >= 0; --t) {
    series = fma<T>(series, r, broadcast(kInverseFactorial[t]));
  }
  return {n, fma<T>(series * r, r, r)};
}

/// exp(x) with overflow to infinity and gradual underflow; NaN stays.
template <class T>
FASTMI_INLINE Vec<T> vexp(Vec<T> x) {
  using F = FloatFormat<T>;
  constexpr T kReach = static_cast<T>(F::kBias) * T(1.7);
  const Vec<T> bounded = vmin(broadcast(kReach), vmax(broadcast(-kReach), x));
  const SplitExp<T> e = split_exp<T>(bounded);
  // Twice half the exponent reaches beyond both ends of the format.
  const Vec<T> magic = broadcast(F::kMagic);
  const Vec<T> half = (e.n * broadcast(T(0.5)) + magic) - magic;
  const Vec<T> limit = broadcast(static_cast<T>(F::kBias - 1));
  const Vec<T> first = vmax(-limit, vmin(limit, half));
  const Vec<T> second = vmax(-limit, vmin(limit, e.n - half));
  return (broadcast(T(1)) + e.p) * power_of_two<T>(first) * power_of_two<T>(second);
}

/// log(x) of positive normal numbers; NaN and infinity become NaN.
template <class T>
FASTMI_INLINE Vec<T> vlog(Vec<T> x) {
  using F = FloatFormat<T>;
  // m in [0.7, 1.42), x = m 2^e, s = (m - 1) / (m + 1): log m = 2 (s + s^3 / 3 + s^5 / 5 + ...).
  constexpr int kTerms = sizeof(T) == 4 ? 5 : 11;
  const Vec<T> shifted = x * broadcast(T(1.4142135623730951));
  const Vec<T> e = exponent_of<T>(shifted);
  const Vec<T> m = x * power_of_two<T>(-e);
  const Vec<T> one = broadcast(T(1));
  const Vec<T> s = (m - one) / (m + one);
  const Vec<T> s2 = s * s;
  Vec<T> series = broadcast(T(2) / T(2 * kTerms - 1));
  for (int t = kTerms - 2; t >= 1; --t) {
    series = fma<T>(series, s2, broadcast(T(2) / T(2 * t + 1)));
  }
  const Vec<T> tail = fma<T>(series * s2, s, e * broadcast(F::kLn2Low));
  const Vec<T> value = fma<T>(e, broadcast(F::kLn2High), fma<T>(broadcast(T(2)), s, tail));
  return value + (x - x);
}

}  // namespace fastmi::cpu::FASTMI_LEVEL
