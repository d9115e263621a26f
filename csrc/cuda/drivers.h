// Operations as sequences of launches, for any Queue (block.h). The contracts are in ops.h; samples
// are in device memory, results go to host memory.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "common/ksg_variant.h"
#include "common/psi_summary.h"
#include "common/unscale.h"
#include "cuda/algorithm.h"
#include "cuda/psi_runs.h"
#include "cuda/run_tiles.h"
#include "cuda/run_trees.h"
#include "cuda/samples.h"

namespace fastmi::cuda {

/// Runs one problem by either algorithm; returns the one that ran.
template <class T, class Queue>
Algorithm run_job(Queue& queue, const Samples<T, Queue>& samples, const TileJob<T>& job,
                  const std::vector<Space<T>>& spaces, Algorithm algorithm) {
  const Metric metric = samples.geometry().metric;
  algorithm = resolve(algorithm, samples.n(), samples.geometry().d());
  if (algorithm == Algorithm::kBrute) {
    run_tiles(queue, job, metric);
  } else if (metric == Metric::kEuclidean) {
    run_trees<T, Metric::kEuclidean>(queue, samples, job, spaces);
  } else {
    run_trees<T, Metric::kChebyshev>(queue, samples, job, spaces);
  }
  return algorithm;
}

inline int largest(const std::vector<int>& ks) { return *std::max_element(ks.begin(), ks.end()); }

/// rows [number][n], from_stride apart on the device, to rows to_stride apart on the host;
/// enqueued.
template <class T, class Queue>
void download_rows(Queue& queue, T* to, std::int64_t to_stride, const T* from,
                   std::int64_t from_stride, std::int64_t number, std::int64_t n) {
  for (std::int64_t r = 0; r < number; ++r) {
    queue.download(to + r * to_stride, from + r * from_stride, n * sizeof(T));
  }
}

/// k-th joint distances, radius [ks][stride] on the device, in units of 2^-exponent of the joint
/// space; enqueued.
template <class T, class Queue>
Algorithm search_radii(Queue& queue, const Samples<T, Queue>& samples, const std::vector<int>& ks,
                       Algorithm algorithm, T* radius) {
  const Scratch<std::int32_t, Queue> list(queue, std::vector<std::int32_t>(ks.begin(), ks.end()));
  TileJob<T> job{samples.columns()};
  job.number = static_cast<int>(ks.size());
  job.ks = list.data();
  job.radius = radius;
  job.joint = samples.geometry().joint;
  job.k = largest(ks);
  return run_job(queue, samples, job, {}, algorithm);
}

/// Counts in the joint space within radius [number][stride] on the device, in units of 2^-exponent,
/// to rows counts_stride apart on the host; enqueued.
template <class T, class Queue>
Algorithm count_within_radii(Queue& queue, const Samples<T, Queue>& samples, T* radius,
                             int exponent, int number, bool strict, Algorithm algorithm,
                             std::int64_t* counts, std::int64_t counts_stride) {
  const std::int64_t n = samples.n();
  const Scratch<T, Queue> limits(queue, number * samples.stride());
  const Scratch<std::int64_t, Queue> found(queue, number * n);
  const std::vector<Space<T>> spaces{samples.geometry().joint};
  const Scratch<Space<T>, Queue> space(queue, spaces);
  TileJob<T> job{samples.columns()};
  job.radii = Radii::kGiven;
  job.number = number;
  job.radius = radius;
  job.radius_exponent = exponent;
  job.spaces = 1;
  job.space = space.data();
  job.strict = strict;
  job.limits = limits.data();
  job.counts = found.data();
  const Algorithm ran = run_job(queue, samples, job, spaces, algorithm);
  download_rows(queue, counts, counts_stride, found.data(), n, number, n);
  return ran;
}

template <class T, class Queue>
Algorithm drive_kth_distance(Queue& queue, const Blocks<T>& blocks, const std::vector<int>& ks,
                             Metric metric, Algorithm algorithm, T* distances) {
  const Samples<T, Queue> samples(queue, blocks, metric);
  const auto number = static_cast<int>(ks.size());
  const Scratch<T, Queue> radius(queue, number * samples.stride());
  const Algorithm ran = search_radii(queue, samples, ks, algorithm, radius.data());
  download_rows(queue, distances, samples.n(), radius.data(), samples.stride(), number,
                samples.n());
  queue.wait();
  unscale(samples.geometry().joint.exponent(), distances, number * samples.n());
  return ran;
}

template <class T, class Queue>
Algorithm drive_kneighbors(Queue& queue, const Blocks<T>& blocks, int k, Metric metric,
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
  const Algorithm ran = run_job(queue, samples, job, {}, algorithm);
  queue.download(distances, found.data(), found.size() * sizeof(T));
  queue.download(indices, neighbours.data(), neighbours.size() * sizeof(std::int64_t));
  queue.wait();
  return ran;
}

/// radius [n] on the host.
template <class T, class Queue>
Algorithm drive_count_within(Queue& queue, const Blocks<T>& blocks, const T* radius, bool strict,
                             Metric metric, Algorithm algorithm, std::int64_t* counts) {
  const Samples<T, Queue> samples(queue, blocks, metric);
  const Scratch<T, Queue> own_radius(queue, samples.stride());
  queue.upload(own_radius.data(), radius, samples.n() * sizeof(T));
  const Algorithm ran = count_within_radii(queue, samples, own_radius.data(), 0, 1, strict,
                                           algorithm, counts, samples.n());
  queue.wait();
  return ran;
}

/// radius [ks][n] and counts [ks][spaces][n] on the host. Radii stay on the device in between.
template <class T, class Queue>
Algorithm drive_space_counts(Queue& queue, const Blocks<T>& blocks, const std::vector<int>& ks,
                             const std::vector<std::vector<int>>& spaces, bool strict,
                             Metric metric, Algorithm algorithm, T* radius, std::int64_t* counts) {
  const std::int64_t n = blocks.front().n;
  const std::int64_t stride = padded(n);
  const auto number = static_cast<int>(ks.size());
  const auto spaces_n = static_cast<std::int64_t>(spaces.size()) * n;
  const Scratch<T, Queue> own_radius(queue, number * stride);
  const Samples<T, Queue> joint(queue, blocks, metric);
  const int exponent = joint.geometry().joint.exponent();
  const Algorithm ran = search_radii(queue, joint, ks, algorithm, own_radius.data());
  download_rows(queue, radius, n, own_radius.data(), stride, number, n);
  for (const std::vector<int>& members : spaces) {
    queue.checkpoint();
    Blocks<T> space;
    for (const int b : members) space.push_back(blocks[b]);
    count_within_radii(queue, Samples<T, Queue>(queue, space, metric), own_radius.data(), exponent,
                       number, strict, algorithm, counts, spaces_n);
    counts += n;
  }
  queue.wait();
  unscale(exponent, radius, number * n);
  return ran;
}

/// Summaries of one problem; its counts [ks][m][n] go to the host unless null.
template <class T, class Queue>
KsgResult run_ksg(Queue& queue, const Samples<T, Queue>& samples, const std::vector<int>& ks,
                  KsgVariant variant, Algorithm algorithm, const double* table,
                  std::int64_t* counts) {
  const bool square = variant == KsgVariant::kOne;
  const Geometry<T>& geometry = samples.geometry();
  const int m = geometry.variables();
  const auto number = static_cast<int>(ks.size());
  const Scratch<std::int32_t, Queue> list(queue, std::vector<std::int32_t>(ks.begin(), ks.end()));
  const Scratch<T, Queue> radius(queue, number * samples.stride());
  const Scratch<T, Queue> limits(queue, m * number * samples.stride());
  const Scratch<std::int64_t, Queue> found(queue, m * number * samples.n());
  const Scratch<Space<T>, Queue> space(queue, geometry.margins);
  TileJob<T> job{samples.columns()};
  job.radii = square ? Radii::kSquare : Radii::kRectangle;
  job.number = number;
  job.ks = list.data();
  job.radius = radius.data();
  job.radius_exponent = geometry.joint.exponent();
  job.joint = geometry.joint;
  job.k = largest(ks);
  job.spaces = m;
  job.widest = geometry.widest();
  job.space = space.data();
  job.strict = square;
  job.limits = limits.data();
  job.counts = found.data();
  const Algorithm ran = run_job(queue, samples, job, geometry.margins, algorithm);
  if (counts != nullptr) {
    queue.download(counts, found.data(), found.size() * sizeof(std::int64_t));
  }
  return {summarise_psi<T>(queue, table, found.data(), radius.data(), number, m, samples.n(),
                           samples.stride(), square ? 1 : 0),
          ran};
}

template <class T, class Queue>
KsgResult drive_ksg(Queue& queue, const Blocks<T>& blocks, const std::vector<int>& ks,
                    KsgVariant variant, Metric metric, Algorithm algorithm, std::int64_t* counts) {
  const Samples<T, Queue> samples(queue, blocks, metric);
  const auto table = digamma_table(queue);
  return run_ksg(queue, samples, ks, variant, algorithm, table.data(), counts);
}

template <class T, class Queue>
std::vector<PsiSummary> drive_ksg_sweep(Queue& queue, const Points<T>& x, const Points<T>& y,
                                        const std::vector<T>& scales, const std::vector<int>& ks,
                                        Metric metric, std::int64_t* counts) {
  // The kernel takes scales in ascending order; results go back to the caller's order.
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

/// Algorithm 1 on many problems of one geometry over columns [.][stride]; a launch takes as many
/// problems as scratch has room for. of: [problems][d], the columns of each problem. *done, unless
/// null, counts the problems done.
template <class T, class Queue>
std::vector<PsiSummary> run_batch(Queue& queue, const T* columns, std::int64_t n,
                                  const Geometry<T>& geometry, const std::vector<std::int32_t>& of,
                                  const std::vector<int>& ks, const double* table,
                                  std::atomic<std::int64_t>* done = nullptr) {
  // Enough to keep a GPU busy, few enough for interrupts and reports in between.
  constexpr std::int64_t kMostAtOnce = 8192;
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
  const std::int64_t at_once =
      std::clamp<std::int64_t>(queue.scratch_bytes() / bytes, 1, std::min(kMostAtOnce, problems));
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
    job.radius_exponent = geometry.joint.exponent();
    job.joint = geometry.joint;
    job.k = k;
    job.spaces = m;
    job.widest = geometry.widest();
    job.space = space.data();
    job.limits = limits.data();
    job.counts = found.data();
    run_tiles(queue, job, geometry.metric, batch);
    const std::vector<PsiSummary> part = summarise_psi<T>(queue, table, found.data(), radius.data(),
                                                          batch * number, m, n, stride, 1);
    summaries.insert(summaries.end(), part.begin(), part.end());
    if (done != nullptr) *done = first + batch;
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
      append(run_ksg(queue, samples, ks, KsgVariant::kOne, Algorithm::kTree, table.data(), nullptr)
                 .summaries);
    }
    return summaries;
  }
  // `columns` holds the columns as they are, then those of x in every order of a batch.
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

/// One summary per pair and k. pairs [number_of_pairs][2] on the host: column numbers through all
/// blocks. done: the number of pairs done, set before each checkpoint.
template <class T, class Queue>
std::vector<PsiSummary> drive_ksg_pairs(Queue& queue, const Blocks<T>& blocks,
                                        const std::int64_t* pairs, std::int64_t number_of_pairs,
                                        const std::vector<int>& ks, Algorithm algorithm,
                                        std::atomic<std::int64_t>& done) {
  const std::int64_t n = blocks.front().n;
  const std::int64_t stride = padded(n);
  const Scratch<T, Queue> columns(queue, total_dims(blocks) * stride);
  transpose(queue, blocks, columns.data(), stride);
  const auto table = digamma_table(queue);
  if (resolve(algorithm, n, 2) == Algorithm::kBrute) {
    const Geometry<T> geometry = make_geometry<T>({1, 1}, Metric::kChebyshev, {});
    const std::vector<std::int32_t> of(pairs, pairs + 2 * number_of_pairs);
    return run_batch(queue, columns.data(), n, geometry, of, ks, table.data(), &done);
  }
  std::vector<PsiSummary> summaries;
  for (std::int64_t pair = 0; pair < number_of_pairs; ++pair) {
    if (pair > 0) queue.checkpoint();
    const Blocks<T> two{{columns.data() + pairs[2 * pair] * stride, n, 1},
                        {columns.data() + pairs[2 * pair + 1] * stride, n, 1}};
    const Samples<T, Queue> samples(queue, two, Metric::kChebyshev);
    const std::vector<PsiSummary> part =
        run_ksg(queue, samples, ks, KsgVariant::kOne, Algorithm::kTree, table.data(), nullptr)
            .summaries;
    summaries.insert(summaries.end(), part.begin(), part.end());
    done = pair + 1;
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
