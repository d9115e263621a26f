// A tile of the distance matrix: 16 x 16 threads, each with kRows x kCols of the pairs in
// registers.
//
// Coordinates pass through shared memory in chunks of dims. The tile serves its purpose (nearest
// neighbours, counts below a limit) while the distances are in registers; they are never stored.
#pragma once

#include <cmath>
#include <cstdint>
#include <type_traits>

#include "common/metric.h"
#include "common/radius_limit.h"
#include "cuda/block.h"
#include "cuda/neighbour_heap.h"

namespace fastmi::cuda {

/// Columns of all variables of a batch of problems over the same n samples. Value i of column c is
/// columns[c * stride + i]; from n to stride it is +inf.
template <class T>
struct Columns {
  const T* columns;
  std::int64_t stride;  ///< a multiple of kStrideUnit
  int n;
  int d;                       ///< dims of a problem, all variables together
  const std::int32_t* of;      ///< [batch][d]: its columns
  const std::uint8_t* closes;  ///< [d]: whether the dim is the last of its variable
};

inline constexpr int kStrideUnit = 128;

/// What a distance is taken over: dims [begin, end) of the problem. Coordinates are multiplied by
/// `scale`. The distance is a sum of squares within each variable if `squared`, else a maximum.
template <class T>
struct Space {
  int begin;
  int end;
  T scale;
  bool squared;

  /// Distances are in units of 2^-exponent.
  FASTMI_HD int exponent() const { return std::ilogb(scale); }

  /// The distance that a computed number stands for, in units of 2^-exponent().
  FASTMI_HD T scaled_distance(T computed) const { return squared ? std::sqrt(computed) : computed; }

  /// The same in the unit of the samples, where it may be infinite or subnormal.
  FASTMI_HD T distance(T computed) const { return scaled_distance(computed) / scale; }

  /// The number below which computed distances lie within the radius, given in units of
  /// 2^-radius_exponent.
  FASTMI_HD T limit(T radius, int radius_exponent, bool strict) const {
    const T limit = radius_limit(radius, strict, exponent() - radius_exponent);
    return squared ? squared_limit(limit) : limit;
  }
};

/// kLasting: candidates may wait for their heaps from one tile to the next.
template <class T, Metric M, int kRowsOf, int kColsOf, int kSets, bool kLasting = false>
struct Tile {
  static constexpr int kSide = 16;
  static constexpr int kThreads = kSide * kSide;
  static constexpr int kRows = kRowsOf;
  static constexpr int kCols = kColsOf;
  static constexpr int kQueries = kSide * kRows;
  static constexpr int kCandidates = kSide * kCols;
  static constexpr int kBoth = kQueries + kCandidates;
  static constexpr int kChunk = 16;  // dims in shared memory at a time
  static constexpr int kSlots = 16;  // candidates of one query that can wait for its heap
  static constexpr int kGroup = 8;   // entries that are counted between two barriers
  // Numbers in a 16-byte load; neighbouring threads load neighbouring 16 bytes of a row of shared
  // memory.
  static constexpr int kVector =
      kCols < 16 / static_cast<int>(sizeof(T)) ? kCols : 16 / static_cast<int>(sizeof(T));
  static_assert(kStrideUnit % kQueries == 0 && kStrideUnit % kCandidates == 0);
  static_assert(kRows <= 8 && kCandidates <= 255, "row counts of a tile are packed in bytes");
  static_assert(kGroup * kSide <= kThreads);

