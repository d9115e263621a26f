// Bounds that hold whatever the values. Samples are read several times, and another thread may
// overwrite them during a call, with NaN or infinity too: results are then worthless, but what
// serves as an index must stay in range.
#pragma once

#include <algorithm>
#include <cstdint>

namespace fastmi::cpu {

/// A count of the others among n samples. Where coordinates are NaN a sample may not have met
/// itself, or may have met the empty lanes of a leaf.
inline std::int64_t possible_count(std::int64_t count, std::int64_t n) {
  return std::clamp<std::int64_t>(count, 0, n - 1);
}

/// The number of a sample, in [0, n). Where distances are NaN a search may find an empty lane of a
/// leaf, or no neighbour at all.
inline std::int64_t possible_sample(std::int32_t sample, std::int64_t n) {
  return std::clamp<std::int64_t>(sample, 0, n - 1);
}

}  // namespace fastmi::cpu
