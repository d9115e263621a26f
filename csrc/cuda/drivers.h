// Operations as sequences of launches, for any Queue (block.h). The contracts are in ops.h; samples
// are in device memory, results go to host memory.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "cuda/algorithm.h"
#include "cuda/ksg_tiles.h"
#include "cuda/psi_runs.h"
#include "cuda/samples.h"
#include "cuda/sweep_tiles.h"
#include "cuda/tree_kernels.h"

namespace fastmi::cuda {

/// Calls launch(params, tiles) with as many tiles at a time as scratch and patience allow; heaps:
/// heaps of k places per query.
template <class Body, class T, class Queue, class Launch>
void launch_tiles(Queue& queue, typename Body::Params params, std::int64_t heaps,
                  double pair_dims_per_query, Launch&& launch) {
  constexpr int kQueries = Body::kQueries;
  const std::int64_t tiles = ceil_div(params.columns.n, kQueries);
  const std::int64_t places = std::max<std::int64_t>(1, heaps * params.k) * kQueries;
  const std::int64_t place_bytes = sizeof(T) + sizeof(std::int32_t);
  const auto patience =
      static_cast<std::int64_t>(queue.pair_dims_per_launch() / (pair_dims_per_query * kQueries));
  const std::int64_t at_once =
      std::clamp<std::int64_t>(std::min(queue.scratch_bytes() / (places * place_bytes), patience),
                               std::min<std::int64_t>(tiles, 2 * queue.multiprocessors()), tiles);
  const Scratch<T, Queue> distances(queue, at_once * places);
  const Scratch<std::int32_t, Queue> samples(queue, at_once * places);
  params.heap_distances = distances.data();
  params.heap_samples = samples.data();
  for (std::int64_t first = 0; first < tiles; first += at_once) {
    if (first > 0) queue.checkpoint();
    params.first_query = first * kQueries;
    launch(params, std::min(at_once, tiles - first));
  }
}

/// What search and counts share of KsgTiles::Params, whatever the shape of the tiles.
template <class T>
struct TileJob {
  Columns<T> columns;
  Radii radii = Radii::kSquare;
  int number = 0;
  const std::int32_t* ks = nullptr;
  T* radius = nullptr;
  Space<T> joint{};
  int k = 0;
  T* distances = nullptr;
  std::int64_t* neighbours = nullptr;
  int spaces = 0;
  const Space<T>* space = nullptr;
  bool strict = true;
  T* limits = nullptr;
  std::int64_t* counts = nullptr;
};

template <class T, Metric M, int kRows, int kCols, class Queue>
void run_tiles_as(Queue& queue, const TileJob<T>& job, std::int64_t batch) {
  using Body = KsgTiles<T, M, kRows, kCols>;
  const typename Body::Params params{
      job.columns, 0,         job.radii,  job.number, job.ks,        job.radius,
      job.joint,   job.k,     nullptr,    nullptr,    job.distances, job.neighbours,
      job.spaces,  job.space, job.strict, job.limits, job.counts};
  const double passes = job.radii == Radii::kGiven ? 1 : 2;
  launch_tiles<Body, T>(
      queue, params, batch,
      passes * static_cast<double>(job.columns.n) * job.columns.d * static_cast<double>(batch),
      [&](const typename Body::Params& p, std::int64_t tiles) {
        queue.template launch<Body>(tiles, batch, p);
      });
}

/// Tiles of 16 kRows queries: large ones do the most arithmetic per load, small ones give every
/// multiprocessor work when there are few samples.
template <class T, Metric M, class Queue>
void run_tiles(Queue& queue, const TileJob<T>& job, std::int64_t batch) {
  constexpr bool kSingle = sizeof(T) == 4;
  constexpr int kLarge = kSingle ? 8 : 4;
  constexpr int kSmall = 2;
  constexpr int kCols = kSingle && M == Metric::kChebyshev ? 8 : 4;
  if (batch * ceil_div(job.columns.n, 16 * kLarge) >= 2 * queue.multiprocessors()) {
    run_tiles_as<T, M, kLarge, kCols>(queue, job, batch);
  } else {
    run_tiles_as<T, M, kSmall, kCols>(queue, job, batch);
  }
}

template <class T, class Queue>
void run_tiles(Queue& queue, const TileJob<T>& job, Metric metric, std::int64_t batch = 1) {
  if (metric == Metric::kEuclidean) {
    run_tiles<T, Metric::kEuclidean>(queue, job, batch);
  } else {
    run_tiles<T, Metric::kChebyshev>(queue, job, batch);
  }
}

/// Columns in order, each sorted when first asked for.
template <class T, class Queue>
class Orders {
 public:
  Orders(Queue& queue, const Samples<T, Queue>& samples) : queue_(&queue), samples_(&samples) {
    columns_.resize(static_cast<std::size_t>(samples.geometry().d()));
  }
  const SortedColumn<T, Queue>& column(int j) {
    std::optional<SortedColumn<T, Queue>>& sorted = columns_[j];
    if (!sorted) sorted.emplace(sort_column(*queue_, samples_->column(j), samples_->n()));
    return *sorted;
  }
  PointTreeOf<T, Queue> tree(const Space<T>& space) {
    std::vector<const std::int32_t*> ranks(columns_.size(), nullptr);
    for (int j = space.begin; j < space.end; ++j) ranks[j] = column(j).ranks.data();
    return PointTreeOf<T, Queue>(*queue_, *samples_, space, ranks);
  }

