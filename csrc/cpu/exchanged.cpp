#include "cpu/exchanged.h"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "common/possible.h"
#include "cpu/buffer.h"
#include "cpu/kernels.h"
#include "cpu/strips.h"

namespace fastmi::cpu {
namespace {

/// Samples that are tried first, nearest in (y, z): most radii end among them.
constexpr std::int64_t kFirst = 64;

/// Samples in the order of the first column of z, so that those near one another are neighbours in
/// memory too.
template <class T>
struct Samples {
  std::int64_t n;
  int d;                       ///< columns of x
  std::int64_t width;          ///< number of orders, filled up to whole vectors
  Buffer<T> x;                 ///< [width / lanes][n][d][lanes], in each order
  Buffer<T> y, z;              ///< [columns][n]
  Buffer<std::int64_t> given;  ///< [n], the number of each sample as given
};

template <class T>
Buffer<std::int64_t> sort_by_first(const Points<T>& z) {
  std::vector<std::pair<T, std::int64_t>> keys(z.n);
  for (std::int64_t i = 0; i < z.n; ++i) {
    // No NaN, which another thread may have written into the samples, reaches the sort.
    const T value = z.data[i * z.d];
    keys[i] = {value == value ? value : T(0), i};
  }
  std::sort(keys.begin(), keys.end());
  Buffer<std::int64_t> given(z.n);
  std::transform(keys.begin(), keys.end(), given.begin(),
                 [](const auto& key) { return key.second; });
  return given;
}

template <class T>
Buffer<T> columns_of(const Points<T>& points, const Buffer<std::int64_t>& given) {
  Buffer<T> columns(static_cast<std::size_t>(points.n * points.d));
  for (std::int64_t i = 0; i < points.n; ++i) {
    for (int c = 0; c < points.d; ++c) {
      columns[c * points.n + i] = points.data[given[i] * points.d + c];
    }
  }
  return columns;
}

template <class T>
Samples<T> arrange(const Points<T>& x, const Points<T>& y, const Points<T>& z,
                   const std::int64_t* orders, std::int64_t number, const Execution& execution) {
  const std::int64_t n = x.n;
  const std::int64_t lanes = current_kernels<T>().lanes;
  const std::int64_t groups = (number + lanes - 1) / lanes;
  Samples<T> samples;
  samples.n = n;
  samples.d = x.d;
  samples.width = groups * lanes;
  samples.given = sort_by_first(z);
  samples.y = columns_of(y, samples.given);
  samples.z = columns_of(z, samples.given);
  samples.x.resize(static_cast<std::size_t>(n * x.d * samples.width));
  parallel_for(execution, groups, [&](std::int64_t group, int) {
    T* to = samples.x.data() + group * n * x.d * lanes;
    for (std::int64_t l = 0; l < lanes; ++l) {
      // Lanes behind the last order repeat it and ask for no sample that it does not need.
      const std::int64_t* order = orders + std::min(group * lanes + l, number - 1) * n;
      for (std::int64_t i = 0; i < n; ++i) {
        const std::int64_t row = order[samples.given[i]];
        const std::int64_t from = possible_sample(static_cast<std::int32_t>(row), n);
        for (int c = 0; c < x.d; ++c) to[(i * x.d + c) * lanes + l] = x.data[from * x.d + c];
      }
    }
  });
  return samples;
}

/// Samples and their distances in some space.
template <class T>
struct Near {
  Buffer<std::int32_t> samples;
  Buffer<T> gaps;
  std::vector<std::pair<T, std::int32_t>> pairs;

  /// Appends those whose distance is wanted, in the order of the samples.
  template <class F>
  void append(const Buffer<T>& distances, F&& wanted) {
    const std::size_t before = gaps.size();
    std::size_t at = before;
    gaps.resize(before + distances.size());
    samples.resize(gaps.size());
    for (std::size_t j = 0; j < distances.size(); ++j) {
      gaps[at] = distances[j];
      samples[at] = static_cast<std::int32_t>(j);
      at += wanted(distances[j]);
    }
    gaps.resize(at);
    samples.resize(at);
  }
  /// Puts those from `begin` on in the order of their distances, none of which may be NaN.
  void sort_from(std::size_t begin) {
    pairs.clear();
    for (std::size_t at = begin; at < gaps.size(); ++at) pairs.emplace_back(gaps[at], samples[at]);
    std::sort(pairs.begin(), pairs.end());
    for (std::size_t at = begin; at < gaps.size(); ++at) {
      std::tie(gaps[at], samples[at]) = pairs[at - begin];
    }
  }
  void clear() {
    samples.clear();
    gaps.clear();
  }
  std::int64_t size() const { return static_cast<std::int64_t>(gaps.size()); }
};

/// Serves one sample after the other, on one thread.
template <class T>
class Query {
 public:
  Query(const Samples<T>& samples, const std::vector<int>& ks)
      : kernels_(current_kernels<T>()),
        samples_(samples),
        ks_(ks),
        in_z_(samples.n),
        in_yz_(samples.n),
        scratch_(samples.n),
        nearest_(ks.back() * samples.width),
        found_(3 * samples.width) {}

  void run(std::int64_t i, std::int64_t number, std::int64_t* counts) {
    const std::int64_t n = samples_.n;
    const std::int64_t width = samples_.width;
    measure(i);
    search(i);
    const T reach = farthest();
    near_z_.clear();
    near_z_.append(in_z_, [&](T gap) { return gap < reach; });
    for (std::size_t q = 0; q < ks_.size(); ++q) {
      const T* radius = nearest_.data() + (ks_[q] - 1) * width;
      std::int64_t* of_space[3] = {found_.data(), found_.data() + width, found_.data() + 2 * width};
      within(i, near_z_, radius, of_space[2], of_space[0]);
      within(i, near_yz_, radius, of_space[1], nullptr);
      for (std::int64_t s = 0; s < number; ++s) {
        std::int64_t* to =
            counts + (s * static_cast<std::int64_t>(ks_.size()) + q) * 3 * n + samples_.given[i];
        for (int space = 0; space < 3; ++space) to[space * n] = of_space[space][s];
      }
    }
  }

