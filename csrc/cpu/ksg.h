#pragma once

#include <cstdint>
#include <vector>

#include "common/ksg_variant.h"
#include "common/metric.h"
#include "common/points.h"
#include "common/psi_summary.h"
#include "cpu/cost_model.h"
#include "cpu/parallel.h"

namespace fastmi::cpu {

/// Joint k-th distances, every marginal count and the digamma terms, for every k of a list.
///
/// blocks: m >= 2 variables; counts [len(ks)][m][n], written: n_b(i) of eq. 8 or 9, the point
/// itself excluded. The joint search is shared by all k. Summaries are of sum_b psi(n_b + 1) for
/// kOne and of sum_b psi(n_b) for kTwo, one per k. Results do not depend on threads.
template <class T>
KsgResult ksg(const Blocks<T>& blocks, const std::vector<int>& ks, KsgVariant variant,
              Metric metric, Algorithm algorithm, const Execution& execution, std::int64_t* counts);

}  // namespace fastmi::cpu
