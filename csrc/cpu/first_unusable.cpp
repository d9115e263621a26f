#include "cpu/first_unusable.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace fastmi::cpu {

template <class T>
std::int64_t first_unusable(const T* values, std::int64_t size) {
  constexpr T kLargest = std::numeric_limits<T>::max() / 2;
  constexpr std::int64_t kRun = 4096;
  for (std::int64_t begin = 0; begin < size; begin += kRun) {
    const std::int64_t end = std::min(size, begin + kRun);
    // This sum has no early exit, so that the compiler can vectorise it.
    std::int64_t usable = 0;
    for (std::int64_t p = begin; p < end; ++p) usable += std::abs(values[p]) <= kLargest;
    if (usable == end - begin) continue;
    const T* found = std::find_if(values + begin, values + end,
                                  [&](T value) { return !(std::abs(value) <= kLargest); });
    // Another thread may have overwritten the value since.
    if (found != values + end) return found - values;
  }
  return -1;
}

template std::int64_t first_unusable(const float*, std::int64_t);
template std::int64_t first_unusable(const double*, std::int64_t);

}  // namespace fastmi::cpu
