#include "cpu/surrogates.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <utility>

#include "cpu/kernels.h"
#include "cpu/psi_summary.h"

namespace fastmi::cpu {
namespace {

/// Samples whose distances set the guess of a cutoff.
constexpr std::int64_t kProbes = 256;

std::int64_t round_up(std::int64_t size, std::int64_t step) {
  return (size + step - 1) / step * step;
}

/// A distance that some four fifths of `capacity` samples are likely to be below. Only speed
/// depends on it.
template <class T>
T guess_cutoff(const Points<T>& points, std::int64_t i, std::int64_t capacity, T* probe) {
  const std::int64_t probes = std::min(kProbes, points.n);
  for (std::int64_t p = 0; p < probes; ++p) {
    const std::int64_t j = (i + 1 + p * points.n / probes) % points.n;
    T distance = 0;
    for (int c = 0; c < points.d; ++c) {
      distance = std::max(
          distance, std::abs(points.data[i * points.d + c] - points.data[j * points.d + c]));
    }
    probe[p] = distance;
  }
  const std::int64_t rank = std::min(probes - 1, probes * capacity * 4 / (5 * points.n));
  std::nth_element(probe, probe + rank, probe + probes);
  return probe[rank];
}

/// Sorts samples[count] by distance through equal steps of it, which leave little to move.
template <class T>
struct DistanceSort {
  static constexpr int kSteps = 1024;
  std::vector<std::int32_t> first = std::vector<std::int32_t>(kSteps + 1);
  std::vector<std::int32_t> sorted;

