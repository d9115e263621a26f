// Register tiles of matrix products whose right operand is a tile of samples: lanes are samples.
// Sums run in the order of the summation index, with one fused multiply-add per term where the SIMD
// level has it: results differ between levels in the last places, but not between numbers of
// threads.
#pragma once

#include "cpu/gemm.h"
#include "cpu/simd.h"

namespace fastmi::cpu::FASTMI_LEVEL {

/// Vectors side by side in the widest register tile: accumulators take 24 of 32 registers, or 12 of
/// 16.
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

/// The accumulators of kTileRows rows by V vectors.
template <class T, int V>
struct Tile {
  Vec<T> acc[kTileRows][V] = {};

  /// Adds the product of a column, weight(r) for its row r, and of a row of V vectors.
  template <class Weight>
  FASTMI_INLINE void add(Weight&& weight, const T* row) {
    Vec<T> samples[V];
    for (int v = 0; v < V; ++v) samples[v] = load(row + v * kLanes<T>);
    for (int r = 0; r < kTileRows; ++r) {
      const Vec<T> w = broadcast(weight(r));
      for (int v = 0; v < V; ++v) acc[r][v] = fma<T>(w, samples[v], acc[r][v]);
    }
  }
  /// Adds `columns` columns of a panel, [k][kTileRows]; returns the row of b behind the last.
  FASTMI_INLINE const T* add_panel(const T* panel, std::int64_t columns, const T* b) {
    for (std::int64_t k = 0; k < columns; ++k, panel += kTileRows, b += V * kLanes<T>) {
      add([&](int r) __attribute__((always_inline)) { return panel[r]; }, b);
    }
    return b;
  }
};

/// c[r][:] = start[r] + sum_k w[r][k] b[k][:] for the kTileRows rows r of a tile. The first
/// `common` columns of w are read from `rows`, the next `rest` from `panel`, [k][kTileRows]. A null
/// `start` adds to c instead. Rows of b and c are vectors * lanes long.
template <class T>
void multiply_tile(const T* const* rows, std::int64_t common, const T* panel, std::int64_t rest,
                   const T* b, int vectors, const T* start, T* c) {
  with_vectors(vectors, [&]<int V>() __attribute__((always_inline)) {
    constexpr int kStride = V * kLanes<T>;
    Tile<T, V> tile;
    if (common > 0) {
      const T* from[kTileRows];
      for (int r = 0; r < kTileRows; ++r) from[r] = rows[r];
      for (std::int64_t k = 0; k < common; ++k) {
        tile.add([&](int r) __attribute__((always_inline)) { return from[r][k]; }, b + k * kStride);
      }
    }
    tile.add_panel(panel, rest, b + common * kStride);
    // The start comes last, so that it does not enlarge the sum's rounding errors.
    for (int r = 0; r < kTileRows; ++r) {
      for (int v = 0; v < V; ++v) {
        T* to = c + r * kStride + v * kLanes<T>;
        store(to, tile.acc[r][v] + (start != nullptr ? broadcast(start[r]) : load(to)));
      }
    }
  });
}

/// c[r][:] = sum_k w[k][r] b[k][:] for kTileRows columns r of w, or added to c. The first rows of w
/// are read from `panel`, [k][kTileRows], the others where they are.
template <class T>
void multiply_columns(const T* panel, std::int64_t packed, ColumnsOf<T> w, const T* b, int vectors,
                      bool add, T* c) {
  with_vectors(vectors, [&]<int V>() __attribute__((always_inline)) {
    constexpr int kStride = V * kLanes<T>;
    Tile<T, V> tile;
    const T* samples = tile.add_panel(panel, packed, b);
    for (std::int64_t block = 0; block < w.blocks; ++block, w.length += w.growth) {
      for (std::int64_t k = 0; k < w.rows; ++k, w.from += w.length, samples += kStride) {
        __builtin_prefetch(w.from + 4 * w.length);
        tile.add([&](int r) __attribute__((always_inline)) { return w.from[r]; }, samples);
      }
    }
    for (int r = 0; r < kTileRows; ++r) {
      for (int v = 0; v < V; ++v) {
        T* to = c + r * kStride + v * kLanes<T>;
        store(to, add ? tile.acc[r][v] + load(to) : tile.acc[r][v]);
      }
    }
  });
}

/// to[r][:] = sum over the samples of `tiles` tiles of a[r][sample] b[sample][:], for kTileRows
/// rows r, or added to it. Rows of a hold `width` samples, those of b kTileVectors * lanes numbers,
/// of which the first `vectors` vectors are used.
template <class T>
void outer_product(const T* a, std::int64_t a_tile, const T* b, std::int64_t b_tile,
                   std::int64_t tiles, std::int64_t width, int vectors, bool add, T* const* to) {
  with_vectors(vectors, [&]<int V>() __attribute__((always_inline)) {
    constexpr int kStride = kTileVectors * kLanes<T>;
    Tile<T, V> tile;
    for (std::int64_t t = 0; t < tiles; ++t) {
      const T* left = a + t * a_tile;
      const T* row = b + t * b_tile;
      for (std::int64_t s = 0; s < width; ++s, row += kStride) {
        tile.add([&](int r) __attribute__((always_inline)) { return left[r * width + s]; }, row);
      }
    }
    for (int r = 0; r < kTileRows; ++r) {
      for (int v = 0; v < V; ++v) {
        T* at = to[r] + v * kLanes<T>;
        store(at, add ? load(at) + tile.acc[r][v] : tile.acc[r][v]);
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
    // Adding back what was lost makes the sum independent of the number of padding zeros that
    // follow.
    for (int l = 0; l < count; ++l) acc[l] -= lost[l];
    store_part(sums + r, count, horizontal_sums<T>(acc));
  }
}

}  // namespace fastmi::cpu::FASTMI_LEVEL
