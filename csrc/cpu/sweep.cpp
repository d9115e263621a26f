#include "cpu/sweep.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "common/possible.h"
#include "cpu/cost_model.h"
#include "cpu/kernels.h"
#include "cpu/leaf_tree.h"
#include "cpu/psi_summary.h"
#include "cpu/sorted.h"
#include "cpu/steps.h"
#include "cpu/strips.h"

namespace fastmi::cpu {
namespace {

/// Size of the rows of the queries of one item: half a megabyte stays in the L2 cache, and a leaf
/// of candidates, once loaded, serves all these queries.
constexpr std::int64_t kRowBytes = 512 << 10;
constexpr std::int64_t kMostQueries = 16;

/// Total dims from which 15-bit gaps pay, by bench/bench_sweep.py.
constexpr int kStepMinDims = 12;

std::int64_t queries_together(std::int64_t row_bytes) {
  return std::clamp<std::int64_t>(kRowBytes / row_bytes, 1, kMostQueries);
}

/// Scales and numbers of neighbours in ascending order, as the kernels take them, and the place of
/// each in the caller's lists.
template <class T>
struct Request {
  std::vector<T> scales;
  std::vector<int> ks;
  std::vector<int> scale_order, k_order;

  Request(const std::vector<T>& given_scales, const std::vector<int>& given_ks)
      : scale_order(given_scales.size()), k_order(given_ks.size()) {
    std::iota(scale_order.begin(), scale_order.end(), 0);
    std::iota(k_order.begin(), k_order.end(), 0);
    std::sort(scale_order.begin(), scale_order.end(),
              [&](int a, int b) { return given_scales[a] < given_scales[b]; });
    std::sort(k_order.begin(), k_order.end(),
              [&](int a, int b) { return given_ks[a] < given_ks[b]; });
    for (const int s : scale_order) scales.push_back(given_scales[s]);
    for (const int q : k_order) ks.push_back(given_ks[q]);
  }

  int number() const { return static_cast<int>(scales.size()); }
  int lists() const { return static_cast<int>(ks.size()); }
  std::int64_t entries() const { return static_cast<std::int64_t>(number()) * lists(); }
  /// Where entry s * lists + q belongs among the results.
  std::int64_t place(int s, int q) const {
    return static_cast<std::int64_t>(scale_order[s]) * lists() + k_order[q];
  }
};

/// What one thread finds out about one query, [scales][ks] each. `zeros` counts zero radii over all
/// queries of the thread.
template <class T>
struct Found {
  Buffer<T> best, radius, limits;
  Buffer<std::int64_t> counts_x, counts_y;
  std::vector<std::int64_t> zeros;

  explicit Found(const Request<T>& request)
      : best(request.ks.back()),
        radius(request.entries()),
        limits(request.entries()),
        counts_x(request.entries()),
        counts_y(request.entries()),
        zeros(request.entries()) {}

