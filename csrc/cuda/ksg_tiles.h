// Search and counts in one launch, by comparing every pair of samples.
#pragma once

#include "common/block_distance.h"
#include "common/possible.h"
#include "cuda/tile.h"

namespace fastmi::cuda {

/// How a kernel turns k-th neighbours into radii.
enum class Radii {
  kGiven,      ///< radius is read, nothing is searched
  kSquare,     ///< the k-th joint distance, the same in every space
  kRectangle,  ///< a radius in each space, the largest distance among the k neighbours
};

/// One thread block serves kQueries samples of one problem. First it finds their nearest
/// neighbours; then, as their radii are known, it counts in every space. Either half may be absent.
///
/// kOnce: the search and the counts of one space, the widest, share one pass over its dims. A first
/// search among every kSeedEvery-th tile of candidates gives each query a reach. A candidate within
/// that reach in the widest space is measured in the other dims, and its distance in the widest
/// space is kept: once the radius is known, the kept distances below it are the count.
template <class T, Metric M, int kRowsOf, int kColsOf, bool kOnce>
struct KsgTiles {
  static_assert(!kOnce || M == Metric::kChebyshev,
                "distances of a space are those of the joint one");
  using Tiles = Tile<T, M, kRowsOf, kColsOf, 1, kOnce>;
  using State = typename Tiles::State;
  using Shared = typename Tiles::Shared;
  static constexpr int kThreads = Tiles::kThreads;
  static constexpr int kQueries = Tiles::kQueries;
  static constexpr int kSeedEvery = 16;

  struct Params {
    Columns<T> columns;
    std::int64_t first_query;  ///< number of the first query of this launch
    Radii radii;
    int number;              ///< how many ks, or lists of given radii, there are
    const std::int32_t* ks;  ///< [number]
    T* radius;  ///< [batch][number][stride], read if kGiven, else written: k-th joint distances
    int radius_exponent;  ///< radii are in units of 2^-radius_exponent

    // The search.
    Space<T> joint;
    int k;                       ///< largest of ks
    T* heap_distances;           ///< [batch][tiles of this launch][k + kept][kQueries], scratch
    std::int32_t* heap_samples;  ///< [batch][tiles of this launch][k][kQueries], scratch
    int kept;                    ///< places for distances in the widest space; 0 without kOnce
    int widest;                  ///< the space with most dims
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
    T* distances = p.heap_distances + tile * (p.k + p.kept) * kQueries;
    std::int32_t* samples = p.heap_samples + tile * p.k * kQueries;
    if (p.radii != Radii::kGiven) search(block, p, first, distances, samples);
    if (p.spaces == 0) return;
    block.each([&](int t, State&) {
      if (t < kQueries) set_limits(p, block.batch(), first + t, samples + t);
    });
    for (int s = 0; s < p.spaces; ++s) {
      if (s == p.widest && count_from_lists(block, p, first, distances)) continue;
      count(block, p, first, s);
    }
    block.each([&](int t, State&) {
      if (t < kQueries && first + t < p.columns.n) bound_counts(p, block.batch(), first + t);
    });
  }

 private:
  FASTMI_HD static void bound_counts(const Params& p, std::int64_t batch, std::int64_t i) {
    const std::int64_t n = p.columns.n;
    for (std::int64_t e = 0; e < static_cast<std::int64_t>(p.number) * p.spaces; ++e) {
      std::int64_t& count = p.counts[(batch * p.number * p.spaces + e) * n + i];
      count = possible_count(count, n);
    }
  }

  template <class Block>
  FASTMI_HD static void search(Block& block, const Params& p, int first, T* distances,
                               std::int32_t* samples) {
    if (!kOnce || !search_once(block, p, first, distances, samples)) {
      search_tiles<1>(block, p, first, distances, samples);
    }
    block.each([&](int t, State&) {
      if (t >= kQueries || first + t >= p.columns.n) return;
      const auto heap = Tiles::heap_of(distances, samples, p.k, t);
      heap.sort_ascending();
      write(p, block.batch(), first + t, heap);
    });
  }

  FASTMI_HD static T measured(const State& s, int r, int c) { return s.acc[0][r][c]; }