 private:
  Queue* queue_;
  const Samples<T, Queue>* samples_;
  std::vector<std::optional<SortedColumn<T, Queue>>> columns_;
};

/// What a search by tree writes, see TreeSearch::Params.
template <class T>
struct SearchResults {
  T* radius = nullptr;
  T* distances = nullptr;
  std::int64_t* neighbours = nullptr;
  std::int32_t* nearest = nullptr;
};

template <class T, Metric M, bool kWithIndex, class Queue>
void search_tree_as(Queue& queue, const PointTree<T>& tree, const Space<T>& space,
                    const std::int32_t* ks, int number, int k, const SearchResults<T>& results) {
  using Body = TreeSearch<T, M, kWithIndex>;
  const std::int64_t place_bytes = sizeof(T) + (kWithIndex ? sizeof(std::int32_t) : 0);
  const std::int64_t at_once = std::clamp<std::int64_t>(
      queue.scratch_bytes() / (k * place_bytes), std::min<std::int64_t>(tree.n, 1 << 16), tree.n);
  const Scratch<T, Queue> distances(queue, at_once * k);
  const Scratch<std::int32_t, Queue> samples(queue, kWithIndex ? at_once * k : at_once);
  for (std::int64_t first = 0; first < tree.n; first += at_once) {
    if (first > 0) queue.checkpoint();
    const std::int64_t queries = std::min<std::int64_t>(at_once, tree.n - first);
    queue.template launch<Body>(
        ceil_div(queries, Body::kThreads), 1,
        {tree, space, first, queries, k, distances.data(), samples.data(), number, ks, tree.stride,
         results.radius, results.distances, results.neighbours, results.nearest});
  }
}

template <class T, Metric M, class Queue>
void search_tree(Queue& queue, Orders<T, Queue>& orders, const Space<T>& space,
                 const std::int32_t* ks, int number, int k, const SearchResults<T>& results) {
  const PointTreeOf<T, Queue> tree = orders.tree(space);
  if (results.neighbours != nullptr || results.nearest != nullptr) {
    search_tree_as<T, M, true>(queue, tree.tree(), space, ks, number, k, results);
  } else {
    search_tree_as<T, M, false>(queue, tree.tree(), space, ks, number, k, results);
  }
}

/// counts[e], counts_stride apart, of one space by limits [entries][stride].
template <class T, Metric M, class Queue>
void count_space(Queue& queue, Orders<T, Queue>& orders, const Space<T>& space, std::int64_t n,
                 std::int64_t stride, const T* limits, int entries, std::int64_t counts_stride,
                 std::int64_t* counts) {
  if (space.end - space.begin == 1) {
    const SortedColumn<T, Queue>& sorted = orders.column(space.begin);
    queue.template launch<CountSorted<T>>(
        ceil_div(n, CountSorted<T>::kThreads), entries,
        {sorted.values.data(), sorted.samples.data(), n, limits, stride, counts_stride, counts});
    return;
  }
  const PointTreeOf<T, Queue> tree = orders.tree(space);
  using Body = TreeCount<T, M>;
  queue.template launch<Body>(ceil_div(n, Body::kThreads), entries,
                              {tree.tree(), limits, stride, counts_stride, counts});
}

/// Radii, and counts in every margin, by trees and sorted columns; the arguments of TileJob.
template <class T, Metric M, class Queue>
void run_trees(Queue& queue, const Samples<T, Queue>& samples, const TileJob<T>& job,
               const std::vector<Space<T>>& spaces) {
  const std::int64_t n = samples.n();
  const std::int64_t stride = samples.stride();
  Orders<T, Queue> orders(queue, samples);
  const bool rectangle = job.radii == Radii::kRectangle;
  const Scratch<std::int32_t, Queue> nearest(queue, rectangle ? job.k * stride : 1);
  std::int32_t* const neighbours = rectangle ? nearest.data() : nullptr;
  if (job.radii != Radii::kGiven) {
    search_tree<T, M>(queue, orders, job.joint, job.ks, job.number, job.k,
                      {job.radius, job.distances, job.neighbours, neighbours});
  }
  for (int s = 0; s < job.spaces; ++s) {
    T* limits = job.limits + s * job.number * stride;
    using Limits = SpaceLimits<T, M>;
    queue.template launch<Limits>(ceil_div(n, Limits::kThreads), job.number,
                                  {spaces[s], job.strict, n, stride, job.radius, neighbours, job.ks,
                                   samples.column(0), limits});
    count_space<T, M>(queue, orders, spaces[s], n, stride, limits, job.number, job.spaces * n,
                      job.counts + s * n);
  }
}

/// One problem by either algorithm.
template <class T, class Queue>
void run_job(Queue& queue, const Samples<T, Queue>& samples, const TileJob<T>& job,
             const std::vector<Space<T>>& spaces, Algorithm algorithm) {
  const Metric metric = samples.geometry().metric;
  if (resolve(algorithm, samples.n(), samples.geometry().d()) == Algorithm::kBrute) {
    run_tiles(queue, job, metric);
  } else if (metric == Metric::kEuclidean) {
    run_trees<T, Metric::kEuclidean>(queue, samples, job, spaces);
  } else {
    run_trees<T, Metric::kChebyshev>(queue, samples, job, spaces);
  }
}

inline int largest(const std::vector<int>& ks) { return *std::max_element(ks.begin(), ks.end()); }

/// rows [number][stride] on the device to [number][n] on the host; enqueued.
template <class T, class Queue>
void download_rows(Queue& queue, T* to, const T* from, std::int64_t number, std::int64_t n,
                   std::int64_t stride) {
  for (std::int64_t r = 0; r < number; ++r) {
    queue.download(to + r * n, from + r * stride, n * sizeof(T));
  }
}

template <class T, class Queue>
void drive_kth_distance(Queue& queue, const Blocks<T>& blocks, const std::vector<int>& ks,
                        Metric metric, Algorithm algorithm, T* distances) {
  const Samples<T, Queue> samples(queue, blocks, metric);
  const Scratch<std::int32_t, Queue> list(queue, std::vector<std::int32_t>(ks.begin(), ks.end()));
  const auto number = static_cast<int>(ks.size());
  const Scratch<T, Queue> radius(queue, number * samples.stride());
  TileJob<T> job{samples.columns()};
  job.number = number;
  job.ks = list.data();
  job.radius = radius.data();
  job.joint = samples.geometry().joint;
  job.k = largest(ks);
  run_job(queue, samples, job, {}, algorithm);
  download_rows(queue, distances, radius.data(), number, samples.n(), samples.stride());
  queue.wait();
}

template <class T, class Queue>
void drive_kneighbors(Queue& queue, const Blocks<T>& blocks, int k, Metric metric,
                      Algorithm algorithm, T* distances, std::int64_t* indices) {
  const Samples<T, Queue> samples(queue, blocks, metric);
  const std::int64_t n = samples.n();
  const Scratch<T, Queue> found(queue, n * k);
  const Scratch<std::int64_t, Queue> neighbours(queue, n * k);
  TileJob<T> job{samples.columns()};
  job.joint = samples.geometry().joint;
  job.k = k;
  job.distances = found.data();
  job.neighbours = neighbours.data();
  run_job(queue, samples, job, {}, algorithm);
  queue.download(distances, found.data(), found.size() * sizeof(T));
  queue.download(indices, neighbours.data(), neighbours.size() * sizeof(std::int64_t));
  queue.wait();
}

/// radius [n] on the host.
template <class T, class Queue>
void drive_count_within(Queue& queue, const Blocks<T>& blocks, const T* radius, bool strict,
                        Metric metric, Algorithm algorithm, std::int64_t* counts) {
  const Samples<T, Queue> samples(queue, blocks, metric);
  const Geometry<T>& geometry = samples.geometry();
  const Scratch<T, Queue> own_radius(queue, samples.stride());
  queue.upload(own_radius.data(), radius, samples.n() * sizeof(T));
  const Scratch<T, Queue> limits(queue, samples.stride());
  const Scratch<std::int64_t, Queue> found(queue, samples.n());
  const std::vector<Space<T>> spaces{geometry.joint};
  const Scratch<Space<T>, Queue> space(queue, spaces);
  TileJob<T> job{samples.columns()};
  job.radii = Radii::kGiven;
  job.number = 1;
  job.radius = own_radius.data();
  job.spaces = 1;
  job.space = space.data();
  job.strict = strict;
  job.limits = limits.data();
  job.counts = found.data();
  run_job(queue, samples, job, spaces, algorithm);
  queue.download(counts, found.data(), found.size() * sizeof(std::int64_t));
  queue.wait();
}

/// Terms of one problem; its counts [ks][m][n] to the host unless null.
template <class T, class Queue>
std::vector<PsiSummary> run_ksg(Queue& queue, const Samples<T, Queue>& samples,
                                const std::vector<int>& ks, int variant, Algorithm algorithm,
                                const double* table, std::int64_t* counts) {
  const Geometry<T>& geometry = samples.geometry();
  const int m = geometry.variables();
  const auto number = static_cast<int>(ks.size());
  const Scratch<std::int32_t, Queue> list(queue, std::vector<std::int32_t>(ks.begin(), ks.end()));
  const Scratch<T, Queue> radius(queue, number * samples.stride());
  const Scratch<T, Queue> limits(queue, m * number * samples.stride());
  const Scratch<std::int64_t, Queue> found(queue, m * number * samples.n());
  const Scratch<Space<T>, Queue> space(queue, geometry.margins);
  TileJob<T> job{samples.columns()};
  job.radii = variant == 1 ? Radii::kSquare : Radii::kRectangle;
  job.number = number;
  job.ks = list.data();
  job.radius = radius.data();
  job.joint = geometry.joint;
  job.k = largest(ks);
  job.spaces = m;
  job.space = space.data();
  job.strict = variant == 1;
  job.limits = limits.data();
  job.counts = found.data();
  run_job(queue, samples, job, geometry.margins, algorithm);
  if (counts != nullptr) {
    queue.download(counts, found.data(), found.size() * sizeof(std::int64_t));
  }
  return summarise_psi<T>(queue, table, found.data(), radius.data(), number, m, samples.n(),
                          samples.stride(), variant == 1 ? 1 : 0);
}

template <class T, class Queue>
std::vector<PsiSummary> drive_ksg(Queue& queue, const Blocks<T>& blocks, const std::vector<int>& ks,
                                  int variant, Metric metric, Algorithm algorithm,
                                  std::int64_t* counts) {
  const Samples<T, Queue> samples(queue, blocks, metric);
  const auto table = digamma_table(queue);
  return run_ksg(queue, samples, ks, variant, algorithm, table.data(), counts);
}

/// What SweepTiles::Params takes, whatever the shape of the tiles.
template <class T>
struct SweepJob {
  Columns<T> columns;
  Space<T> x;
  Space<T> y;
  int scales;
  const T* scale;
  int number;
  const std::int32_t* ks;
  int k;
  T* radius;
  T* limits_y;
  std::int64_t* counts;
};

template <class T, Metric M, class Queue>
void run_sweep(Queue& queue, const SweepJob<T>& job) {
  constexpr int kCols = sizeof(T) == 4 && M == Metric::kChebyshev ? 8 : 4;
  using Body = SweepTiles<T, M, 4, kCols>;
  const typename Body::Params params{job.columns, 0,          job.x,        job.y,     job.scales,
                                     job.scale,   job.number, job.ks,       job.k,     nullptr,
                                     nullptr,     job.radius, job.limits_y, job.counts};
  const double work = job.columns.d + 2.0 * job.scales * job.number;
  launch_tiles<Body, T>(queue, params, job.scales, 2 * work * job.columns.n,
                        [&](const typename Body::Params& p, std::int64_t tiles) {
                          queue.template launch<Body>(tiles, 1, p);
                        });
}

template <class T, class Queue>
std::vector<PsiSummary> drive_ksg_sweep(Queue& queue, const Points<T>& x, const Points<T>& y,
                                        const std::vector<T>& scales, const std::vector<int>& ks,
                                        Metric metric, std::int64_t* counts) {
  // The kernel takes scales in order; results go back to where they were asked for.
  std::vector<int> order(scales.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int a, int b) { return scales[a] < scales[b]; });
  std::vector<T> ascending;
  for (const int s : order) ascending.push_back(scales[s]);

