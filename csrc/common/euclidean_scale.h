// The power of two that keeps squared Euclidean distances in range.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

namespace fastmi {

/// Range of a column, range of the middle half of its values (estimated from a few hundred probes),
/// and largest absolute value.
template <class T>
struct Spread {
  T all = 0;
  T half = 0;
  T magnitude = 0;
};

/// A column of n samples is probed at multiples of this number.
inline std::int64_t probe_stride(std::int64_t n) { return std::max<std::int64_t>(1, n / 256); }

/// Spread of a column with values in [low, high]. probe: the values at multiples of probe_stride,
/// which are reordered.
template <class T>
Spread<T> column_spread(T low, T high, std::vector<T>& probe) {
  // NaN, which another thread may write during the call, comes last: without an order for it the
  // sort could leave its range.
  std::sort(probe.begin(), probe.end(), [](T a, T b) { return a < b || (b != b && a == a); });
  const T half = probe[probe.size() * 3 / 4] - probe[probe.size() / 4];
  return {high - low, half, std::max(std::abs(low), std::abs(high))};
}

/// The power of two that scales the widest column to just below the largest number whose squares
/// can be summed, which leaves small distances the most room. spreads: one per dim.
template <class T>
T euclidean_scale(const std::vector<Spread<T>>& spreads) {
  constexpr int kMaxExponent = std::numeric_limits<T>::max_exponent;
  Spread<T> widest;
  for (const Spread<T>& spread : spreads) {
    widest.magnitude = std::max(widest.magnitude, spread.magnitude);
    widest.all = std::max(widest.all, spread.all);
    widest.half = std::max(widest.half, spread.half);
  }
  constexpr T kLargest = std::numeric_limits<T>::max();
  if (widest.all == 0 || !(widest.all <= kLargest && widest.magnitude <= kLargest)) return 1;
  // Most distances are about as large as the widest middle half. Squares span 2 max_exponent binary
  // digits in all, distances half of that.
  if (widest.half > 0 &&
      std::ilogb(widest.all) - std::ilogb(widest.half) > kMaxExponent - kMaxExponent / 5) {
    throw std::invalid_argument(
        "x must not have outliers so far out that other squared distances underflow float" +
        std::to_string(8 * sizeof(T)) + "; got a column that spans 2^" +
        std::to_string(std::ilogb(widest.all)) + " where half the values lie within 2^" +
        std::to_string(std::ilogb(widest.half)) +
        ": drop them (a fill value?), use float64 or metric='chebyshev'");
  }
  const int top = kMaxExponent / 2 - 4 - (std::ilogb(static_cast<int>(spreads.size())) + 1) / 2;
  // The scale and its inverse stay normal numbers, and the coordinates themselves finite.
  constexpr int kMost = kMaxExponent - 2;
  const int exponent =
      std::clamp(top - std::ilogb(widest.all), std::numeric_limits<T>::min_exponent,
                 std::min(kMost, kMost - std::ilogb(widest.magnitude)));
  return std::ldexp(T(1), exponent);
}

}  // namespace fastmi
