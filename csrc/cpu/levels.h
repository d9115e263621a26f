#pragma once

#include <cstdint>
#include <vector>

#include "common/points.h"
#include "cpu/buffer.h"
#include "cpu/parallel.h"

namespace fastmi::cpu {

/// Points per block of LevelColumns: four AVX-512 registers of 16-bit levels.
inline constexpr int kLevelBlock = 128;

/// Levels of a coordinate are 0 .. kTopLevel; the numbers above leave room for limits and marks.
inline constexpr int kTopLevel = 32700;

/// In a row of gaps: a lane without a point, or with one that is dealt with elsewhere.
inline constexpr std::int16_t kNoPoint = 32767;

/// One variable in 15-bit coordinates, for Chebyshev distances between all pairs: a vector holds
/// four times as many of them as of doubles, and nearly every comparison with a radius is decided.
///
/// Levels have one width for all columns. Rounding down moves a coordinate by less than a level,
/// so with g the largest difference of levels the distance lies strictly within (g - 1, g + 1)
/// levels.
template <class T>
struct LevelColumns {
  std::int64_t n = 0;
  int d = 0;
  std::int64_t blocks = 0;
  Buffer<std::int16_t> levels;  ///< [blocks][d][kLevelBlock]
  T per_unit = 1;               ///< levels per unit
  Buffer<T> rows;               ///< [n][d], the coordinates, and a vector more

  std::int64_t length() const { return blocks * kLevelBlock; }
  const std::int16_t* block(std::int64_t b) const { return levels.data() + b * d * kLevelBlock; }
  const T* row(std::int64_t i) const { return rows.data() + i * d; }
};

/// Whether levels would decide most comparisons: not where a few samples are so far out that the
/// others share few levels, nor where many distances tie. O(n d) time, from few distances.
template <class T>
bool levels_suit(const Points<T>& points);

/// O(n d) time; n d (2 + sizeof(T)) bytes. Independent of threads.
template <class T>
LevelColumns<T> build_level_columns(const Points<T>& points, const Execution& execution);

}  // namespace fastmi::cpu
