// The table of one SIMD level. kernels_f32.cpp and kernels_f64.cpp include it and are compiled once
// per level, with FASTMI_LEVEL (a namespace) set by CMakeLists.txt.
#pragma once

#include "cpu/bnaf_kernel.h"
#include "cpu/ceiling_kernel.h"
#include "cpu/count_kernel.h"
#include "cpu/exchanged_kernel.h"
#include "cpu/gemm_kernel.h"
#include "cpu/kernels.h"
#include "cpu/knn_kernel.h"
#include "cpu/sorted_kernel.h"
#include "cpu/strips_kernel.h"
#include "cpu/sweep_kernel.h"
#include "cpu/sweep_steps_kernel.h"
#include "cpu/theiler_kernel.h"

namespace fastmi::cpu::FASTMI_LEVEL {

template <class T>
inline constexpr Kernels<T> kTable = {
    .lanes = kLanes<T>,
    .knn_leaf_chebyshev = &knn_leaf<Metric::kChebyshev, false, T>,
    .knn_leaf_euclidean = &knn_leaf<Metric::kEuclidean, false, T>,
    .knn_leaf_chebyshev_index = &knn_leaf<Metric::kChebyshev, true, T>,
    .knn_leaf_euclidean_index = &knn_leaf<Metric::kEuclidean, true, T>,
    .knn_leaf_among_chebyshev = &knn_leaf_among<Metric::kChebyshev, T>,
    .knn_leaf_among_euclidean = &knn_leaf_among<Metric::kEuclidean, T>,
    .count_leaf_chebyshev = &count_leaf<Metric::kChebyshev, T>,
    .count_leaf_euclidean = &count_leaf<Metric::kEuclidean, T>,
    .kth_distance_ranks = &kth_distance_ranks<T>,
    .count_ranks = &count_ranks<T>,
    .knn_strip = &knn_strip<T>,
    .knn_strip_scaled = &knn_strip_scaled<T>,
    .distance_rows_chebyshev = &distance_rows<Metric::kChebyshev, T>,
    .distance_rows_euclidean = &distance_rows<Metric::kEuclidean, T>,
    .sweep_query = &sweep_query<T>,
    .step_rows = &step_rows<T>,
    .sweep_steps = &sweep_steps<T>,
    .nearest_in_rows = &nearest_in_rows<T>,
    .count_in_rows = &count_in_rows<T>,
    .widen_gaps = &widen_gaps<T>,
    .exchanged_radii = &exchanged_radii<T>,
    .exchanged_within = &exchanged_within<T>,
    .tile_vectors = kTileVectors,
    .multiply_tile = &multiply_tile<T>,
    .multiply_columns = &multiply_columns<T>,
    .outer_product = &outer_product<T>,
    .dot_rows = &dot_rows<T>,
    .sum_rows = &sum_rows<T>,
    .transpose_rows = &transpose_rows<T>,
    .exp_block = &exp_block<T>,
    .activate = &activate<T>,
    .activate_block = &activate_block<T>,
    .activate_backward = &activate_backward<T>,
    .log_slopes = &log_slopes<T>,
    .probe_ceiling = &probe_ceiling<T>,
};

}  // namespace fastmi::cpu::FASTMI_LEVEL
