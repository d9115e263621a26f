#pragma once

#include <cstdint>

#include "common/algorithm.h"
#include "common/metric.h"

namespace fastmi::cpu {

/// The algorithm that kAuto stands for in a search for the k nearest of n samples in `variables`
/// blocks of d dims in all; k = 0 means counts within given radii. kSort cannot return `indices`.
Algorithm choose_algorithm(std::int64_t n, int variables, int d, int k, bool indices = false);

/// Whether kSort applies: to one column, or to the k-th distances of two joint columns.
bool can_sort(int variables, int d, int k);

/// choose_algorithm for kAuto, otherwise the requested algorithm. Throws std::invalid_argument if
/// kSort is requested and does not apply.
Algorithm resolve_algorithm(Algorithm requested, std::int64_t n, int variables, int d, int k);

/// Whether the kernels should test 8-bit coordinates before the real ones.
bool use_byte_filter(std::int64_t n, int d, Metric metric);

/// How many of `threads` are worth waking for a search among n samples in d dims.
int useful_threads(int threads, std::int64_t n, int variables, int d);

}  // namespace fastmi::cpu
