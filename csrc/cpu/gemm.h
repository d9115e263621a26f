#pragma once

#include <cstdint>

namespace fastmi::cpu {

/// Rows of a packed panel, and of the register tile of a matrix product.
inline constexpr int kTileRows = 6;
/// Rows of either operand in one register tile of dot products over samples.
inline constexpr int kDotRows = 4;

/// Some columns of consecutive rows of a BlockTriangle: `blocks` times `rows` rows, with `length`
/// numbers per row in the first block row and `growth` more in each that follows. `from` is the
/// first column in the first row.
template <class T>
struct ColumnsOf {
  const T* from;
  std::int64_t blocks;
  std::int64_t rows;
  std::int64_t length;
  std::int64_t growth;
};

}  // namespace fastmi::cpu
