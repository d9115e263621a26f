#pragma once

#include <cstdint>

#include "common/psi_summary.h"
#include "cpu/parallel.h"

namespace fastmi::cpu {

/// Sets mean and std of sum_b psi(counts[b][i] + shift) over i, counts [m >= 2][n], and count_sum.
/// Runs of fixed size are summed, and their sums added in order: the same bits for any number of
/// threads.
void summarise_psi(const std::int64_t* counts, std::int64_t m, std::int64_t n, int shift,
                   const Execution& execution, PsiSummary& summary);

}  // namespace fastmi::cpu
