#include "cpu/block_tree.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "common/euclidean_scale.h"

namespace fastmi::cpu {
namespace {

/// A range of blocks whose samples are still to be ordered.
struct Span {
  int begin;
  int end;
};

template <class T>
class Orderer {
 public:
  Orderer(const T* rows, std::int64_t n, int d, Buffer<std::int32_t>& order)
      : rows_(rows), n_(n), d_(d), order_(order), keys_(static_cast<std::size_t>(n)) {}

  /// Order the samples of blocks [0, blocks) so that every split of the tree separates them
  /// along the dim with the widest spread.
  void run(int blocks, const Execution& execution) {
    std::vector<Span> frontier{{0, blocks}};
    // Level by level while there are too few subtrees to keep the threads busy.
    const std::size_t enough = execution.threads > 1 ? 8 * execution.threads : 1;
    while (!frontier.empty() && frontier.size() < enough) {
      std::vector<Span> next(2 * frontier.size());
      parallel_for(execution, static_cast<std::int64_t>(frontier.size()), [&](std::int64_t s, int) {
        const Span span = frontier[s];
        if (span.end - span.begin < 2) return;
        const int middle = split(span);
        next[2 * s] = {span.begin, middle};
        next[2 * s + 1] = {middle, span.end};
      });
      std::erase_if(next, [](Span span) { return span.end - span.begin < 2; });
      frontier = std::move(next);
    }
    parallel_for(execution, static_cast<std::int64_t>(frontier.size()),
                 [&](std::int64_t s, int) { split_all(frontier[s]); });
  }

 private:
  struct Key {
    T value;
    std::int32_t sample;
  };

  void split_all(Span span) {
    if (span.end - span.begin < 2) return;
    const int middle = split(span);
    split_all({span.begin, middle});
    split_all({middle, span.end});
  }

  int split(Span span) {
    const int middle = (span.begin + span.end + 1) / 2;
    const std::int64_t begin = static_cast<std::int64_t>(span.begin) * kBlock;
    const std::int64_t end = std::min(n_, static_cast<std::int64_t>(span.end) * kBlock);
    const std::int64_t cut = static_cast<std::int64_t>(middle) * kBlock;
    const int dim = widest_dim(begin, end);
    for (std::int64_t p = begin; p < end; ++p) {
      keys_[p] = {rows_[static_cast<std::int64_t>(order_[p]) * d_ + dim], order_[p]};
    }
    std::nth_element(keys_.begin() + begin, keys_.begin() + cut, keys_.begin() + end,
                     [](const Key& a, const Key& b) { return a.value < b.value; });
    for (std::int64_t p = begin; p < end; ++p) order_[p] = keys_[p].sample;
    return middle;
  }

  /// Judged on at most kProbes samples: the choice only affects speed.
  int widest_dim(std::int64_t begin, std::int64_t end) const {
    constexpr std::int64_t kProbes = 64;
    const std::int64_t stride = std::max<std::int64_t>(1, (end - begin) / kProbes);
    int widest = 0;
    T widest_spread = -1;
    for (int j = 0; j < d_; ++j) {
      T low = std::numeric_limits<T>::infinity();
      T high = -low;
      for (std::int64_t p = begin; p < end; p += stride) {
        const T value = rows_[static_cast<std::int64_t>(order_[p]) * d_ + j];
        low = std::min(low, value);
        high = std::max(high, value);
      }
      if (high - low > widest_spread) {
        widest_spread = high - low;
        widest = j;
      }
    }
    return widest;
  }

