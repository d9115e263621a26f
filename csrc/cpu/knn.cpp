#include "cpu/knn.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "common/possible.h"
#include "common/unscale.h"
#include "cpu/kernels.h"
#include "cpu/leaf_tree.h"
#include "cpu/sorted.h"
#include "cpu/strips.h"

namespace fastmi::cpu {
namespace {

/// A k-th distance that is typical of the samples, from a few queries within their own leaf:
/// somewhat too large, which costs the filter little. Only speed depends on it.
template <class T>
T typical_distance(const LeafTree<T>& tree, int k) {
  constexpr int kProbes = 32;
  std::vector<T> kth;
  std::vector<T> distances;
  const int stride = std::max(1, tree.leaves / kProbes);
  for (int b = 0; b < tree.leaves; b += stride) {
    const T* coords = tree.leaf_coords(b);
    distances.assign(static_cast<std::size_t>(tree.leaf_size(b)), 0);
    const int query = tree.leaf_size(b) / 2;
    for (int j = 0; j < tree.d; ++j) {
      for (std::size_t l = 0; l < distances.size(); ++l) {
        const T gap = std::abs(coords[j * kLeaf + l] - coords[j * kLeaf + query]);
        distances[l] = std::max(distances[l], gap);
      }
    }
    const std::size_t rank = std::min<std::size_t>(k, distances.size() - 1);
    std::nth_element(distances.begin(), distances.begin() + rank, distances.end());
    if (distances[rank] > 0) kth.push_back(distances[rank]);
  }
  if (kth.empty()) return 0;
  std::nth_element(kth.begin(), kth.begin() + kth.size() / 2, kth.end());
  return kth[kth.size() / 2];
}

template <class T>
LeafTree<T> tree_for_knn(const Blocks<T>& blocks, int k, Metric metric, Algorithm algorithm,
                         const Execution& execution) {
  LeafTree<T> tree = build_leaf_tree(blocks, metric, algorithm == Algorithm::kTree, execution);
  if (use_byte_filter(tree.n, tree.d, metric)) {
    quantise(tree, typical_distance(tree, k), execution);
  }
  return tree;
}

/// The distance that a computed number stands for, in units of 1 / tree.scale.
template <class T>
T scaled_distance(Metric metric, T computed) {
  return metric == Metric::kEuclidean ? std::sqrt(computed) : computed;
}

template <class T>
std::vector<Buffer<T>> scratch_per_thread(const Execution& execution, int k) {
  return std::vector<Buffer<T>>(execution.threads, Buffer<T>(static_cast<std::size_t>(kLeaf) * k));
}

template <class T>
void kth_distance_joint_columns(const Blocks<T>& blocks, const std::vector<int>& ks,
                                const Execution& execution, T* distances) {
  SortedColumn<T> sorted[2];
  parallel_for(execution, 2,
               [&](std::int64_t b, int) { sorted[b] = sort_column(blocks[b].data, blocks[b].n); });
  std::vector<int> ascending(ks);
  std::sort(ascending.begin(), ascending.end());
  const std::int64_t n = blocks.front().n;
  const Strips<T> strips = build_strips(sorted[0], sorted[1], ascending.back(), T(1), execution);
  Buffer<T> by_rank(ks.size() * static_cast<std::size_t>(n));
  kth_distance_strips<T>(strips, ascending, execution, by_rank.data(), nullptr);
  for (std::size_t q = 0; q < ks.size(); ++q) {
    const auto from = std::lower_bound(ascending.begin(), ascending.end(), ks[q]);
    const T* ranked = by_rank.data() + (from - ascending.begin()) * n;
    for (std::int64_t p = 0; p < n; ++p) distances[q * n + sorted[0].sample[p]] = ranked[p];
  }
}

}  // namespace

template <class T>
Search search_radii(const Blocks<T>& blocks, const std::vector<int>& ks, Metric metric,
                    Algorithm algorithm, const Execution& execution, T* distances) {
  const int variables = static_cast<int>(blocks.size());
  const std::int64_t n = blocks.front().n;
  const int d = total_dims(blocks);
  const int k = *std::max_element(ks.begin(), ks.end());
  // In one dim |a - b| is the Euclidean distance; the sorted forms rely on it.
  if (d == variables) metric = Metric::kChebyshev;
  algorithm = resolve_algorithm(algorithm, n, variables, d, k);

  if (algorithm == Algorithm::kSort) {
    if (d == 1) {
      kth_distance_sorted(sort_column(blocks.front().data, n), ks, execution, distances);
    } else {
      kth_distance_joint_columns(blocks, ks, execution, distances);
    }
    return {algorithm, 0};
  }
  const LeafTree<T> tree = tree_for_knn(blocks, k, metric, algorithm, execution);
  const auto knn_leaf = current_kernels<T>().knn_leaf(metric, false);
  auto scratch = scratch_per_thread<T>(execution, k);
  parallel_for(execution, tree.leaves, [&](std::int64_t b, int thread) {
    T* best = scratch[thread].data();
    knn_leaf(tree, static_cast<int>(b), k, best, nullptr);
    const std::int32_t* samples = tree.leaf_index(static_cast<int>(b));
    for (std::size_t q = 0; q < ks.size(); ++q) {
      for (int i = 0; i < tree.leaf_size(static_cast<int>(b)); ++i) {
        distances[q * n + samples[i]] =
            scaled_distance(metric, best[static_cast<std::int64_t>(i) * k + ks[q] - 1]);
      }
    }
  });
  return {algorithm, std::ilogb(tree.scale)};
}

template <class T>
Algorithm kth_distance(const Blocks<T>& blocks, const std::vector<int>& ks, Metric metric,
                       Algorithm algorithm, const Execution& execution, T* distances) {
  const Search search = search_radii(blocks, ks, metric, algorithm, execution, distances);
  unscale(search.exponent, distances, static_cast<std::int64_t>(ks.size()) * blocks.front().n);
  return search.algorithm;
}

template <class T>
Algorithm kneighbors(const Blocks<T>& blocks, int k, Metric metric, Algorithm algorithm,
                     const Execution& execution, T* distances, std::int64_t* indices) {
  if (algorithm == Algorithm::kSort) {
    throw std::invalid_argument("kneighbors has no algorithm='sort'; use 'tree' or 'brute'");
  }
  const int variables = static_cast<int>(blocks.size());
  const int d = total_dims(blocks);
  if (d == variables) metric = Metric::kChebyshev;
  if (algorithm == Algorithm::kAuto) {
    algorithm = choose_algorithm(blocks.front().n, variables, d, k, true);
  }
  const std::int64_t n = blocks.front().n;
  const LeafTree<T> tree = tree_for_knn(blocks, k, metric, algorithm, execution);
  const auto knn_leaf = current_kernels<T>().knn_leaf(metric, true);
  auto scratch = scratch_per_thread<T>(execution, k);
  auto sample_scratch = scratch_per_thread<std::int32_t>(execution, k);
  parallel_for(execution, tree.leaves, [&](std::int64_t b, int thread) {
    T* best = scratch[thread].data();
    std::int32_t* neighbours = sample_scratch[thread].data();
    knn_leaf(tree, static_cast<int>(b), k, best, neighbours);
    const std::int32_t* samples = tree.leaf_index(static_cast<int>(b));
    for (int i = 0; i < tree.leaf_size(static_cast<int>(b)); ++i) {
      const std::int64_t from = static_cast<std::int64_t>(i) * k;
      const std::int64_t to = static_cast<std::int64_t>(samples[i]) * k;
      for (int q = 0; q < k; ++q) {
        distances[to + q] = scaled_distance(metric, best[from + q]) / tree.scale;
        indices[to + q] = possible_sample(neighbours[from + q], n);
      }
    }
  });
  return algorithm;
}

template <class T>
Algorithm kneighbors_among(const Blocks<T>& blocks, std::int64_t among, int k, Metric metric,
                           Algorithm algorithm, const Execution& execution, T* distances,
                           std::int64_t* indices) {
  if (algorithm == Algorithm::kSort) {
    throw std::invalid_argument("kneighbors_among has no algorithm='sort'; use 'tree' or 'brute'");
  }
  const int variables = static_cast<int>(blocks.size());
  const int d = total_dims(blocks);
  if (d == variables) metric = Metric::kChebyshev;
  const std::int64_t n = blocks.front().n;
  if (algorithm == Algorithm::kAuto) algorithm = choose_algorithm(n, variables, d, k, true);
  const LeafTree<T> tree = tree_for_knn(blocks, k, metric, algorithm, execution);
  const auto knn_leaf = current_kernels<T>().knn_leaf_among(metric);
  const auto first = static_cast<std::int32_t>(among);
  auto scratch = scratch_per_thread<T>(execution, k);
  auto sample_scratch = scratch_per_thread<std::int32_t>(execution, k);
  parallel_for(execution, tree.leaves, [&](std::int64_t b, int thread) {
    T* best = scratch[thread].data();
    std::int32_t* neighbours = sample_scratch[thread].data();
    knn_leaf(tree, static_cast<int>(b), k, first, best, neighbours);
    const std::int32_t* samples = tree.leaf_index(static_cast<int>(b));
    for (int i = 0; i < tree.leaf_size(static_cast<int>(b)); ++i) {
      if (samples[i] < first) continue;
      const std::int64_t from = static_cast<std::int64_t>(i) * k;
      const std::int64_t to = static_cast<std::int64_t>(samples[i] - first) * k;
      for (int q = 0; q < k; ++q) {
        distances[to + q] = scaled_distance(metric, best[from + q]) / tree.scale;
        indices[to + q] = possible_sample(neighbours[from + q], among);
      }
    }
  });
  return algorithm;
}

#define FASTMI_INSTANTIATE(T)                                                                   \
  template Search search_radii(const Blocks<T>&, const std::vector<int>&, Metric, Algorithm,    \
                               const Execution&, T*);                                           \
  template Algorithm kth_distance(const Blocks<T>&, const std::vector<int>&, Metric, Algorithm, \
                                  const Execution&, T*);                                        \
  template Algorithm kneighbors(const Blocks<T>&, int, Metric, Algorithm, const Execution&, T*, \
                                std::int64_t*);                                                 \
  template Algorithm kneighbors_among(const Blocks<T>&, std::int64_t, int, Metric, Algorithm,   \
                                      const Execution&, T*, std::int64_t*);
FASTMI_INSTANTIATE(float)
FASTMI_INSTANTIATE(double)
#undef FASTMI_INSTANTIATE

}  // namespace fastmi::cpu