  void operator()(const T* distances, T limit, std::int32_t* samples, std::int64_t count) {
    const T scale = static_cast<T>(kSteps - 1) / limit;
    // Infinite where the limit is next to 0.
    const auto step = [&](std::int32_t j) {
      return std::isfinite(scale) ? static_cast<int>(distances[j] * scale) : 0;
    };
    std::fill(first.begin(), first.end(), 0);
    sorted.resize(static_cast<std::size_t>(count));
    for (std::int64_t c = 0; c < count; ++c) ++first[step(samples[c]) + 1];
    for (int s = 0; s < kSteps; ++s) first[s + 1] += first[s];
    for (std::int64_t c = 0; c < count; ++c) sorted[first[step(samples[c])]++] = samples[c];
    const auto nearer = [&](std::int32_t a, std::int32_t b) { return distances[a] < distances[b]; };
    for (int begin = 0, s = 0; s < kSteps; ++s) {
      const int end = first[s];
      if (end - begin > 1) std::sort(sorted.begin() + begin, sorted.begin() + end, nearer);
      begin = end;
    }
    std::copy(sorted.begin(), sorted.end(), samples);
  }
};

template <class T>
NeighbourLists<T> build_lists(const Points<T>& points, std::int64_t capacity,
                              const Execution& execution) {
  const auto& kernels = current_kernels<T>();
  const std::int64_t n = points.n;
  NeighbourLists<T> lists;
  lists.n = n;
  lists.d = points.d;
  lists.capacity = capacity;
  lists.stride = round_up(n, kernels.lanes);
  lists.row_size = static_cast<int>(round_up(points.d, kernels.lanes));
  lists.columns.resize(static_cast<std::size_t>(points.d * lists.stride));
  lists.rows.resize(static_cast<std::size_t>(n * lists.row_size));
  std::fill(lists.columns.begin(), lists.columns.end(), std::numeric_limits<T>::infinity());
  std::fill(lists.rows.begin(), lists.rows.end(), T(0));
  for (std::int64_t i = 0; i < n; ++i) {
    for (int c = 0; c < points.d; ++c) {
      const T value = points.data[i * points.d + c];
      lists.columns[c * lists.stride + i] = lists.rows[i * lists.row_size + c] = value;
    }
  }
  lists.distance.resize(static_cast<std::size_t>(n * capacity));
  lists.sample.resize(static_cast<std::size_t>(n * capacity));
  lists.size.resize(static_cast<std::size_t>(n));
  lists.cutoff.resize(static_cast<std::size_t>(n));

  constexpr std::int64_t kSamples = 64;  // of one parallel item
  parallel_for(execution, (n + kSamples - 1) / kSamples, [&](std::int64_t item, int) {
    Buffer<T> distances(static_cast<std::size_t>(lists.stride));
    Buffer<std::int32_t> below(static_cast<std::size_t>(lists.stride));
    T probe[kProbes];
    DistanceSort<T> sort;
    for (std::int64_t i = item * kSamples; i < std::min(n, (item + 1) * kSamples); ++i) {
      T cutoff = guess_cutoff(points, i, capacity, probe);
      std::int64_t size = kernels.distances_from(lists.columns.data(), lists.stride, lists.d, i,
                                                 cutoff, distances.data(), below.data());
      size = std::remove(below.begin(), below.begin() + size, static_cast<std::int32_t>(i)) -
             below.begin();
      if (size > 0) sort(distances.data(), cutoff, below.data(), size);
      if (size > capacity) {
        cutoff = distances[below[capacity]];
        while (size > 0 && (size > capacity || distances[below[size - 1]] >= cutoff)) --size;
      }
      for (std::int64_t c = 0; c < size; ++c) {
        lists.sample[i * capacity + c] = below[c];
        lists.distance[i * capacity + c] = distances[below[c]];
      }
      lists.size[i] = static_cast<std::int32_t>(size);
      lists.cutoff[i] = cutoff;
    }
  });
  return lists;
}

/// Others nearer to sample i than limit.
template <class T>
std::int64_t count_nearer(const NeighbourLists<T>& lists, std::int64_t i, T limit,
                          const Kernels<T>& kernels) {
  if (limit <= lists.cutoff[i]) {
    const T* begin = lists.distance.data() + i * lists.capacity;
    return std::lower_bound(begin, begin + lists.size[i], limit) - begin;
  }
  return kernels.count_from(lists.columns.data(), lists.stride, lists.d, i, limit) - 1;
}

}  // namespace

/// What one thread needs for one surrogate.
template <class T>
struct Surrogates<T>::Scratch {
  Buffer<std::int64_t> inverse;  ///< [n], position of each sample of x
  Buffer<T> x_rows, y_rows;      ///< rows of x in the order of y, rows of y in the order of x
  Buffer<std::int64_t> counts;   ///< [len(ks)][2][n]
  std::vector<T> best;           ///< [k]
  Buffer<T> distances[2];        ///< of one sample to all, in each variable
  Buffer<std::int32_t> below;
};

template <class T>
Surrogates<T>::Surrogates(const Points<T>& x, const Points<T>& y, std::vector<int> ks,
                          std::int64_t capacity, const Execution& execution)
    : ks_(std::move(ks)),
      largest_k_(*std::max_element(ks_.begin(), ks_.end())),
      x_(build_lists(x, capacity, execution)),
      y_(build_lists(y, capacity, execution)) {}

template <class T>
bool Surrogates<T>::worthwhile() const {
  const auto long_enough = [](const NeighbourLists<T>& lists) {
    std::int64_t entries = 0;
    for (const std::int32_t size : lists.size) entries += size;
    return 2 * entries > lists.n * lists.capacity;
  };
  return long_enough(x_) && long_enough(y_);
}

template <class T>
void Surrogates<T>::run(const std::int64_t* order, Scratch& scratch, double* psi_mean) const {
  constexpr T kInfinity = std::numeric_limits<T>::infinity();
  const auto& kernels = current_kernels<T>();
  const std::int64_t n = x_.n;
  scratch.inverse.assign(static_cast<std::size_t>(n), -1);
  for (std::int64_t i = 0; i < n; ++i) {
    if (order[i] < 0 || order[i] >= n || scratch.inverse[order[i]] >= 0) {
      throw std::invalid_argument("orders must be permutations of 0 .. n - 1");
    }
    scratch.inverse[order[i]] = i;
  }
  scratch.x_rows.resize(x_.rows.size());
  scratch.y_rows.resize(y_.rows.size());
  for (std::int64_t i = 0; i < n; ++i) {
    std::copy_n(x_.rows.data() + order[i] * x_.row_size, x_.row_size,
                scratch.x_rows.data() + i * x_.row_size);
    std::copy_n(y_.rows.data() + i * y_.row_size, y_.row_size,
                scratch.y_rows.data() + order[i] * y_.row_size);
  }
  scratch.counts.resize(ks_.size() * 2 * static_cast<std::size_t>(n));
  scratch.best.resize(static_cast<std::size_t>(largest_k_));
  T* const best = scratch.best.data();
  const T& worst = scratch.best.back();

  /// Whether the list of one variable settles the search; rows are of the other variable.
  const auto settled = [&](const NeighbourLists<T>& lists, const Buffer<T>& rows, int row_size,
                           std::int64_t own) {
    std::fill(scratch.best.begin(), scratch.best.end(), kInfinity);
    kernels.nearest_of_list(lists.distance.data() + own * lists.capacity,
                            lists.sample.data() + own * lists.capacity, lists.size[own],
                            rows.data(), row_size, own, largest_k_, best);
    return worst <= lists.cutoff[own];
  };
  const auto search_all = [&](std::int64_t i) {
    scratch.below.resize(static_cast<std::size_t>(x_.stride));
    const NeighbourLists<T>* lists[2] = {&x_, &y_};
    const std::int64_t own[2] = {order[i], i};
    for (int b = 0; b < 2; ++b) {
      scratch.distances[b].resize(static_cast<std::size_t>(x_.stride));
      kernels.distances_from(lists[b]->columns.data(), lists[b]->stride, lists[b]->d, own[b], T(0),
                             scratch.distances[b].data(), scratch.below.data());
    }
    std::fill(scratch.best.begin(), scratch.best.end(), kInfinity);
    for (std::int64_t j = 0; j < n; ++j) {
      const T value = std::max(scratch.distances[0][order[j]], scratch.distances[1][j]);
      if (j == i || value >= worst) continue;
      int q = largest_k_ - 1;
      for (; q > 0 && best[q - 1] > value; --q) best[q] = best[q - 1];
      best[q] = value;
    }
  };

  const auto typical = static_cast<std::int64_t>(
      std::sqrt(static_cast<double>(largest_k_) * static_cast<double>(n)));
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t a = order[i];
    // The sparser variable has fewer samples within the joint distance.
    const std::int64_t at = std::min<std::int64_t>(
        typical, std::min(x_.size[a], y_.size[i]) - std::int64_t{1});
    const bool by_x = at < 0 ? x_.size[a] > y_.size[i]
                             : x_.distance[a * x_.capacity + at] > y_.distance[i * y_.capacity + at];
    const bool done = by_x ? settled(x_, scratch.y_rows, y_.row_size, a) ||
                                 settled(y_, scratch.x_rows, x_.row_size, i)
                           : settled(y_, scratch.x_rows, x_.row_size, i) ||
                                 settled(x_, scratch.y_rows, y_.row_size, a);
    if (!done) search_all(i);
    for (std::size_t q = 0; q < ks_.size(); ++q) {
      const T radius = best[ks_[q] - 1];
      std::int64_t* counts = scratch.counts.data() + 2 * q * n;
      counts[i] = radius > 0 ? count_nearer(x_, a, radius, kernels) : 0;
      counts[n + i] = radius > 0 ? count_nearer(y_, i, radius, kernels) : 0;
    }
  }
  for (std::size_t q = 0; q < ks_.size(); ++q) {
    PsiSummary summary;
    summarise_psi(scratch.counts.data() + 2 * q * n, 2, n, 1, Execution{}, summary);
    psi_mean[q] = summary.mean;
  }
}

template <class T>
void Surrogates<T>::psi_means(const std::int64_t* orders, std::int64_t surrogates,
                              const Execution& execution, double* psi_mean) const {
  std::vector<Scratch> scratch(static_cast<std::size_t>(execution.threads));
  parallel_for(execution, surrogates, [&](std::int64_t s, int thread) {
    run(orders + s * x_.n, scratch[thread], psi_mean + s * static_cast<std::int64_t>(ks_.size()));
  });
}

template class Surrogates<float>;
template class Surrogates<double>;

}  // namespace fastmi::cpu