  void deliver(const Request<T>& request, std::int64_t sample, std::int64_t n,
               std::int64_t* counts) {
    for (int s = 0; s < request.number(); ++s) {
      for (int q = 0; q < request.lists(); ++q) {
        const std::int64_t from = static_cast<std::int64_t>(s) * request.lists() + q;
        const std::int64_t to = request.place(s, q);
        counts[(2 * to + 0) * n + sample] = possible_count(counts_x[from], n);
        counts[(2 * to + 1) * n + sample] = possible_count(counts_y[from], n);
        zeros[to] += radius[from] == 0;
      }
    }
  }
};

template <class T>
void to_external(const LeafTree<T>& tree, Metric metric, T* row, std::int64_t length) {
  if (metric != Metric::kEuclidean) return;
  const T inverse = 1 / tree.scale;
  for (std::int64_t p = 0; p < length; ++p) row[p] = std::sqrt(row[p]) * inverse;
}

/// Rows of distances, whatever the metric.
template <class T>
void sweep_distances(const Points<T>& x, const Points<T>& y, const Request<T>& request,
                     Metric metric, const Execution& execution, std::vector<Found<T>>& found,
                     std::int64_t* counts) {
  const std::int64_t n = x.n;
  const auto rows_metric = [&](const Points<T>& points) {
    return points.d == 1 ? Metric::kChebyshev : metric;
  };
  const LeafTree<T> trees[2] = {build_leaf_tree(Blocks<T>{x}, rows_metric(x), false, execution),
                                build_leaf_tree(Blocks<T>{y}, rows_metric(y), false, execution)};
  const auto& kernels = current_kernels<T>();
  const auto rows_of = [&](Metric m) {
    return m == Metric::kEuclidean ? kernels.distance_rows_euclidean
                                   : kernels.distance_rows_chebyshev;
  };
  const std::int64_t length = static_cast<std::int64_t>(trees[0].leaves) * kLeaf;
  const std::int64_t together = queries_together(2 * length * std::int64_t{sizeof(T)});
  struct Scratch {
    Buffer<T> rows_x, rows_y, kept_x, kept_y;
  };
  std::vector<Scratch> scratch(execution.threads);
  parallel_for(execution, (n + together - 1) / together, [&](std::int64_t item, int thread) {
    Scratch& own = scratch[thread];
    if (own.rows_x.empty()) {
      own.rows_x.resize(together * length);
      own.rows_y.resize(together * length);
      own.kept_x.resize(length + kLeaf);
      own.kept_y.resize(length + kLeaf);
    }
    const std::int64_t first = item * together;
    const int queries = static_cast<int>(std::min(together, n - first));
    const int leaves = trees[0].leaves;
    rows_of(rows_metric(x))(trees[0], first, queries, 0, leaves, own.rows_x.data());
    rows_of(rows_metric(y))(trees[1], first, queries, 0, leaves, own.rows_y.data());
    to_external(trees[0], rows_metric(x), own.rows_x.data(), queries * length);
    to_external(trees[1], rows_metric(y), own.rows_y.data(), queries * length);
    for (int i = 0; i < queries; ++i) {
      T* dx = own.rows_x.data() + i * length;
      T* dy = own.rows_y.data() + i * length;
      const std::int64_t sample = first + i;
      dx[sample] = dy[sample] = std::numeric_limits<T>::infinity();
      Found<T>& of = found[thread];
      kernels.sweep_query(dx, dy, length, request.scales.data(), request.number(),
                          request.ks.data(), request.lists(), own.kept_x.data(), own.kept_y.data(),
                          of.best.data(), of.radius.data(), of.counts_x.data(), of.counts_y.data(),
                          of.limits.data());
      of.deliver(request, sample, n, counts);
    }
  });
}

/// Rows of 15-bit gaps: Chebyshev distances only.
template <class T>
void sweep_step_rows(const Points<T>& x, const Points<T>& y, const Request<T>& request,
                     const Execution& execution, std::vector<Found<T>>& found,
                     std::int64_t* counts) {
  const std::int64_t n = x.n;
  const auto& kernels = current_kernels<T>();
  const StepColumns<T> in_x = build_step_columns(x, execution);
  const StepColumns<T> in_y = build_step_columns(y, execution);
  const std::int64_t length = in_x.length();
  const std::int64_t together = queries_together(2 * length * std::int64_t{sizeof(std::int16_t)});
  struct Scratch {
    Buffer<std::int16_t> rows_x, rows_y, marks;
    Buffer<std::int64_t> sums;
    Buffer<std::int32_t> positions;
    Buffer<T> pool_x, pool_y;
    T guess = std::numeric_limits<T>::infinity();
  };
  std::vector<Scratch> scratch(execution.threads);
  parallel_for(execution, (n + together - 1) / together, [&](std::int64_t item, int thread) {
    Scratch& own = scratch[thread];
    if (own.rows_x.empty()) {
      own.rows_x.resize(together * length);
      own.rows_y.resize(together * length);
      own.marks.resize(request.entries() * kLeaf);
      own.positions.resize(length);
      own.sums.resize(request.entries());
      own.pool_x.resize(n + kLeaf);
      own.pool_y.resize(n + kLeaf);
    }
    const std::int64_t first = item * together;
    const int queries = static_cast<int>(std::min(together, n - first));
    kernels.step_rows(in_x, first, queries, own.rows_x.data());
    kernels.step_rows(in_y, first, queries, own.rows_y.data());
    for (int i = 0; i < queries; ++i) {
      Found<T>& of = found[thread];
      kernels.sweep_steps(in_x, in_y, first + i, own.rows_x.data() + i * length,
                          own.rows_y.data() + i * length, request.scales.data(), request.number(),
                          request.ks.data(), request.lists(), own.pool_x.data(), own.pool_y.data(),
                          of.best.data(), of.radius.data(), of.limits.data(), own.marks.data(),
                          own.positions.data(), own.sums.data(), of.counts_x.data(),
                          of.counts_y.data(), &own.guess);
      of.deliver(request, first + i, n, counts);
    }
  });
}

/// Two columns: one strip search per scale, bounded by the radii of the scale above, on columns
/// sorted once.
template <class T>
void sweep_strips(const Points<T>& x, const Points<T>& y, const Request<T>& request,
                  const Execution& execution, Found<T>& found, std::int64_t* counts) {
  // New strips are built once a scale is below this share of the scale at which the last ones were
  // built. At (1,1) with n = 1e3 and 1e4 times are flat within 5 % from 0.2 to 0.8, and for strips
  // of half the width.
  constexpr T kSameStrips = T(0.25);
  const std::int64_t n = x.n;
  const T* columns[2] = {x.data, y.data};
  SortedColumn<T> sorted[2];
  parallel_for(execution, 2, [&](std::int64_t b, int) { sorted[b] = sort_column(columns[b], n); });
  const std::size_t values = request.ks.size() * static_cast<std::size_t>(n);
  Buffer<T> by_x(values);
  Buffer<T> by_y(values);
  Buffer<T> bound(static_cast<std::size_t>(n));
  std::fill(bound.begin(), bound.end(), std::numeric_limits<T>::infinity());
  Strips<T> strips;
  T largest = std::numeric_limits<T>::infinity();
  for (int s = request.number() - 1; s >= 0; --s) {
    const T c = request.scales[s];
    if (!(c >= kSameStrips * largest)) {
      strips = build_strips(sorted[0], sorted[1], request.ks.back(), c / 2, execution);
      largest = c;
    }
    kth_distance_strips_scaled(strips, c, bound.data(), request.ks, execution, by_x.data(),
                               by_y.data());
    for (int q = 0; q < request.lists(); ++q) {
      const T* radius = by_x.data() + q * n;
      const std::int64_t to = request.place(s, q);
      found.zeros[to] = std::count(radius, radius + n, T(0));
      count_sorted(sorted[0], T(1), radius, execution, counts + (2 * to + 0) * n);
      count_sorted(sorted[1], c, by_y.data() + q * n, execution, counts + (2 * to + 1) * n);
    }
    std::copy_n(by_x.data() + (request.lists() - 1) * n, n, bound.begin());
  }
}

}  // namespace

template <class T>
KsgResult ksg_sweep(const Points<T>& x, const Points<T>& y, const std::vector<T>& scales,
                    const std::vector<int>& ks, Metric metric, const Execution& execution,
                    std::int64_t* counts) {
  const std::int64_t n = x.n;
  const Request<T> request(scales, ks);
  std::vector<Found<T>> found(execution.threads, Found<T>(request));
  KsgResult result{std::vector<PsiSummary>(request.entries()), Algorithm::kBrute};
  if (can_sort(2, x.d + y.d, request.ks.back())) {
    result.algorithm = Algorithm::kSort;
    sweep_strips(x, y, request, execution, found.front(), counts);
  } else if (metric == Metric::kChebyshev && x.d + y.d >= kStepMinDims && steps_suit(x) &&
             steps_suit(y)) {
    sweep_step_rows(x, y, request, execution, found, counts);
  } else {
    sweep_distances(x, y, request, metric, execution, found, counts);
  }
  for (std::int64_t e = 0; e < request.entries(); ++e) {
    for (const Found<T>& of : found) result.summaries[e].zero_radius += of.zeros[e];
    summarise_psi(counts + 2 * e * n, 2, n, 1, execution, result.summaries[e]);
  }
  return result;
}

#define FASTMI_INSTANTIATE(T)                                                             \
  template KsgResult ksg_sweep(const Points<T>&, const Points<T>&, const std::vector<T>&, \
                               const std::vector<int>&, Metric, const Execution&, std::int64_t*);
FASTMI_INSTANTIATE(float)
FASTMI_INSTANTIATE(double)
#undef FASTMI_INSTANTIATE

}  // namespace fastmi::cpu
