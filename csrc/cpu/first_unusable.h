#pragma once

#include <cstdint>

namespace fastmi::cpu {

/// Position of the first of `size` values that is NaN, infinite or so large that a difference of
/// two such values overflows; -1 if there is none.
template <class T>
std::int64_t first_unusable(const T* values, std::int64_t size);

}  // namespace fastmi::cpu
