// The launches of a flow: one per layer forward, one per layer back to its inputs, one for the
// gradients of all parameters, one to add up their parts. Bodies are written as block.h describes.
#pragma once

#include <cstdint>

#include "cuda/bnaf_operands.h"
#include "cuda/bnaf_slopes.h"
#include "cuda/bnaf_tile.h"

namespace fastmi::cuda {

/// A matrix and the units that it multiplies. Null units stand for no product.
template <class T>
struct Product {
  Triangle<T> weights;
  Units<T> units;
};

/// One layer of the network on x or of that on y. Hidden units go to h, and with them either u,
/// which the slopes need, or the activation's slope: whichever pointer is not null. The last layer
/// writes f.
template <class T>
struct ForwardJob {
  Product<T> own;
  Product<T> from_y;  ///< added in tiles of samples that have a y
  const T* bias = nullptr;
  T leak = 0;
  std::int64_t step = 0;  ///< slots in a row of h, u and slope
  T* h = nullptr;
  T* u = nullptr;
  T* slope = nullptr;
  T* f = nullptr;  ///< [samples, d]
  int tiles_across = 0;
};

template <class T, bool Wide>
struct BnafForward {
  using Shape = Tile<T, Wide>;
  static constexpr int kSlots = Shape::kColumns / kSlopeLanes;
  struct State {
    TileState<T, Shape> tile;
    SlopeState<T, kSlots> slopes;
  };
  union Shared {
    TileShared<T, Shape> tile;
    SlopeShared<T, kSlots> slopes;
  };
  /// The thread blocks of a launch are those of x, then those of y, then those of the slopes.
  struct Params {
    Slots slots;
    int x_blocks;
    int y_blocks;
    ForwardJob<T> x;
    ForwardJob<T> y;
    SlopeChain<T> chain;
  };
  static constexpr int kThreads = Shape::kThreads;

  template <class Block>
  FASTMI_HD static void run(Block& block, const Params& p) {
    const auto index = static_cast<int>(block.index());
    if (index < p.x_blocks + p.y_blocks) {
      const bool is_x = index < p.x_blocks;
      run_tile(block, p.slots, is_x ? p.x : p.y, is_x ? index : index - p.x_blocks);
    } else {
      SlopeWork<T, kSlots, Block>(block, p.chain, index - p.x_blocks - p.y_blocks).run();
    }
  }

  template <class Block>
  FASTMI_HD static void run_tile(Block& block, const Slots& slots, const ForwardJob<T>& job,
                                 int index) {
    const int rows = job.own.weights.rows();
    // The rows at the bottom are the longest, so they start first.
    const int first_row = ((rows - 1) / Shape::kRows - index / job.tiles_across) * Shape::kRows;
    const int first_slot = index % job.tiles_across * Shape::kColumns;
    clear_sums(block);
    const int last_row = first_row + Shape::kRows < rows ? first_row + Shape::kRows - 1 : rows - 1;
    const int depth = job.own.weights.length(job.own.weights.block_of_row(last_row));
    add_product<T, Shape>(block, 0, depth, WeightRows<T>{job.own.weights, first_row},
                          SlotColumns<T>(job.own.units, first_slot));
    if (job.from_y.units.data != nullptr && first_slot < slots.conditioned_slots) {
      add_product<T, Shape>(block, 0, job.from_y.weights.columns(),
                            WeightRows<T>{job.from_y.weights, first_row},
                            SlotColumns<T>(job.from_y.units, first_slot));
    }
    take_sums<T, Shape>(block, [&](int row, int column, T sum) {
      row += first_row;
      const int slot = first_slot + column;
      if (row >= rows) return;
      const T u = sum + job.bias[row];
      if (job.f != nullptr) {
        const int sample = slots.sample(slot);
        if (sample >= 0) job.f[static_cast<std::int64_t>(sample) * rows + row] = u;
        return;
      }
      const std::int64_t place = row * job.step + slot;
      job.h[place] = job.leak > 0 ? std::fma(job.leak, u, std::tanh(u)) : std::tanh(u);
      if (job.u != nullptr) job.u[place] = u;
      if (job.slope != nullptr) job.slope[place] = split_tanh(u).sech2 + job.leak;
    });
  }
};

/// Leads from gradients in a layer's u to those in the u of the layer before, or in the flow's
/// input.
template <class T>
struct BackwardJob {
  Product<T> own;   ///< the layer after, of the same network, and its delta
  Product<T> to_x;  ///< in a network on y: the cross weights and the delta of x
  int units = 0;    ///< written rows
  const T* slope = nullptr;
  const T* bend = nullptr;  ///< null in a network on y
  Units<T> slope_gradient;  ///< dL / d log-slope, by block
  int width = 0;            ///< units per block
  std::int64_t step = 0;
  T* delta = nullptr;
  T* input_gradient = nullptr;  ///< [samples, units], instead of delta
  int tiles_across = 0;
};

template <class T, bool Wide>
struct BnafBackward {
  using Shape = Tile<T, Wide>;
  struct State {
    TileState<T, Shape> tile;
  };
  struct Shared {
    TileShared<T, Shape> tile;
  };
  struct Params {
    Slots slots;
    int x_blocks;
    int y_blocks;
    BackwardJob<T> x;
    BackwardJob<T> y;
  };
  static constexpr int kThreads = Shape::kThreads;

