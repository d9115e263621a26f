#include "cpu/coincidences.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

namespace fastmi::cpu {
namespace {

/// Rows that are compared with one another, about.
constexpr std::int64_t kRowsKept = 4096;
/// Rows whose numbers are hashed together.
constexpr std::int64_t kRun = 512;
/// Sampled rows that follow one another, so that values repeated in adjacent rows are seen.
constexpr std::int64_t kAdjacent = 8;

std::uint64_t mix(double number) {
  std::uint64_t bits = std::bit_cast<std::uint64_t>(number + 0.0);  // -0.0 becomes 0.0
  bits ^= bits >> 32;
  return bits * 0x9E3779B97F4A7C15U;
}

std::uint32_t mark_of(std::uint64_t hash) {
  return static_cast<std::uint32_t>(hash ^ hash >> 32) | 1U;  // 0 is an empty slot
}

/// Counts hashes that were added before. The last hash of a slot replaces the one before it, so
/// that there is neither a search nor a branch, and some repetitions go unseen.
class Table {
 public:
  /// entries: how many hashes will be added; there are at least twice as many slots.
  explicit Table(std::int64_t entries)
      : shift_(63 - std::bit_width(static_cast<std::uint64_t>(entries))),
        slots_(std::size_t{1} << (64 - shift_)) {}

  void add(std::uint64_t hash) {
    std::uint32_t& slot = slots_[hash >> shift_];
    const std::uint32_t mark = mark_of(hash);
    hits_ += slot == mark;
    slot = mark;
  }

  std::int64_t hits() const { return hits_; }

  void clear() {
    std::fill(slots_.begin(), slots_.end(), 0U);
    hits_ = 0;
  }

 private:
  int shift_;
  std::int64_t hits_ = 0;
  std::vector<std::uint32_t> slots_;
};

/// Adds factor * column to codes [rows].
template <class T>
void add_column(const T* column, int stride, double factor, std::int64_t rows, double* codes) {
  for (std::int64_t i = 0; i < rows; ++i) {
    codes[i] += factor * static_cast<double>(column[i * stride]);
  }
}

/// Equal rows have equal sums of their values times irrational factors, which vectorise, unlike a
/// hash of their bits; other rows only by chance, or where one column is 2^53 times as wide as
/// another.
template <class T>
bool rows_coincide(const Blocks<T>& blocks) {
  const std::int64_t n = blocks.front().n;
  std::uint64_t classes = 1;
  while (n / static_cast<std::int64_t>(classes) > kRowsKept) classes *= 2;
  Table table(std::min(n, kRowsKept));
  double codes[kRun];
  std::int64_t kept = 0;
  for (std::int64_t begin = 0; begin < n; begin += kRun) {
    const std::int64_t rows = std::min(kRun, n - begin);
    std::fill_n(codes, rows, 0.0);
    double factor = 0.5;
    for (const Points<T>& block : blocks) {
      for (int j = 0; j < block.d; ++j) {
        factor = 0.5 + 0.5 * std::fmod(2 * factor + 0.6180339887498949, 1.0);
        add_column(block.data + begin * block.d + j, block.d, factor, rows, codes);
      }
    }
    if (classes == 1) {
      for (std::int64_t i = 0; i < rows; ++i) table.add(mix(codes[i]));
      kept += rows;
      continue;
    }
    std::uint64_t own[kRun];
    std::int64_t number = 0;
    for (std::int64_t i = 0; i < rows; ++i) {
      own[number] = mix(codes[i]);
      // The mark has few of these bits, and the slot none.
      number += (mark_of(own[number]) >> 1 & (classes - 1)) == 0;
    }
    for (std::int64_t i = 0; i < number; ++i) table.add(own[i]);
    kept += number;
  }
  // If 1 % of the rows have a copy, there are half as many pairs, of which the table misses a few.
  return table.hits() > 0 && table.hits() * 400 >= kept;
}

/// Numbers of the sampled rows, ascending.
std::vector<std::int64_t> sampled_rows(std::int64_t n) {
  const auto root = static_cast<std::int64_t>(std::sqrt(static_cast<double>(n)));
  const std::int64_t wanted =
      std::max(std::clamp<std::int64_t>(n / 8, 128, 1024), std::min<std::int64_t>(root, 4096));
  std::vector<std::int64_t> rows;
  if (n <= wanted) {
    for (std::int64_t i = 0; i < n; ++i) rows.push_back(i);
    return rows;
  }
  const std::int64_t runs = wanted / kAdjacent;
  for (std::int64_t r = 0; r < runs; ++r) {
    const std::int64_t begin = r * n / runs;
    const std::int64_t room = (r + 1) * n / runs - begin - kAdjacent + 1;
    // Irregular, so that a pattern in the order of the rows cannot hide from the sample.
    const std::uint64_t at = (static_cast<std::uint64_t>(r) + 1) * 0x9E3779B97F4A7C15U >> 32;
    const std::int64_t start = begin + static_cast<std::int64_t>(at * room >> 32);
    for (std::int64_t i = start; i < start + kAdjacent; ++i) rows.push_back(i);
  }
  return rows;
}

/// Whether values of a column, or differences between rows that follow one another, repeat.
/// Differences are compared as float, because those of equal steps differ in their last bits.
template <class T>
bool values_coincide(const T* column, int stride, const std::vector<std::int64_t>& rows,
                     Table& values, Table& differences) {
  values.clear();
  differences.clear();
  const T first = column[rows.front() * stride];
  T before = first;
  std::int64_t same = 0;
  for (const std::int64_t i : rows) {
    const T value = column[i * stride];
    same += value == first;
    values.add(mix(static_cast<double>(value)));
    differences.add(
        mix(static_cast<float>(static_cast<double>(value) - static_cast<double>(before))));
    before = value;
  }
  const auto number = static_cast<std::int64_t>(rows.size());
  if (same == number) return false;
  return values.hits() + differences.hits() >= std::max<std::int64_t>(2, number / 256);
}

}  // namespace

template <class T>
Coincidences coincidences(const Blocks<T>& blocks) {
  Coincidences found;
  found.copies = rows_coincide(blocks);
  const std::vector<std::int64_t> rows = sampled_rows(blocks.front().n);
  Table values(static_cast<std::int64_t>(rows.size()));
  Table differences(static_cast<std::int64_t>(rows.size()));
  for (const Points<T>& block : blocks) {
    for (int j = 0; j < block.d && !found.ties; ++j) {
      found.ties = values_coincide(block.data + j, block.d, rows, values, differences);
    }
  }
  return found;
}

template Coincidences coincidences(const Blocks<float>&);
template Coincidences coincidences(const Blocks<double>&);

}  // namespace fastmi::cpu
