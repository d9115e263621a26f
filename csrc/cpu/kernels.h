#pragma once

#include <cstdint>

#include "common/metric.h"
#include "cpu/gemm.h"
#include "cpu/leaf_tree.h"
#include "cpu/simd_level.h"
#include "cpu/steps.h"
#include "cpu/strips.h"

namespace fastmi::cpu {

/// The loop bodies of one SIMD level. Contracts stand with their definitions in *_kernel.h; all
/// are single-threaded, allocate nothing and never throw.
template <class T>
struct Kernels {
  using Knn = void (*)(const LeafTree<T>&, int leaf, int k, T* best, std::int32_t* samples);
  using KnnAmong = void (*)(const LeafTree<T>&, int leaf, int k, std::int32_t among, T* best,
                            std::int32_t* samples);
  using Count = void (*)(const LeafTree<T>&, int leaf, const T* limits, int radii,
                         std::int64_t* counts);

  int lanes;  ///< numbers in one vector
  Knn knn_leaf_chebyshev;
  Knn knn_leaf_euclidean;
  Knn knn_leaf_chebyshev_index;
  Knn knn_leaf_euclidean_index;
  KnnAmong knn_leaf_among_chebyshev;
  KnnAmong knn_leaf_among_euclidean;
  Count count_leaf_chebyshev;
  Count count_leaf_euclidean;
  void (*kth_distance_ranks)(const T* values, std::int64_t n, int k, std::int64_t begin,
                             std::int64_t end, T* distances);
  void (*count_ranks)(const T* values, std::int64_t n, T c, std::int64_t begin, std::int64_t end,
                      const T* limits, std::int32_t* counts);
  void (*knn_strip)(const Strips<T>& strips, int strip, const int* ks, int queries, T* by_x,
                    T* by_y);
  void (*knn_strip_scaled)(const Strips<T>& strips, int strip, T c, const T* bound, const int* ks,
                           int queries, T* by_x, T* by_y);
  void (*distance_rows_chebyshev)(const LeafTree<T>& tree, std::int64_t first, int queries,
                                  int begin, int end, T* rows);
  void (*distance_rows_euclidean)(const LeafTree<T>& tree, std::int64_t first, int queries,
                                  int begin, int end, T* rows);
  void (*sweep_query)(const T* dx, const T* dy, std::int64_t length, const T* scales, int number,
                      const int* ks, int lists, T* kept_x, T* kept_y, T* best, T* radius,
                      std::int64_t* counts_x, std::int64_t* counts_y, T* limits);
  void (*step_rows)(const StepColumns<T>& columns, std::int64_t first, int queries,
                    std::int16_t* rows);
  void (*sweep_steps)(const StepColumns<T>& x, const StepColumns<T>& y, std::int64_t query,
                      std::int16_t* row_x, std::int16_t* row_y, const T* scales, int number,
                      const int* ks, int lists, T* pool_x, T* pool_y, T* best, T* radius, T* limits,
                      std::int16_t* marks, std::int32_t* positions, std::int64_t* sums,
                      std::int64_t* counts_x, std::int64_t* counts_y, T* guess);
  void (*nearest_in_rows)(const T* rows, int blocks, std::int64_t length, int k, T* best,
                          std::int32_t* position);
  std::int64_t (*count_in_rows)(const T* rows, std::int64_t length, const int* members, int size,
                                const T* limits);
  void (*widen_gaps)(const T* column, T value, std::int64_t n, T* gaps);
  void (*exchanged_radii)(const T* x, std::int64_t n, int d, std::int64_t width, std::int64_t i,
                          const std::int32_t* samples, const T* gaps, std::int64_t number, int k,
                          T* nearest);
  void (*exchanged_within)(const T* x, std::int64_t n, int d, std::int64_t width, std::int64_t i,
                           const std::int32_t* samples, const T* gaps, std::int64_t number,
                           const T* radius, std::int64_t* near, std::int64_t* near_x);
  int tile_vectors;  ///< vectors side by side in the widest tile of a matrix product
  void (*multiply_tile)(const T* const* rows, std::int64_t common, const T* panel,
                        std::int64_t rest, const T* b, int vectors, const T* start, T* c);
  void (*multiply_columns)(const T* panel, std::int64_t packed, ColumnsOf<T> w, const T* b,
                           int vectors, bool add, T* c);
  void (*outer_product)(const T* a, std::int64_t a_tile, const T* b, std::int64_t b_tile,
                        std::int64_t tiles, std::int64_t width, int vectors, bool add,
                        T* const* to);
  void (*dot_rows)(const T* a, std::int64_t a_tile, const T* b, std::int64_t b_tile,
                   std::int64_t tiles, int vectors, T* dots);
  void (*sum_rows)(const T* a, std::int64_t a_tile, std::int64_t tiles, int vectors,
                   std::int64_t rows, T* sums);
  void (*transpose_rows)(const T* from, std::int64_t rows, int vectors, T* to);
  void (*exp_block)(std::int64_t count, T* block, T* scaled, T* exponent);
  void (*activate)(T* u, std::int64_t count, T leak, T* tanh_of, T* sech2_of);
  void (*activate_block)(T* u, const T* sums, T weight_exponent, const T* exponents_in,
                         std::int64_t units, int vectors, T leak, T* tanh_of, T* sech2_of,
                         T* scaled, T* exponents_out, T* scratch);
  void (*activate_backward)(T* gradient, const T* tanh_of, const T* sech2_of, std::int64_t count,
                            T leak, const T* scaled, const T* back_sums, const T* sums, T* ratios);
  void (*log_slopes)(const T* sums, const T* exponents, T weight_exponent, int vectors, T* result);
  void (*probe_ceiling)(const T* tile, std::int64_t repeats, T* result);

  Knn knn_leaf(Metric metric, bool with_index) const {
    if (metric == Metric::kEuclidean) {
      return with_index ? knn_leaf_euclidean_index : knn_leaf_euclidean;
    }
    return with_index ? knn_leaf_chebyshev_index : knn_leaf_chebyshev;
  }
  KnnAmong knn_leaf_among(Metric metric) const {
    return metric == Metric::kEuclidean ? knn_leaf_among_euclidean : knn_leaf_among_chebyshev;
  }
  Count count_leaf(Metric metric) const {
    return metric == Metric::kEuclidean ? count_leaf_euclidean : count_leaf_chebyshev;
  }
};

/// Kernels of current_simd_level(): ask once per call of an operation, outside its loops.
template <class T>
const Kernels<T>& current_kernels();

}  // namespace fastmi::cpu
