#pragma once

#include <cstdint>

namespace fastmi::cuda {

/// Digamma terms of one estimate over the samples, as in cpu/psi_summary.h.
struct PsiSummary {
  double mean = 0;
  double std = 0;
  std::int64_t zero_radius = 0;
  std::int64_t count_sum[2] = {0, 0};  ///< of the first two variables, as in cpu/pairwise.h
};

}  // namespace fastmi::cuda