  struct State {
    T acc[kSets][kRows][kCols];
    T inner[M == Metric::kEuclidean ? kRows : 1][M == Metric::kEuclidean ? kCols : 1];
    std::uint64_t waiting;
  };
  struct Coords {
    alignas(16) T at[kChunk][kBoth];  ///< queries, then candidates
    std::uint8_t closes[kChunk];
  };
  struct Waiting {
    T distance[kSlots][kQueries];
    std::int32_t sample[kSlots][kQueries];
  };
  struct OneAfterTheOther {
    union {
      Coords coords;
      Waiting queue;
      std::uint64_t partial[kGroup][kThreads];
    };
  };
  struct SideBySide {
    union {
      Coords coords;
      std::uint64_t partial[kGroup][kThreads];
      T complete[kSlots][kQueries];  ///< distances of the pairs in the queues, in more dims
    };
    Waiting queue;
    int kept[kQueries];  ///< length of each list of distances, see KsgTiles
  };
  struct Shared : std::conditional_t<kLasting, SideBySide, OneAfterTheOther> {
    T reach[kQueries];  ///< pairs beyond it do not matter
    std::int32_t worst[kQueries];
    int queued[kQueries];
  };

  FASTMI_HD static int row(int t, int r) { return t / kSide * kRows + r; }
  FASTMI_HD static int col(int t, int c) {
    return (c / kVector * kSide + t % kSide) * kVector + c % kVector;
  }

  /// Phases: computes the distances of kQueries x kCandidates pairs into acc[kSet]. With kStop,
  /// returns false and leaves acc unspecified if none is within the `reach` of its query; without
  /// it, always returns true.
  template <int kSet, bool kStop, class Block>
  FASTMI_HD static bool distances(Block& block, const Columns<T>& p, const Space<T>& space,
                                  int first_query, int first_candidate) {
    Shared& shared = block.shared();
    const std::int32_t* of = p.of + static_cast<std::int64_t>(block.batch()) * p.d;
    for (int from = space.begin; from < space.end; from += kChunk) {
      const int width = space.end - from < kChunk ? space.end - from : kChunk;
      block.each([&](int t, State&) {
        load(shared, p, of + from, t, width, space.scale, first_query, first_candidate);
        if (t < width) shared.coords.closes[t] = p.closes[from + t];
      });
      const bool first = from == space.begin;
      const bool last = from + width == space.end;
      block.account(std::int64_t{width} * kQueries * kCandidates);
      const bool alive = block.any([&](int t, State& s) {
        accumulate<kSet>(shared, t, s, width, first, space.squared);
        return last || !kStop || within_reach<kSet>(shared, t, s);
      });
      if (!alive) return false;
    }
    return true;
  }

  /// Each thread loads one sample, so that it computes one address.
  FASTMI_HD static void load(Shared& shared, const Columns<T>& p, const std::int32_t* of, int t,
                             int width, T scale, int first_query, int first_candidate) {
    constexpr int kAtOnce = kThreads / kBoth;  // dims
    static_assert(kAtOnce >= 1);
    const int sample = t % kBoth;
    if (t / kBoth >= kAtOnce) return;
    const T* from = p.columns + (sample < kQueries ? first_query + sample
                                                   : first_candidate + (sample - kQueries));
    FASTMI_UNROLL_4
    for (int j = t / kBoth; j < width; j += kAtOnce) {
      shared.coords.at[j][sample] = from[of[j] * p.stride] * scale;
    }
  }

  template <int kSet>
  FASTMI_HD static void accumulate(const Shared& shared, int t, State& s, int width, bool first,
                                   bool squared) {
    if (first) {
      FASTMI_UNROLL
      for (int r = 0; r < kRows; ++r) {
        FASTMI_UNROLL
        for (int c = 0; c < kCols; ++c) {
          s.acc[kSet][r][c] = 0;
          if constexpr (M == Metric::kEuclidean) s.inner[r][c] = 0;
        }
      }
    }
    FASTMI_ROLL
    for (int j = 0; j < width; ++j) {
      T query[kRows];
      T candidate[kCols];
      FASTMI_UNROLL
      for (int r = 0; r < kRows; ++r) query[r] = shared.coords.at[j][row(t, r)];
      FASTMI_UNROLL
      for (int c = 0; c < kCols; ++c) candidate[c] = shared.coords.at[j][kQueries + col(t, c)];
      if (M == Metric::kChebyshev || !squared) {
        FASTMI_UNROLL
        for (int r = 0; r < kRows; ++r) {
          FASTMI_UNROLL
          for (int c = 0; c < kCols; ++c) {
            s.acc[kSet][r][c] = larger(s.acc[kSet][r][c], std::fabs(query[r] - candidate[c]));
          }
        }
      } else if constexpr (M == Metric::kEuclidean) {
        const bool closes = shared.coords.closes[j] != 0;
        FASTMI_UNROLL
        for (int r = 0; r < kRows; ++r) {
          FASTMI_UNROLL
          for (int c = 0; c < kCols; ++c) {
            const T gap = query[r] - candidate[c];
            s.inner[r][c] = s.inner[r][c] + gap * gap;
            if (closes) {
              s.acc[kSet][r][c] = larger(s.acc[kSet][r][c], s.inner[r][c]);
              s.inner[r][c] = 0;
            }
          }
        }
      }
    }
  }

