#include <stdexcept>

#include "cpu/bnaf_pass.h"

namespace fastmi::cpu {

template <class T>
void Bnaf<T>::Pass::transpose_units(Units<T>& units, std::int64_t t) {
  const std::int64_t panel = kernels.tile_vectors * kernels.lanes;
  for (std::int64_t r = 0; r < units.h.count; r += panel) {
    kernels.transpose_rows(units.h.row(t, r), std::min(panel, units.h.count - r), vectors,
                           units.transposed.tile(t) + r * width);
  }
}

template <class T>
void Bnaf<T>::Pass::backward_tile(const T* f_gradient, const T* slope_gradient,
                                  const BnafGradients<T>& gradients, std::int64_t tile,
                                  int thread) {
  const std::int64_t t = tile;
  T* own = scratch.data() + thread * scratch_size;
  load_tile(f_gradient, d, tile, x_units[depth].delta.tile(t));
  load_tile(slope_gradient, d, tile, own);
  const T* sums = x_units[depth].sums.tile(t);
  T* ratios = x_units[depth].ratios.tile(t);
  for (std::int64_t at = 0; at < d * width; ++at) ratios[at] = own[at] / sums[at];

  for (std::int64_t l = depth - 1; l >= 0; --l) {
    const BnafWeights<T>& weights = layers[l].weights;
    const BlockTriangle& shape = weights.shape();
    Units<T>& in = x_units[l];
    Units<T>& out = x_units[l + 1];
    transpose_units(in, t);
    if (l == 0 && gradients.x == nullptr) break;
    weights.multiply_transposed(kernels, vectors, false, out.delta.tile(t), in.delta.tile(t));
    if (l == 0) {
      store_tile(in.delta.tile(t), d, tile, gradients.x);
      break;
    }
    for (std::int64_t i = 0; i < d; ++i) {
      weights.multiply_slopes_transposed(kernels, vectors, i, out.ratios.row(t, i * shape.a_out),
                                         own + i * shape.a_in * width);
    }
    kernels.activate_backward(in.delta.tile(t), (leak > 0 ? in.tanh : in.h).tile(t),
                              in.sech2.tile(t), in.h.count * width, leak, in.scaled.tile(t), own,
                              in.sums.tile(t), in.ratios.tile(t));
  }
  if (!has_y(tile)) return;
  for (std::int64_t l = depth - 1; l >= 0; --l) {
    Units<T>& units = y_units[l];
    transpose_units(units, t);
    if (l == 0 && gradients.y == nullptr) break;
    cross[l].multiply_transposed(kernels, vectors, false, x_units[l + 1].delta.tile(t),
                                 units.delta.tile(t));
    if (l + 1 < depth) {
      y_layers[l].weights.multiply_transposed(kernels, vectors, true, y_units[l + 1].delta.tile(t),
                                              units.delta.tile(t));
    }
    if (l == 0) {
      store_tile(units.delta.tile(t), d_y, tile, gradients.y);
    } else {
      kernels.activate_backward(units.delta.tile(t), (leak > 0 ? units.tanh : units.h).tile(t),
                                units.sech2.tile(t), units.h.count * width, leak, nullptr, nullptr,
                                nullptr, nullptr);
    }
  }
}

// Gradients of the parameters are sums over samples. Threads share out the parameters, never the
// samples.
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

constexpr std::int64_t kPanels = 16;         ///< most panels in a task
constexpr std::int64_t kGroupSamples = 256;  ///< a multiple of every tile's width
constexpr std::int64_t kMostLanes = 64;      ///< most numbers in a row of a register tile

/// Whether the sums of panel p from `column` on may go straight to the gradient, which is so if all
/// its rows exist and whole vectors end left of the diagonal blocks.
template <class T>
bool in_gradient(const BnafWeights<T>& weights, std::int64_t p, std::int64_t column,
                 std::int64_t panel, int lanes) {
  if ((p + 1) * kTileRows > weights.shape().rows()) return false;
  const std::int64_t columns = std::min(panel, weights.depth(p) - column);
  return columns % lanes == 0 && column + columns <= weights.row(p * kTileRows).diagonal;
}

}  // namespace

