// The fastest brute-force loop that this machine runs is the yardstick of the benchmarks.
#pragma once

#include "cpu/ceiling.h"
#include "cpu/simd.h"

namespace fastmi::cpu::FASTMI_LEVEL {

/// Largest |a - b| between 4 queries and 4 vectors of candidates in registers, over kCeilingDims
/// dims of an L1-resident tile [kCeilingDims][4 + 4 * lanes], `repeats` times: that is
/// repeats * kCeilingDims * 16 * lanes pair-dimensions.
template <class T>
void probe_ceiling(const T* tile, std::int64_t repeats, T* result) {
  constexpr int W = kLanes<T>;
  constexpr int kStride = 4 + 4 * W;
  Vec<T> total{};
  for (std::int64_t r = 0; r < repeats; ++r) {
    Vec<T> acc[4][4] = {};
    // The compiler must not hoist the tile's arithmetic out of the repeats.
    asm volatile("" : : "r"(tile) : "memory");
    for (int j = 0; j < kCeilingDims; ++j) {
      const T* row = tile + j * kStride;
      for (int q = 0; q < 4; ++q) {
        const Vec<T> query = broadcast(row[q]);
        for (int c = 0; c < 4; ++c) {
          acc[q][c] = max_abs(acc[q][c], load(row + 4 + c * W) - query);
        }
      }
    }
    for (auto& row : acc) {
      for (const Vec<T>& v : row) total = vmax(total, v);
    }
  }
  *result = total[0];
}

}  // namespace fastmi::cpu::FASTMI_LEVEL
