#include "cpu/bnaf.h"

#include <algorithm>
#include <stdexcept>

#include "cpu/bnaf_weights.h"
#include "cpu/kernels.h"

namespace fastmi::cpu {
namespace {

/// Rows for every sample, tile after tile: within a tile each row holds `width` samples.
template <class T>
struct Rows {
  std::int64_t count = 0;   ///< rows that mean something
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

/// Units of one level of a network and their gradients. Level 0 is the input.
template <class T>
struct Level {
  Rows<T> h;           ///< activations; at the last level the output
  Rows<T> tanh;        ///< tanh(u), where the activation leaks
  Rows<T> sums;        ///< S; backward: R
  Rows<T> scaled;      ///< E
  Rows<T> exponents;   ///< N, one row per block
  Rows<T> delta;       ///< backward: dL/du
  Rows<T> transposed;  ///< backward: h, samples by units, in panels of kTileVectors vectors
};

template <class T>
struct Layer {
  BnafWeights<T> weights;
  Buffer<T> bias;  ///< padded with zeros to whole panels
};

}  // namespace

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
  std::vector<Level<T>> levels, y_levels;
  Buffer<T> scratch;          // per thread
  std::int64_t scratch_size;  // numbers per thread
  bool used = false;

  Pass(const BnafNetwork<T>& network, bool keep_all, const Execution& execution);
  void pack(const Execution& execution);
  void forward_tile(const BnafNetwork<T>& network, std::int64_t tile, int thread, T* f,
                    T* log_slopes);
  void backward_tile(const T* f_gradient, const T* slope_gradient,
                     const BnafGradients<T>& gradients, std::int64_t tile, int thread);
  void transpose_level(Level<T>& level, std::int64_t t);
  void diagonal_gradient(const Level<T>& in, Level<T>& out, const Layer<T>& layer, bool slopes,
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

  /// Rows [samples, columns] of the caller into a tile, and back.
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

namespace {

std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// Vectors per tile: wide tiles use the registers best, narrow ones occupy more threads and waste
/// less of the last tile. Relative costs per vector measured by bench/bench_bnaf.py --tiles.
int choose_vectors(int widest, int lanes, std::int64_t conditioned, std::int64_t rest,
                   int threads) {
  int best = widest;
  double least = 0;
  for (int vectors = widest; vectors >= 1; vectors /= 2) {
    const std::int64_t width = static_cast<std::int64_t>(vectors) * lanes;
    const std::int64_t tiles = divide_up(conditioned, width) + divide_up(rest, width);
    const double cost_per_vector = vectors == 4 ? 1.0 : vectors == 2 ? 1.15 : 1.7;
    const double cost = static_cast<double>(divide_up(tiles, threads) * vectors) * cost_per_vector;
    if (vectors == widest || cost < least) {
      best = vectors;
      least = cost;
    }
  }
  return best;
}

template <class T>
std::vector<Layer<T>> make_layers(std::int64_t blocks, const std::vector<std::int64_t>& widths,
                                  const std::vector<const T*>& weights,
                                  const std::vector<const T*>& biases) {
  std::vector<Layer<T>> layers;
  for (std::size_t l = 0; l < weights.size(); ++l) {
    const BlockTriangle shape{blocks, widths[l + 1], widths[l]};
    layers.push_back({BnafWeights<T>(shape, weights[l], true), {}});
    layers.back().bias.resize(divide_up(shape.rows(), kTileRows) * kTileRows);
    std::fill(std::copy_n(biases[l], shape.rows(), layers.back().bias.begin()),
              layers.back().bias.end(), T(0));
  }
  return layers;
}

}  // namespace

template <class T>
Bnaf<T>::Pass::Pass(const BnafNetwork<T>& network, bool keep_all, const Execution& execution)
    : n(network.n),
      d(network.d),
      conditioned(network.conditioned),
      d_y(network.d_y),
      leak(network.leak),
      keep(keep_all),
      depth(static_cast<std::int64_t>(network.weights.size())) {
  vectors = choose_vectors(kernels.tile_vectors, kernels.lanes, conditioned, n - conditioned,
                           execution.threads);
  width = static_cast<std::int64_t>(vectors) * kernels.lanes;
  conditioned_tiles = divide_up(conditioned, width);
  tiles = conditioned_tiles + divide_up(n - conditioned, width);

  layers = make_layers(d, network.widths, network.weights, network.biases);
  y_layers = make_layers(d_y, network.y_widths, network.y_weights, network.y_biases);
  for (std::size_t l = 0; l < network.cross_weights.size(); ++l) {
    cross.emplace_back(BlockTriangle{1, d * network.widths[l + 1], d_y * network.y_widths[l]},
                       network.cross_weights[l], false);
  }

  const std::int64_t slots = keep ? tiles : execution.threads;
  levels.resize(depth + 1);
  std::int64_t most_units = d;
  for (std::int64_t l = 0; l <= depth; ++l) {
    const std::int64_t units = d * network.widths[l];
    most_units = std::max(most_units, units);
    levels[l].h.resize(slots, units, width);
    levels[l].scaled.resize(l < depth ? slots : 0, units, width);
    levels[l].exponents.resize(slots, d, width);
    if (l > 0) levels[l].sums.resize(slots, units, width);
    if (l > 0 && l < depth && leak > 0) levels[l].tanh.resize(slots, units, width);
  }
  const std::int64_t y_slots = keep ? conditioned_tiles : execution.threads;
  y_levels.resize(conditioned > 0 ? depth : 0);
  for (std::size_t l = 0; l < y_levels.size(); ++l) {
    const std::int64_t units = d_y * network.y_widths[l];
    most_units = std::max(most_units, units);
    y_levels[l].h.resize(y_slots, units, width);
    if (l > 0 && leak > 0) y_levels[l].tanh.resize(y_slots, units, width);
  }
  scratch_size = (most_units + kTileRows) * width;
  scratch.resize(execution.threads * scratch_size);
}

template <class T>
void Bnaf<T>::Pass::pack(const Execution& execution) {
  std::vector<BnafWeights<T>*> all;
  for (auto& layer : layers) all.push_back(&layer.weights);
  for (auto& layer : y_layers) all.push_back(&layer.weights);
  for (auto& weights : cross) all.push_back(&weights);
  for (int step = 0; step < BnafWeights<T>::kSteps; ++step) {
    std::vector<std::int64_t> ends;
    std::int64_t items = 0;
    for (const auto* weights : all) ends.push_back(items += weights->items(step, keep));
    constexpr std::int64_t kGroup = 4;
    parallel_for(execution, divide_up(items, kGroup), [&](std::int64_t group, int) {
      const std::int64_t end = std::min(items, (group + 1) * kGroup);
      for (std::int64_t item = group * kGroup; item < end; ++item) {
        const auto which = std::upper_bound(ends.begin(), ends.end(), item) - ends.begin();
        all[which]->pack(kernels, step, item - (ends[which] - all[which]->items(step, keep)));
      }
    });
  }
}

template <class T>
void Bnaf<T>::Pass::forward_tile(const BnafNetwork<T>& network, std::int64_t tile, int thread, T* f,
                                 T* log_slopes) {
  const std::int64_t t = slot(tile, thread);
  T* own = scratch.data() + thread * scratch_size;
  if (has_y(tile)) {
    load_tile(network.y, d_y, tile, y_levels[0].h.tile(t));
    for (std::size_t l = 0; l < y_layers.size(); ++l) {
      Level<T>& out = y_levels[l + 1];
      y_layers[l].weights.multiply(kernels, vectors, y_layers[l].bias.data(), y_levels[l].h.tile(t),
                                   out.h.tile(t));
      kernels.activate(out.h.tile(t), out.h.count * width, leak,
                       leak > 0 ? out.tanh.tile(t) : nullptr);
    }
  }
  load_tile(network.x, d, tile, levels[0].h.tile(t));
  std::fill_n(levels[0].scaled.tile(t), d * width, T(1));
  std::fill_n(levels[0].exponents.tile(t), d * width, T(0));
  for (std::int64_t l = 0; l < depth; ++l) {
    const BnafWeights<T>& weights = layers[l].weights;
    const BlockTriangle& shape = weights.shape();
    Level<T>& in = levels[l];
    Level<T>& out = levels[l + 1];
    weights.multiply(kernels, vectors, layers[l].bias.data(), in.h.tile(t), out.h.tile(t));
    if (has_y(tile))
      cross[l].multiply(kernels, vectors, nullptr, y_levels[l].h.tile(t), out.h.tile(t));
    for (std::int64_t i = 0; i < d; ++i) {
      const std::int64_t unit = i * shape.a_out;
      weights.multiply_slopes(kernels, vectors, i, in.scaled.row(t, i * shape.a_in),
                              out.sums.row(t, unit));
      if (l + 1 < depth) {
        kernels.activate_block(out.h.row(t, unit), out.sums.row(t, unit), weights.exponent(i),
                               in.exponents.row(t, i), shape.a_out, vectors, leak,
                               leak > 0 ? out.tanh.row(t, unit) : nullptr, out.scaled.row(t, unit),
                               out.exponents.row(t, i), own);
      } else {
        kernels.log_slopes(out.sums.row(t, unit), in.exponents.row(t, i), weights.exponent(i),
                           vectors, own + i * width);
      }
    }
  }
  store_tile(levels[depth].h.tile(t), d, tile, f);
  store_tile(own, d, tile, log_slopes);
}

template <class T>
void Bnaf<T>::Pass::transpose_level(Level<T>& level, std::int64_t t) {
  const std::int64_t panel = kernels.tile_vectors * kernels.lanes;
  for (std::int64_t r = 0; r < level.h.count; r += panel) {
    kernels.transpose_rows(level.h.row(t, r), std::min(panel, level.h.count - r), vectors,
                           level.transposed.tile(t) + r * width);
  }
}

template <class T>
void Bnaf<T>::Pass::backward_tile(const T* f_gradient, const T* slope_gradient,
                                  const BnafGradients<T>& gradients, std::int64_t tile,
                                  int thread) {
  const std::int64_t t = tile;
  T* own = scratch.data() + thread * scratch_size;
  load_tile(f_gradient, d, tile, levels[depth].delta.tile(t));
  load_tile(slope_gradient, d, tile, own);
  T* sums = levels[depth].sums.tile(t);
  for (std::int64_t at = 0; at < d * width; ++at) sums[at] = own[at] / sums[at];

  for (std::int64_t l = depth - 1; l >= 0; --l) {
    const BnafWeights<T>& weights = layers[l].weights;
    const BlockTriangle& shape = weights.shape();
    Level<T>& in = levels[l];
    Level<T>& out = levels[l + 1];
    transpose_level(in, t);
    if (l == 0 && gradients.x == nullptr) break;
    weights.multiply_transposed(kernels, vectors, false, out.delta.tile(t), in.delta.tile(t));
    if (l == 0) {
      store_tile(in.delta.tile(t), d, tile, gradients.x);
      break;
    }
    for (std::int64_t i = 0; i < d; ++i) {
      weights.multiply_slopes_transposed(kernels, vectors, i, out.sums.row(t, i * shape.a_out),
                                         own + i * shape.a_in * width);
    }
    kernels.activate_backward(in.delta.tile(t), in.h.tile(t), leak > 0 ? in.tanh.tile(t) : nullptr,
                              in.h.count * width, leak, in.scaled.tile(t), own, in.sums.tile(t));
  }
  if (!has_y(tile)) return;
  for (std::int64_t l = depth - 1; l >= 0; --l) {
    Level<T>& level = y_levels[l];
    transpose_level(level, t);
    if (l == 0 && gradients.y == nullptr) break;
    cross[l].multiply_transposed(kernels, vectors, false, levels[l + 1].delta.tile(t),
                                 level.delta.tile(t));
    if (l + 1 < depth) {
      y_layers[l].weights.multiply_transposed(kernels, vectors, true, y_levels[l + 1].delta.tile(t),
                                              level.delta.tile(t));
    }
    if (l == 0) {
      store_tile(level.delta.tile(t), d_y, tile, gradients.y);
    } else {
      kernels.activate_backward(level.delta.tile(t), level.h.tile(t),
                                leak > 0 ? level.tanh.tile(t) : nullptr, level.h.count * width,
                                leak, nullptr, nullptr, nullptr);
    }
  }
}

// Gradients of the parameters: sums over samples, parallel over what they are gradients of.
namespace {

/// One matrix whose gradient is delta^T h.
template <class T>
struct Product {
  const BnafWeights<T>* weights;
  Rows<T>* delta;
  Rows<T>* transposed;
  bool all_tiles;
  bool slopes;  ///< the diagonal blocks hold the log-slopes' part already
  T* gradient;
};

struct Task {
  std::size_t product;
  std::int64_t column, first_panel, end_panel;
};

}  // namespace

template <class T>
void Bnaf<T>::Pass::diagonal_gradient(const Level<T>& in, Level<T>& out, const Layer<T>& layer,
                                      bool slopes, std::int64_t tile_count, std::int64_t block,
                                      T* weight_gradient, T* bias_gradient) {
  const BlockTriangle& shape = layer.weights.shape();
  const std::int64_t first = block * shape.a_out;
  kernels.sum_rows(out.delta.row(0, first), out.delta.stride, tile_count, vectors, shape.a_out,
                   bias_gradient + first);
  if (!slopes) return;
  T dots[kDotRows * kDotRows];
  auto& inputs = const_cast<Rows<T>&>(in.scaled);
  for (std::int64_t p = 0; p < shape.a_out; p += kDotRows) {
    for (std::int64_t q = 0; q < shape.a_in; q += kDotRows) {
      kernels.dot_rows(out.sums.row(0, first + p), out.sums.stride,
                       inputs.row(0, block * shape.a_in + q), inputs.stride, tile_count, vectors,
                       dots);
      for (std::int64_t r = p; r < std::min(p + kDotRows, shape.a_out); ++r) {
        T* to = weight_gradient + layer.weights.row(first + r).offset +
                layer.weights.row(first + r).diagonal;
        for (std::int64_t k = q; k < std::min(q + kDotRows, shape.a_in); ++k) {
          to[k] = dots[(r - p) * kDotRows + k - q] * layer.weights.scaled_row(first + r)[k];
        }
      }
    }
  }
}

template <class T>
Bnaf<T>::Bnaf(const BnafNetwork<T>& network, bool keep, const Execution& execution, T* f,
              T* log_slopes)
    : pass_(std::make_unique<Pass>(network, keep, execution)) {
  pass_->pack(execution);
  parallel_for(execution, pass_->tiles, [&](std::int64_t tile, int thread) {
    pass_->forward_tile(network, tile, thread, f, log_slopes);
  });
}

template <class T>
Bnaf<T>::~Bnaf() = default;

template <class T>
void Bnaf<T>::backward(const T* f_gradient, const T* slope_gradient, const Execution& execution,
                       const BnafGradients<T>& gradients) {
  Pass& pass = *pass_;
  if (!pass.keep || pass.used)
    throw std::logic_error("no activations are left for a backward pass");
  pass.used = true;
  const std::int64_t panel = pass.kernels.tile_vectors * pass.kernels.lanes;
  const auto prepare = [&](Level<T>& level, std::int64_t tiles, bool input) {
    if (!input) level.delta.resize(tiles, level.h.count, pass.width);
    level.transposed.resize(tiles, divide_up(level.h.count, panel) * panel, pass.width);
  };
  for (std::int64_t l = 0; l <= pass.depth; ++l) {
    prepare(pass.levels[l], pass.tiles, l == 0 && gradients.x == nullptr);
  }
  for (std::size_t l = 0; l < pass.y_levels.size(); ++l) {
    prepare(pass.y_levels[l], pass.conditioned_tiles, l == 0 && gradients.y == nullptr);
  }
  pass.scratch.resize(execution.threads * pass.scratch_size);
  parallel_for(execution, pass.tiles, [&](std::int64_t tile, int thread) {
    pass.backward_tile(f_gradient, slope_gradient, gradients, tile, thread);
  });

  // Biases and the log-slopes' part of the diagonal blocks.
  const auto y_depth = static_cast<std::int64_t>(pass.y_layers.size());
  const std::int64_t blocks = pass.depth * pass.d + y_depth * pass.d_y;
  parallel_for(execution, blocks, [&](std::int64_t item, int) {
    if (item < pass.depth * pass.d) {
      const std::int64_t l = item / pass.d;
      pass.diagonal_gradient(pass.levels[l], pass.levels[l + 1], pass.layers[l], true, pass.tiles,
                             item % pass.d, gradients.weights[l], gradients.biases[l]);
    } else {
      item -= pass.depth * pass.d;
      const std::int64_t l = item / pass.d_y;
      pass.diagonal_gradient(pass.y_levels[l], pass.y_levels[l + 1], pass.y_layers[l], false,
                             pass.conditioned_tiles, item % pass.d_y, gradients.y_weights[l],
                             gradients.y_biases[l]);
    }
  });

  std::vector<Product<T>> products;
  for (std::int64_t l = 0; l < pass.depth; ++l) {
    products.push_back({&pass.layers[l].weights, &pass.levels[l + 1].delta,
                        &pass.levels[l].transposed, true, true, gradients.weights[l]});
  }
  for (std::size_t l = 0; l < pass.cross.size(); ++l) {
    products.push_back({&pass.cross[l], &pass.levels[l + 1].delta, &pass.y_levels[l].transposed,
                        false, false, gradients.cross_weights[l]});
  }
  for (std::int64_t l = 0; l < y_depth; ++l) {
    products.push_back({&pass.y_layers[l].weights, &pass.y_levels[l + 1].delta,
                        &pass.y_levels[l].transposed, false, false, gradients.y_weights[l]});
  }
  std::vector<Task> tasks;
  constexpr std::int64_t kPanels = 16;
  for (std::size_t p = 0; p < products.size(); ++p) {
    const BlockTriangle& shape = products[p].weights->shape();
    for (std::int64_t k = 0; k < shape.columns(); k += panel) {
      const std::int64_t panels = products[p].weights->panels();
      for (std::int64_t r = shape.first_row(k) / kTileRows; r < panels; r += kPanels) {
        tasks.push_back({p, k, r, std::min(panels, r + kPanels)});
      }
    }
  }
  const std::int64_t group = pass.kernels.tile_vectors / pass.vectors;  // tiles summed at once
  parallel_for(execution, static_cast<std::int64_t>(tasks.size()), [&](std::int64_t item, int) {
    const Task& task = tasks[item];
    const Product<T>& product = products[task.product];
    const BnafWeights<T>& weights = *product.weights;
    const BlockTriangle& shape = weights.shape();
    // Sums of all panels side by side, so that one group of samples stays in the nearest cache.
    T sums[kPanels][kTileRows * 64];
    for (auto& panel_sums : sums) std::fill_n(panel_sums, kTileRows * panel, T(0));
    const auto add = [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t t = begin; t < end; t += group) {
        const T* h = product.transposed->tile(t) + task.column * pass.width;
        for (std::int64_t p = task.first_panel; p < task.end_panel; ++p) {
          const std::int64_t columns = std::min(panel, weights.depth(p) - task.column);
          if (columns <= 0) continue;
          pass.kernels.add_outer(product.delta->row(t, p * kTileRows), product.delta->stride, h,
                                 product.transposed->stride, std::min(group, end - t), pass.width,
                                 static_cast<int>(divide_up(columns, pass.kernels.lanes)),
                                 sums[p - task.first_panel]);
        }
      }
    };
    add(0, pass.conditioned_tiles);
    if (product.all_tiles) add(pass.conditioned_tiles, pass.tiles);
    for (std::int64_t p = task.first_panel; p < task.end_panel; ++p) {
      const std::int64_t end_row = std::min(shape.rows(), (p + 1) * kTileRows);
      for (std::int64_t r = p * kTileRows; r < end_row; ++r) {
        const T* from = sums[p - task.first_panel] + (r - p * kTileRows) * panel - task.column;
        const auto& row = weights.row(r);
        T* to = product.gradient + row.offset;
        const std::int64_t end = std::min(task.column + panel, row.length);
        std::int64_t k = task.column;
        if (k < std::min(end, row.diagonal)) {
          std::copy(from + k, from + std::min(end, row.diagonal), to + k);
          k = row.diagonal;
        }
        for (; k < end; ++k) {
          const T part = from[k] * weights.exp_row(r)[k - row.diagonal];
          to[k] = product.slopes ? to[k] + part : part;
        }
      }
    }
  });
}

template class Bnaf<float>;
template class Bnaf<double>;

}  // namespace fastmi::cpu