 private:
  /// Distances of all samples in z, and in (y, z). The sample itself is nobody's neighbour.
  void measure(std::int64_t i) {
    const std::int64_t n = samples_.n;
    std::fill(in_z_.begin(), in_z_.end(), T(0));
    widen(samples_.z, i, in_z_);
    std::copy_n(in_z_.data(), n, in_yz_.data());
    widen(samples_.y, i, in_yz_);
    in_z_[i] = in_yz_[i] = std::numeric_limits<T>::infinity();
  }

  void widen(const Buffer<T>& columns, std::int64_t i, Buffer<T>& gaps) const {
    const std::int64_t n = samples_.n;
    const std::int64_t size = static_cast<std::int64_t>(columns.size());
    for (std::int64_t at = 0; at < size; at += n) {
      kernels_.widen_gaps(columns.data() + at, columns[at + i], n, gaps.data());
    }
  }

  /// Finds the k nearest joint distances in every order, among the samples nearest in (y, z).
  void search(std::int64_t i) {
    constexpr T kInfinity = std::numeric_limits<T>::infinity();
    std::fill(nearest_.begin(), nearest_.end(), kInfinity);
    near_yz_.clear();
    const T first = rank(std::max<std::int64_t>(kFirst, 4 * ks_.back()));
    near_yz_.append(in_yz_, [&](T gap) { return gap <= first && gap < kInfinity; });
    near_yz_.sort_from(0);
    offer(i, 0);
    // Distances among some of the samples bound those among all, so that no others matter.
    const T bound = farthest();
    if (!(first < bound)) return;
    const std::int64_t before = near_yz_.size();
    near_yz_.append(in_yz_, [&](T gap) { return first < gap && gap < bound; });
    near_yz_.sort_from(static_cast<std::size_t>(before));
    offer(i, before);
  }

  /// The distance in (y, z) of the sample of a rank, infinite if there are fewer.
  T rank(std::int64_t number) {
    constexpr T kInfinity = std::numeric_limits<T>::infinity();
    if (number >= samples_.n) return kInfinity;
    // No NaN, which another thread may have written into the samples, reaches the algorithm.
    std::transform(in_yz_.begin(), in_yz_.end(), scratch_.begin(),
                   [](T gap) { return gap < kInfinity ? gap : kInfinity; });
    std::nth_element(scratch_.begin(), scratch_.begin() + number, scratch_.end());
    return scratch_[number];
  }

  void offer(std::int64_t i, std::int64_t begin) {
    kernels_.exchanged_radii(samples_.x.data(), samples_.n, samples_.d, samples_.width, i,
                             near_yz_.samples.data() + begin, near_yz_.gaps.data() + begin,
                             near_yz_.size() - begin, ks_.back(), nearest_.data());
  }

  void within(std::int64_t i, const Near<T>& near, const T* radius, std::int64_t* counts,
              std::int64_t* counts_x) const {
    kernels_.exchanged_within(samples_.x.data(), samples_.n, samples_.d, samples_.width, i,
                              near.samples.data(), near.gaps.data(), near.size(), radius, counts,
                              counts_x);
  }

  /// The largest of the radii of all orders.
  T farthest() const { return *std::max_element(nearest_.end() - samples_.width, nearest_.end()); }

  const Kernels<T>& kernels_;
  const Samples<T>& samples_;
  const std::vector<int>& ks_;
  Buffer<T> in_z_, in_yz_, scratch_;
  Buffer<T> nearest_;  ///< [k][width]
  Buffer<std::int64_t> found_;
  Near<T> near_yz_, near_z_;
};

}  // namespace

template <class T>
void exchanged_counts(const Points<T>& x, const Points<T>& y, const Points<T>& z,
                      const std::vector<int>& ks, const std::int64_t* orders, std::int64_t number,
                      const Execution& execution, std::int64_t* counts) {
  if (number == 0) return;
  const Samples<T> samples = arrange(x, y, z, orders, number, execution);
  std::vector<Query<T>> queries(execution.threads, Query<T>(samples, ks));
  constexpr std::int64_t kTogether = 8;
  parallel_for(execution, (x.n + kTogether - 1) / kTogether, [&](std::int64_t part, int thread) {
    const std::int64_t end = std::min(x.n, (part + 1) * kTogether);
    for (std::int64_t i = part * kTogether; i < end; ++i) queries[thread].run(i, number, counts);
  });
}

void exchange(const std::int64_t* candidates, std::int64_t rows, int size,
              const std::int64_t* sequence, std::vector<bool>& taken, std::int64_t* chosen) {
  for (std::int64_t r = 0; r < rows; ++r) {
    const std::int64_t* own = candidates + sequence[r] * size;
    int c = 0;
    while (c < size - 1 && taken[own[c]]) ++c;
    chosen[sequence[r]] = own[c];
    taken[own[c]] = true;
  }
}

#define FASTMI_INSTANTIATE(T)                                                                \
  template void exchanged_counts(const Points<T>&, const Points<T>&, const Points<T>&,       \
                                 const std::vector<int>&, const std::int64_t*, std::int64_t, \
                                 const Execution&, std::int64_t*);
FASTMI_INSTANTIATE(float)
FASTMI_INSTANTIATE(double)
#undef FASTMI_INSTANTIATE

}  // namespace fastmi::cpu
