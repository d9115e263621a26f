#include "cpu/sorted.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <type_traits>

#include "cpu/heed.h"
#include "cpu/kernels.h"

namespace fastmi::cpu {
namespace {

constexpr int kDigitBits = 11;
constexpr int kPasses =
    3;  // 33 leading bits: all of a float, sign, exponent and 21 bits of a double
constexpr std::uint32_t kDigits = 1U << kDigitBits;

/// Below this many values comparison sorting wins over clearing the digit tables.
constexpr std::int64_t kRadixMin = 256;

/// Ranks per kernel call: enough to amortise the call, few enough to balance the threads.
constexpr std::int64_t kRanksPerItem = 4096;

template <class T>
using KeyBits = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;

template <class T>
struct Entry {
  KeyBits<T> key;
  std::int32_t sample;
};

/// Unsigned integers in the order of the floating-point numbers.
template <class T>
KeyBits<T> to_key(T value) {
  constexpr KeyBits<T> kSign = KeyBits<T>{1} << (8 * sizeof(T) - 1);
  KeyBits<T> bits;
  std::memcpy(&bits, &value, sizeof bits);
  return (bits & kSign) != 0 ? ~bits : bits | kSign;
}

template <class T>
T from_key(KeyBits<T> bits) {
  constexpr KeyBits<T> kSign = KeyBits<T>{1} << (8 * sizeof(T) - 1);
  bits = (bits & kSign) != 0 ? bits ^ kSign : ~bits;
  T value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

template <class T>
std::uint32_t digit(KeyBits<T> key, int pass) {
  constexpr int kLowestBit = 8 * static_cast<int>(sizeof(T)) - kDigitBits * kPasses;
  const int shift = kLowestBit + kDigitBits * pass;
  // Pass 0 of a float has one bit less to look at.
  const KeyBits<T> shifted = shift >= 0 ? key >> shift : key << -shift;
  return static_cast<std::uint32_t>(shifted & (kDigits - 1));
}

template <class T>
bool entry_before(const Entry<T>& a, const Entry<T>& b) {
  return a.key != b.key ? a.key < b.key : a.sample < b.sample;
}

/// Orders runs of keys that agree in the leading bits by the remaining ones.
template <class T>
void finish_runs(Buffer<Entry<T>>& entries) {
  constexpr int kRestBits = 8 * static_cast<int>(sizeof(T)) - kDigitBits * kPasses;
  if constexpr (kRestBits > 0) {
    const std::size_t n = entries.size();
    for (std::size_t begin = 0; begin < n;) {
      std::size_t end = begin + 1;
      bool ordered = true;
      while (end < n && entries[end].key >> kRestBits == entries[begin].key >> kRestBits) {
        ordered = ordered && entries[end - 1].key <= entries[end].key;
        ++end;
      }
      if (!ordered) {
        std::sort(entries.begin() + begin, entries.begin() + end, entry_before<T>);
      }
      begin = end;
    }
  }
}

template <class T>
void radix_sort(Buffer<Entry<T>>& entries) {
  std::vector<std::array<std::uint32_t, kDigits>> tables(kPasses);
  for (auto& table : tables) table.fill(0);
  for (const Entry<T>& entry : entries) {
    for (int pass = 0; pass < kPasses; ++pass) ++tables[pass][digit<T>(entry.key, pass)];
  }
  Buffer<Entry<T>> other(entries.size());
  for (int pass = 0; pass < kPasses; ++pass) {
    auto& table = tables[pass];
    heed();
    if (table[digit<T>(entries.front().key, pass)] == entries.size()) continue;
    std::uint32_t position = 0;
    for (std::uint32_t& slot : table) {
      const std::uint32_t size = slot;
      slot = position;
      position += size;
    }
    for (const Entry<T>& entry : entries) other[table[digit<T>(entry.key, pass)]++] = entry;
    entries.swap(other);
  }
  heed();
  finish_runs<T>(entries);
  heed();
}

}  // namespace

template <class T>
SortedColumn<T> sort_column(const T* column, std::int64_t n) {
  Buffer<Entry<T>> entries(static_cast<std::size_t>(n));
  for (std::int64_t i = 0; i < n; ++i) {
    entries[i] = {to_key(column[i]), static_cast<std::int32_t>(i)};
  }
  if (n < kRadixMin) {
    std::sort(entries.begin(), entries.end(), entry_before<T>);
  } else {
    radix_sort<T>(entries);
  }
  SortedColumn<T> sorted;
  sorted.values.resize(entries.size());
  sorted.sample.resize(entries.size());
  for (std::int64_t p = 0; p < n; ++p) {
    sorted.values[p] = from_key<T>(entries[p].key);
    sorted.sample[p] = entries[p].sample;
  }
  return sorted;
}

template <class T>
void kth_distance_sorted(const SortedColumn<T>& column, const std::vector<int>& ks,
                         const Execution& execution, T* distances) {
  const auto& kernels = current_kernels<T>();
  const std::int64_t n = static_cast<std::int64_t>(column.values.size());
  Buffer<T> by_rank(static_cast<std::size_t>(n));
  for (std::size_t q = 0; q < ks.size(); ++q) {
    const std::int64_t items = (n + kRanksPerItem - 1) / kRanksPerItem;
    parallel_for(execution, items, [&](std::int64_t item, int) {
      const std::int64_t begin = item * kRanksPerItem;
      const std::int64_t end = std::min(n, begin + kRanksPerItem);
      kernels.kth_distance_ranks(column.values.data(), n, ks[q], begin, end, by_rank.data());
    });
    for (std::int64_t p = 0; p < n; ++p) distances[q * n + column.sample[p]] = by_rank[p];
  }
}

template <class T>
void count_sorted(const SortedColumn<T>& column, T c, const T* limits, const Execution& execution,
                  std::int64_t* counts) {
  const auto& kernels = current_kernels<T>();
  const std::int64_t n = static_cast<std::int64_t>(column.values.size());
  const std::int64_t items = (n + kRanksPerItem - 1) / kRanksPerItem;
  parallel_for(execution, items, [&](std::int64_t item, int) {
    const std::int64_t begin = item * kRanksPerItem;
    const std::int64_t end = std::min(n, begin + kRanksPerItem);
    std::int32_t by_rank[kRanksPerItem];
    kernels.count_ranks(column.values.data(), n, c, begin, end, limits, by_rank);
    for (std::int64_t p = begin; p < end; ++p) counts[column.sample[p]] = by_rank[p - begin];
  });
}

#define FASTMI_INSTANTIATE(T)                                                        \
  template SortedColumn<T> sort_column(const T*, std::int64_t);                      \
  template void kth_distance_sorted(const SortedColumn<T>&, const std::vector<int>&, \
                                    const Execution&, T*);                           \
  template void count_sorted(const SortedColumn<T>&, T, const T*, const Execution&, std::int64_t*);
FASTMI_INSTANTIATE(float)
FASTMI_INSTANTIATE(double)
#undef FASTMI_INSTANTIATE

}  // namespace fastmi::cpu
