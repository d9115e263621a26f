#pragma once

namespace fastmi::cpu {

/// Dims of the tile that the probe reads.
inline constexpr int kCeilingDims = 16;

/// Chebyshev pair-dimensions per second that `threads` threads reach in registers over an
/// L1-resident tile, measured for about `seconds`.
template <class T>
double probe_ceiling(int threads, double seconds);

}  // namespace fastmi::cpu