  template <class Block>
  FASTMI_HD static void run(Block& block, const Params& p) {
    const auto index = static_cast<int>(block.index());
    const bool is_x = index < p.x_blocks;
    const BackwardJob<T>& job = is_x ? p.x : p.y;
    const int tile = is_x ? index : index - p.x_blocks;
    // The columns at the left are the longest.
    const int first_unit = tile / job.tiles_across * Shape::kRows;
    const int first_slot = tile % job.tiles_across * Shape::kColumns;
    clear_sums(block);
    add(block, job.own, first_unit, first_slot);
    add(block, job.to_x, first_unit, first_slot);
    take_sums<T, Shape>(block, [&](int row, int column, T sum) {
      const int unit = first_unit + row;
      const int slot = first_slot + column;
      if (unit >= job.units) return;
      if (job.input_gradient != nullptr) {
        const int sample = p.slots.sample(slot);
        const auto at = static_cast<std::int64_t>(sample) * job.units + unit;
        if (sample >= 0) job.input_gradient[at] = sum;
        return;
      }
      const std::int64_t place = unit * job.step + slot;
      T delta = sum * job.slope[place];
      if (job.bend != nullptr) {
        delta += job.bend[place] * job.slope_gradient.at(unit / job.width, slot);
      }
      job.delta[place] = delta;
    });
  }

  template <class Block>
  FASTMI_HD static void add(Block& block, const Product<T>& product, int first_unit,
                            int first_slot) {
    if (product.units.data == nullptr) return;
    const Triangle<T>& weights = product.weights;
    const int first_row = weights.block_of_column(first_unit) * weights.a_out;
    add_product<T, Shape>(block, first_row, weights.rows(), WeightColumns<T>{weights, first_unit},
                          SlotColumns<T>(product.units, first_slot));
  }
};

/// Gradients of one matrix, which are sums over slots of delta h, and of the bias beside it.
template <class T>
struct GradientJob {
  Triangle<T> weights;
  Units<T> delta;
  Units<T> h;
  Units<T> ratio;                    ///< see SlopeLayer; null if the slopes do not depend on it
  Units<T> scaled;                   ///< see SlopeLayer
  const T* row_exponents = nullptr;  ///< see SlopeLayer
  int end_slot = 0;
  std::int64_t gradient = 0;       ///< where it starts in the vector of all gradients
  std::int64_t bias_gradient = 0;  ///< negative: there is none
  int first_block = 0;             ///< first thread block of the job in the launch
  int tiles_across = 0;
  int tiles = 0;  ///< of the matrix; further thread blocks of the job serve the bias
};

inline constexpr int kGradientJobs = 8;
inline constexpr int kBiasRows = 8;

template <class T, bool Wide>
struct BnafGradient {
  using Shape = Tile<T, Wide>;
  struct State {
    TileState<T, Shape> tile;
  };
  union Shared {
    TileShared<T, Shape> tile;
    T bias[kBiasRows][32];
  };
  struct Params {
    Units<T> slope_gradient;
    int slots_per_part;  ///< part b of the launch's batch sums the slots from b times this
    std::int64_t size;   ///< numbers in all gradients: part b is written that far behind part b - 1
    T* gradients;
    int jobs;
    GradientJob<T> job[kGradientJobs];
  };
  static constexpr int kThreads = Shape::kThreads;

