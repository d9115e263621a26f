#include "cpu/coincidences.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace fastmi::cpu {
namespace {

/// Rows that are compared with one another, about.
constexpr std::int64_t kRowsKept = 4096;
/// Rows whose codes are computed together.
constexpr std::int64_t kRun = 512;
/// Sampled rows that follow one another, so that values repeated in adjacent rows are seen.
constexpr std::int64_t kAdjacent = 8;
constexpr std::int64_t kMostSampled = 4096;

/// A code of a value is its product with a factor of 53 random bits: equal values have equal codes,
/// and the bits of the products of others look random. Unlike a hash of the value's bits it is
/// computed by vectors, and a row has the sum of the codes of its values. Rows with different
/// values share a code by chance, or where one column is 2^53 times as wide as another.
double factor_of(std::uint64_t which) {
  std::uint64_t bits = (which + 1) * 0x9E3779B97F4A7C15U;
  bits = (bits ^ bits >> 31) * 0xBF58476D1CE4E5B9U;
  return 0.5 + 0x1p-53 * static_cast<double>(bits >> 12 | 1U);
}

/// Counts codes that were added before. The last code of a slot replaces the one before it, so that
/// there is neither a search nor a branch, and some repetitions go unseen.
class Table {
 public:
  /// Empties it for a number of codes of at most kMostSampled, for twice as many slots.
  void reset(std::int64_t entries) {
    const auto size = std::bit_ceil(static_cast<std::uint64_t>(entries)) * 2;
    mask_ = size - 1;
    // No number but NaN has this mark and slot.
    std::memset(slots_, 0xFF, size * sizeof *slots_);
  }

  /// Adds codes [number] and returns how many were there.
  std::int64_t add(const double* codes, std::int64_t number) {
    std::int64_t hits = 0;
    for (std::int64_t i = 0; i < number; ++i) {
      // The sign becomes part of the mark.
      const std::uint64_t bits = std::rotl(std::bit_cast<std::uint64_t>(codes[i]), 1);
      std::uint32_t& slot = slots_[bits >> 32 & mask_];
      const auto mark = static_cast<std::uint32_t>(bits);
      hits += slot == mark;
      slot = mark;
    }
    return hits;
  }

 private:
  std::uint64_t mask_ = 0;
  std::uint32_t slots_[2 * kMostSampled];
};

template <class T>
void add_column(const T* column, int stride, double factor, std::int64_t rows, double* codes) {
  if (stride == 1) {
    for (std::int64_t i = 0; i < rows; ++i) codes[i] += factor * static_cast<double>(column[i]);
    return;
  }
  for (std::int64_t i = 0; i < rows; ++i) {
    codes[i] += factor * static_cast<double>(column[i * stride]);
  }
}

template <class T>
bool rows_coincide(const Blocks<T>& blocks, Table& table) {
  const std::int64_t n = blocks.front().n;
  std::uint64_t classes = 1;
  while (n / static_cast<std::int64_t>(classes) > kRowsKept) classes *= 2;
  table.reset(std::min(n, kRowsKept));
  double codes[kRun];
  std::int64_t kept = 0;
  std::int64_t hits = 0;
  for (std::int64_t begin = 0; begin < n; begin += kRun) {
    std::int64_t rows = std::min(kRun, n - begin);
    std::fill_n(codes, rows, 0.0);  // 0.0 + -0.0 is 0.0
    std::uint64_t which = 0;
    for (const Points<T>& block : blocks) {
      for (int j = 0; j < block.d; ++j) {
        add_column(block.data + begin * block.d + j, block.d, factor_of(which++), rows, codes);
      }
    }
    if (classes > 1) {
      std::int64_t number = 0;
      for (std::int64_t i = 0; i < rows; ++i) {
        const auto bits = std::bit_cast<std::uint64_t>(codes[i]);
        codes[number] = codes[i];
        number += (bits >> 8 & (classes - 1)) == 0;
      }
      rows = number;
    }
    kept += rows;
    hits += table.add(codes, rows);
  }
  // If 1 % of the rows have a copy, there are half as many pairs, of which the table misses a few.
  return hits > 0 && hits * 400 >= kept;
}

/// Rows to look at for values that repeat.
struct Sample {
  std::int64_t rows[kMostSampled];  ///< ascending
  std::int64_t number = 0;

  explicit Sample(std::int64_t n) {
    const auto root = static_cast<std::int64_t>(std::sqrt(static_cast<double>(n)));
    const std::int64_t wanted =
        std::max(std::clamp<std::int64_t>(n / 8, 128, 512), std::min(root, kMostSampled));
    if (n <= wanted) {
      for (; number < n; ++number) rows[number] = number;
      return;
    }
    const std::int64_t runs = wanted / kAdjacent;
    for (std::int64_t r = 0; r < runs; ++r) {
      const std::int64_t begin = r * n / runs;
      const std::int64_t room = (r + 1) * n / runs - begin - kAdjacent + 1;
      // Irregular, so that a pattern in the order of the rows cannot hide from the sample.
      const std::uint32_t place = static_cast<std::uint32_t>(r) * 0x9E3779B9U;
      const std::int64_t start = begin + (place * room >> 32);
      for (std::int64_t a = 0; a < kAdjacent; ++a) rows[number++] = start + a;
    }
  }
};

/// Whether values of a column, or differences between sampled rows that follow one another, repeat.
/// Differences are compared as float, because those of equal steps differ in their last bits.
template <class T>
bool values_coincide(const T* column, int stride, const Sample& sample, Table& table) {
  double values[kRun + 1];
  double codes[kRun];
  const double of_value = factor_of(0);
  const double of_step = factor_of(1);
  const auto first = static_cast<double>(column[sample.rows[0] * stride]);
  std::int64_t hits = 0;
  std::int64_t same = 0;
  // Values and differences share a table: their factors differ, and so do their codes.
  table.reset(std::min(2 * sample.number, kMostSampled));
  values[0] = first;
  for (std::int64_t begin = 0; begin < sample.number; begin += kRun) {
    const std::int64_t rows = std::min(kRun, sample.number - begin);
    const std::int64_t* row = sample.rows + begin;
    for (std::int64_t i = 0; i < rows; ++i) {
      values[i + 1] = static_cast<double>(column[row[i] * stride]);
    }
    for (std::int64_t i = 0; i < rows; ++i) same += values[i + 1] == first;
    for (std::int64_t i = 0; i < rows; ++i) codes[i] = 0.0 + of_value * values[i + 1];
    hits += table.add(codes, rows);
    for (std::int64_t i = 0; i < rows; ++i) {
      codes[i] = 0.0 + of_step * static_cast<float>(values[i + 1] - values[i]);
    }
    hits += table.add(codes, rows);
    values[0] = values[rows];
  }
  if (same == sample.number) return false;
  return hits >= std::max<std::int64_t>(2, sample.number / 256);
}

}  // namespace

template <class T>
Coincidences coincidences(const Blocks<T>& blocks) {
  Table table;
  Coincidences found;
  found.copies = rows_coincide(blocks, table);
  const Sample sample(blocks.front().n);
  for (const Points<T>& block : blocks) {
    for (int j = 0; j < block.d && !found.ties; ++j) {
      found.ties = values_coincide(block.data + j, block.d, sample, table);
    }
  }
  return found;
}

template Coincidences coincidences(const Blocks<float>&);
template Coincidences coincidences(const Blocks<double>&);

}  // namespace fastmi::cpu
