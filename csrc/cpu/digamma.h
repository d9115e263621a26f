#pragma once

#include <cstdint>

namespace fastmi::cpu {

/// psi(n) for an integer n >= 1, to about 1e-15 relative.
double digamma(std::int64_t n);

}  // namespace fastmi::cpu
