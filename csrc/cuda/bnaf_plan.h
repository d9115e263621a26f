// How a pass through a flow is cut up and where it keeps what: sizes and the device's
// multiprocessors decide.
#pragma once

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "cuda/bnaf.h"
#include "cuda/bnaf_math.h"
#include "cuda/bnaf_tile.h"

namespace fastmi::cuda {

/// Numbers in the workspace of a pass that keeps nothing; longer passes run in slabs of rows.
inline constexpr std::int64_t kSlabNumbers = std::int64_t{1} << 26;
/// Least number of slots for which a separate part of a gradient's sums is worth its memory.
inline constexpr int kLeastPart = 512;

/// Hands out parts of an array; with a null array it only counts.
template <class T>
class Carver {
 public:
  explicit Carver(T* base) : base_(base) {}
  T* take(std::int64_t numbers) {
    T* const part = base_ == nullptr ? nullptr : base_ + used_;
    used_ += ceil_div(numbers, 32) * 32;
    return part;
  }
  std::int64_t used() const { return used_; }

 private:
  T* base_;
  std::int64_t used_ = 0;
};

inline void check_shape(const BnafShape& shape) {
  if (shape.depth() < 1 || shape.depth() > kMaxBnafDepth) {
    throw std::invalid_argument("weights must have 1 to " + std::to_string(kMaxBnafDepth) +
                                " layers on a GPU; got " + std::to_string(shape.depth()));
  }
  std::int64_t units = 0;
  for (const int width : shape.widths) units = std::max(units, shape.d * width);
  for (const int width : shape.y_widths) units = std::max(units, shape.d_y * width);
  if (units > kMostUnits) {
    throw std::invalid_argument("a layer must have at most " + std::to_string(kMostUnits) +
                                " units on a GPU; got " + std::to_string(units));
  }
  std::int64_t weights = 0;
  for (int l = 1; l <= shape.depth(); ++l) {
    const std::int64_t a_out = shape.widths[l];
    weights = std::max(weights, shape.d * (shape.d + 1) / 2 * a_out * shape.widths[l - 1]);
    if (shape.y_widths.empty()) continue;
    const std::int64_t y_units = shape.d_y * shape.y_widths[l - 1];
    weights = std::max(weights, shape.d * a_out * y_units);
    if (l < shape.depth()) {
      weights = std::max(weights, (shape.d_y + 1) * shape.y_widths[l] * y_units / 2);
    }
  }
  if (weights > kMostWeights) {
    throw std::invalid_argument("a matrix must have at most 2**31 - 1 weights on a GPU; got " +
                                std::to_string(weights));
  }
  if (shape.n > std::int64_t{1} << 30) {
    throw std::invalid_argument("x must have at most 2**30 rows on a GPU; got " +
                                std::to_string(shape.n));
  }
}

/// Which tiles a pass uses and where it keeps what.
template <class T>
struct BnafPlan {
  struct LayerUnits {
    T* h = nullptr;
    T* u = nullptr;  ///< becomes the activation's slope once the slopes are done; in y it is that
    T* scaled = nullptr;
    T* ratio = nullptr;
    T* bend = nullptr;
  };

  bool wide = false;
  Slots slots{};
  std::vector<LayerUnits> x;      ///< by layer: layer 0 has nothing, layer L only ratio
  std::vector<LayerUnits> y;      ///< by layer: h and u
  std::vector<T*> row_exponents;  ///< by layer
  std::int64_t numbers = 0;

