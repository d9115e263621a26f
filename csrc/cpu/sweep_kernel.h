// One query of a scale sweep. Its distances in the two margins lie in two rows, from which every
// scale selects the k nearest and counts.
#pragma once

#include "common/scaled_limit.h"
#include "cpu/knn_kernel.h"
#include "cpu/leaf_kernel.h"

namespace fastmi::cpu::FASTMI_LEVEL {

/// rows[q][(end - begin) * kLeaf]: internal distances from queries first .. first + queries - 1, in
/// the order of the tree, to every lane of leaves begin .. end - 1.
template <Metric M, class T>
void distance_rows(const LeafTree<T>& tree, std::int64_t first, int queries, int begin, int end,
                   T* rows) {
  constexpr int W = kLanes<T>;
  constexpr int G = kLeaf / W < 8 ? kLeaf / W : 8;
  const std::int64_t stride = static_cast<std::int64_t>(end - begin) * kLeaf;
  constexpr T kNoLimit = std::numeric_limits<T>::infinity();
  for (int leaf = begin; leaf < end; ++leaf) {
    const T* lanes = tree.leaf_coords(leaf);
    for (int q = 0; q < queries; ++q) {
      const std::int64_t query = first + q;
      const T* at = tree.leaf_coords(static_cast<int>(query / kLeaf)) + query % kLeaf;
      T* row = rows + q * stride + static_cast<std::int64_t>(leaf - begin) * kLeaf;
      for (int l = 0; l < kLeaf; l += G * W) {
        Vec<T> acc[G];
        // Without a limit nothing is left out but vectors that hold only unused lanes.
        if (!distances_below<M, G>(tree, lanes + l, at, kNoLimit, acc)) {
          for (int g = 0; g < G; ++g) acc[g] = broadcast<T>(kNoLimit);
        }
        for (int g = 0; g < G; ++g) store(row + l + g * W, acc[g]);
      }
    }
  }
}

/// Offers every max(dx, c dy) to the heap.
template <class T>
FASTMI_INLINE void offer_scaled(const T* dx, const T* dy, std::int64_t length, T c,
                                NeighbourHeap<T, false> heap) {
  constexpr int W = kLanes<T>;
  const Vec<T> scale = broadcast(c);
  for (std::int64_t p = 0; p < length; p += W) {
    const Vec<T> joint = vmax(load(dx + p), load(dy + p) * scale);
    std::uint32_t below = mask_lt(joint, broadcast(heap.distance[0]));
    if (below == 0) continue;
    alignas(64) T distance[W];
    store(distance, joint);
    for (; below != 0; below &= below - 1) {
      const T value = distance[__builtin_ctz(below)];
      if (value < heap.distance[0]) heap.sift_from_root(value, 0, heap.k);
    }
  }
}

/// The k smallest of max(dx, c dy), ascending into best[k], which holds upper bounds on entry.
template <class T>
FASTMI_INLINE void select_scaled(const T* dx, const T* dy, std::int64_t length, T c, int k,
                                 T* best) {
  NeighbourHeap<T, false> heap{best, nullptr, k};
  offer_scaled(dx, dy, length, c, heap);
  heap.sort_ascending();
}

/// counts[t] = values below limits[t]; eight limits share a pass.
template <class T>
FASTMI_INLINE void count_below_limits(const T* values, std::int64_t length, const T* limits,
                                      int number, std::int64_t* counts) {
  constexpr int W = kLanes<T>;
  constexpr int kTogether = 8;
  for (int first = 0; first < number; first += kTogether) {
    Vec<T> limit[kTogether];
    VecInt<T> found[kTogether];
    for (int t = 0; t < kTogether; ++t) {
      // Places without a limit get one that nothing is below.
      limit[t] = broadcast(first + t < number ? limits[first + t] : T(-1));
      found[t] = VecInt<T>{};
    }
    for (std::int64_t p = 0; p < length; p += W) {
      const Vec<T> v = load(values + p);
      for (int t = 0; t < kTogether; ++t) found[t] = count_lt<T>(found[t], v, limit[t]);
    }
    for (int t = 0; t < kTogether && first + t < number; ++t) {
      std::int64_t sum = 0;
      for (int l = 0; l < W; ++l) sum += found[t][l];
      counts[first + t] = sum;
    }
  }
}

/// Writes the lanes of `select` one after the other, and possibly anything after them up to a
/// whole vector.
template <class T>
FASTMI_INLINE void store_selected(T* to, Vec<T> v, std::uint32_t select) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 8) {
    store(to, (Vec<T>)_mm512_maskz_compress_pd(static_cast<__mmask8>(select), (__m512d)v));
  } else {
    store(to, (Vec<T>)_mm512_maskz_compress_ps(static_cast<__mmask16>(select), (__m512)v));
  }
#else
  for (; select != 0; select &= select - 1) *to++ = v[__builtin_ctz(select)];
#endif
}

/// Writes radius, counts_x and counts_y of one query, [scales][ks] each. dx, dy: its rows of
/// `length` distances, with +inf for the query itself and in unused lanes. scales and ks ascend.
/// Scratch: kept_x and kept_y hold `length` numbers and a vector more, best the largest k, limits
/// [scales][ks].
template <class T>
void sweep_query(const T* dx, const T* dy, std::int64_t length, const T* scales, int number,
                 const int* ks, int lists, T* kept_x, T* kept_y, T* best, T* radius,
                 std::int64_t* counts_x, std::int64_t* counts_y, T* limits) {
  constexpr int W = kLanes<T>;
  constexpr T kInfinity = std::numeric_limits<T>::infinity();
  const int k = ks[lists - 1];
  const auto keep_radii = [&](int s) {
    for (int q = 0; q < lists; ++q) radius[s * lists + q] = best[ks[q] - 1];
  };
  // Radii grow with the scale: points beyond the largest in x matter to no scale.
  for (int q = 0; q < k; ++q) best[q] = kInfinity;
  select_scaled(dx, dy, length, scales[number - 1], k, best);
  keep_radii(number - 1);
  const T reach = best[k - 1];
  std::int64_t kept = 0;
  for (std::int64_t p = 0; p < length; p += W) {
    const Vec<T> x = load(dx + p);
    const std::uint32_t below = mask_lt(x, broadcast(reach));
    store_selected(kept_x + kept, x, below);
    store_selected(kept_y + kept, load(dy + p), below);
    kept += __builtin_popcount(below);
  }
  for (int l = 0; l < W; ++l) kept_x[kept + l] = kept_y[kept + l] = kInfinity;
  for (int s = number - 2; s >= 0; --s) {
    for (int q = 0; q < k - 1; ++q) best[q] = best[k - 1];
    select_scaled(kept_x, kept_y, kept, scales[s], k, best);
    keep_radii(s);
  }
  count_below_limits(kept_x, kept, radius, number * lists, counts_x);
  for (int s = 0; s < number; ++s) {
    for (int q = 0; q < lists; ++q) {
      limits[s * lists + q] = unscaled_limit(radius[s * lists + q], scales[s]);
    }
  }
  count_below_limits(dy, length, limits, number * lists, counts_y);
}

}  // namespace fastmi::cpu::FASTMI_LEVEL
