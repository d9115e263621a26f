#include "cpu/rectangles.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "common/block_distance.h"
#include "common/possible.h"
#include "common/radius_limit.h"
#include "cpu/buffer.h"
#include "cpu/kernels.h"
#include "cpu/knn.h"
#include "cpu/leaf_tree.h"
#include "cpu/sorted.h"

namespace fastmi::cpu {
namespace {

/// One block with its samples in the order of the line.
template <class T>
struct Ordered {
  Buffer<T> rows;
  Points<T> points;
  Metric metric;
  LeafTree<T> tree;

  Ordered(const Points<T>& block, const Buffer<std::int32_t>& order, Metric given,
          const Execution& execution)
      : rows(static_cast<std::size_t>(block.n * block.d)),
        metric(block.d == 1 ? Metric::kChebyshev : given) {
    for (std::int64_t p = 0; p < block.n; ++p) {
      std::copy_n(block.data + order[p] * std::int64_t{block.d}, block.d,
                  rows.data() + p * block.d);
    }
    points = {rows.data(), block.n, block.d};
    tree = build_leaf_tree(Blocks<T>{points}, metric, false, execution);
  }

  /// The number below which computed distances are at most `reach`.
  T limit(T reach) const {
    const T limit = strict_limit(reach, false);
    return metric == Metric::kEuclidean ? squared_limit(limit) : limit;
  }

