// Launches of the tile kernels: the shape of the tiles, and how many at a time.
#pragma once

#include <algorithm>
#include <cstdint>

#include "cuda/job.h"
#include "cuda/ksg_tiles.h"
#include "cuda/sweep_tiles.h"

namespace fastmi::cuda {

/// Calls launch(params, tiles) with as many tiles at a time as scratch and patience allow. A tile
/// is `batch` thread blocks, one for each problem, and has `heaps` heaps of k places for each of
/// its queries, and `kept` more places for distances.
template <class Body, class T, class Queue, class Launch>
void launch_tiles(Queue& queue, typename Body::Params params, std::int64_t batch,
                  std::int64_t heaps, int kept, double pair_dims_per_query, Launch&& launch) {
  constexpr int kQueries = Body::kQueries;
  const std::int64_t tiles = ceil_div(params.columns.n, kQueries);
  const std::int64_t for_samples = std::max<std::int64_t>(1, heaps * params.k) * kQueries;
  const std::int64_t for_distances = for_samples + heaps * kept * kQueries;
  const std::int64_t bytes = for_distances * sizeof(T) + for_samples * sizeof(std::int32_t);
  const auto patience =
      static_cast<std::int64_t>(queue.pair_dims_per_launch() / (pair_dims_per_query * kQueries));
  // Launches are whole waves of two thread blocks per multiprocessor, as these take equally long.
  const std::int64_t wave = ceil_div(2 * queue.multiprocessors(), batch);
  const std::int64_t fit =
      std::min(pieces_at_once(queue, tiles, bytes, wave), std::max(patience, wave));
  const std::int64_t most = fit < wave ? fit : fit / wave * wave;
  const Scratch<T, Queue> distances(queue, most * for_distances);
  const Scratch<std::int32_t, Queue> samples(queue, most * for_samples);
  params.heap_distances = distances.data();
  params.heap_samples = samples.data();
  for (std::int64_t first = 0; first < tiles; first += most) {
    if (first > 0) queue.checkpoint();
    params.first_query = first * kQueries;
    launch(params, std::min(most, tiles - first));
  }
}

template <class T, Metric M, int kRows, int kCols, bool kOnce, class Queue>
void run_tiles_as(Queue& queue, const TileJob<T>& job, std::int64_t batch) {
  using Body = KsgTiles<T, M, kRows, kCols, kOnce>;
  // Of n samples about sqrt(k n) lie within the radius in half of the dims.
  const int kept =
      kOnce ? 64 + static_cast<int>(4 * std::sqrt(static_cast<double>(job.k) * job.columns.n)) : 0;
  const typename Body::Params params{job.columns,
                                     0,
                                     job.radii,
                                     job.number,
                                     job.ks,
                                     job.radius,
                                     job.radius_exponent,
                                     job.joint,
                                     job.k,
                                     nullptr,
                                     nullptr,
                                     kept,
                                     job.widest,
                                     job.distances,
                                     job.neighbours,
                                     job.spaces,
                                     job.space,
                                     job.strict,
                                     job.limits,
                                     job.counts};
  const double passes = job.radii == Radii::kGiven ? 1 : 2;
  launch_tiles<Body, T>(
      queue, params, batch, batch, kept,
      passes * static_cast<double>(job.columns.n) * job.columns.d * static_cast<double>(batch),
      [&](const typename Body::Params& p, std::int64_t tiles) {
        queue.template launch<Body>(tiles, batch, p);
      });
}

/// Chooses tiles of 16 kRows queries: large ones do the most arithmetic per load, small ones give
/// every multiprocessor work when there are few samples.
template <class T, Metric M, class Queue>
void run_tiles(Queue& queue, const TileJob<T>& job, std::int64_t batch) {
  constexpr bool kSingle = sizeof(T) == 4;
  constexpr int kLarge = kSingle ? 8 : 4;
  constexpr int kSmall = 2;
  constexpr int kCols = kSingle && M == Metric::kChebyshev ? 8 : 4;
  const bool large = batch * ceil_div(job.columns.n, 16 * kLarge) >= 2 * queue.multiprocessors();
  if constexpr (M == Metric::kChebyshev) {
    if (job.radii != Radii::kGiven && job.spaces > 1 &&
        job.columns.n / job.k >= queue.one_pass_from()) {
      if (large) return run_tiles_as<T, M, kLarge, kCols, true>(queue, job, batch);
      return run_tiles_as<T, M, kSmall, kCols, true>(queue, job, batch);
    }
  }
  if (large) return run_tiles_as<T, M, kLarge, kCols, false>(queue, job, batch);
  run_tiles_as<T, M, kSmall, kCols, false>(queue, job, batch);
}

template <class T, class Queue>
void run_tiles(Queue& queue, const TileJob<T>& job, Metric metric, std::int64_t batch = 1) {
  if (metric == Metric::kEuclidean) {
    run_tiles<T, Metric::kEuclidean>(queue, job, batch);
  } else {
    run_tiles<T, Metric::kChebyshev>(queue, job, batch);
  }
}

template <class T, Metric M, class Queue>
void run_sweep(Queue& queue, const SweepJob<T>& job) {
  constexpr int kCols = sizeof(T) == 4 && M == Metric::kChebyshev ? 8 : 4;
  using Body = SweepTiles<T, M, 4, kCols>;
  const typename Body::Params params{job.columns, 0,          job.x,        job.y,     job.scales,
                                     job.scale,   job.number, job.ks,       job.k,     nullptr,
                                     nullptr,     job.radius, job.limits_y, job.counts};
  const double work = job.columns.d + 2.0 * job.scales * job.number;
  launch_tiles<Body, T>(queue, params, 1, job.scales, 0, 2 * work * job.columns.n,
                        [&](const typename Body::Params& p, std::int64_t tiles) {
                          queue.template launch<Body>(tiles, 1, p);
                        });
}

}  // namespace fastmi::cuda
