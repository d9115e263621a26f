#pragma once

#include <cstdint>
#include <vector>

namespace fastmi {

/// Non-owning view of n samples in d dims, row-major.
template <class T>
struct Points {
  const T* data;
  std::int64_t n;
  int d;
};

/// Paired samples of one or more variables. The joint distance between two samples is the
/// maximum over the blocks of the metric distance inside each block.
template <class T>
using Blocks = std::vector<Points<T>>;

template <class T>
int total_dims(const Blocks<T>& blocks) {
  int d = 0;
  for (const Points<T>& block : blocks) d += block.d;
  return d;
}

}  // namespace fastmi
