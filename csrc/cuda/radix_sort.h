// A stable sort of (64-bit key, sample) pairs, four bits at a time from the lowest.
#pragma once

#include <cstdint>
#include <cstring>

#include "cuda/block.h"

namespace fastmi::cuda {

inline constexpr int kDigits = 16;
inline constexpr int kDigitBits = 4;
inline constexpr int kSortThreads = 256;
/// Pairs per thread. They are consecutive, and threads follow each other in the order of the input,
/// so that pairs with equal digits keep their order.
inline constexpr int kSortItems = 16;
inline constexpr int kSortTile = kSortThreads * kSortItems;

/// An integer that sorts as the number does; -0 and 0 have the same one.
FASTMI_HD std::uint64_t ordered_key(float value) {
  value += 0.0f;
#if defined(__CUDA_ARCH__)
  const std::uint32_t bits = __float_as_uint(value);
#else
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
#endif
  return bits >> 31 != 0 ? ~bits : bits | 0x80000000u;
}
FASTMI_HD std::uint64_t ordered_key(double value) {
  value += 0.0;
#if defined(__CUDA_ARCH__)
  const std::uint64_t bits = static_cast<std::uint64_t>(__double_as_longlong(value));
#else
  std::uint64_t bits;
  std::memcpy(&bits, &value, sizeof bits);
#endif
  return bits >> 63 != 0 ? ~bits : bits | 0x8000000000000000u;
}

struct SortPass {
  const std::uint64_t* keys;
  const std::int32_t* samples;
  std::int64_t n;
  int shift;
  std::int32_t* histogram;  ///< [kDigits][blocks]: counts, then where each digit of a block goes
  std::uint64_t* sorted_keys;
  std::int32_t* sorted_samples;
};

struct SortShared {
  std::int32_t counters[kDigits][kSortThreads];
  std::int32_t sums[2][kSortThreads];
  std::int32_t base[kDigits];
  std::int32_t carry;
};

/// A thread counts the digits of its own pairs.
FASTMI_HD void count_digits(const SortPass& p, std::int64_t block, int t, SortShared& shared) {
  for (int digit = 0; digit < kDigits; ++digit) shared.counters[digit][t] = 0;
  const std::int64_t begin = block * kSortTile + t * kSortItems;
  const std::int64_t end = smaller(p.n, begin + kSortItems);
  for (std::int64_t i = begin; i < end; ++i) {
    ++shared.counters[p.keys[i] >> p.shift & (kDigits - 1)][t];
  }
}

/// Phases: sums[0] becomes its inclusive prefix sums.
template <class Block>
FASTMI_HD void prefix_sums(Block& block) {
  SortShared& shared = block.shared();
  using State = typename Block::State;
  int from = 0;
  for (int step = 1; step < kSortThreads; step *= 2) {
    block.each([&](int t, State&) {
      shared.sums[1 - from][t] =
          shared.sums[from][t] + (t >= step ? shared.sums[from][t - step] : 0);
    });
    from = 1 - from;
  }
  static_assert(kSortThreads == 256, "an even number of steps ends in sums[0]");
}

struct SortCount {
  struct State {};
  using Shared = SortShared;
  using Params = SortPass;
  static constexpr int kThreads = kSortThreads;

  template <class Block>
  FASTMI_HD static void run(Block& block, const Params& p) {
    Shared& shared = block.shared();
    block.each([&](int t, State&) { count_digits(p, block.index(), t, shared); });
    block.each([&](int t, State&) {
      if (t >= kDigits) return;
      std::int32_t sum = 0;
      for (int s = 0; s < kThreads; ++s) sum += shared.counters[t][(s + t) % kThreads];
      p.histogram[t * block.blocks() + block.index()] = sum;
    });
  }
};

/// Exclusive prefix sums of the histogram, by a single block.
struct SortScan {
  struct State {};
  using Shared = SortShared;
  struct Params {
    std::int32_t* values;
    std::int64_t size;
  };
  static constexpr int kThreads = kSortThreads;