  /// Phases: finds the nearest among the candidates of every kEvery-th tile.
  template <int kEvery, class Block>
  FASTMI_HD static void search_tiles(Block& block, const Params& p, int first, T* distances,
                                     std::int32_t* samples) {
    const int k = p.k;
    block.each([&](int t, State&) {
      if (t >= kQueries) return;
      const auto heap = Tiles::heap_of(distances, samples, k, t);
      heap.fill(first + t < p.columns.n ? std::numeric_limits<T>::infinity() : T(-1));
      Tiles::publish(block.shared(), heap, t);
    });
    for (int other = 0; other < p.columns.n; other += kEvery * Tiles::kCandidates) {
      if (!Tiles::template distances<0, true>(block, p.columns, p.joint, first, other)) continue;
      Tiles::select(block, p.columns, first, other, distances, samples, k, measured);
    }
    if (kOnce) Tiles::empty_queues(block, distances, samples, k, typename Tiles::Offer{});
  }

  /// Phases: finds the nearest, and keeps what count_from_lists needs. Returns false, having kept
  /// nothing, where so many candidates lie within reach that tiles of joint distances are faster.
  template <class Block>
  FASTMI_HD static bool search_once(Block& block, const Params& p, int first, T* distances,
                                    std::int32_t* samples) {
    if constexpr (kOnce) {
      const int k = p.k;
      search_tiles<kSeedEvery>(block, p, first, distances, samples);
      block.each([&](int t, State&) {
        if (t < kQueries) block.shared().kept[t] = 0;
      });
      const Completion<Block> take{block, p, first, distances};
      const Space<T> widest = p.space[p.widest];
      int tiles = 0;
      int rounds = 0;
      for (int other = 0; other < p.columns.n; other += Tiles::kCandidates) {
        ++tiles;
        if (!Tiles::template distances<0, true>(block, p.columns, widest, first, other)) continue;
        rounds +=
            Tiles::select(block, p.columns, first, other, distances, samples, k, measured, take);
        // A round takes about as long as 16 dims of a tile.
        if (rounds > 16 + tiles * static_cast<std::int64_t>(widest.end - widest.begin) / 16) {
          block.each([&](int t, State&) {
            if (t < kQueries) block.shared().kept[t] = -1;
          });
          return false;
        }
      }
      Tiles::empty_queues(block, distances, samples, k, take);
    }
    return true;
  }

  /// What becomes of a sample within reach in the widest space: its distance there is kept, and
  /// unless the first search has had it, it is measured in the other dims.
  template <class Block>
  struct Completion {
    static constexpr bool kPrepares = true;
    Block& block;
    const Params& p;
    int first;
    T* distances;

    FASTMI_HD void prepare(int slot, int q, T distance, std::int32_t sample) const {
      T joint = std::numeric_limits<T>::infinity();
      if (sample / Tiles::kCandidates % kSeedEvery != 0) {
        joint = completed(p, block.batch(), first + q, sample, distance, block.shared().reach[q]);
      }
      block.shared().complete[slot][q] = joint;
    }
    FASTMI_HD void operator()(const NeighbourHeap<T, true>& heap, int slot, int q, T distance,
                              std::int32_t sample) const {
      keep(block.shared().kept[q], p.kept, distances + p.k * kQueries + q, heap.distance(0),
           distance);
      const T joint = block.shared().complete[slot][q];
      if (joint <= block.shared().reach[q]) heap.offer(joint, sample);
    }
  };

  /// Joint distance of two samples that are `distance` apart in the widest space; if it exceeds
  /// `reach`, any number that does so.
  FASTMI_HD static T completed(const Params& p, std::int64_t batch, std::int64_t i,
                               std::int64_t other, T distance, T reach) {
    const std::int32_t* of = p.columns.of + batch * p.columns.d;
    const Space<T> widest = p.space[p.widest];
    for (int j = 0; j < p.columns.d && distance <= reach; ++j) {
      if (j >= widest.begin && j < widest.end) continue;
      const T* column = p.columns.columns + of[j] * p.columns.stride;
      distance = larger(distance, std::fabs(column[i] - column[other]));
    }
    return distance;
  }

  /// Appends `distance` to the list `kept`, whose `length` entries lie kQueries apart. A length of
  /// -1 means that the list was given up.
  FASTMI_HD static void keep(int& length, int places, T* kept, T reach, T distance) {
    if (length < 0) return;
    if (length == places) {
      int left = 0;
      for (int c = 0; c < places; ++c) {
        const T known = kept[c * kQueries];
        if (known <= reach) kept[left++ * kQueries] = known;
      }
      // Dropping what is out of reach must free a quarter of the list to be worth its time.
      length = left <= places / 4 * 3 ? left : -1;
      if (length < 0) return;
    }
    kept[length++ * kQueries] = distance;
  }

