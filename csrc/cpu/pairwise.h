#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "common/points.h"
#include "common/psi_summary.h"
#include "cpu/parallel.h"
#include "cpu/sorted.h"

namespace fastmi::cpu {

/// Strict counts of one pair by strips: counts[len(ks)][2][n], in the order of the samples. Sets
/// zero_radius of summaries[len(ks)]. The caller sorts the columns, so that one sort of a column
/// serves all its pairs. ks <= kStripMaxK.
template <class T>
void count_sorted_pair(const SortedColumn<T>& x, const SortedColumn<T>& y,
                       const std::vector<int>& ks, const Execution& execution, std::int64_t* counts,
                       std::vector<PsiSummary>& summaries);

/// summaries [number][len(ks)] of the KSG estimate, variant 1 (Kraskov et al. 2004, eq. 8), of
/// `number` pairs [number][2] of columns, which are numbered through all blocks side by side.
/// Numbers are bit for bit those of ksg() on the two columns. Every column is sorted once; threads
/// share out pairs. Throws std::invalid_argument unless `algorithm` is kAuto or kSort and ks <=
/// kStripMaxK. `done` counts finished pairs, for execution.interrupted to look at.
template <class T>
KsgResult ksg_pairs(const Blocks<T>& blocks, const std::int64_t* pairs, std::int64_t number,
                    const std::vector<int>& ks, Algorithm algorithm, const Execution& execution,
                    std::atomic<std::int64_t>& done);

}  // namespace fastmi::cpu