  template <class Block>
  FASTMI_HD static void run(Block& block, const Params& p) {
    Shared& shared = block.shared();
    block.each([&](int t, State&) {
      if (t == 0) shared.carry = 0;
    });
    for (std::int64_t first = 0; first < p.size; first += kSortTile) {
      block.each([&](int t, State&) {
        std::int32_t sum = 0;
        const std::int64_t begin = first + t * kSortItems;
        for (std::int64_t i = begin; i < smaller(p.size, begin + kSortItems); ++i) {
          sum += p.values[i];
        }
        shared.sums[0][t] = sum;
      });
      prefix_sums(block);
      block.each([&](int t, State&) {
        std::int32_t sum = shared.carry + (t > 0 ? shared.sums[0][t - 1] : 0);
        const std::int64_t begin = first + t * kSortItems;
        for (std::int64_t i = begin; i < smaller(p.size, begin + kSortItems); ++i) {
          const std::int32_t value = p.values[i];
          p.values[i] = sum;
          sum += value;
        }
      });
      block.each([&](int t, State&) {
        if (t == 0) shared.carry += shared.sums[0][kThreads - 1];
      });
    }
  }
};

struct SortScatter {
  struct State {};
  using Shared = SortShared;
  using Params = SortPass;
  static constexpr int kThreads = kSortThreads;

  template <class Block>
  FASTMI_HD static void run(Block& block, const Params& p) {
    Shared& shared = block.shared();
    block.each([&](int t, State&) { count_digits(p, block.index(), t, shared); });
    // Within a digit the threads come in order: these are prefix sums over all counters as one
    // list.
    block.each([&](int t, State&) {
      std::int32_t sum = 0;
      for (int c = 0; c < kDigits; ++c) sum += flat(shared, t * kDigits + c);
      shared.sums[0][t] = sum;
    });
    prefix_sums(block);
    block.each([&](int t, State&) {
      std::int32_t sum = t > 0 ? shared.sums[0][t - 1] : 0;
      for (int c = 0; c < kDigits; ++c) {
        std::int32_t& counter = flat(shared, t * kDigits + c);
        const std::int32_t value = counter;
        counter = sum;
        sum += value;
      }
    });
    block.each([&](int t, State&) {
      if (t >= kDigits) return;
      shared.base[t] = p.histogram[t * block.blocks() + block.index()] - shared.counters[t][0];
    });
    block.each([&](int t, State&) {
      const std::int64_t begin = block.index() * kSortTile + t * kSortItems;
      const std::int64_t end = smaller(p.n, begin + kSortItems);
      for (std::int64_t i = begin; i < end; ++i) {
        const std::uint64_t key = p.keys[i];
        const int digit = static_cast<int>(key >> p.shift & (kDigits - 1));
        const std::int64_t to = shared.base[digit] + shared.counters[digit][t]++;
        p.sorted_keys[to] = key;
        p.sorted_samples[to] = p.samples[i];
      }
    });
  }

  FASTMI_HD static std::int32_t& flat(Shared& shared, int position) {
    return shared.counters[position / kThreads][position % kThreads];
  }
};

/// Sorts keys [n] by their lowest `bits` bits, and samples with them; both are overwritten.
template <class Queue>
void radix_sort(Queue& queue, Scratch<std::uint64_t, Queue>& keys,
                Scratch<std::int32_t, Queue>& samples, std::int64_t n, int bits) {
  const std::int64_t blocks = ceil_div(n, kSortTile);
  const Scratch<std::uint64_t, Queue> other_keys(queue, n);
  const Scratch<std::int32_t, Queue> other_samples(queue, n);
  const Scratch<std::int32_t, Queue> histogram(queue, kDigits * blocks);
  SortPass pass{keys.data(),       samples.data(),      n, 0, histogram.data(),
                other_keys.data(), other_samples.data()};
  // An even number of passes ends in the arrays in which it began.
  const int passes = static_cast<int>(ceil_div(bits, 2 * kDigitBits)) * 2;
  for (int number = 0; number < passes; ++number) {
    pass.shift = number * kDigitBits;
    queue.template launch<SortCount>(blocks, 1, pass);
    queue.template launch<SortScan>(1, 1, {histogram.data(), histogram.size()});
    queue.template launch<SortScatter>(blocks, 1, pass);
    const SortPass done = pass;
    pass.keys = done.sorted_keys;
    pass.samples = done.sorted_samples;
    pass.sorted_keys = const_cast<std::uint64_t*>(done.keys);
    pass.sorted_samples = const_cast<std::int32_t*>(done.samples);
  }
}

}  // namespace fastmi::cuda
