#pragma once

namespace fastmi::cpu {

/// Rows of a packed panel, and of the register tile of a matrix product.
inline constexpr int kTileRows = 6;
/// Rows of either operand in one register tile of dot products over samples.
inline constexpr int kDotRows = 4;

}  // namespace fastmi::cpu