  const Samples<T, Queue> samples(queue, {x, y}, metric);
  const Geometry<T>& geometry = samples.geometry();
  const std::int64_t n = samples.n();
  const auto number = static_cast<int>(ks.size());
  const auto entries = static_cast<std::int64_t>(scales.size()) * number;
  const Scratch<std::int32_t, Queue> list(queue, std::vector<std::int32_t>(ks.begin(), ks.end()));
  const Scratch<T, Queue> scale(queue, ascending);
  const Scratch<T, Queue> radius(queue, entries * samples.stride());
  const Scratch<T, Queue> limits(queue, entries * samples.stride());
  const Scratch<std::int64_t, Queue> found(queue, 2 * entries * n);
  const auto table = digamma_table(queue);
  const SweepJob<T> job{samples.columns(),   geometry.margins[0],
                        geometry.margins[1], static_cast<int>(scales.size()),
                        scale.data(),        number,
                        list.data(),         largest(ks),
                        radius.data(),       limits.data(),
                        found.data()};
  if (geometry.metric == Metric::kEuclidean) {
    run_sweep<T, Metric::kEuclidean>(queue, job);
  } else {
    run_sweep<T, Metric::kChebyshev>(queue, job);
  }
  const std::int64_t block = 2 * number * n;  // counts of one scale
  for (std::size_t s = 0; s < scales.size(); ++s) {
    queue.download(counts + order[s] * block, found.data() + static_cast<std::int64_t>(s) * block,
                   block * sizeof(std::int64_t));
  }
  const std::vector<PsiSummary> sorted = summarise_psi<T>(
      queue, table.data(), found.data(), radius.data(), entries, 2, n, samples.stride(), 1);
  std::vector<PsiSummary> summaries(sorted.size());
  for (std::size_t s = 0; s < scales.size(); ++s) {
    std::copy_n(sorted.begin() + static_cast<std::int64_t>(s) * number, number,
                summaries.begin() + static_cast<std::int64_t>(order[s]) * number);
  }
  return summaries;
}

