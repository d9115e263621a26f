// Neighbour distances and counts. The scalar brute force is checked against the definition; every
// other SIMD level, algorithm and number of threads must give the same bits.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <numeric>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "check.h"
#include "common/radius_limit.h"
#include "cpu/count.h"
#include "cpu/knn.h"
#include "cpu/ksg.h"
#include "cpu/simd_level.h"
#include "cpu/sorted.h"

using namespace fastmi;
using namespace fastmi::cpu;

namespace {

template <class T>
struct Sample {
  std::vector<std::vector<T>> values;
  Blocks<T> blocks;
};

// A third of the values are small integers, so that there are ties and duplicates.
template <class T>
Sample<T> draw(std::int64_t n, const std::vector<int>& dims, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<double> normal;
  Sample<T> sample;
  for (const int d : dims) {
    std::vector<T> values(static_cast<std::size_t>(n * d));
    for (T& v : values) {
      const double z = normal(engine);
      v = static_cast<T>(engine() % 3 == 0 ? std::round(z) : z);
    }
    sample.values.push_back(std::move(values));
  }
  for (std::size_t b = 0; b < dims.size(); ++b) {
    sample.blocks.push_back({sample.values[b].data(), n, dims[b]});
  }
  return sample;
}

template <class T>
T distance(const Blocks<T>& blocks, std::int64_t i, std::int64_t j, Metric metric) {
  T joint = 0;
  for (const Points<T>& block : blocks) {
    T inside = 0;
    for (int c = 0; c < block.d; ++c) {
      const T gap = block.data[i * block.d + c] - block.data[j * block.d + c];
      if (metric == Metric::kChebyshev) {
        inside = std::max(inside, std::abs(gap));
      } else {
        inside += gap * gap;
      }
    }
    joint = std::max(joint, metric == Metric::kEuclidean ? std::sqrt(inside) : inside);
  }
  return joint;
}

template <class T>
struct Results {
  std::vector<T> kth;
  std::vector<std::int64_t> neighbours, strict, closed;
  bool operator==(const Results&) const = default;
};

const std::vector<int> kNeighbourList{1, 4};

template <class T>
Results<T> run(const Blocks<T>& blocks, Metric metric, Algorithm algorithm, int threads) {
  const std::int64_t n = blocks.front().n;
  const auto size = static_cast<std::size_t>(n);
  Execution execution;
  execution.threads = threads;
  Results<T> results{std::vector<T>(2 * size), std::vector<std::int64_t>(4 * size),
                     std::vector<std::int64_t>(size), std::vector<std::int64_t>(size)};
  std::vector<T> distances(4 * size);
  const Algorithm ran =
      kth_distance(blocks, kNeighbourList, metric, algorithm, execution, results.kth.data());
  FASTMI_CHECK(algorithm == Algorithm::kAuto ? ran != algorithm : ran == algorithm);
  kneighbors(blocks, 4, metric, algorithm, execution, distances.data(), results.neighbours.data());
  // Radii that occur as distances tell < from <=.
  const T* radius = results.kth.data() + n;
  count_within(blocks, radius, true, metric, algorithm, execution, results.strict.data());
  count_within(blocks, radius, false, metric, algorithm, execution, results.closed.data());
  return results;
}

template <class T>
Results<T> by_definition(const Blocks<T>& blocks, Metric metric) {
  const std::int64_t n = blocks.front().n;
  Results<T> results;
  results.kth.resize(2 * static_cast<std::size_t>(n));
  for (std::int64_t i = 0; i < n; ++i) {
    std::vector<std::pair<T, std::int64_t>> others;
    for (std::int64_t j = 0; j < n; ++j) {
      if (j != i) others.push_back({distance(blocks, i, j, metric), j});
    }
    std::sort(others.begin(), others.end());
    results.kth[i] = others[0].first;
    const T radius = results.kth[n + i] = others[3].first;
    for (int q = 0; q < 4; ++q) results.neighbours.push_back(others[q].second);
    const auto below = [&](const auto& other) { return other.first < radius; };
    const auto at_most = [&](const auto& other) { return other.first <= radius; };
    results.strict.push_back(std::count_if(others.begin(), others.end(), below));
    results.closed.push_back(std::count_if(others.begin(), others.end(), at_most));
  }
  return results;
}

template <class T>
void check_every_path() {
  for (const Metric metric : {Metric::kChebyshev, Metric::kEuclidean}) {
    for (const std::vector<int>& dims :
         std::vector<std::vector<int>>{{1}, {2}, {3}, {8}, {17}, {1, 1}, {2, 3}, {1, 2, 1}}) {
      for (const std::int64_t n : {5, 8, 17, 63, 64, 65, 129, 300}) {
        const Sample<T> sample = draw<T>(n, dims, static_cast<unsigned>(n));
        const Results<T> expected = by_definition(sample.blocks, metric);
        for (const SimdLevel level : available_simd_levels()) {
          setenv("FASTMI_SIMD_LEVEL", simd_level_name(level), 1);
          for (const Algorithm algorithm :
               {Algorithm::kBrute, Algorithm::kTree, Algorithm::kAuto}) {
            for (const int threads : {1, 3}) {
              if (threads > 1 && n < 129) continue;
              FASTMI_CHECK(run(sample.blocks, metric, algorithm, threads) == expected,
                           std::string(simd_level_name(level)) + " " + algorithm_name(algorithm) +
                               " n=" + std::to_string(n) + " dims[0]=" + std::to_string(dims[0]) +
                               " blocks=" + std::to_string(dims.size()) +
                               (metric == Metric::kEuclidean ? " euclidean" : " chebyshev"));
            }
          }
        }
      }
    }
  }
  unsetenv("FASTMI_SIMD_LEVEL");
}

template <class T>
void check_ksg_levels() {
  const Sample<T> sample = draw<T>(500, {2, 1}, 7);
  for (const KsgVariant variant : {KsgVariant::kOne, KsgVariant::kTwo}) {
    std::vector<std::int64_t> first;
    double first_mean = 0;
    for (const SimdLevel level : available_simd_levels()) {
      setenv("FASTMI_SIMD_LEVEL", simd_level_name(level), 1);
      for (const int threads : {1, 2, 4}) {
        Execution execution;
        execution.threads = threads;
        std::vector<std::int64_t> counts(2 * 500);
        const auto summaries = ksg(sample.blocks, {3}, variant, Metric::kChebyshev,
                                   Algorithm::kAuto, execution, counts.data())
                                   .summaries;
        if (first.empty()) {
          first = counts;
          first_mean = summaries[0].mean;
        }
        FASTMI_CHECK(counts == first, simd_level_name(level));
        FASTMI_CHECK(summaries[0].mean == first_mean, simd_level_name(level));
      }
    }
  }
  unsetenv("FASTMI_SIMD_LEVEL");
}

template <class T>
bool sorts(const std::vector<T>& column) {
  const SortedColumn<T> sorted =
      sort_column(column.data(), static_cast<std::int64_t>(column.size()));
  if (sorted.values.size() < column.size() || sorted.sample.size() < column.size()) return false;
  std::vector<bool> seen(column.size(), false);
  for (std::size_t p = 0; p < column.size(); ++p) {
    const auto i = static_cast<std::size_t>(sorted.sample[p]);
    if (i >= column.size() || seen[i] || sorted.values[p] != column[i]) return false;
    if (p > 0 && sorted.values[p] < sorted.values[p - 1]) return false;
    seen[i] = true;
  }
  return true;
}

template <class T>
void check_sort() {
  using Limits = std::numeric_limits<T>;
  FASTMI_CHECK(sorts(std::vector<T>{T(1)}));
  FASTMI_CHECK(sorts(std::vector<T>{T(2), T(1)}));
  FASTMI_CHECK(sorts(std::vector<T>{T(0), -T(0), Limits::denorm_min(), -Limits::denorm_min(),
                                    Limits::max(), Limits::lowest(), Limits::min(), T(1), T(-1)}));
  std::mt19937_64 engine(1);
  for (const std::size_t n : {2, 3, 255, 256, 257, 5000, 70000}) {
    std::vector<T> wide(n), close(n), few(n), same(n, T(0.1)), falling(n);
    for (std::size_t p = 0; p < n; ++p) {
      const double uniform = std::uniform_real_distribution<double>(-1, 1)(engine);
      wide[p] = static_cast<T>(std::ldexp(uniform, static_cast<int>(engine() % 200) - 100));
      // These values agree in their leading bits, so that only the last ones tell them apart.
      close[p] = T(1) + static_cast<T>(engine() % 1000) * Limits::epsilon();
      few[p] = static_cast<T>(static_cast<int>(engine() % 5) - 2);
      falling[p] = -static_cast<T>(p);
    }
    for (const auto& column : {wide, close, few, same, falling}) {
      FASTMI_CHECK(sorts(column), "n=" + std::to_string(n));
    }
  }
}

// The smallest number whose quotient by 2^shift reaches the limit, from the smallest subnormal
// limit to the largest one.
template <class T>
void check_shifted_limits() {
  using Limits = std::numeric_limits<T>;
  std::mt19937 engine(11);
  const int least = Limits::min_exponent - Limits::digits;
  for (int draw = 0; draw < 20000; ++draw) {
    const int exponent = least + static_cast<int>(engine() % (Limits::max_exponent - least + 1));
    const T limit = std::ldexp(static_cast<T>(1 + engine() % 63) / 32, exponent - 1);
    const int shift =
        static_cast<int>(engine() % (2 * Limits::max_exponent)) - Limits::max_exponent;
    const T found = shifted_limit(limit, shift);
    const std::string what = "2^" + std::to_string(exponent) + " shift " + std::to_string(shift);
    FASTMI_CHECK(std::ldexp(found, -shift) >= limit, what);
    if (found > 0) {
      FASTMI_CHECK(std::ldexp(std::nextafter(found, T(0)), -shift) < limit, what);
    }
  }
  FASTMI_CHECK(shifted_limit(T(0), 5) == 0 && shifted_limit(T(-1), -5) == -1);
  FASTMI_CHECK(shifted_limit(Limits::infinity(), -5) == Limits::infinity());
  const T beyond = std::ldexp(T(1), Limits::max_exponent - 5);
  FASTMI_CHECK(radius_limit(Limits::max(), false, -5) == beyond);
  FASTMI_CHECK(radius_limit(Limits::max(), false, 5) == Limits::infinity());
  FASTMI_CHECK(radius_limit(Limits::infinity(), true, -5) == Limits::infinity());
  FASTMI_CHECK(radius_limit(Limits::infinity(), false, -5) == Limits::infinity());
}

}  // namespace