  /// Phases: counts in the widest space from the kept lists. Queries whose list was given up are
  /// counted one by one; if they are many, the function returns false and has done nothing.
  template <class Block>
  FASTMI_HD static bool count_from_lists(Block& block, const Params& p, int first,
                                         const T* distances) {
    if constexpr (kOnce) {
      const Shared& shared = block.shared();
      const int used = smaller(kQueries, p.columns.n - first);
      int incomplete = 0;
      for (int q = 0; q < used; ++q) incomplete += shared.kept[q] < 0 ? 1 : 0;
      if (incomplete > kQueries / 8) return false;
      const std::int64_t estimates = block.batch() * p.number;
      const T* limits =
          p.limits + (block.batch() * p.spaces + p.widest) * p.number * p.columns.stride + first;
      std::int64_t* counts = p.counts + (estimates * p.spaces + p.widest) * p.columns.n + first;
      const std::int64_t counts_stride = p.spaces * static_cast<std::int64_t>(p.columns.n);
      block.each([&](int t, State&) {
        if (t >= used || shared.kept[t] < 0) return;
        const T* kept = distances + p.k * kQueries + t;
        for (int e = 0; e < p.number; ++e) {
          const T limit = limits[e * p.columns.stride + t];
          std::int64_t count = 0;
          for (int c = 0; c < shared.kept[t]; ++c) count += kept[c * kQueries] < limit ? 1 : 0;
          counts[e * counts_stride + t] = count;
        }
      });
      for (int q = 0; q < used; ++q) {
        if (shared.kept[q] >= 0) continue;
        for (int e = 0; e < p.number; ++e) {
          count_alone(block, p, first + q, limits[e * p.columns.stride + q],
                      counts + e * counts_stride + q);
        }
      }
      return true;
    }
    return false;
  }

  /// Phases: all threads together count for one query in the widest space.
  template <class Block>
  FASTMI_HD static void count_alone(Block& block, const Params& p, std::int64_t i, T limit,
                                    std::int64_t* count) {
    std::uint64_t* partial = block.shared().partial[0];
    const std::int32_t* of = p.columns.of + block.batch() * p.columns.d;
    const Space<T> space = p.space[p.widest];
    block.each([&](int t, State&) {
      std::uint64_t inside = 0;
      for (std::int64_t other = t; other < p.columns.n; other += kThreads) {
        T distance = 0;
        int j = space.begin;
        for (; j < space.end && distance < limit; ++j) {
          const T* column = p.columns.columns + of[j] * p.columns.stride;
          distance = larger(distance, std::fabs(column[i] - column[other]));
        }
        block.account(j - space.begin);
        inside += distance < limit && other != i ? 1 : 0;
      }
      partial[t] = inside;
    });
    block.each([&](int t, State&) {
      if (t != 0) return;
      std::uint64_t sum = 0;
      for (int other = 0; other < kThreads; ++other) sum += partial[other];
      *count = static_cast<std::int64_t>(sum);
    });
  }

  FASTMI_HD static void write(const Params& p, std::int64_t batch, std::int64_t i,
                              const NeighbourHeap<T, true>& heap) {
    for (int e = 0; e < p.number; ++e) {
      p.radius[(batch * p.number + e) * p.columns.stride + i] =
          p.joint.scaled_distance(heap.distance(p.ks[e] - 1));
    }
    if (p.neighbours == nullptr) return;
    for (int c = 0; c < p.k; ++c) {
      p.distances[i * p.k + c] = p.joint.distance(heap.distance(c));
      p.neighbours[i * p.k + c] = possible_sample(heap.sample(c), p.columns.n);
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
          limit = p.radii == Radii::kRectangle
                      ? space.limit(rectangle(p, batch, space, i, neighbours, p.ks[e]),
                                    space.exponent(), p.strict)
                      : space.limit(p.radius[(batch * p.number + e) * stride + i],
                                    p.radius_exponent, p.strict);
          // The count includes the sample itself, which starts it at -1.
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
      const std::int64_t other = possible_sample(neighbours[c * kQueries], p.columns.n);
      const auto coordinate = [&](std::int64_t sample) {
        return [&p, of, sample](int j) {
          return p.columns.columns[of[j] * p.columns.stride + sample];
        };
      };
      reach = larger(
          reach, block_distance<T>(space.end - space.begin, space.squared ? M : Metric::kChebyshev,
                                   space.scale, coordinate(i), coordinate(other)));
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
