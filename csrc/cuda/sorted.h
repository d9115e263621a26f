// Sorted columns: ranks for the tree, and counts in one dim by two searches per sample.
#pragma once

#include <cmath>
#include <cstdint>

#include "cuda/radix_sort.h"
#include "cuda/samples.h"

namespace fastmi::cuda {

/// Writes the keys and sample numbers of a column, which are then sorted.
template <class T>
struct ColumnKeys {
  struct State {};
  struct Shared {};
  static constexpr int kThreads = 256;
  struct Params {
    const T* column;
    std::int64_t n;
    std::uint64_t* keys;
    std::int32_t* samples;
  };

  template <class Block>
  FASTMI_HD static void run(Block& block, const Params& p) {
    block.each([&](int t, State&) {
      const std::int64_t i = block.index() * kThreads + t;
      if (i >= p.n) return;
      p.keys[i] = ordered_key(p.column[i]);
      p.samples[i] = static_cast<std::int32_t>(i);
    });
  }
};

/// The first position in [0, from] at which holds(position) is true, where holds is true at `from`
/// and false before some position. Steps double from `from` down, so that a position nearby is
/// found fast.
template <class Holds>
FASTMI_HD std::int64_t first_from(std::int64_t from, Holds&& holds) {
  std::int64_t inside = from;
  std::int64_t step = 1;
  while (inside - step >= 0 && holds(inside - step)) {
    inside -= step;
    step *= 2;
  }
  std::int64_t outside = inside - step < -1 ? -1 : inside - step;
  while (inside - outside > 1) {
    const std::int64_t middle = outside + (inside - outside) / 2;
    (holds(middle) ? inside : outside) = middle;
  }
  return inside;
}

/// Writes the values in order, and the rank of every sample: how many samples have a smaller value.
template <class T>
struct ColumnRanks {
  struct State {};
  struct Shared {};
  static constexpr int kThreads = 256;
  struct Params {
    const T* column;
    const std::uint64_t* keys;    ///< sorted
    const std::int32_t* samples;  ///< in the order of the keys
    std::int64_t n;
    T* values;            ///< [n], written
    std::int32_t* ranks;  ///< [n], written
  };

  template <class Block>
  FASTMI_HD static void run(Block& block, const Params& p) {
    block.each([&](int t, State&) {
      const std::int64_t position = block.index() * kThreads + t;
      if (position >= p.n) return;
      const std::int32_t sample = p.samples[position];
      const std::uint64_t key = p.keys[position];
      p.values[position] = p.column[sample];
      p.ranks[sample] = static_cast<std::int32_t>(
          first_from(position, [&](std::int64_t at) { return p.keys[at] == key; }));
    });
  }
};

template <class T, class Queue>
struct SortedColumn {
  Scratch<T, Queue> values;              ///< [n], ascending
  Scratch<std::int32_t, Queue> samples;  ///< [n], where they came from
  Scratch<std::int32_t, Queue> ranks;    ///< [n], by sample
};

template <class T, class Queue>
SortedColumn<T, Queue> sort_column(Queue& queue, const T* column, std::int64_t n) {
  Scratch<std::uint64_t, Queue> keys(queue, n);
  SortedColumn<T, Queue> sorted{{queue, n}, {queue, n}, {queue, n}};
  const std::int64_t blocks = ceil_div(n, ColumnKeys<T>::kThreads);
  queue.template launch<ColumnKeys<T>>(blocks, 1, {column, n, keys.data(), sorted.samples.data()});
  radix_sort(queue, keys, sorted.samples, n, 8 * sizeof(T));
  queue.template launch<ColumnRanks<T>>(
      blocks, 1,
      {column, keys.data(), sorted.samples.data(), n, sorted.values.data(), sorted.ranks.data()});
  return sorted;
}

/// Counts in one dim; batch: the list of limits.
template <class T>
struct CountSorted {
  struct State {};
  struct Shared {};
  static constexpr int kThreads = 256;
  struct Params {
    const T* values;              ///< [n], ascending
    const std::int32_t* samples;  ///< [n]
    std::int64_t n;
    const T* limits;  ///< [batch][stride], by sample
    std::int64_t stride;
    std::int64_t counts_stride;
    std::int64_t* counts;  ///< [batch], counts_stride apart, by sample, written
  };

  template <class Block>
  FASTMI_HD static void run(Block& block, const Params& p) {
    block.each([&](int t, State&) {
      const std::int64_t position = block.index() * kThreads + t;
      if (position >= p.n) return;
      const std::int32_t sample = p.samples[position];
      const T limit = p.limits[block.batch() * p.stride + sample];
      std::int64_t count = 0;
      if (limit > 0) {
        const T value = p.values[position];
        const auto inside = [&](std::int64_t at) {
          return std::fabs(value - p.values[at]) < limit;
        };
        const std::int64_t last = p.n - 1;
        const std::int64_t left = first_from(position, inside);
        const std::int64_t right =
            last - first_from(last - position, [&](std::int64_t at) { return inside(last - at); });
        count = right - left;
      }
      p.counts[block.batch() * p.counts_stride + sample] = count;
    });
  }
};

}  // namespace fastmi::cuda