/// Algorithm 1 of many problems of one geometry over columns [.][stride], in one launch as long as
/// scratch lasts. of: [problems][d], the columns of each.
template <class T, class Queue>
std::vector<PsiSummary> run_batch(Queue& queue, const T* columns, std::int64_t n,
                                  const Geometry<T>& geometry, const std::vector<std::int32_t>& of,
                                  const std::vector<int>& ks, const double* table) {
  const std::int64_t stride = padded(n);
  const int m = geometry.variables();
  const auto number = static_cast<int>(ks.size());
  const int k = largest(ks);
  const std::int64_t problems = static_cast<std::int64_t>(of.size()) / geometry.d();
  const Scratch<std::int32_t, Queue> list(queue, std::vector<std::int32_t>(ks.begin(), ks.end()));
  const Scratch<std::uint8_t, Queue> closes(queue, geometry.closes);
  const Scratch<Space<T>, Queue> space(queue, geometry.margins);
  // Heaps, radii, limits and counts of one problem.
  const std::int64_t bytes =
      stride * (k * static_cast<std::int64_t>(sizeof(T) + sizeof(std::int32_t)) +
                number * ((1 + m) * static_cast<std::int64_t>(sizeof(T)) +
                          m * static_cast<std::int64_t>(sizeof(std::int64_t))));
  const std::int64_t at_once = std::clamp<std::int64_t>(queue.scratch_bytes() / bytes, 1, problems);
  const Scratch<T, Queue> radius(queue, at_once * number * stride);
  const Scratch<T, Queue> limits(queue, at_once * m * number * stride);
  const Scratch<std::int64_t, Queue> found(queue, at_once * m * number * n);
  std::vector<PsiSummary> summaries;
  for (std::int64_t first = 0; first < problems; first += at_once) {
    if (first > 0) queue.checkpoint();
    const std::int64_t batch = std::min(at_once, problems - first);
    const Scratch<std::int32_t, Queue> own(
        queue, std::vector<std::int32_t>(of.begin() + first * geometry.d(),
                                         of.begin() + (first + batch) * geometry.d()));
    TileJob<T> job{{columns, stride, static_cast<int>(n), geometry.d(), own.data(), closes.data()}};
    job.number = number;
    job.ks = list.data();
    job.radius = radius.data();
    job.joint = geometry.joint;
    job.k = k;
    job.spaces = m;
    job.space = space.data();
    job.limits = limits.data();
    job.counts = found.data();
    run_tiles(queue, job, geometry.metric, batch);
    const std::vector<PsiSummary> part = summarise_psi<T>(queue, table, found.data(), radius.data(),
                                                          batch * number, m, n, stride, 1);
    summaries.insert(summaries.end(), part.begin(), part.end());
  }
  return summaries;
}

