#include "cpu/bnaf.h"

#include "cpu/bnaf_pass.h"

namespace fastmi::cpu {
namespace {

/// Vectors per tile: wide tiles use the registers best, narrow ones occupy more threads and waste
/// less of the last tile. Costs per vector are those of the register tile alone: 230, 228 and 165
/// GFLOP/s with 4, 2 and 1 vectors (AVX-512, float32).
int choose_vectors(int widest, int lanes, std::int64_t conditioned, std::int64_t rest,
                   int threads) {
  int best = widest;
  double least = 0;
  for (int vectors = widest; vectors >= 1; vectors /= 2) {
    const std::int64_t width = static_cast<std::int64_t>(vectors) * lanes;
    const std::int64_t tiles = divide_up(conditioned, width) + divide_up(rest, width);
    const double cost_per_vector = vectors == 1 ? 1.4 : vectors == widest ? 1.0 : 1.02;
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
  x_units.resize(depth + 1);
  std::int64_t most_units = d;
  for (std::int64_t l = 0; l <= depth; ++l) {
    const std::int64_t units = d * network.widths[l];
    most_units = std::max(most_units, units);
    x_units[l].h.resize(slots, units, width);
    x_units[l].scaled.resize(l < depth ? slots : 0, units, width);
    x_units[l].exponents.resize(slots, d, width);
    if (l > 0) x_units[l].sums.resize(slots, units, width);
    if (l > 0 && l < depth) x_units[l].sech2.resize(slots, units, width);
    if (l > 0 && l < depth && leak > 0) x_units[l].tanh.resize(slots, units, width);
  }
  const std::int64_t y_slots = keep ? conditioned_tiles : execution.threads;
  y_units.resize(conditioned > 0 ? depth : 0);
  for (std::size_t l = 0; l < y_units.size(); ++l) {
    const std::int64_t units = d_y * network.y_widths[l];
    most_units = std::max(most_units, units);
    y_units[l].h.resize(y_slots, units, width);
    if (l > 0) y_units[l].sech2.resize(y_slots, units, width);
    if (l > 0 && leak > 0) y_units[l].tanh.resize(y_slots, units, width);
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
    load_tile(network.y, d_y, tile, y_units[0].h.tile(t));
    for (std::size_t l = 0; l < y_layers.size(); ++l) {
      Units<T>& out = y_units[l + 1];
      y_layers[l].weights.multiply(kernels, vectors, y_layers[l].bias.data(), y_units[l].h.tile(t),
                                   out.h.tile(t));
      kernels.activate(out.h.tile(t), out.h.count * width, leak,
                       leak > 0 ? out.tanh.tile(t) : nullptr, out.sech2.tile(t));
    }
  }
  load_tile(network.x, d, tile, x_units[0].h.tile(t));
  std::fill_n(x_units[0].scaled.tile(t), d * width, T(1));
  std::fill_n(x_units[0].exponents.tile(t), d * width, T(0));
  for (std::int64_t l = 0; l < depth; ++l) {
    const BnafWeights<T>& weights = layers[l].weights;
    const BlockTriangle& shape = weights.shape();
    Units<T>& in = x_units[l];
    Units<T>& out = x_units[l + 1];
    weights.multiply(kernels, vectors, layers[l].bias.data(), in.h.tile(t), out.h.tile(t));
    if (has_y(tile))
      cross[l].multiply(kernels, vectors, nullptr, y_units[l].h.tile(t), out.h.tile(t));
    for (std::int64_t i = 0; i < d; ++i) {
      const std::int64_t unit = i * shape.a_out;
      weights.multiply_slopes(kernels, vectors, i, in.scaled.row(t, i * shape.a_in),
                              out.sums.row(t, unit));
      if (l + 1 < depth) {
        kernels.activate_block(out.h.row(t, unit), out.sums.row(t, unit), weights.exponent(i),
                               in.exponents.row(t, i), shape.a_out, vectors, leak,
                               leak > 0 ? out.tanh.row(t, unit) : nullptr, out.sech2.row(t, unit),
                               out.scaled.row(t, unit), out.exponents.row(t, i), own);
      } else {
        kernels.log_slopes(out.sums.row(t, unit), in.exponents.row(t, i), weights.exponent(i),
                           vectors, own + i * width);
      }
    }
  }
  store_tile(x_units[depth].h.tile(t), d, tile, f);
  store_tile(own, d, tile, log_slopes);
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

template class Bnaf<float>;
template class Bnaf<double>;

}  // namespace fastmi::cpu
