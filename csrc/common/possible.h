// Bounds that hold whatever the values. Somebody may overwrite samples during a call, with NaN or
// infinity too: results are then worthless, but what serves as an index must stay in range.
#pragma once

#include <cstdint>

#include "common/portable.h"

namespace fastmi {

/// A count of the others among n samples. Where coordinates are NaN a sample may not have met
/// itself, or may have met places that hold no sample.
FASTMI_HD std::int64_t possible_count(std::int64_t count, std::int64_t n) {
  return count < 0 ? 0 : count < n ? count : n - 1;
}

/// The number of a sample, in [0, n). Where distances are NaN a search may find a place that holds
/// no sample, or nothing at all.
FASTMI_HD std::int32_t possible_sample(std::int32_t sample, std::int64_t n) {
  return sample < 0 ? 0 : sample < n ? sample : static_cast<std::int32_t>(n - 1);
}

}  // namespace fastmi
