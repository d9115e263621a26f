#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "cpu/bnaf.h"
#include "cpu/bnaf_weights.h"
#include "cpu/buffer.h"
#include "cpu/gemm.h"
#include "cpu/kernels.h"

namespace fastmi::cpu {

inline std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// Rows with one number per sample, stored tile after tile; within a tile a row holds `width`
/// samples.
template <class T>
struct Rows {
  std::int64_t count = 0;   ///< rows in use
  std::int64_t stride = 0;  ///< numbers from tile to tile
  std::int64_t width = 0;
  Buffer<T> numbers;

  void resize(std::int64_t tiles, std::int64_t rows, std::int64_t samples) {
    count = rows;
    width = samples;
    // Register tiles write whole panels of rows; those beyond the last row are never read.
    stride = (rows + kTileRows) * samples;
    numbers.resize(static_cast<std::size_t>(tiles * stride));
  }
  T* tile(std::int64_t t) { return numbers.data() + t * stride; }
  T* row(std::int64_t t, std::int64_t r) { return tile(t) + r * width; }
};

/// The units of one layer of a network and their gradients. Layer 0 is the input.
template <class T>
struct Units {
  Rows<T> h;           ///< activations; of the last layer: the output
  Rows<T> tanh;        ///< tanh(u), where the activation leaks
  Rows<T> sech2;       ///< sech^2(u), of hidden layers
  Rows<T> sums;        ///< S_p = sum_q W_pq E_q over the inputs of a block
  Rows<T> scaled;      ///< E, the slopes without their exponents
  Rows<T> exponents;   ///< N, the exponents of the slopes, one row per block
  Rows<T> delta;       ///< backward: gradient of the loss in u
  Rows<T> ratios;      ///< backward: R, see activate_backward
  Rows<T> transposed;  ///< backward: h with a row per sample, in panels of kTileVectors vectors
};

template <class T>
struct Layer {
  BnafWeights<T> weights;
  Buffer<T> bias;  ///< padded with zeros to whole panels
};

template <class T>
struct Bnaf<T>::Pass {
  const Kernels<T>& kernels = current_kernels<T>();
  std::int64_t n, d, conditioned, d_y;
  T leak;
  bool keep;
  std::int64_t depth;  // L
  std::int64_t width;  // samples in a tile
  int vectors;         // width in vectors
  std::int64_t conditioned_tiles, tiles;
  std::vector<Layer<T>> layers, y_layers;
  std::vector<BnafWeights<T>> cross;
  std::vector<Units<T>> x_units, y_units;
  Buffer<T> scratch;          // per thread
  std::int64_t scratch_size;  // numbers per thread

  Pass(const BnafNetwork<T>& network, bool keep_all, const Execution& execution);
  void pack(const Execution& execution);
  void forward_tile(const BnafNetwork<T>& network, std::int64_t tile, int thread, T* f,
                    T* log_slopes);
  void backward_tile(const T* f_gradient, const T* slope_gradient,
                     const BnafGradients<T>& gradients, std::int64_t tile, int thread);
  void transpose_units(Units<T>& units, std::int64_t t);
  void diagonal_gradient(const Units<T>& in, Units<T>& out, const Layer<T>& layer, bool slopes,
                         std::int64_t tile_count, std::int64_t block, T* weight_gradient,
                         T* bias_gradient);

  bool has_y(std::int64_t tile) const { return tile < conditioned_tiles; }
  /// First sample of a tile, and how many it has.
  std::int64_t first(std::int64_t tile) const {
    return has_y(tile) ? tile * width : conditioned + (tile - conditioned_tiles) * width;
  }
  std::int64_t samples(std::int64_t tile) const {
    return std::min(width, (has_y(tile) ? conditioned : n) - first(tile));
  }
  std::int64_t slot(std::int64_t tile, int thread) const { return keep ? tile : thread; }

  /// These copy the caller's rows [samples, columns] into a tile, and back.
  void load_tile(const T* from, std::int64_t columns, std::int64_t tile, T* to) const {
    const std::int64_t count = samples(tile);
    const T* rows = from + first(tile) * columns;
    for (std::int64_t j = 0; j < columns; ++j) {
      for (std::int64_t s = 0; s < count; ++s) to[j * width + s] = rows[s * columns + j];
      std::fill(to + j * width + count, to + (j + 1) * width, T(0));
    }
  }
  void store_tile(const T* from, std::int64_t columns, std::int64_t tile, T* to) const {
    const std::int64_t count = samples(tile);
    T* rows = to + first(tile) * columns;
    for (std::int64_t s = 0; s < count; ++s) {
      for (std::int64_t j = 0; j < columns; ++j) rows[s * columns + j] = from[j * width + s];
    }
  }
};

}  // namespace fastmi::cpu
