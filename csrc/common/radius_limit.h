// Converts radii to limits on the numbers that kernels compare, so that every backend draws the
// line at the same bit.
#pragma once

#include <cmath>
#include <limits>

#include "common/portable.h"

namespace fastmi {

/// The smallest v such that "distance < v" means distance < radius if strict, else distance <=
/// radius.
template <class T>
FASTMI_HD T strict_limit(T radius, bool strict) {
  constexpr T kInfinity = std::numeric_limits<T>::infinity();
  return strict ? radius : std::nextafter(radius, kInfinity);
}

/// The smallest v with v / 2^shift >= limit, the quotient rounded: a limit on distances in samples
/// that were multiplied by 2^shift. If the product of limit and 2^shift is too large for T, no
/// distance reaches it, and v is infinite.
template <class T>
FASTMI_HD T shifted_limit(T limit, int shift) {
  using Numbers = std::numeric_limits<T>;
  if (shift == 0 || !(limit > 0)) return limit;
  T v = std::ldexp(limit, shift);
  // Quotients that are subnormal round up to the limit from half a step below it.
  if (shift > 0 && limit <= Numbers::min()) v -= std::ldexp(Numbers::denorm_min(), shift - 1);
  while (std::ldexp(v, -shift) < limit) v = std::nextafter(v, Numbers::infinity());
  return v;
}

/// The smallest v such that "distance < v" means distance / 2^shift < radius if strict, else <=
/// radius, the quotient rounded. Quotients too large for T are within an infinite radius alone.
template <class T>
FASTMI_HD T radius_limit(T radius, bool strict, int shift) {
  using Numbers = std::numeric_limits<T>;
  // The least distance whose quotient is too large.
  if (!strict && radius == Numbers::max()) return std::ldexp(T(1), Numbers::max_exponent + shift);
  return shifted_limit(strict_limit(radius, strict), shift);
}

/// The smallest s with sqrt(s) >= limit: sums of squares below s have a root below limit.
template <class T>
FASTMI_HD T squared_limit(T limit) {
  constexpr T kInfinity = std::numeric_limits<T>::infinity();
  if (limit <= 0 || limit == kInfinity) return limit;
  T square = limit * limit;
  while (square > 0 && std::sqrt(std::nextafter(square, T(0))) >= limit)
    square = std::nextafter(square, T(0));
  while (std::sqrt(square) < limit) square = std::nextafter(square, kInfinity);
  return square;
}

}  // namespace fastmi
