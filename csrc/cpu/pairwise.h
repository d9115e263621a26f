#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "cpu/parallel.h"
#include "cpu/psi_summary.h"
#include "cpu/sorted.h"

namespace fastmi::cpu {

/// Two columns among [m]: x and y of one estimate.
struct ColumnPair {
  std::int64_t x, y;
};

/// What is kept of one pair: the digamma terms, and the sum over the points of each margin's
/// counts.
struct PairSummary : PsiSummary {
  std::int64_t count_sum[2] = {0, 0};
};

/// Strict counts of one pair, counts[len(ks)][2][n] in order of the samples, by strips; sets
/// zero_radius of summaries[len(ks)]. Sorting is the caller's, so that one sort of a column serves
/// all its pairs. Distances pass between search and counts in sorted order. ks <= kStripMaxK.
template <class T>
void count_sorted_pair(const SortedColumn<T>& x, const SortedColumn<T>& y,
                       const std::vector<int>& ks, const Execution& execution, std::int64_t* counts,
                       std::vector<PsiSummary>& summaries);

/// summaries[p][len(ks)] of the KSG estimate, variant 1 (Kraskov et al. 2004, eq. 8), of every pair
/// of columns [m][n]: the bits of ksg() for those two. Every column is sorted once; threads share
/// out pairs. `done` counts finished pairs, for execution.interrupted to look at.
template <class T>
std::vector<PairSummary> ksg_pairwise(const T* columns, std::int64_t m, std::int64_t n,
                                      const std::vector<ColumnPair>& pairs,
                                      const std::vector<int>& ks, const Execution& execution,
                                      std::atomic<std::int64_t>& done);

}  // namespace fastmi::cpu
