#pragma once

#include <cstdint>
#include <vector>

#include "common/points.h"
#include "cpu/buffer.h"
#include "cpu/parallel.h"

namespace fastmi::cpu {

/// Samples per group of StepColumns: four AVX-512 registers of 16-bit numbers.
inline constexpr int kStepGroup = 128;

/// A coordinate lies 0 .. kTopStep steps above the least one of its column. The larger 16-bit
/// numbers serve as limits and marks.
inline constexpr int kTopStep = 32700;

/// Marks, in a row of gaps, a lane without a sample, or with one that has moved to the pool.
inline constexpr std::int16_t kNoPoint = 32767;

/// One variable in 15-bit coordinates, for Chebyshev distances between all pairs: a vector holds
/// four times as many of them as of doubles, and nearly every comparison with a radius is decided.
///
/// A step has one width in all columns. Rounding down moves a coordinate by less than a step, so
/// that a largest gap of g steps means a distance strictly between g - 1 and g + 1 steps.
template <class T>
struct StepColumns {
  std::int64_t n = 0;
  int d = 0;
  std::int64_t groups = 0;
  Buffer<std::int16_t> steps;  ///< [groups][d][kStepGroup]
  T per_unit = 1;              ///< steps per unit
  Buffer<T> rows;              ///< [n][d], the coordinates, and a vector more

  std::int64_t length() const { return groups * kStepGroup; }
  const std::int16_t* group(std::int64_t g) const { return steps.data() + g * d * kStepGroup; }
  const T* row(std::int64_t i) const { return rows.data() + i * d; }
};

/// Whether gaps in steps would decide most comparisons. They would not where a few samples lie so
/// far out that the others share few steps, nor where many distances tie. O(n d) time; judged on
/// 128 distances.
template <class T>
bool steps_suit(const Points<T>& points);

/// O(n d) time; n d (2 + sizeof(T)) bytes. Independent of threads.
template <class T>
StepColumns<T> build_step_columns(const Points<T>& points, const Execution& execution);

}  // namespace fastmi::cpu