  BnafPlan(const BnafShape& shape, int multiprocessors, T* workspace) {
    std::int64_t wide_tiles = 0;
    for (const int width : shape.widths) {
      const std::int64_t tiles =
          ceil_div(shape.d * width, WideTile<T>::kRows) * ceil_div(shape.n, WideTile<T>::kColumns);
      wide_tiles = std::max(wide_tiles, tiles);
    }
    wide = wide_tiles >= std::int64_t{2} * multiprocessors;
    const std::int64_t tile = columns();
    slots.conditioned = static_cast<int>(shape.conditioned);
    slots.n = static_cast<int>(shape.n);
    slots.conditioned_slots = static_cast<int>(ceil_div(shape.conditioned, tile) * tile);
    slots.count = slots.conditioned_slots +
                  static_cast<int>(ceil_div(shape.n - shape.conditioned, tile) * tile);

    Carver<T> carver(workspace);
    const int depth = shape.depth();
    x.resize(depth + 1);
    row_exponents.resize(depth);
    for (int l = 1; l <= depth; ++l) {
      const std::int64_t units = shape.d * shape.widths[l];
      const std::int64_t size = units * slots.count;
      x[l].ratio = carver.take(size);
      row_exponents[l - 1] = carver.take(units);
      if (l == depth) break;
      for (T** array : {&x[l].h, &x[l].u, &x[l].scaled, &x[l].bend}) *array = carver.take(size);
    }
    y.resize(shape.y_widths.size());
    for (std::size_t l = 1; l < y.size(); ++l) {
      const std::int64_t size = shape.d_y * shape.y_widths[l] * slots.conditioned_slots;
      for (T** array : {&y[l].h, &y[l].u}) *array = carver.take(size);
    }
    numbers = carver.used();
  }

  int rows() const { return wide ? WideTile<T>::kRows : NarrowTile<T>::kRows; }
  int columns() const { return wide ? WideTile<T>::kColumns : NarrowTile<T>::kColumns; }
};

/// Where each parameter starts, by layer, in the order of fastmi.ops.bnaf_layout.
struct BnafOffsets {
  std::vector<std::int64_t> weights, biases, y_weights, y_biases, cross;
  std::int64_t size = 0;

  explicit BnafOffsets(const BnafShape& shape) {
    const auto take = [&](std::vector<std::int64_t>& group, std::int64_t numbers) {
      group.push_back(size);
      size += numbers;
    };
    const auto layers = [&](std::int64_t blocks, const std::vector<int>& widths, auto& matrices,
                            auto& sides) {
      for (std::size_t l = 1; l < widths.size(); ++l) {
        take(matrices, blocks * (blocks + 1) / 2 * widths[l] * widths[l - 1]);
      }
      for (std::size_t l = 1; l < widths.size(); ++l) take(sides, blocks * widths[l]);
    };
    layers(shape.d, shape.widths, weights, biases);
    layers(shape.d_y, shape.y_widths, y_weights, y_biases);
    for (std::size_t l = 0; l < shape.y_widths.size(); ++l) {
      take(cross, shape.d * shape.widths[l + 1] * shape.d_y * shape.y_widths[l]);
    }
  }
};

/// Matrices and units by layer.
template <class T>
struct BnafViews {
  const BnafNetwork<T>& network;
  const BnafPlan<T>& plan;
  BnafOffsets offsets;

  BnafViews(const BnafNetwork<T>& of, const BnafPlan<T>& with)
      : network(of), plan(with), offsets(of.shape) {}

