#include "cpu/steps.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace fastmi::cpu {
namespace {

/// Finds the smallest coordinate of every column; returns the width of the widest column.
template <class T>
T widest_column(const Points<T>& points, std::vector<T>& lowest) {
  lowest.assign(points.data, points.data + points.d);
  std::vector<T> highest(lowest);
  for (std::int64_t i = 1; i < points.n; ++i) {
    for (int j = 0; j < points.d; ++j) {
      lowest[j] = std::min(lowest[j], points.data[i * points.d + j]);
      highest[j] = std::max(highest[j], points.data[i * points.d + j]);
    }
  }
  T widest = 0;
  for (int j = 0; j < points.d; ++j) widest = std::max(widest, highest[j] - lowest[j]);
  return widest;
}

}  // namespace

template <class T>
bool steps_suit(const Points<T>& points) {
  constexpr std::int64_t kProbes = 128;
  constexpr T kWidest = 64;  // typical distances, each of which then spans some 500 steps
  constexpr std::size_t kTied = 4;
  std::vector<T> probes;
  const std::int64_t stride = std::max<std::int64_t>(1, points.n / kProbes);
  for (std::int64_t i = 0; i < points.n; i += stride) {
    const T* a = points.data + i * points.d;
    const T* b = points.data + (i + points.n / 2) % points.n * points.d;
    T distance = 0;
    for (int j = 0; j < points.d; ++j) distance = std::max(distance, std::abs(a[j] - b[j]));
    probes.push_back(distance);
  }
  std::sort(probes.begin(), probes.end());
  // Every pair occurs twice where the stride divides n / 2: only a third equal distance is a tie.
  std::size_t tied = 0;
  for (std::size_t p = 2; p < probes.size(); ++p) tied += probes[p] == probes[p - 2];
  std::vector<T> lowest;
  return kTied * tied <= probes.size() &&
         widest_column(points, lowest) <= kWidest * probes[probes.size() / 2];
}

template <class T>
StepColumns<T> build_step_columns(const Points<T>& points, const Execution& execution) {
  constexpr std::size_t kVectorBytes = 64;
  StepColumns<T> columns;
  const std::int64_t n = columns.n = points.n;
  const int d = columns.d = points.d;
  columns.groups = (n + kStepGroup - 1) / kStepGroup;
  columns.steps.resize(static_cast<std::size_t>(columns.groups) * d * kStepGroup);
  columns.rows.resize(static_cast<std::size_t>(n) * d + kVectorBytes / sizeof(T));
  std::fill(std::copy_n(points.data, n * d, columns.rows.begin()), columns.rows.end(), T(0));

  // All that follows reads the copy: another thread may write to the samples during the call.
  std::vector<T> lowest;
  const T window = widest_column(Points<T>{columns.rows.data(), n, d}, lowest);
  // Constant columns have all their coordinates at step 0, whatever the unit.
  const T per_unit = window > 0 ? kTopStep / window : T(1);
  columns.per_unit = std::min(per_unit, std::numeric_limits<T>::max());

  parallel_for(execution, columns.groups, [&](std::int64_t g, int) {
    std::int16_t* group = columns.steps.data() + g * d * kStepGroup;
    for (int l = 0; l < kStepGroup; ++l) {
      const std::int64_t i = g * kStepGroup + l;
      if (i >= n) {
        for (int j = 0; j < d; ++j) group[j * kStepGroup + l] = 0;
        continue;
      }
      const T* from = columns.row(i);
      for (int j = 0; j < d; ++j) {
        const T steps = (from[j] - lowest[j]) * columns.per_unit;
        // Rounding may carry the highest coordinate past the top. In this order NaN becomes 0.
        const T inside = std::min(std::max(T(0), steps), T(kTopStep));
        group[j * kStepGroup + l] = static_cast<std::int16_t>(inside);
      }
    }
  });
  return columns;
}

template bool steps_suit(const Points<float>&);
template bool steps_suit(const Points<double>&);
template StepColumns<float> build_step_columns(const Points<float>&, const Execution&);
template StepColumns<double> build_step_columns(const Points<double>&, const Execution&);

}  // namespace fastmi::cpu
