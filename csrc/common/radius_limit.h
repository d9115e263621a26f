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

/// radius * scale. A positive radius stays positive, since coincident points are within all of
/// these.
template <class T>
FASTMI_HD T scaled_radius(T radius, T scale) {
  constexpr T kLeast = std::numeric_limits<T>::denorm_min();
  if (!(radius > 0)) return radius;
  return radius * scale > kLeast ? radius * scale : kLeast;
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
