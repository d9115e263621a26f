#pragma once

#include <cmath>

#include "common/metric.h"
#include "common/portable.h"

namespace fastmi {

/// Distance between two samples within one variable; a(j) and b(j) are their coordinates.
template <class T, class A, class B>
FASTMI_HD T block_distance(int d, Metric metric, A&& a, B&& b) {
  T largest = 0;
  for (int j = 0; j < d; ++j) {
    const T gap = std::fabs(a(j) - b(j));
    largest = largest < gap ? gap : largest;
  }
  if (metric == Metric::kChebyshev || d == 1 || largest == 0) return largest;
  // A power of two keeps the squares in range and changes no bit of the result.
  const T scale = std::ldexp(T(1), -std::ilogb(largest) / 2 * 2);
  T sum = 0;
  for (int j = 0; j < d; ++j) {
    const T gap = a(j) * scale - b(j) * scale;
    sum += gap * gap;
  }
  return std::sqrt(sum) / scale;
}

}  // namespace fastmi
