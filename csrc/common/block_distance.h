#pragma once

#include <cmath>

#include "common/metric.h"
#include "common/portable.h"

namespace fastmi {

/// Distance between two samples within one variable, in units of 1 / scale; a(j) and b(j) are their
/// coordinates. The scale is that of the variable's squares (euclidean_scale), or 1 where nothing
/// is squared: the distance then has the bits that searches and counts compare.
template <class T, class A, class B>
FASTMI_HD T block_distance(int d, Metric metric, T scale, A&& a, B&& b) {
  T distance = 0;
  if (metric == Metric::kChebyshev || d == 1) {
    for (int j = 0; j < d; ++j) {
      const T gap = std::fabs(a(j) - b(j));
      distance = distance < gap ? gap : distance;
    }
    return distance;
  }
  for (int j = 0; j < d; ++j) {
    const T gap = a(j) * scale - b(j) * scale;
    distance += gap * gap;
  }
  return std::sqrt(distance);
}

}  // namespace fastmi