  bool has_y() const { return network.shape.conditioned > 0; }
  Triangle<T> weights(int l) const {
    const BnafShape& s = network.shape;
    return {network.parameters + offsets.weights[l - 1], s.d, s.widths[l], s.widths[l - 1], true};
  }
  Triangle<T> y_weights(int l) const {
    const BnafShape& s = network.shape;
    return {network.parameters + offsets.y_weights[l - 1], s.d_y, s.y_widths[l], s.y_widths[l - 1],
            true};
  }
  Triangle<T> cross(int l) const {
    const BnafShape& s = network.shape;
    return {network.parameters + offsets.cross[l - 1], 1, static_cast<int>(s.d * s.widths[l]),
            static_cast<int>(s.d_y * s.y_widths[l - 1]), false};
  }
  const T* bias(int l) const { return network.parameters + offsets.biases[l - 1]; }
  const T* y_bias(int l) const { return network.parameters + offsets.y_biases[l - 1]; }
  /// Units that layer l + 1 starts from.
  Units<T> x_units(int l) const {
    if (l == 0) return Units<T>::callers(network.x, network.shape.d, plan.slots);
    return Units<T>::own(plan.x[l].h, plan.slots.count);
  }
  Units<T> y_units(int l) const {
    if (l == 0) return Units<T>::callers(network.y, network.shape.d_y, plan.slots);
    return Units<T>::own(plan.y[l].h, plan.slots.conditioned_slots);
  }
};

/// Rows [first, first + n) of a network.
inline BnafShape rows_of(const BnafShape& shape, std::int64_t first, std::int64_t n) {
  BnafShape part = shape;
  part.n = n;
  part.conditioned = std::clamp(shape.conditioned - first, std::int64_t{0}, n);
  return part;
}

template <class T>
BnafNetwork<T> rows_of(const BnafNetwork<T>& network, std::int64_t first, std::int64_t n) {
  BnafNetwork<T> part = network;
  part.shape = rows_of(network.shape, first, n);
  part.x += first * part.shape.d;
  if (part.shape.conditioned > 0) part.y += first * part.shape.d_y;
  return part;
}

/// Rows of a slab: a pass that keeps nothing runs in slabs, which bound its workspace.
template <class T>
std::int64_t slab_rows(const BnafShape& shape) {
  std::int64_t per_row = 1;
  for (const int width : shape.widths) per_row += 5 * shape.d * width;
  for (const int width : shape.y_widths) per_row += 2 * shape.d_y * width;
  const std::int64_t rows = std::max(kSlabNumbers / per_row, std::int64_t{4096});
  return std::min(shape.n, rows / 128 * 128);
}

/// What a backward pass writes on its way, and how it divides the sums over samples.
template <class T>
struct BackwardPlan {
  std::vector<T*> delta;  ///< by layer, for hidden layers
  std::vector<T*> y_delta;
  T* partial = nullptr;  ///< null if there is one part
  int parts = 1;
  int slots_per_part = 0;
  std::int64_t numbers = 0;

  BackwardPlan(const BnafShape& shape, const BnafPlan<T>& plan, std::int64_t gradients,
               int multiprocessors, T* scratch) {
    Carver<T> carver(scratch);
    const Slots& slots = plan.slots;
    delta.resize(plan.x.size());
    for (int l = 1; l < shape.depth(); ++l) {
      delta[l] = carver.take(shape.d * shape.widths[l] * slots.count);
    }
    y_delta.resize(plan.y.size());
    for (std::size_t l = 1; l < plan.y.size(); ++l) {
      y_delta[l] = carver.take(shape.d_y * shape.y_widths[l] * slots.conditioned_slots);
    }
    const std::int64_t tiles =
        ceil_div(gradients, static_cast<std::int64_t>(plan.rows()) * plan.columns());
    const std::int64_t wanted = ceil_div(std::int64_t{2} * multiprocessors, tiles);
    const std::int64_t most = ceil_div(slots.count, kLeastPart);
    slots_per_part = static_cast<int>(
        ceil_div(slots.count, std::max<std::int64_t>(1, std::min(wanted, most)) * 64) * 64);
    parts = static_cast<int>(ceil_div(slots.count, slots_per_part));
    if (parts > 1) partial = carver.take(parts * gradients);
    numbers = carver.used();
  }
};

template <class T>
BnafSizes plan_bnaf_sizes(const BnafShape& shape, bool keep, int multiprocessors) {
  check_shape(shape);
  BnafSizes sizes;
  sizes.parameters = BnafOffsets(shape).size;
  if (!keep) {
    const std::int64_t rows = slab_rows<T>(shape);
    for (std::int64_t first = 0; first < shape.n; first += rows) {
      const BnafShape part = rows_of(shape, first, std::min(rows, shape.n - first));
      const BnafPlan<T> plan(part, multiprocessors, nullptr);
      sizes.workspace = std::max(sizes.workspace, plan.numbers);
    }
    return sizes;
  }
  const BnafPlan<T> plan(shape, multiprocessors, nullptr);
  sizes.workspace = plan.numbers;
  sizes.scratch = BackwardPlan<T>(shape, plan, sizes.parameters, multiprocessors, nullptr).numbers;
  return sizes;
}

}  // namespace fastmi::cuda