FASTMI_TEST(limits_are_shifted_exactly_float) { check_shifted_limits<float>(); }
FASTMI_TEST(limits_are_shifted_exactly_double) { check_shifted_limits<double>(); }
FASTMI_TEST(every_path_returns_the_definition_float) { check_every_path<float>(); }
FASTMI_TEST(every_path_returns_the_definition_double) { check_every_path<double>(); }
FASTMI_TEST(ksg_is_the_same_at_every_level_float) { check_ksg_levels<float>(); }
FASTMI_TEST(ksg_is_the_same_at_every_level_double) { check_ksg_levels<double>(); }
FASTMI_TEST(columns_are_sorted_float) { check_sort<float>(); }
FASTMI_TEST(columns_are_sorted_double) { check_sort<double>(); }

FASTMI_TEST(sort_refuses_what_it_cannot_do) {
  const Sample<double> sample = draw<double>(10, {2}, 1);
  std::vector<double> distances(10);
  FASTMI_CHECK_THROWS(kth_distance(sample.blocks, {1}, Metric::kChebyshev, Algorithm::kSort,
                                   Execution{}, distances.data()),
                      std::invalid_argument);
}

FASTMI_TEST(an_interrupted_search_throws) {
  const Sample<double> sample = draw<double>(20000, {20}, 1);
  std::vector<double> distances(20000);
  for (const int threads : {1, 2}) {
    Execution execution;
    execution.threads = threads;
    execution.interrupted = [] { return true; };
    FASTMI_CHECK_THROWS(kth_distance(sample.blocks, {3}, Metric::kChebyshev, Algorithm::kBrute,
                                     execution, distances.data()),
                        Interrupted);
  }
}

int main() { return fastmi::test::run_all(); }
