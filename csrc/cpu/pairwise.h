#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "common/points.h"
#include "common/psi_summary.h"
#include "cpu/parallel.h"
#include "cpu/sorted.h"

namespace fastmi::cpu {

/// Strict counts of one pair, counts[len(ks)][2][n] in order of the samples, by strips; sets
/// zero_radius of summaries[len(ks)]. Sorting is the caller's, so that one sort of a column serves
/// all its pairs. Distances pass between search and counts in sorted order. ks <= kStripMaxK.
template <class T>
void count_sorted_pair(const SortedColumn<T>& x, const SortedColumn<T>& y,
                       const std::vector<int>& ks, const Execution& execution, std::int64_t* counts,
                       std::vector<PsiSummary>& summaries);

/// summaries [number][len(ks)] of the KSG estimate, variant 1 (Kraskov et al. 2004, eq. 8), of
/// `number` pairs [number][2] of columns, numbered through all blocks side by side: the bits of
/// ksg() for those two. Every column is sorted once; threads share out pairs. kAuto or kSort, and
/// ks <= kStripMaxK, else std::invalid_argument. `done` counts finished pairs, for
/// execution.interrupted to look at.
template <class T>
KsgResult ksg_pairs(const Blocks<T>& blocks, const std::int64_t* pairs, std::int64_t number,
                    const std::vector<int>& ks, Algorithm algorithm, const Execution& execution,
                    std::atomic<std::int64_t>& done);

}  // namespace fastmi::cpu