  template <int kSet>
  FASTMI_HD static bool within_reach(const Shared& shared, int t, const State& s) {
    bool within = false;
    FASTMI_UNROLL
    for (int r = 0; r < kRows; ++r) {
      const T reach = shared.reach[row(t, r)];
      FASTMI_UNROLL
      for (int c = 0; c < kCols; ++c) {
        T least = s.acc[kSet][r][c];
        if constexpr (M == Metric::kEuclidean) least = larger(least, s.inner[r][c]);
        // A distance equal to the reach may still be decided by the index.
        within |= least <= reach;
      }
    }
    return within;
  }

  /// Part of a phase: pairs that are still `waiting` and that their query's heap would take, at
  /// distance value(state, r, c), join the query's queue as long as there is room. Returns whether
  /// there was such a pair; with kLasting, where pairs exactly at the reach join too, whether one
  /// found no room.
  template <class Value>
  FASTMI_HD static bool enqueue(Shared& shared, const Columns<T>& p, int t, State& s,
                                int first_query, int first_candidate, Value&& value) {
    bool found = false;
    FASTMI_UNROLL
    for (int r = 0; r < kRows; ++r) {
      const int q = row(t, r);
      const T reach = shared.reach[q];
      // Most rows have no such pair, which one comparison per pair shows.
      bool within = false;
      FASTMI_UNROLL
      for (int c = 0; c < kCols; ++c) within |= value(s, r, c) <= reach;
      if (!within) continue;
      FASTMI_UNROLL
      for (int c = 0; c < kCols; ++c) {
        const T distance = value(s, r, c);
        const std::uint64_t bit = std::uint64_t{1} << (r * kCols + c);
        if (!(distance <= reach) || (s.waiting & bit) == 0) continue;
        const int j = first_candidate + col(t, c);
        if (j >= p.n || j == first_query + q) continue;
        if (!kLasting && distance == reach && j >= shared.worst[q]) continue;
        found |= !kLasting;
        const int slot = fetch_add(&shared.queued[q], 1);
        if (slot >= kSlots) {
          found = true;
          continue;
        }
        shared.queue.distance[slot][q] = distance;
        shared.queue.sample[slot][q] = j;
        s.waiting &= ~bit;
      }
    }
    return found;
  }

  /// Heap of query q, among those of the tile at `distances` and `samples` [k][kQueries].
  FASTMI_HD static NeighbourHeap<T, true> heap_of(T* distances, std::int32_t* samples, int k,
                                                  int q) {
    return {distances + q, samples + q, kQueries, k};
  }

  FASTMI_HD static void publish(Shared& shared, const NeighbourHeap<T, true>& heap, int q) {
    shared.reach[q] = heap.distance(0);
    shared.worst[q] = heap.sample(0);
    shared.queued[q] = 0;
  }