  const T* rows_;
  std::int64_t n_;
  int d_;
  Buffer<std::int32_t>& order_;
  Buffer<Key> keys_;
};

template <class T>
Spread<T> column_spread(const Points<T>& points, int j) {
  const auto value = [&](std::int64_t i) { return points.data[i * points.d + j]; };
  T low = value(0);
  T high = low;
  for (std::int64_t i = 1; i < points.n; ++i) {
    low = std::min(low, value(i));
    high = std::max(high, value(i));
  }
  std::vector<T> probe;
  for (std::int64_t i = 0; i < points.n; i += probe_stride(points.n)) probe.push_back(value(i));
  return fastmi::column_spread(low, high, probe);
}

template <class T>
T power_of_two_scale(const Blocks<T>& blocks) {
  std::vector<Spread<T>> spreads;
  for (const Points<T>& block : blocks) {
    for (int j = 0; j < block.d; ++j) spreads.push_back(column_spread(block, j));
  }
  return euclidean_scale(spreads);
}

template <class T>
void fill_boxes(BlockTree<T>& tree, int node, int begin, int end) {
  const int d = tree.d;
  T* low = tree.lower.data() + static_cast<std::int64_t>(node) * d;
  T* high = tree.upper.data() + static_cast<std::int64_t>(node) * d;
  if (end - begin == 1) {
    const T* coords = tree.block_coords(begin);
    const int size = tree.block_size(begin);
    for (int j = 0; j < d; ++j) {
      const auto [least, most] =
          std::minmax_element(coords + j * kBlock, coords + j * kBlock + size);
      low[j] = *least;
      high[j] = *most;
    }
    const std::int32_t* samples = tree.block_index(begin);
    tree.least_index[node] = *std::min_element(samples, samples + size);
    return;
  }
  const int middle = (begin + end + 1) / 2;
  const int left = node + 1;
  const int right = node + 2 * (middle - begin);
  fill_boxes(tree, left, begin, middle);
  fill_boxes(tree, right, middle, end);
  tree.least_index[node] = std::min(tree.least_index[left], tree.least_index[right]);
  for (int j = 0; j < d; ++j) {
    low[j] = std::min(tree.lower[static_cast<std::int64_t>(left) * d + j],
                      tree.lower[static_cast<std::int64_t>(right) * d + j]);
    high[j] = std::max(tree.upper[static_cast<std::int64_t>(left) * d + j],
                       tree.upper[static_cast<std::int64_t>(right) * d + j]);
  }
}

}  // namespace

template <class T>
BlockTree<T> build_block_tree(const Blocks<T>& blocks, Metric metric, bool spatial,
                              const Execution& execution) {
  BlockTree<T> tree;
  tree.n = blocks.front().n;
  tree.d = total_dims(blocks);
  tree.blocks = static_cast<int>((tree.n + kBlock - 1) / kBlock);
  if (metric == Metric::kEuclidean) {
    for (const Points<T>& block : blocks) {
      tree.ends.push_back((tree.ends.empty() ? 0 : tree.ends.back()) + block.d);
    }
    tree.scale = power_of_two_scale(blocks);
  } else {
    tree.ends.push_back(tree.d);
  }
  const std::int64_t n = tree.n;
  const int d = tree.d;

  // One block is read in place; several are joined once, so that a sample is one run of memory.
  Buffer<T> joined;
  const T* rows = blocks.front().data;
  if (blocks.size() > 1) {
    joined.resize(static_cast<std::size_t>(n) * d);
    int offset = 0;
    for (const Points<T>& block : blocks) {
      for (std::int64_t i = 0; i < n; ++i) {
        std::copy_n(block.data + i * block.d, block.d, joined.data() + i * d + offset);
      }
      offset += block.d;
    }
    rows = joined.data();
  }

  tree.index.assign(static_cast<std::size_t>(tree.blocks) * kBlock, -1);
  Buffer<std::int32_t> order(static_cast<std::size_t>(n));
  for (std::int64_t i = 0; i < n; ++i) order[i] = static_cast<std::int32_t>(i);
  if (spatial) Orderer<T>(rows, n, d, order).run(tree.blocks, execution);
  std::copy(order.begin(), order.end(), tree.index.begin());

  tree.coords.resize(static_cast<std::size_t>(tree.blocks) * d * kBlock);
  parallel_for(execution, tree.blocks, [&](std::int64_t b, int) {
    T* to = tree.coords.data() + b * d * kBlock;
    const std::int32_t* samples = tree.block_index(static_cast<int>(b));
    for (int l = 0; l < kBlock; ++l) {
      const T* row = rows + static_cast<std::int64_t>(samples[l]) * d;
      for (int j = 0; j < d; ++j) {
        to[j * kBlock + l] =
            samples[l] < 0 ? std::numeric_limits<T>::infinity() : row[j] * tree.scale;
      }
    }
  });
  const std::size_t nodes = 2 * static_cast<std::size_t>(tree.blocks) - 1;
  tree.lower.resize(nodes * d);
  tree.upper.resize(nodes * d);
  tree.least_index.resize(nodes);
  fill_boxes(tree, 0, 0, tree.blocks);
  return tree;
}

template <class T>
void quantise(BlockTree<T>& tree, T radius, const Execution& execution) {
  constexpr T kLevels = 255;
  // A step of 1/24 radius still rejects well; a finer one, down to 1/96, is free as long as the
  // 255 steps span the data. Fitted at 10 to 200 dims (see README.md), flat within a factor of 1.3.
  constexpr T kCoarsest = 24;
  constexpr T kFinest = 96;
  const int d = tree.d;
  std::vector<T> middle(static_cast<std::size_t>(d));
  std::vector<T> probe;
  T span = 0;
  for (int j = 0; j < d; ++j) {
    probe.clear();
    const std::int64_t stride = std::max<std::int64_t>(1, tree.n / 256);
    for (std::int64_t p = 0; p < tree.n; p += stride) {
      probe.push_back(tree.coords[(p / kBlock * d + j) * kBlock + p % kBlock]);
    }
    std::nth_element(probe.begin(), probe.begin() + probe.size() / 2, probe.end());
    middle[j] = probe[probe.size() / 2];
    for (const T value : probe) span = std::max(span, 2 * std::abs(value - middle[j]));
  }
  const T step = std::min(radius / kCoarsest, std::max(radius / kFinest, span / kLevels));
  if (!(step >= std::numeric_limits<T>::min() * kLevels)) return;
  tree.inverse_step = 1 / step;

  constexpr int kVector = 64 / static_cast<int>(sizeof(T));
  tree.row_size = (d + kVector - 1) / kVector * kVector;
  if (d >= kRowDims) {
    tree.rows.resize(static_cast<std::size_t>(tree.blocks) * kBlock * tree.row_size);
  }
  tree.bytes.resize(tree.coords.size());
  tree.unclipped.resize(static_cast<std::size_t>(tree.blocks));
  parallel_for(execution, tree.blocks, [&](std::int64_t b, int) {
    const T* from = tree.coords.data() + b * d * kBlock;
    std::uint8_t* to = tree.bytes.data() + b * d * kBlock;
    bool clipped[kBlock] = {};
    for (int j = 0; j < d; ++j) {
      const T origin = middle[j] - kLevels / 2 * step;
      for (int l = 0; l < kBlock; ++l) {
        const T level = (from[j * kBlock + l] - origin) * tree.inverse_step;
        const T saturated = std::min(std::max(level, T(0)), kLevels);
        clipped[l] |= saturated != level;  // +inf, an unused lane, is one of these
        to[j * kBlock + l] = static_cast<std::uint8_t>(static_cast<int>(saturated));
      }
    }
    for (int l = 0; l < kBlock; ++l) {
      tree.unclipped[b] |= static_cast<std::uint64_t>(!clipped[l]) << l;
    }
    if (tree.rows.empty()) return;
    T* rows = tree.rows.data() + b * kBlock * tree.row_size;
    for (int l = 0; l < tree.block_size(static_cast<int>(b)); ++l) {
      for (int j = 0; j < d; ++j) rows[l * tree.row_size + j] = from[j * kBlock + l];
    }
  });
}

template BlockTree<float> build_block_tree(const Blocks<float>&, Metric, bool, const Execution&);
template BlockTree<double> build_block_tree(const Blocks<double>&, Metric, bool, const Execution&);
template void quantise(BlockTree<float>&, float, const Execution&);
template void quantise(BlockTree<double>&, double, const Execution&);

}  // namespace fastmi::cpu
