#pragma once

#include <cstdint>
#include <vector>

#include "cpu/buffer.h"
#include "cpu/parallel.h"

namespace fastmi::cpu {

/// One column in ascending order, with the sample each value came from.
template <class T>
struct SortedColumn {
  Buffer<T> values;
  Buffer<std::int32_t> sample;
};

/// O(n): a radix sort on the leading 33 bits, then a finishing pass over runs that agree in them.
template <class T>
SortedColumn<T> sort_column(const T* column, std::int64_t n);

/// distances[q][i]: distance from sample i to its ks[q]-th nearest other sample. O(n k) work in
/// long vector runs.
template <class T>
void kth_distance_sorted(const SortedColumn<T>& column, const std::vector<int>& ks,
                         const Execution& execution, T* distances);

/// counts[i]: number of other samples at a distance D of sample i with c D < limits[p], p its rank.
/// O(n log m) for counts of about m.
template <class T>
void count_sorted(const SortedColumn<T>& column, T c, const T* limits, const Execution& execution,
                  std::int64_t* counts);

}  // namespace fastmi::cpu
