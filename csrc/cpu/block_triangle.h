#pragma once

#include <cstdint>

namespace fastmi::cpu {

/// Shape and storage of a matrix that consists of `blocks` x `blocks` blocks of (a_out, a_in)
/// numbers, with zeros above the diagonal blocks. One block row follows the other; block row i is a
/// row-major array of (a_out, (i + 1) a_in) numbers. With one block it is an ordinary dense matrix.
struct BlockTriangle {
  std::int64_t blocks = 0;
  std::int64_t a_out = 0;
  std::int64_t a_in = 0;

  std::int64_t rows() const { return blocks * a_out; }
  std::int64_t columns() const { return blocks * a_in; }
  std::int64_t size() const { return blocks * (blocks + 1) / 2 * a_out * a_in; }
  /// First row that has column k.
  std::int64_t first_row(std::int64_t k) const { return k / a_in * a_out; }
};

}  // namespace fastmi::cpu