  /// Whether a sample may be within the limit of another, by their first column alone.
  bool near_in_line(std::int64_t p, std::int64_t other, T limit) const {
    const T gap =
        points.data[p * points.d] * tree.scale - points.data[other * points.d] * tree.scale;
    return (metric == Metric::kEuclidean ? gap * gap : std::abs(gap)) < limit;
  }
};

}  // namespace

template <class T>
void rectangle_radii(const Points<T>& block, const std::int64_t* neighbours, int k,
                     const std::vector<int>& ks, Metric metric, T scale, const Execution& execution,
                     T* radius) {
  constexpr std::int64_t kSamples = 1024;  // samples per parallel item
  const std::int64_t n = block.n;
  parallel_for(execution, (n + kSamples - 1) / kSamples, [&](std::int64_t item, int) {
    for (std::int64_t i = item * kSamples; i < std::min(n, (item + 1) * kSamples); ++i) {
      const T* sample = block.data + i * block.d;
      for (std::size_t q = 0; q < ks.size(); ++q) {
        T reach = 0;
        for (int c = 0; c < ks[q]; ++c) {
          const T* other = block.data + neighbours[i * k + c] * block.d;
          reach = std::max(reach, block_distance<T>(
                                      block.d, metric, scale, [&](int j) { return sample[j]; },
                                      [&](int j) { return other[j]; }));
        }
        radius[q * n + i] = reach;
      }
    }
  });
}

template <class T>
Algorithm rectangle_counts(const Blocks<T>& blocks, const std::vector<int>& ks,
                           const std::vector<std::vector<int>>& spaces, Metric metric,
                           Algorithm algorithm, const Execution& execution, T* radius,
                           std::int64_t* counts) {
  constexpr T kInfinity = std::numeric_limits<T>::infinity();
  const std::int64_t n = blocks.front().n;
  const int m = static_cast<int>(blocks.size());
  const int k = ks.back();
  for (const std::vector<int>& space : spaces) {
    if (std::find(space.begin(), space.end(), m - 1) == space.end()) {
      throw std::invalid_argument("every space must hold the last block");
    }
  }
  Buffer<T> distances(static_cast<std::size_t>(n) * k);
  Buffer<std::int64_t> neighbours(distances.size());
  const Algorithm ran =
      kneighbors(blocks, k, metric, algorithm, execution, distances.data(), neighbours.data());
  for (std::size_t q = 0; q < ks.size(); ++q) {
    for (std::int64_t i = 0; i < n; ++i) radius[q * n + i] = distances[i * k + ks[q] - 1];
  }

  Buffer<T> line(static_cast<std::size_t>(n));
  for (std::int64_t i = 0; i < n; ++i) line[i] = blocks.back().data[i * blocks.back().d];
  const Buffer<std::int32_t> order = sort_column(line.data(), n).sample;
  std::vector<Ordered<T>> ordered;
  ordered.reserve(blocks.size());
  std::vector<Buffer<T>> reach;
  for (const Points<T>& block : blocks) {
    ordered.emplace_back(block, order, metric, execution);
    reach.emplace_back(ks.size() * static_cast<std::size_t>(n));
    rectangle_radii(block, neighbours.data(), k, ks, metric, ordered.back().tree.scale, execution,
                    reach.back().data());
  }
  const Ordered<T>& last = ordered.back();

  const auto& kernels = current_kernels<T>();
  struct Scratch {
    Buffer<T> rows;
    std::vector<T> limits;
  };
  std::vector<Scratch> scratch(execution.threads);
  const auto lists = static_cast<std::int64_t>(ks.size());
  parallel_for(execution, n, [&](std::int64_t p, int thread) {
    Scratch& own = scratch[thread];
    if (own.rows.empty()) {
      own.rows.resize(static_cast<std::size_t>(m) * last.tree.leaves * kLeaf);
      own.limits.resize(ks.size() * m);
    }
    for (std::int64_t q = 0; q < lists; ++q) {
      for (int b = 0; b < m; ++b) {
        own.limits[q * m + b] = ordered[b].limit(reach[b][q * n + order[p]]);
      }
    }
    // Limits grow with k: the largest one of the line bounds all candidates.
    const T far = own.limits[(lists - 1) * m + m - 1];
    const auto near_in_line = [&](std::int64_t other) { return last.near_in_line(p, other, far); };
    std::int64_t begin = p;
    for (std::int64_t step = n; step > 0; step /= 2) {
      while (begin - step >= 0 && near_in_line(begin - step)) begin -= step;
    }
    std::int64_t end = p;
    for (std::int64_t step = n; step > 0; step /= 2) {
      while (end + step < n && near_in_line(end + step)) end += step;
    }
    const int first = static_cast<int>(begin / kLeaf);
    const int past = static_cast<int>(end / kLeaf) + 1;
    const std::int64_t length = static_cast<std::int64_t>(past - first) * kLeaf;
    for (int b = 0; b < m; ++b) {
      T* row = own.rows.data() + b * length;
      const auto distance_rows = ordered[b].metric == Metric::kEuclidean
                                     ? kernels.distance_rows_euclidean
                                     : kernels.distance_rows_chebyshev;
      distance_rows(ordered[b].tree, p, 1, first, past, row);
      row[p - std::int64_t{first} * kLeaf] = kInfinity;
    }
    for (std::int64_t q = 0; q < lists; ++q) {
      for (std::size_t s = 0; s < spaces.size(); ++s) {
        const std::int64_t found =
            kernels.count_in_rows(own.rows.data(), length, spaces[s].data(),
                                  static_cast<int>(spaces[s].size()), own.limits.data() + q * m);
        counts[(q * spaces.size() + s) * n + order[p]] = possible_count(found, n);
      }
    }
  });
  return ran;
}

#define FASTMI_INSTANTIATE(T)                                                                  \
  template void rectangle_radii(const Points<T>&, const std::int64_t*, int,                    \
                                const std::vector<int>&, Metric, T, const Execution&, T*);     \
  template Algorithm rectangle_counts(const Blocks<T>&, const std::vector<int>&,               \
                                      const std::vector<std::vector<int>>&, Metric, Algorithm, \
                                      const Execution&, T*, std::int64_t*);
FASTMI_INSTANTIATE(float)
FASTMI_INSTANTIATE(double)
#undef FASTMI_INSTANTIATE

}  // namespace fastmi::cpu
