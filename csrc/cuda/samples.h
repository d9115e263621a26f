// Samples as columns in device memory, and the spaces that distances are taken over.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "common/euclidean_scale.h"
#include "common/points.h"
#include "cuda/tile.h"

namespace fastmi::cuda {

/// Copies rows to columns, taking the rows in the order of `order` if there is one; batch: the
/// order.
template <class T>
struct Transpose {
  struct State {};
  struct Shared {};
  static constexpr int kThreads = 256;
  struct Params {
    const T* rows;  ///< [n][d]
    std::int64_t n;
    int d;
    std::int64_t stride;
    const std::int64_t* order;  ///< [batch][n] or null
    T* columns;                 ///< [batch][d][stride], written; +inf from n on
  };

  template <class Block>
  FASTMI_HD static void run(Block& block, const Params& p) {
    block.each([&](int t, State&) {
      const std::int64_t i = block.index() * kThreads + t;
      if (i >= p.stride) return;
      std::int64_t from = i;
      if (p.order != nullptr && i < p.n) from = p.order[block.batch() * p.n + i];
      for (int j = 0; j < p.d; ++j) {
        p.columns[(block.batch() * p.d + j) * p.stride + i] =
            i < p.n ? p.rows[from * p.d + j] : std::numeric_limits<T>::infinity();
      }
    });
  }
};

/// Finds the least and the greatest value of a column in each thread block, and copies its probes;
/// batch: the column.
template <class T>
struct Extremes {
  struct State {};
  static constexpr int kThreads = 256;
  struct Shared {
    T low[kThreads], high[kThreads];
  };
  struct Params {
    const T* columns;
    std::int64_t stride;
    std::int64_t n;
    T* low;   ///< [columns][blocks], written
    T* high;  ///< the same
    std::int64_t every;
    T* probes;  ///< [columns][ceil(n / every)], written
  };

  template <class Block>
  FASTMI_HD static void run(Block& block, const Params& p) {
    const T* column = p.columns + block.batch() * p.stride;
    block.each([&](int t, State&) {
      T low = column[0];
      T high = low;
      for (std::int64_t i = block.index() * kThreads + t; i < p.n; i += block.blocks() * kThreads) {
        const T value = column[i];
        low = smaller(low, value);
        high = larger(high, value);
        if (i % p.every == 0)
          p.probes[block.batch() * ceil_div(p.n, p.every) + i / p.every] = value;
      }
      block.shared().low[t] = low;
      block.shared().high[t] = high;
    });
    block.each([&](int t, State&) {
      if (t != 0) return;
      T low = block.shared().low[0];
      T high = block.shared().high[0];
      for (int other = 1; other < kThreads; ++other) {
        low = smaller(low, block.shared().low[other]);
        high = larger(high, block.shared().high[other]);
      }
      p.low[block.batch() * block.blocks() + block.index()] = low;
      p.high[block.batch() * block.blocks() + block.index()] = high;
    });
  }
};

/// Position of the first number that is NaN, infinite, or so large that a difference of two such
/// numbers overflows.
template <class T>
struct FirstUnusable {
  struct State {};
  struct Shared {};
  static constexpr int kThreads = 256;
  static constexpr std::uint64_t kNone = ~std::uint64_t{0};
  struct Params {
    const T* values;
    std::int64_t size;
    std::uint64_t* first;  ///< kNone on entry; lowered
  };

  template <class Block>
  FASTMI_HD static void run(Block& block, const Params& p) {
    block.each([&](int t, State&) {
      constexpr T kLargest = std::numeric_limits<T>::max() / 2;
      for (std::int64_t i = block.index() * kThreads + t; i < p.size;
           i += block.blocks() * kThreads) {
        if (std::fabs(p.values[i]) <= kLargest) continue;
        fetch_min(p.first, static_cast<std::uint64_t>(i));
        return;
      }
    });
  }
};

template <class T, class Queue>
std::vector<Spread<T>> column_spreads(Queue& queue, const T* columns, std::int64_t stride,
                                      std::int64_t n, int d) {
  constexpr std::int64_t kMostBlocks = 64;
  const std::int64_t blocks = smaller(kMostBlocks, ceil_div(n, Extremes<T>::kThreads));
  const std::int64_t every = probe_stride(n);
  const std::int64_t probes = ceil_div(n, every);
  const Scratch<T, Queue> low(queue, d * blocks);
  const Scratch<T, Queue> high(queue, d * blocks);
  const Scratch<T, Queue> probe(queue, d * probes);
  queue.template launch<Extremes<T>>(
      blocks, d, {columns, stride, n, low.data(), high.data(), every, probe.data()});
  std::vector<T> lows(low.size()), highs(high.size()), all(probe.size());
  queue.download(lows.data(), low.data(), low.size() * sizeof(T));
  queue.download(highs.data(), high.data(), high.size() * sizeof(T));
  queue.download(all.data(), probe.data(), probe.size() * sizeof(T));
  queue.wait();
  std::vector<Spread<T>> spreads;
  for (int j = 0; j < d; ++j) {
    std::vector<T> own(all.begin() + j * probes, all.begin() + (j + 1) * probes);
    spreads.push_back(column_spread(
        *std::min_element(lows.begin() + j * blocks, lows.begin() + (j + 1) * blocks),
        *std::max_element(highs.begin() + j * blocks, highs.begin() + (j + 1) * blocks), own));
  }
  return spreads;
}

/// The variables of one problem: where each begins among the dims, and how distances are taken.
template <class T>
struct Geometry {
  Metric metric;                     ///< kEuclidean if any space takes sums of squares
  std::vector<std::uint8_t> closes;  ///< [d]
  Space<T> joint;
  std::vector<Space<T>> margins;  ///< one per variable

