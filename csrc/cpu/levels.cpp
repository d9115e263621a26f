#include "cpu/levels.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace fastmi::cpu {
namespace {

/// Smallest coordinates, and the width of the widest column.
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
bool levels_suit(const Points<T>& points) {
  constexpr std::int64_t kProbes = 128;
  constexpr T kWidest = 64;  // typical distances, each some 500 levels then
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
  // Half a round takes every pair twice where the stride divides n / 2.
  std::size_t tied = 0;
  for (std::size_t p = 2; p < probes.size(); ++p) tied += probes[p] == probes[p - 2];
  std::vector<T> lowest;
  return kTied * tied <= probes.size() &&
         widest_column(points, lowest) <= kWidest * probes[probes.size() / 2];
}

template <class T>
LevelColumns<T> build_level_columns(const Points<T>& points, const Execution& execution) {
  constexpr std::size_t kVectorBytes = 64;
  LevelColumns<T> columns;
  const std::int64_t n = columns.n = points.n;
  const int d = columns.d = points.d;
  columns.blocks = (n + kLevelBlock - 1) / kLevelBlock;
  columns.levels.resize(static_cast<std::size_t>(columns.blocks) * d * kLevelBlock);
  columns.rows.resize(static_cast<std::size_t>(n) * d + kVectorBytes / sizeof(T));
  std::fill(std::copy_n(points.data, n * d, columns.rows.begin()), columns.rows.end(), T(0));

  std::vector<T> lowest;
  const T window = widest_column(points, lowest);
  // Of columns without width all levels are 0, whatever the unit.
  const T per_unit = window > 0 ? kTopLevel / window : T(1);
  columns.per_unit = std::min(per_unit, std::numeric_limits<T>::max());

  parallel_for(execution, columns.blocks, [&](std::int64_t b, int) {
    std::int16_t* block = columns.levels.data() + b * d * kLevelBlock;
    for (int l = 0; l < kLevelBlock; ++l) {
      const std::int64_t i = b * kLevelBlock + l;
      if (i >= n) {
        for (int j = 0; j < d; ++j) block[j * kLevelBlock + l] = 0;
        continue;
      }
      const T* from = points.data + i * d;
      for (int j = 0; j < d; ++j) {
        const T level = (from[j] - lowest[j]) * columns.per_unit;
        // Rounding may carry the highest coordinate past the top.
        block[j * kLevelBlock + l] = static_cast<std::int16_t>(std::min(level, T(kTopLevel)));
      }
    }
  });
  return columns;
}

template bool levels_suit(const Points<float>&);
template bool levels_suit(const Points<double>&);
template LevelColumns<float> build_level_columns(const Points<float>&, const Execution&);
template LevelColumns<double> build_level_columns(const Points<double>&, const Execution&);

}  // namespace fastmi::cpu
