#pragma once

namespace fastmi::cpu {

/// Chebyshev pair-dimensions per second that `threads` threads reach in registers over an
/// L1-resident tile, measured for about `seconds`.
template <class T>
double probe_ceiling(int threads, double seconds);

}  // namespace fastmi::cpu
