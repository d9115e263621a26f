// Search and counts in one launch, by comparing every pair of samples.
#pragma once

#include "common/block_distance.h"
#include "cuda/tile.h"

namespace fastmi::cuda {

/// How a kernel turns k-th neighbours into radii.
enum class Radii {
  kGiven,      ///< radius is read, nothing is searched
  kSquare,     ///< the k-th joint distance, the same in every space
  kRectangle,  ///< in each space the largest distance among the k neighbours
};

/// One block serves kQueries samples of one problem: first their nearest neighbours, then, their
/// radii being known, the counts in every space. Either half may be absent.
template <class T, Metric M, int kRowsOf, int kColsOf>
struct KsgTiles {
  using Tiles = Tile<T, M, kRowsOf, kColsOf, 1>;
  using State = typename Tiles::State;
  using Shared = typename Tiles::Shared;
  static constexpr int kThreads = Tiles::kThreads;
  static constexpr int kQueries = Tiles::kQueries;

  struct Params {
    Columns<T> columns;
    std::int64_t first_query;  ///< of this launch
    Radii radii;
    int number;              ///< of ks, or of given radii
    const std::int32_t* ks;  ///< [number]
    T* radius;  ///< [batch][number][stride], read if kGiven, else written: k-th joint distances

    // The search.
    Space<T> joint;
    int k;                       ///< largest of ks
    T* heap_distances;           ///< [batch][tiles of this launch][k][kQueries], scratch
    std::int32_t* heap_samples;  ///< the same
    T* distances;                ///< [n][k], written unless null
    std::int64_t* neighbours;    ///< [n][k], written unless null

    // The counts.
    int spaces;
    const Space<T>* space;  ///< [spaces]
    bool strict;
    T* limits;             ///< [batch][spaces][number][stride], scratch
    std::int64_t* counts;  ///< [batch][number][spaces][n], written
  };

  template <class Block>
  FASTMI_HD static void run(Block& block, const Params& p) {
    const int first = static_cast<int>(p.first_query + block.index() * kQueries);
    const std::int64_t tile = block.batch() * block.blocks() + block.index();
    T* distances = p.heap_distances + tile * p.k * kQueries;
    std::int32_t* samples = p.heap_samples + tile * p.k * kQueries;
    if (p.radii != Radii::kGiven) search(block, p, first, distances, samples);
    if (p.spaces == 0) return;
    block.each([&](int t, State&) {
      if (t < kQueries) set_limits(p, block.batch(), first + t, samples + t);
    });
    for (int s = 0; s < p.spaces; ++s) count(block, p, first, s);
  }

 private:
  template <class Block>
  FASTMI_HD static void search(Block& block, const Params& p, int first, T* distances,
                               std::int32_t* samples) {
    const int k = p.k;
    block.each([&](int t, State&) {
      if (t >= kQueries) return;
      const auto heap = Tiles::heap_of(distances, samples, k, t);
      heap.fill(first + t < p.columns.n ? std::numeric_limits<T>::infinity() : T(-1));
      Tiles::publish(block.shared(), heap, t);
    });
    for (int other = 0; other < p.columns.n; other += Tiles::kCandidates) {
      if (!Tiles::template distances<0, true>(block, p.columns, p.joint, first, other)) continue;
      Tiles::select(block, p.columns, first, other, distances, samples, k,
                    [](const State& s, int r, int c) { return s.acc[0][r][c]; });
    }
    block.each([&](int t, State&) {
      if (t >= kQueries || first + t >= p.columns.n) return;
      const auto heap = Tiles::heap_of(distances, samples, k, t);
      heap.sort_ascending();
      write(p, block.batch(), first + t, heap);
    });
  }

  FASTMI_HD static void write(const Params& p, std::int64_t batch, std::int64_t i,
                              const NeighbourHeap<T, true>& heap) {
    for (int e = 0; e < p.number; ++e) {
      p.radius[(batch * p.number + e) * p.columns.stride + i] =
          p.joint.distance(heap.distance(p.ks[e] - 1));
    }
    if (p.neighbours == nullptr) return;
    for (int c = 0; c < p.k; ++c) {
      p.distances[i * p.k + c] = p.joint.distance(heap.distance(c));
      p.neighbours[i * p.k + c] = heap.sample(c);
    }
  }

  /// neighbours: of sample i, kQueries apart; read for kRectangle.
  FASTMI_HD static void set_limits(const Params& p, std::int64_t batch, std::int64_t i,
                                   const std::int32_t* neighbours) {
    const std::int64_t stride = p.columns.stride;
    for (int s = 0; s < p.spaces; ++s) {
      const Space<T> space = p.space[s];
      for (int e = 0; e < p.number; ++e) {
        T limit = -1;
        if (i < p.columns.n) {
          const T radius = p.radii == Radii::kRectangle
                               ? rectangle(p, batch, space, i, neighbours, p.ks[e])
                               : p.radius[(batch * p.number + e) * stride + i];
          limit = space.limit(radius, p.strict);
          // The sample itself is counted like the others.
          p.counts[((batch * p.number + e) * p.spaces + s) * p.columns.n + i] = limit > 0 ? -1 : 0;
        }
        p.limits[((batch * p.spaces + s) * p.number + e) * stride + i] = limit;
      }
    }
  }

  FASTMI_HD static T rectangle(const Params& p, std::int64_t batch, const Space<T>& space,
                               std::int64_t i, const std::int32_t* neighbours, int k) {
    const std::int32_t* of = p.columns.of + batch * p.columns.d + space.begin;
    T reach = 0;
    for (int c = 0; c < k; ++c) {
      const std::int64_t other = neighbours[c * kQueries];
      const auto coordinate = [&](std::int64_t sample) {
        return [&p, of, sample](int j) {
          return p.columns.columns[of[j] * p.columns.stride + sample];
        };
      };
      reach = larger(
          reach, block_distance<T>(space.end - space.begin, space.squared ? M : Metric::kChebyshev,
                                   coordinate(i), coordinate(other)));
    }
    return reach;
  }

  template <class Block>
  FASTMI_HD static void count(Block& block, const Params& p, int first, int s) {
    const std::int64_t stride = p.columns.stride;
    const T* limits = p.limits + (block.batch() * p.spaces + s) * p.number * stride;
    block.each([&](int t, State&) {
      if (t >= kQueries) return;
      T reach = -1;
      for (int e = 0; e < p.number; ++e) reach = larger(reach, limits[e * stride + first + t]);
      block.shared().reach[t] = reach;
    });
    std::int64_t* counts = p.counts + (block.batch() * p.number * p.spaces + s) * p.columns.n;
    for (int other = 0; other < p.columns.n; other += Tiles::kCandidates) {
      if (!Tiles::template distances<0, true>(block, p.columns, p.space[s], first, other)) continue;
      Tiles::template count<0>(block, p.columns, first, limits, p.number,
                               p.spaces * static_cast<std::int64_t>(p.columns.n), counts);
    }
  }
};

}  // namespace fastmi::cuda
