#pragma once

#include <algorithm>
#include <cstdint>
#include <stdexcept>

namespace fastmi {

/// inverse [n], written: inverse[order[i]] = i. Throws std::invalid_argument unless order [n] is a
/// permutation.
inline void invert_permutation(const std::int64_t* order, std::int64_t n, std::int64_t* inverse) {
  std::fill_n(inverse, n, -1);
  for (std::int64_t i = 0; i < n; ++i) {
    if (order[i] < 0 || order[i] >= n || inverse[order[i]] >= 0) {
      throw std::invalid_argument("orders must be permutations of 0 .. n - 1");
    }
    inverse[order[i]] = i;
  }
}

}  // namespace fastmi