/// One summary per order and k. orders [number_of_orders][n] on the host.
template <class T, class Queue>
std::vector<PsiSummary> drive_ksg_permutations(Queue& queue, const Blocks<T>& blocks,
                                               const std::int64_t* orders,
                                               std::int64_t number_of_orders,
                                               const std::vector<int>& ks, Metric metric,
                                               Algorithm algorithm) {
  const std::int64_t n = blocks.front().n;
  const std::int64_t stride = padded(n);
  const int dx = blocks.front().d;
  const int d = total_dims(blocks);
  const bool brute = resolve(algorithm, n, d) == Algorithm::kBrute;
  const auto table = digamma_table(queue);
  const std::int64_t bytes = n * static_cast<std::int64_t>(sizeof(std::int64_t)) +
                             stride * dx * static_cast<std::int64_t>(sizeof(T));
  const std::int64_t at_once =
      brute ? std::clamp<std::int64_t>(queue.scratch_bytes() / bytes, 1, number_of_orders) : 1;
  const Scratch<std::int64_t, Queue> own_orders(queue, at_once * n);
  std::vector<PsiSummary> summaries;
  const auto append = [&](const std::vector<PsiSummary>& part) {
    summaries.insert(summaries.end(), part.begin(), part.end());
  };
  if (!brute) {
    for (std::int64_t b = 0; b < number_of_orders; ++b) {
      if (b > 0) queue.checkpoint();
      queue.upload(own_orders.data(), orders + b * n, n * sizeof(std::int64_t));
      const Samples<T, Queue> samples(queue, blocks, metric, own_orders.data());
      append(run_ksg(queue, samples, ks, 1, Algorithm::kTree, table.data(), nullptr));
    }
    return summaries;
  }
  // The columns as they are, then those of x in every order of a batch.
  const Samples<T, Queue> samples(queue, blocks, metric);
  const Scratch<T, Queue> columns(queue, (d + at_once * dx) * stride);
  transpose(queue, blocks, columns.data(), stride);
  for (std::int64_t first = 0; first < number_of_orders; first += at_once) {
    if (first > 0) queue.checkpoint();
    const std::int64_t batch = std::min(at_once, number_of_orders - first);
    queue.upload(own_orders.data(), orders + first * n, batch * n * sizeof(std::int64_t));
    queue.template launch<Transpose<T>>(
        ceil_div(stride, Transpose<T>::kThreads), batch,
        {blocks.front().data, n, dx, stride, own_orders.data(), columns.data() + d * stride});
    std::vector<std::int32_t> of;
    for (std::int64_t b = 0; b < batch; ++b) {
      for (int j = 0; j < d; ++j) {
        of.push_back(static_cast<std::int32_t>(j < dx ? d + b * dx + j : j));
      }
    }
    append(run_batch(queue, columns.data(), n, samples.geometry(), of, ks, table.data()));
  }
  return summaries;
}