  int d() const { return joint.end; }
  /// The variable with most dims.
  int widest() const {
    int widest = 0;
    for (int v = 1; v < variables(); ++v) {
      const auto dims = [&](int w) { return margins[w].end - margins[w].begin; };
      if (dims(v) > dims(widest)) widest = v;
    }
    return widest;
  }
  int variables() const { return static_cast<int>(margins.size()); }
};

/// spreads: one per dim, in order; read for kEuclidean only.
template <class T>
Geometry<T> make_geometry(const std::vector<int>& dims, Metric metric,
                          const std::vector<Spread<T>>& spreads) {
  Geometry<T> geometry;
  const int d = std::accumulate(dims.begin(), dims.end(), 0);
  // In one dim |a - b| is the Euclidean distance.
  if (d == static_cast<int>(dims.size())) metric = Metric::kChebyshev;
  geometry.metric = metric;
  const auto space = [&](int begin, int end, bool squared) {
    const T scale = squared ? euclidean_scale(std::vector<Spread<T>>(spreads.begin() + begin,
                                                                     spreads.begin() + end))
                            : T(1);
    return Space<T>{begin, end, scale, squared};
  };
  const bool euclidean = metric == Metric::kEuclidean;
  geometry.joint = space(0, d, euclidean);
  int begin = 0;
  for (const int dim : dims) {
    geometry.margins.push_back(space(begin, begin + dim, euclidean && dim > 1));
    for (int j = 0; j < dim; ++j) geometry.closes.push_back(j == dim - 1);
    begin += dim;
  }
  return geometry;
}

inline std::int64_t padded(std::int64_t n) { return ceil_div(n, kStrideUnit) * kStrideUnit; }

template <class T>
std::vector<int> dims_of(const Blocks<T>& blocks) {
  std::vector<int> dims;
  for (const Points<T>& block : blocks) dims.push_back(block.d);
  return dims;
}

/// columns [d][stride], written: every block's columns after those of the block before. The rows of
/// the first block are taken in the order of `order`, unless that is null.
template <class T, class Queue>
void transpose(Queue& queue, const Blocks<T>& blocks, T* columns, std::int64_t stride,
               const std::int64_t* order = nullptr) {
  for (const Points<T>& block : blocks) {
    queue.template launch<Transpose<T>>(
        ceil_div(stride, Transpose<T>::kThreads), 1,
        {block.data, block.n, block.d, stride, std::exchange(order, nullptr), columns});
    columns += block.d * stride;
  }
}

/// One problem: its blocks as columns, and what describes them, in device memory.
template <class T, class Queue>
class Samples {
 public:
  /// order [n], in device memory: the order in which the rows of the first block are taken; null if
  /// they stay as they are.
  Samples(Queue& queue, const Blocks<T>& blocks, Metric metric, const std::int64_t* order = nullptr)
      : n_(blocks.front().n),
        stride_(padded(n_)),
        columns_(transposed(queue, blocks, stride_, order)),
        geometry_(make_geometry<T>(
            dims_of(blocks), metric,
            metric == Metric::kEuclidean
                ? column_spreads(queue, columns_.data(), stride_, n_, total_dims(blocks))
                : std::vector<Spread<T>>{})),
        of_(queue, identity(total_dims(blocks))),
        closes_(queue, geometry_.closes) {}

  std::int64_t n() const { return n_; }
  std::int64_t stride() const { return stride_; }
  const Geometry<T>& geometry() const { return geometry_; }
  const T* column(int j) const { return columns_.data() + j * stride_; }
  const std::uint8_t* closes() const { return closes_.data(); }

  Columns<T> columns() const {
    return {columns_.data(), stride_,    static_cast<int>(n_),
            geometry_.d(),   of_.data(), closes_.data()};
  }

 private:
  static Scratch<T, Queue> transposed(Queue& queue, const Blocks<T>& blocks, std::int64_t stride,
                                      const std::int64_t* order) {
    Scratch<T, Queue> columns(queue, total_dims(blocks) * stride);
    transpose(queue, blocks, columns.data(), stride, order);
    return columns;
  }
  static std::vector<std::int32_t> identity(int d) {
    std::vector<std::int32_t> of(static_cast<std::size_t>(d));
    std::iota(of.begin(), of.end(), 0);
    return of;
  }

  std::int64_t n_;
  std::int64_t stride_;
  Scratch<T, Queue> columns_;
  Geometry<T> geometry_;
  Scratch<std::int32_t, Queue> of_;
  Scratch<std::uint8_t, Queue> closes_;
};

}  // namespace fastmi::cuda
