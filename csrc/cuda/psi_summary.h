#pragma once

#include <cstdint>

namespace fastmi::cuda {

/// Digamma terms of one estimate over the samples, as in cpu/psi_summary.h.
struct PsiSummary {
  double mean = 0;
  double std = 0;
  std::int64_t zero_radius = 0;
};

}  // namespace fastmi::cuda
