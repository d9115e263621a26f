#pragma once

#include <cstdint>
#include <vector>

#include "common/algorithm.h"

namespace fastmi {

/// Mean and spread over the samples of the digamma terms of one KSG estimate.
struct PsiSummary {
  double mean = 0;
  double std = 0;                ///< population standard deviation over the samples
  std::int64_t zero_radius = 0;  ///< samples whose k-th joint distance is 0
  /// Sums of the counts of the first two variables.
  std::int64_t count_sum[2] = {0, 0};
};

/// Summaries of all estimates of one call, and the algorithm that searched the joint space.
struct KsgResult {
  std::vector<PsiSummary> summaries;
  Algorithm algorithm = Algorithm::kAuto;
};

}  // namespace fastmi