  /// Phases: take.prepare(slot, q, distance, sample), by all threads, then take(heap, slot, q,
  /// distance, sample) of everything in the queue of each query q.
  template <class Block, class Take>
  FASTMI_HD static void empty_queues(Block& block, T* distances, std::int32_t* samples, int k,
                                     Take&& take) {
    Shared& shared = block.shared();
    if constexpr (std::remove_cvref_t<Take>::kPrepares) {
      block.each([&](int t, State&) {
        // The slots of one query go to different threads.
        const int slot = t % kSlots;
        for (int q = t / kSlots; q < kQueries; q += kThreads / kSlots) {
          if (slot >= shared.queued[q]) continue;
          take.prepare(slot, q, shared.queue.distance[slot][q], shared.queue.sample[slot][q]);
        }
      });
    }
    block.each([&](int t, State&) {
      if (t >= kQueries || shared.queued[t] == 0) return;
      const NeighbourHeap<T, true> heap = heap_of(distances, samples, k, t);
      const int queued = shared.queued[t] < kSlots ? shared.queued[t] : kSlots;
      for (int slot = 0; slot < queued; ++slot) {
        take(heap, slot, t, shared.queue.distance[slot][t], shared.queue.sample[slot][t]);
      }
      publish(shared, heap, t);
    });
  }

  struct Offer {
    static constexpr bool kPrepares = false;
    FASTMI_HD void operator()(const NeighbourHeap<T, true>& heap, int, int, T distance,
                              std::int32_t sample) const {
      heap.offer(distance, sample);
    }
  };

  /// Phases: calls take for every pair of the tile that its query's heap would take; with kLasting
  /// some of them stay in the queues. Returns how often the queues had to be emptied.
  template <class Block, class Value, class Take = Offer>
  FASTMI_HD static int select(Block& block, const Columns<T>& p, int first_query,
                              int first_candidate, T* distances, std::int32_t* samples, int k,
                              Value&& value, Take&& take = {}) {
    Shared& shared = block.shared();
    int rounds = 0;
    while (block.any([&](int t, State& s) {
      if (rounds == 0) s.waiting = ~std::uint64_t{0};
      return enqueue(shared, p, t, s, first_query, first_candidate, value);
    })) {
      ++rounds;
      empty_queues(block, distances, samples, k, take);
    }
    return rounds;
  }

  /// Phases: for every entry e and query, adds to counts[e * counts_stride + query] the number of
  /// pairs in the query's row of the tile with acc[kSet] below limits[e * stride + query].
  template <int kSet, class Block>
  FASTMI_HD static void count(Block& block, const Columns<T>& p, int first_query, const T* limits,
                              int entries, std::int64_t counts_stride, std::int64_t* counts) {
    Shared& shared = block.shared();
    for (int group = 0; group < entries; group += kGroup) {
      const int number = entries - group < kGroup ? entries - group : kGroup;
      const bool found = block.any([&](int t, State& s) {
        bool any = false;
        FASTMI_ROLL
        for (int e = 0; e < number; ++e) {
          const T* limit = limits + (group + e) * p.stride + first_query;
          std::uint64_t packed = 0;
          FASTMI_UNROLL
          for (int r = 0; r < kRows; ++r) {
            const T below = limit[row(t, r)];
            unsigned inside = 0;
            FASTMI_UNROLL
            for (int c = 0; c < kCols; ++c) inside += s.acc[kSet][r][c] < below ? 1 : 0;
            packed |= static_cast<std::uint64_t>(inside) << (8 * r);
          }
          shared.partial[e][t] = packed;
          any |= packed != 0;
        }
        return any;
      });
      if (!found) continue;
      block.each([&](int t, State&) {
        const int e = t / kSide;
        if (e >= number) return;
        const int y = t % kSide;
        std::uint64_t sum = 0;
        // Each thread starts at a different place, so that all read different banks.
        for (int x = 0; x < kSide; ++x) sum += shared.partial[e][y * kSide + (x + y) % kSide];
        for (int r = 0; r < kRows; ++r) {
          const int i = first_query + y * kRows + r;
          if (i < p.n) counts[(group + e) * counts_stride + i] += sum >> (8 * r) & 255;
        }
      });
    }
  }
};

}  // namespace fastmi::cuda