template <class T>
void Bnaf<T>::Pass::diagonal_gradient(const Units<T>& in, Units<T>& out, const Layer<T>& layer,
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
      kernels.dot_rows(out.ratios.row(0, first + p), out.ratios.stride,
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
void Bnaf<T>::backward(const T* f_gradient, const T* slope_gradient, const Execution& execution,
                       const BnafGradients<T>& gradients) {
  Pass& pass = *pass_;
  if (!pass.keep) throw std::logic_error("the forward pass kept nothing for a backward pass");
  const std::int64_t panel = pass.kernels.tile_vectors * pass.kernels.lanes;
  const auto prepare = [&](Units<T>& units, std::int64_t tiles, bool input) {
    if (!input) units.delta.resize(tiles, units.h.count, pass.width);
    units.transposed.resize(tiles, divide_up(units.h.count, panel) * panel, pass.width);
  };
  for (std::int64_t l = 0; l <= pass.depth; ++l) {
    prepare(pass.x_units[l], pass.tiles, l == 0 && gradients.x == nullptr);
    if (l > 0) pass.x_units[l].ratios.resize(pass.tiles, pass.x_units[l].h.count, pass.width);
  }
  for (std::size_t l = 0; l < pass.y_units.size(); ++l) {
    prepare(pass.y_units[l], pass.conditioned_tiles, l == 0 && gradients.y == nullptr);
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
      pass.diagonal_gradient(pass.x_units[l], pass.x_units[l + 1], pass.layers[l], true, pass.tiles,
                             item % pass.d, gradients.weights[l], gradients.biases[l]);
    } else {
      item -= pass.depth * pass.d;
      const std::int64_t l = item / pass.d_y;
      pass.diagonal_gradient(pass.y_units[l], pass.y_units[l + 1], pass.y_layers[l], false,
                             pass.conditioned_tiles, item % pass.d_y, gradients.y_weights[l],
                             gradients.y_biases[l]);
    }
  });

  std::vector<Product<T>> products;
  for (std::int64_t l = 0; l < pass.depth; ++l) {
    products.push_back({&pass.layers[l].weights, &pass.x_units[l + 1].delta,
                        &pass.x_units[l].transposed, true, true, gradients.weights[l]});
  }
  for (std::size_t l = 0; l < pass.cross.size(); ++l) {
    products.push_back({&pass.cross[l], &pass.x_units[l + 1].delta, &pass.y_units[l].transposed,
                        false, false, gradients.cross_weights[l]});
  }
  for (std::int64_t l = 0; l < y_depth; ++l) {
    products.push_back({&pass.y_layers[l].weights, &pass.y_units[l + 1].delta,
                        &pass.y_units[l].transposed, false, false, gradients.y_weights[l]});
  }
  std::vector<Task> tasks;
  for (std::size_t p = 0; p < products.size(); ++p) {
    const BlockTriangle& shape = products[p].weights->shape();
    for (std::int64_t k = 0; k < shape.columns(); k += panel) {
      const std::int64_t panels = products[p].weights->panels();
      for (std::int64_t r = shape.first_row(k) / kTileRows; r < panels; r += kPanels) {
        tasks.push_back({p, k, r, std::min(panels, r + kPanels)});
      }
    }
  }
  // Number of tiles whose samples are summed in registers at once: few enough for all panels of a
  // task to find h in a near cache.
  const std::int64_t group = kGroupSamples / pass.width;
  parallel_for(execution, static_cast<std::int64_t>(tasks.size()), [&](std::int64_t item, int) {
    const Task& task = tasks[item];
    const Product<T>& product = products[task.product];
    const BnafWeights<T>& weights = *product.weights;
    // Panels that end at the diagonal or the last row are summed in a buffer first.
    T sums[kPanels][kTileRows * kMostLanes];
    T* to[kPanels][kTileRows];
    bool direct[kPanels];
    for (std::int64_t p = task.first_panel; p < task.end_panel; ++p) {
      const std::int64_t at = p - task.first_panel;
      direct[at] = in_gradient(weights, p, task.column, panel, pass.kernels.lanes);
      for (std::int64_t r = 0; r < kTileRows; ++r) {
        to[at][r] = direct[at]
                        ? product.gradient + weights.row(p * kTileRows + r).offset + task.column
                        : sums[at] + r * panel;
      }
    }
    bool first = true;
    const auto add = [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t t = begin; t < end; t += group, first = false) {
        const T* h = product.transposed->tile(t) + task.column * pass.width;
        for (std::int64_t p = task.first_panel; p < task.end_panel; ++p) {
          const std::int64_t columns = std::min(panel, weights.depth(p) - task.column);
          if (columns <= 0) continue;
          pass.kernels.outer_product(product.delta->row(t, p * kTileRows), product.delta->stride, h,
                                     product.transposed->stride, std::min(group, end - t),
                                     pass.width,
                                     static_cast<int>(divide_up(columns, pass.kernels.lanes)),
                                     !first, to[p - task.first_panel]);
        }
      }
    };
    add(0, pass.conditioned_tiles);
    if (product.all_tiles) add(pass.conditioned_tiles, pass.tiles);
    for (std::int64_t p = task.first_panel; p < task.end_panel; ++p) {
      if (direct[p - task.first_panel]) continue;
      const std::int64_t end_row = std::min(weights.shape().rows(), (p + 1) * kTileRows);
      for (std::int64_t r = p * kTileRows; r < end_row; ++r) {
        const T* from = to[p - task.first_panel][r - p * kTileRows] - task.column;
        const auto& row = weights.row(r);
        T* gradient = product.gradient + row.offset;
        const std::int64_t end = std::min(task.column + panel, row.length);
        std::int64_t k = task.column;
        for (; k < std::min(end, row.diagonal); ++k) gradient[k] = from[k];
        for (; k < end; ++k) {
          const T part = from[k] * weights.exp_row(r)[k - row.diagonal];
          gradient[k] = product.slopes ? gradient[k] + part : part;
        }
      }
    }
  });
}

template void Bnaf<float>::backward(const float*, const float*, const Execution&,
                                    const BnafGradients<float>&);
template void Bnaf<double>::backward(const double*, const double*, const Execution&,
                                     const BnafGradients<double>&);

}  // namespace fastmi::cpu