  template <class Block>
  FASTMI_HD static void run(Block& block, const Params& p) {
    const auto index = static_cast<int>(block.index());
    int j = 0;
    while (j + 1 < p.jobs && index >= p.job[j + 1].first_block) ++j;
    const GradientJob<T>& job = p.job[j];
    const auto part = static_cast<int>(block.batch());
    const int begin = part * p.slots_per_part;
    const int behind = begin + p.slots_per_part;
    const int end = behind < job.end_slot ? behind : job.end_slot;
    T* out = p.gradients + part * p.size;
    const int tile = index - job.first_block;
    if (tile < job.tiles) {
      run_tile(block, p, job, tile, begin, end, out + job.gradient);
    } else {
      run_bias(block, job, tile - job.tiles, begin, end, out + job.bias_gradient);
    }
  }

  template <class Block>
  FASTMI_HD static void run_tile(Block& block, const Params& p, const GradientJob<T>& job, int tile,
                                 int begin, int end, T* out) {
    const Triangle<T>& weights = job.weights;
    const int rows = weights.rows();
    const int first_row = tile / job.tiles_across * Shape::kRows;
    const int first_column = tile % job.tiles_across * Shape::kColumns;
    const int last_row = first_row + Shape::kRows < rows ? first_row + Shape::kRows - 1 : rows - 1;
    if (first_column >= weights.length(weights.block_of_row(last_row))) return;

    clear_sums(block);
    add_product<T, Shape>(block, begin, end, UnitRows<T>(job.delta, first_row, rows),
                          UnitRows<T>(job.h, first_column, weights.columns()));
    take_sums<T, Shape>(block, [&](int row, int column, T sum) {
      row += first_row;
      column += first_column;
      if (row >= rows) return;
      const int i = weights.block_of_row(row);
      if (column >= weights.length(i)) return;
      const std::int64_t place = std::int64_t{weights.start(row, i)} + column;
      const bool diagonal = weights.positive && column >= i * weights.a_in;
      out[place] = diagonal ? sum * std::exp(weights.raw[place]) : sum;
    });

    // Columns before the first row's diagonal block lie before the diagonal blocks of all rows.
    const int first_diagonal = weights.block_of_row(first_row) * weights.a_in;
    if (job.ratio.data == nullptr || first_column + Shape::kColumns <= first_diagonal) return;
    clear_sums(block);
    add_product<T, Shape>(block, begin, end,
                          ScaledUnitRows<T>(weights, job.ratio, p.slope_gradient, first_row),
                          UnitRows<T>(job.scaled, first_column, weights.columns()));
    take_sums<T, Shape>(block, [&](int row, int column, T sum) {
      row += first_row;
      column += first_column;
      if (row >= rows) return;
      const int i = weights.block_of_row(row);
      if (column < i * weights.a_in || column >= weights.length(i)) return;
      const std::int64_t place = std::int64_t{weights.start(row, i)} + column;
      out[place] += sum * scaled_exp(weights.raw[place], job.row_exponents[row]);
    });
  }

  template <class Block>
  FASTMI_HD static void run_bias(Block& block, const GradientJob<T>& job, int tile, int begin,
                                 int end, T* out) {
    const int first_row = tile * kBiasRows;
    auto& sums = block.shared().bias;
    block.each([&](int t, State&) {
      const int row = first_row + t / 32;
      T sum = 0;
      if (row < job.weights.rows()) {
        for (int slot = begin + t % 32; slot < end; slot += 32) {
          sum += job.delta.at(row, slot);
        }
      }
      sums[t / 32][t % 32] = sum;
    });
    for (int step = 16; step > 0; step /= 2) {
      block.each([&](int t, State&) {
        if (t % 32 < step) sums[t / 32][t % 32] += sums[t / 32][t % 32 + step];
      });
    }
    block.each([&](int t, State&) {
      const int row = first_row + t;
      if (t < kBiasRows && row < job.weights.rows()) out[row] = sums[t][0];
    });
  }
};

/// to[i] is the sum over all parts, in order, of from[part * size + i].
template <class T>
struct SumParts {
  struct State {};
  struct Shared {};
  struct Params {
    const T* from;
    int parts;
    std::int64_t size;
    T* to;
  };
  static constexpr int kThreads = 256;

  template <class Block>
  FASTMI_HD static void run(Block& block, const Params& p) {
    block.each([&](int t, State&) {
      const std::int64_t at = block.index() * kThreads + t;
      if (at >= p.size) return;
      T sum = 0;
      for (int part = 0; part < p.parts; ++part) sum += p.from[part * p.size + at];
      p.to[at] = sum;
    });
  }
};

}  // namespace fastmi::cuda
