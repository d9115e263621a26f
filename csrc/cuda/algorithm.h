#pragma once

#include <algorithm>
#include <cstdint>

#include "common/algorithm.h"

namespace fastmi::cuda {

/// What kAuto stands for: kBrute, every pair in register tiles, or kTree, bounding boxes with
/// margins of one dim by sorting. Predicted from operation counts (README.md), not measured: the
/// tree from 2^15 samples in up to 4 dims, twice as many for each dim beyond, brute force from 13
/// dims on.
inline Algorithm choose_algorithm(std::int64_t n, int d) {
  constexpr int kMostDims = 12;
  if (d > kMostDims) return Algorithm::kBrute;
  return n >= std::int64_t{1} << (15 + std::max(0, d - 4)) ? Algorithm::kTree : Algorithm::kBrute;
}

inline Algorithm resolve(Algorithm algorithm, std::int64_t n, int d) {
  return algorithm == Algorithm::kAuto ? choose_algorithm(n, d) : algorithm;
}

}  // namespace fastmi::cuda
