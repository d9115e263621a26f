#pragma once

#include <cstdint>
#include <vector>

#include "cpu/parallel.h"

namespace fastmi::cpu {

/// Estimates of I(X; Y) in nats by Ross (2014, https://doi.org/10.1371/journal.pone.0087357) for
/// one column and many assignments of classes to its samples:
///
///   estimates[q][r] = psi(n) - < psi(n_y) > + < psi(k_i) > - < psi(m_i) >
///
/// values [n] ascend; labels [number][n], in [0, n), are the classes of the samples in this order.
/// n_y is the size of the class of a sample, k_i = min(ks[q], n_y - 1), and m_i counts the samples
/// whose distance, the difference of the values in double, is below that to the k_i-th neighbour in
/// the class, the sample itself included. A sample alone in its class is left out, and n is the
/// number of the others; without any of these the estimate is NaN.
///
/// O(n (k + log m)) time for each row, without a search, because one pass finds the neighbours of a
/// class and each radius ends between two of its samples. Threads share out rows. Terms are summed
/// by their number, so that rows with the same counts have the same bits, whatever the order of
/// the samples.
void ross_estimates(const double* values, std::int64_t n, const std::int64_t* labels,
                    std::int64_t number, const std::vector<int>& ks, const Execution& execution,
                    double* estimates);

}  // namespace fastmi::cpu
