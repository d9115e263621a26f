#pragma once

#include <cmath>
#include <cstdint>

namespace fastmi {

/// Divides distances [size] in samples that were multiplied by 2^exponent by that power of two.
template <class T>
void unscale(int exponent, T* distances, std::int64_t size) {
  if (exponent == 0) return;
  const T scale = std::ldexp(T(1), exponent);
  for (std::int64_t i = 0; i < size; ++i) distances[i] /= scale;
}

}  // namespace fastmi
