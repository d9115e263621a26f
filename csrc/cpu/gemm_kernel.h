// Register tiles of matrix products whose right operand is a tile of samples: lanes are samples.
// Sums run in the order of the summation index, one fused multiply-add per term where the level
// has it: results differ between levels in the last places, not between thread counts.
#pragma once

#include "cpu/gemm.h"
#include "cpu/simd.h"

namespace fastmi::cpu::FASTMI_LEVEL {

/// Vectors side by side in the widest register tile: 24 accumulators of 32 registers, or 12 of 16.
inline constexpr int kTileVectors = kVecBytes == 64 ? 4 : 2;

/// Calls f.operator()<V>() for V = vectors, which is 1 .. kTileVectors.
template <class F>
FASTMI_INLINE void with_vectors(int vectors, F&& f) {
  if constexpr (kTileVectors == 4) {
    if (vectors == 4) return f.template operator()<4>();
    if (vectors == 3) return f.template operator()<3>();
  }
  if (vectors == 2) return f.template operator()<2>();
  f.template operator()<1>();
}

/// c[r][:] = start[r] + sum_k w[r][k] b[k][:] for the kTileRows rows r of a tile. The first
/// `common` columns of w are read from `rows`, the next `rest` from `panel`, [k][kTileRows]. A null
/// `start` adds to c instead. Rows of b and c are vectors * lanes long.
template <class T>
void multiply_tile(const T* const* rows, std::int64_t common, const T* panel, std::int64_t rest,
                   const T* b, int vectors, const T* start, T* c) {
  with_vectors(vectors, [&]<int V>() __attribute__((always_inline)) {
    constexpr int W = kLanes<T>;
    constexpr int kStride = V * W;
    Vec<T> acc[kTileRows][V] = {};
    const T* samples = b;
    const auto add = [&](auto weight) __attribute__((always_inline)) {
      Vec<T> row[V];
      for (int v = 0; v < V; ++v) row[v] = load(samples + v * W);
      for (int r = 0; r < kTileRows; ++r) {
        const Vec<T> w = broadcast(weight(r));
        for (int v = 0; v < V; ++v) acc[r][v] = fma<T>(w, row[v], acc[r][v]);
      }
      samples += kStride;
    };
    if (common > 0) {
      const T* from[kTileRows];
      for (int r = 0; r < kTileRows; ++r) from[r] = rows[r];
      for (std::int64_t k = 0; k < common; ++k) {
        add([&](int r) __attribute__((always_inline)) { return from[r][k]; });
      }
    }
    const T* from = panel;
    for (std::int64_t k = 0; k < rest; ++k) {
      add([&](int r) __attribute__((always_inline)) { return from[r]; });
      from += kTileRows;
    }
    // Last, so that the terms' rounding errors are those of their own sum.
    for (int r = 0; r < kTileRows; ++r) {
      for (int v = 0; v < V; ++v) {
        T* to = c + r * kStride + v * W;
        store(to, acc[r][v] + (start != nullptr ? broadcast(start[r]) : load(to)));
      }
    }
  });
}

/// c[r][:] += sum over the samples of `tiles` tiles of a[r][sample] b[sample][:], for kTileRows
/// rows r. Rows of a hold `width` samples; those of b and c kTileVectors * lanes numbers, of which
/// the first `vectors` vectors are used.
template <class T>
void add_outer(const T* a, std::int64_t a_tile, const T* b, std::int64_t b_tile, std::int64_t tiles,
               std::int64_t width, int vectors, T* c) {
  with_vectors(vectors, [&]<int V>() __attribute__((always_inline)) {
    constexpr int W = kLanes<T>;
    constexpr int kStride = kTileVectors * W;
    Vec<T> acc[kTileRows][V] = {};
    for (std::int64_t t = 0; t < tiles; ++t) {
      const T* left = a + t * a_tile;
      const T* row = b + t * b_tile;
      for (std::int64_t s = 0; s < width; ++s) {
        Vec<T> columns[V];
        for (int v = 0; v < V; ++v) columns[v] = load(row + v * W);
        for (int r = 0; r < kTileRows; ++r) {
          const Vec<T> value = broadcast(left[r * width + s]);
          for (int v = 0; v < V; ++v) acc[r][v] = fma<T>(value, columns[v], acc[r][v]);
        }
        row += kStride;
      }
    }
    for (int r = 0; r < kTileRows; ++r) {
      for (int v = 0; v < V; ++v) {
        T* to = c + r * kStride + v * W;
        store(to, load(to) + acc[r][v]);
      }
    }
  });
}

/// Lane l of the result is the sum of the lanes of v[l], added in halves.
template <class T>
FASTMI_INLINE Vec<T> horizontal_sums(Vec<T>* v) {
  constexpr int W = kLanes<T>;
#pragma GCC unroll 4
  for (int step = W / 2; step > 0; step /= 2) {
    const VecInt<T> first = pick_lanes<T>(step, false);
    const VecInt<T> second = pick_lanes<T>(step, true);
#pragma GCC unroll 8
    for (int l = 0; l < step; ++l) {
      v[l] = __builtin_shuffle(v[l], v[l + step], first) +
             __builtin_shuffle(v[l], v[l + step], second);
    }
  }
  return v[0];
}

/// dots[p][q] = sum over all samples of a[p][sample] b[q][sample], p, q < kDotRows, in tiles of
/// `vectors` vectors that lie a_tile and b_tile numbers apart.
template <class T>
void dot_rows(const T* a, std::int64_t a_tile, const T* b, std::int64_t b_tile, std::int64_t tiles,
              int vectors, T* dots) {
  constexpr int W = kLanes<T>;
  const std::int64_t width = static_cast<std::int64_t>(vectors) * W;
  Vec<T> acc[kDotRows][kDotRows] = {};
  for (std::int64_t t = 0; t < tiles; ++t) {
    for (int v = 0; v < vectors; ++v) {
      const T* left = a + t * a_tile + v * W;
      const T* right = b + t * b_tile + v * W;
      Vec<T> row[kDotRows];
      for (int q = 0; q < kDotRows; ++q) row[q] = load(right + q * width);
      for (int p = 0; p < kDotRows; ++p) {
        const Vec<T> value = load(left + p * width);
        for (int q = 0; q < kDotRows; ++q) acc[p][q] = fma<T>(value, row[q], acc[p][q]);
      }
    }
  }
  for (int at = 0; at < kDotRows * kDotRows; at += W) {
    store(dots + at, horizontal_sums<T>(&acc[0][0] + at));
  }
}

/// sums[r] = sum over all samples of row r of a, laid out as in dot_rows.
template <class T>
void sum_rows(const T* a, std::int64_t a_tile, std::int64_t tiles, int vectors, std::int64_t rows,
              T* sums) {
  constexpr int W = kLanes<T>;
  const std::int64_t width = static_cast<std::int64_t>(vectors) * W;
  for (std::int64_t r = 0; r < rows; r += W) {
    // Kahan's sums: a bias gradient adds many numbers of one size and either sign.
    Vec<T> acc[W] = {};
    Vec<T> lost[W] = {};
    const int count = rows - r < W ? static_cast<int>(rows - r) : W;
    for (std::int64_t t = 0; t < tiles; ++t) {
      for (int v = 0; v < vectors; ++v) {
        const T* from = a + t * a_tile + r * width + v * W;
        for (int l = 0; l < count; ++l) {
          const Vec<T> term = load(from + l * width) - lost[l];
          const Vec<T> sum = acc[l] + term;
          lost[l] = (sum - acc[l]) - term;
          acc[l] = sum;
        }
      }
    }
    // With what was lost, the sum does not depend on how many padding zeros followed.
    for (int l = 0; l < count; ++l) acc[l] -= lost[l];
    store_part(sums + r, count, horizontal_sums<T>(acc));
  }
}

}  // namespace fastmi::cpu::FASTMI_LEVEL