/// One summary per pair and k. pairs [number_of_pairs][2] on the host: columns of all blocks.
template <class T, class Queue>
std::vector<PsiSummary> drive_ksg_pairs(Queue& queue, const Blocks<T>& blocks,
                                        const std::int64_t* pairs, std::int64_t number_of_pairs,
                                        const std::vector<int>& ks, Algorithm algorithm) {
  const std::int64_t n = blocks.front().n;
  const std::int64_t stride = padded(n);
  const Scratch<T, Queue> columns(queue, total_dims(blocks) * stride);
  transpose(queue, blocks, columns.data(), stride);
  const auto table = digamma_table(queue);
  if (resolve(algorithm, n, 2) == Algorithm::kBrute) {
    const Geometry<T> geometry = make_geometry<T>({1, 1}, Metric::kChebyshev, {});
    const std::vector<std::int32_t> of(pairs, pairs + 2 * number_of_pairs);
    return run_batch(queue, columns.data(), n, geometry, of, ks, table.data());
  }
  std::vector<PsiSummary> summaries;
  for (std::int64_t pair = 0; pair < number_of_pairs; ++pair) {
    if (pair > 0) queue.checkpoint();
    const Blocks<T> two{{columns.data() + pairs[2 * pair] * stride, n, 1},
                        {columns.data() + pairs[2 * pair + 1] * stride, n, 1}};
    const Samples<T, Queue> samples(queue, two, Metric::kChebyshev);
    const std::vector<PsiSummary> part =
        run_ksg(queue, samples, ks, 1, Algorithm::kTree, table.data(), nullptr);
    summaries.insert(summaries.end(), part.begin(), part.end());
  }
  return summaries;
}

template <class T, class Queue>
std::int64_t drive_first_unusable(Queue& queue, const T* values, std::int64_t size) {
  using Body = FirstUnusable<T>;
  const Scratch<std::uint64_t, Queue> first(queue, std::vector<std::uint64_t>{Body::kNone});
  const std::int64_t blocks =
      std::clamp<std::int64_t>(ceil_div(size, Body::kThreads), 1, 8 * queue.multiprocessors());
  queue.template launch<Body>(blocks, 1, {values, size, first.data()});
  std::uint64_t found = 0;
  queue.download(&found, first.data(), sizeof found);
  queue.wait();
  return found == Body::kNone ? -1 : static_cast<std::int64_t>(found);
}

}  // namespace fastmi::cuda
