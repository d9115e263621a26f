#pragma once

#include <cstdint>

#include "common/algorithm.h"
#include "common/metric.h"

namespace fastmi::cpu {

/// What kAuto stands for when the neighbours of n samples in `variables` blocks of d dims in
/// all are wanted, k of them (k = 0: counts within given radii). kSort yields no indices.
Algorithm choose_algorithm(std::int64_t n, int variables, int d, int k, bool indices = false);

/// True when kSort can do it: one column, or the k-th distances of two joint columns.
bool can_sort(int variables, int d, int k);

/// choose_algorithm for kAuto; any other request as it is, or std::invalid_argument when kSort
/// cannot do it.
Algorithm resolve_algorithm(Algorithm requested, std::int64_t n, int variables, int d, int k);

/// Whether the kernels should test 8-bit coordinates before the real ones.
bool use_byte_filter(std::int64_t n, int d, Metric metric);

/// Of `threads`, those worth waking for the neighbours of n samples in d dims.
int useful_threads(int threads, std::int64_t n, int variables, int d);

}  // namespace fastmi::cpu
