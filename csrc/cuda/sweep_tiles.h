// A scale sweep in one launch: the distances of a tile in both margins serve every scale.
#pragma once

#include "common/possible.h"
#include "common/scaled_limit.h"
#include "cuda/tile.h"

namespace fastmi::cuda {

template <class T, Metric M, int kRowsOf, int kColsOf>
struct SweepTiles {
  using Tiles = Tile<T, M, kRowsOf, kColsOf, 2>;
  using State = typename Tiles::State;
  using Shared = typename Tiles::Shared;
  static constexpr int kThreads = Tiles::kThreads;
  static constexpr int kQueries = Tiles::kQueries;

  struct Params {
    Columns<T> columns;
    std::int64_t first_query;  ///< number of the first query of this launch
    Space<T> x;
    Space<T> y;
    int scales;
    const T* scale;  ///< [scales], ascending
    int number;      ///< how many ks there are
    const std::int32_t* ks;
    int k;                       ///< largest of ks
    T* heap_distances;           ///< [tiles of this launch][scales][k][kQueries], scratch
    std::int32_t* heap_samples;  ///< the same
    T* radius;                   ///< [scales][number][stride], written
    T* limits_y;                 ///< [scales][number][stride], scratch
    std::int64_t* counts;        ///< [scales][number][2][n], written
  };

  template <class Block>
  FASTMI_HD static void run(Block& block, const Params& p) {
    const int first = static_cast<int>(p.first_query + block.index() * kQueries);
    const std::int64_t heap_size = static_cast<std::int64_t>(p.k) * kQueries;
    T* distances = p.heap_distances + block.index() * p.scales * heap_size;
    std::int32_t* samples = p.heap_samples + block.index() * p.scales * heap_size;
    block.each([&](int t, State&) {
      if (t >= kQueries) return;
      const bool used = first + t < p.columns.n;
      for (int s = 0; s < p.scales; ++s) {
        Tiles::heap_of(distances + s * heap_size, samples + s * heap_size, p.k, t)
            .fill(used ? std::numeric_limits<T>::infinity() : T(-1));
      }
    });
    const auto publish = [&](int s) {
      block.each([&](int t, State&) {
        if (t >= kQueries) return;
        Tiles::publish(block.shared(),
                       Tiles::heap_of(distances + s * heap_size, samples + s * heap_size, p.k, t),
                       t);
      });
    };
    for (int other = 0; other < p.columns.n; other += Tiles::kCandidates) {
      // Radii grow with the scale: a pair that is beyond reach in x at the largest scale is so at
      // all of them.
      publish(p.scales - 1);
      if (!measure<true>(block, p, first, other)) continue;
      for (int s = p.scales - 1; s >= 0; --s) {
        if (s != p.scales - 1) publish(s);
        const T scale = p.scale[s];
        Tiles::select(block, p.columns, first, other, distances + s * heap_size,
                      samples + s * heap_size, p.k, [scale](const State& state, int r, int c) {
                        return larger(state.acc[0][r][c], state.acc[1][r][c] * scale);
                      });
      }
    }
    const std::int64_t stride = p.columns.stride;
    const std::int64_t n = p.columns.n;
    block.each([&](int t, State&) {
      if (t >= kQueries) return;
      const int i = first + t;
      for (int s = 0; s < p.scales; ++s) {
        const auto heap =
            Tiles::heap_of(distances + s * heap_size, samples + s * heap_size, p.k, t);
        heap.sort_ascending();
        for (int q = 0; q < p.number; ++q) {
          const std::int64_t e = static_cast<std::int64_t>(s) * p.number + q;
          const T radius = i < n ? heap.distance(p.ks[q] - 1) : T(-1);
          p.radius[e * stride + i] = radius;
          p.limits_y[e * stride + i] = unscaled_limit(radius, p.scale[s]);
          if (i >= n) continue;
          // The count includes the sample itself, which starts it at -1.
          p.counts[2 * e * n + i] = p.counts[(2 * e + 1) * n + i] = radius > 0 ? -1 : 0;
        }
      }
    });
    const int entries = p.scales * p.number;
    for (int other = 0; other < p.columns.n; other += Tiles::kCandidates) {
      measure<false>(block, p, first, other);
      Tiles::template count<0>(block, p.columns, first, p.radius, entries, 2 * n, p.counts);
      Tiles::template count<1>(block, p.columns, first, p.limits_y, entries, 2 * n, p.counts + n);
    }
    block.each([&](int t, State&) {
      if (t >= kQueries || first + t >= n) return;
      for (std::int64_t e = 0; e < 2 * entries; ++e) {
        std::int64_t& count = p.counts[e * n + first + t];
        count = possible_count(count, n);
      }
    });
  }

 private:
  /// Phases: computes both distances of a tile, in the units of the samples, into acc[0] and
  /// acc[1].
  template <bool kStop, class Block>
  FASTMI_HD static bool measure(Block& block, const Params& p, int first, int other) {
    // `reach` is a distance, with which squares cannot be compared.
    if (M == Metric::kChebyshev) {
      if (!Tiles::template distances<0, kStop>(block, p.columns, p.x, first, other)) return false;
    } else {
      Tiles::template distances<0, false>(block, p.columns, p.x, first, other);
    }
    Tiles::template distances<1, false>(block, p.columns, p.y, first, other);
    if constexpr (M == Metric::kEuclidean) {
      block.each([&](int, State& s) {
        FASTMI_UNROLL
        for (int r = 0; r < Tiles::kRows; ++r) {
          FASTMI_UNROLL
          for (int c = 0; c < Tiles::kCols; ++c) {
            s.acc[0][r][c] = p.x.distance(s.acc[0][r][c]);
            s.acc[1][r][c] = p.y.distance(s.acc[1][r][c]);
          }
        }
      });
    }
    return true;
  }
};

}  // namespace fastmi::cuda
