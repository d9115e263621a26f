#include "cpu/leaf_tree.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "common/euclidean_scale.h"

namespace fastmi::cpu {
namespace {

/// Work on so many leaves takes long enough for a heed().
constexpr int kManyLeaves = 64;

/// A range of leaves whose samples are still to be ordered.
struct Span {
  int begin;
  int end;
};

template <class T>
class Orderer {
 public:
  Orderer(const T* rows, std::int64_t n, int d, Buffer<std::int32_t>& order)
      : rows_(rows), n_(n), d_(d), order_(order), keys_(static_cast<std::size_t>(n)) {}

  /// Orders the samples of leaves [0, leaves) so that every split of the tree separates them
  /// along the dim with the widest spread.
  void run(int leaves, const Execution& execution) {
    std::vector<Span> frontier{{0, leaves}};
    // Depth by depth while there are too few subtrees to keep the threads busy.
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
    if (span.end - span.begin >= kManyLeaves) heed();
    const int middle = split(span);
    split_all({span.begin, middle});
    split_all({middle, span.end});
  }

  int split(Span span) {
    const int middle = (span.begin + span.end + 1) / 2;
    const std::int64_t begin = static_cast<std::int64_t>(span.begin) * kLeaf;
    const std::int64_t end = std::min(n_, static_cast<std::int64_t>(span.end) * kLeaf);
    const std::int64_t cut = static_cast<std::int64_t>(middle) * kLeaf;
    const int dim = widest_dim(begin, end);
    for (std::int64_t p = begin; p < end; ++p) {
      // NaN, if another thread writes it during the call, becomes infinity: it has no order.
      const T value = rows_[static_cast<std::int64_t>(order_[p]) * d_ + dim];
      keys_[p] = {std::min(std::numeric_limits<T>::infinity(), value), order_[p]};
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
void fill_boxes(LeafTree<T>& tree, int node, int begin, int end) {
  const int d = tree.d;
  T* low = tree.lower.data() + static_cast<std::int64_t>(node) * d;
  T* high = tree.upper.data() + static_cast<std::int64_t>(node) * d;
  if (end - begin == 1) {
    const T* coords = tree.leaf_coords(begin);
    const int size = tree.leaf_size(begin);
    for (int j = 0; j < d; ++j) {
      const auto [least, most] = std::minmax_element(coords + j * kLeaf, coords + j * kLeaf + size);
      low[j] = *least;
      high[j] = *most;
    }
    const std::int32_t* samples = tree.leaf_index(begin);
    tree.least_index[node] = *std::min_element(samples, samples + size);
    return;
  }
  if (end - begin >= kManyLeaves) heed();
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
T tree_scale(const Blocks<T>& blocks, Metric metric) {
  if (metric != Metric::kEuclidean) return 1;
  std::vector<Spread<T>> spreads;
  for (const Points<T>& block : blocks) {
    for (int j = 0; j < block.d; ++j) spreads.push_back(column_spread(block, j));
  }
  return euclidean_scale(spreads);
}

template <class T>
LeafTree<T> build_leaf_tree(const Blocks<T>& blocks, Metric metric, bool spatial,
                            const Execution& execution) {
  LeafTree<T> tree;
  tree.n = blocks.front().n;
  tree.d = total_dims(blocks);
  tree.leaves = static_cast<int>((tree.n + kLeaf - 1) / kLeaf);
  if (metric == Metric::kEuclidean) {
    for (const Points<T>& block : blocks) {
      tree.ends.push_back((tree.ends.empty() ? 0 : tree.ends.back()) + block.d);
    }
  } else {
    tree.ends.push_back(tree.d);
  }
  tree.scale = tree_scale(blocks, metric);
  const std::int64_t n = tree.n;
  const int d = tree.d;

  // One block is read in place; several are joined once, so that a sample is one run of memory.
  Buffer<T> joined;
  const T* rows = blocks.front().data;
  if (blocks.size() > 1) {
    joined.resize(static_cast<std::size_t>(n) * d);
    parallel_for(execution, tree.leaves, [&](std::int64_t b, int) {
      for (std::int64_t i = b * kLeaf; i < std::min(n, (b + 1) * kLeaf); ++i) {
        T* to = joined.data() + i * d;
        for (const Points<T>& block : blocks) {
          to = std::copy_n(block.data + i * block.d, block.d, to);
        }
      }
    });
    rows = joined.data();
  }

  tree.index.assign(static_cast<std::size_t>(tree.leaves) * kLeaf, -1);
  Buffer<std::int32_t> order(static_cast<std::size_t>(n));
  for (std::int64_t i = 0; i < n; ++i) order[i] = static_cast<std::int32_t>(i);
  if (spatial) Orderer<T>(rows, n, d, order).run(tree.leaves, execution);
  std::copy(order.begin(), order.end(), tree.index.begin());

  tree.coords.resize(static_cast<std::size_t>(tree.leaves) * d * kLeaf);
  parallel_for(execution, tree.leaves, [&](std::int64_t b, int) {
    T* to = tree.coords.data() + b * d * kLeaf;
    const std::int32_t* samples = tree.leaf_index(static_cast<int>(b));
    for (int l = 0; l < kLeaf; ++l) {
      const T* row = rows + static_cast<std::int64_t>(samples[l]) * d;
      for (int j = 0; j < d; ++j) {
        to[j * kLeaf + l] =
            samples[l] < 0 ? std::numeric_limits<T>::infinity() : row[j] * tree.scale;
      }
    }
  });
  const std::size_t nodes = 2 * static_cast<std::size_t>(tree.leaves) - 1;
  tree.lower.resize(nodes * d);
  tree.upper.resize(nodes * d);
  tree.least_index.resize(nodes);
  fill_boxes(tree, 0, 0, tree.leaves);
  return tree;
}

template <class T>
void quantise(LeafTree<T>& tree, T radius, const Execution& execution) {
  constexpr T kSteps = 255;
  // A step of 1/24 radius still rejects well; a finer one, down to 1/96, is free as long as the
  // 255 steps span the data. Fitted at 10 to 200 dims (see README.md), flat within a factor of 1.3.
  constexpr T kCoarsest = 24;
  constexpr T kFinest = 96;
  constexpr T kEighth = 0.125;
  const int d = tree.d;
  std::vector<T> middle(static_cast<std::size_t>(d));
  std::vector<T> probe;
  T span = 0;
  for (int j = 0; j < d; ++j) {
    probe.clear();
    const std::int64_t stride = std::max<std::int64_t>(1, tree.n / 256);
    for (std::int64_t p = 0; p < tree.n; p += stride) {
      probe.push_back(tree.coords[(p / kLeaf * d + j) * kLeaf + p % kLeaf]);
    }
    std::nth_element(probe.begin(), probe.begin() + probe.size() / 2, probe.end());
    middle[j] = probe[probe.size() / 2];
    for (const T value : probe) span = std::max(span, 2 * std::abs(value - middle[j]));
  }
  const T step = std::min(radius / kCoarsest, std::max(radius / kFinest, span / kSteps));
  if (!(step >= std::numeric_limits<T>::min() * kSteps)) return;
  tree.inverse_step = 1 / step;

  constexpr int kVector = 64 / static_cast<int>(sizeof(T));
  tree.row_size = (d + kVector - 1) / kVector * kVector;
  if (d >= kRowDims) {
    tree.rows.resize(static_cast<std::size_t>(tree.leaves) * kLeaf * tree.row_size);
  }
  tree.bytes.resize(tree.coords.size());
  tree.unclipped.resize(static_cast<std::size_t>(tree.leaves));
  parallel_for(execution, tree.leaves, [&](std::int64_t b, int) {
    const T* from = tree.coords.data() + b * d * kLeaf;
    std::uint8_t* to = tree.bytes.data() + b * d * kLeaf;
    bool clipped[kLeaf] = {};
    for (int j = 0; j < d; ++j) {
      // 255 steps may be wider than the largest number. An eighth of them is not, and dividing by
      // eight is exact.
      const T origin = middle[j] * kEighth - kSteps / 2 * (step * kEighth);
      for (int l = 0; l < kLeaf; ++l) {
        const T steps = (from[j * kLeaf + l] * kEighth - origin) * (tree.inverse_step * 8);
        // In this order NaN becomes 0.
        const T saturated = std::min(std::max(T(0), steps), kSteps);
        clipped[l] |= saturated != steps;  // +inf, an unused lane, is one of these
        to[j * kLeaf + l] = static_cast<std::uint8_t>(static_cast<int>(saturated));
      }
    }
    for (int l = 0; l < kLeaf; ++l) {
      tree.unclipped[b] |= static_cast<std::uint64_t>(!clipped[l]) << l;
    }
    if (tree.rows.empty()) return;
    T* rows = tree.rows.data() + b * kLeaf * tree.row_size;
    for (int l = 0; l < tree.leaf_size(static_cast<int>(b)); ++l) {
      for (int j = 0; j < d; ++j) rows[l * tree.row_size + j] = from[j * kLeaf + l];
    }
  });
}

template float tree_scale(const Blocks<float>&, Metric);
template double tree_scale(const Blocks<double>&, Metric);
template LeafTree<float> build_leaf_tree(const Blocks<float>&, Metric, bool, const Execution&);
template LeafTree<double> build_leaf_tree(const Blocks<double>&, Metric, bool, const Execution&);
template void quantise(LeafTree<float>&, float, const Execution&);
template void quantise(LeafTree<double>&, double, const Execution&);

}  // namespace fastmi::cpu
