#pragma once

#include <cstdint>

#include "cpu/parallel.h"

namespace fastmi::cpu {

/// Digamma terms of one KSG estimate, over the points.
struct PsiSummary {
  double mean = 0;
  double std = 0;                ///< population standard deviation over the points
  std::int64_t zero_radius = 0;  ///< points whose k-th joint distance is 0
};

/// Sets mean and std of sum_b psi(counts[b][i] + shift) over i, counts [m][n]. Runs of fixed size
/// are summed, and their sums added in order: the same bits for any number of threads.
void summarise_psi(const std::int64_t* counts, std::int64_t m, std::int64_t n, int shift,
                   const Execution& execution, PsiSummary& summary);

}  // namespace fastmi::cpu
