// The CUDA kernels, run on the host by host_queue.h from the source that the device compiles,
// against the CPU kernels: the same distances and integers, bit for bit.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "check.h"
#include "cpu/count.h"
#include "cpu/knn.h"
#include "cpu/ksg.h"
#include "cpu/space_counts.h"
#include "cpu/sweep.h"
#include "cuda/drivers.h"
#include "host_queue.h"

using namespace fastmi;
using fastmi::test::HostQueue;
using fastmi::test::ThreadOrder;

namespace {

enum class Kind { kSmooth, kTied, kDiscrete, kConstant, kHeavyTails };

template <class T>
struct Sample {
  std::vector<std::vector<T>> values;
  Blocks<T> blocks;
};

template <class T>
Sample<T> draw(std::int64_t n, const std::vector<int>& dims, Kind kind = Kind::kTied,
               unsigned seed = 1) {
  std::mt19937 engine(seed + static_cast<unsigned>(n));
  std::normal_distribution<double> normal;
  Sample<T> sample;
  for (const int d : dims) {
    std::vector<T> values(static_cast<std::size_t>(n * d));
    for (T& v : values) {
      double z = normal(engine);
      if (kind == Kind::kTied && engine() % 3 == 0) z = std::round(z);
      if (kind == Kind::kDiscrete) z = static_cast<double>(engine() % 3);
      if (kind == Kind::kConstant) z = 0.25;
      if (kind == Kind::kHeavyTails) z = std::pow(z, 9);
      v = static_cast<T>(z);
    }
    sample.values.push_back(std::move(values));
  }
  for (std::size_t b = 0; b < dims.size(); ++b) {
    sample.blocks.push_back({sample.values[b].data(), n, dims[b]});
  }
  return sample;
}

std::string describe(std::int64_t n, const std::vector<int>& dims, Metric metric,
                     Algorithm algorithm) {
  std::string text = "n=" + std::to_string(n) + " dims=";
  for (const int d : dims) text += std::to_string(d) + ",";
  text += metric == Metric::kEuclidean ? " euclidean" : " chebyshev";
  return text + (algorithm == Algorithm::kTree ? " tree" : " brute");
}

constexpr Algorithm kBoth[] = {Algorithm::kBrute, Algorithm::kTree};
constexpr Metric kMetrics[] = {Metric::kChebyshev, Metric::kEuclidean};
constexpr auto kCpu = Algorithm::kAuto;

/// On a device with few multiprocessors tiles are large, on one with many they are small.
HostQueue small_device() { return HostQueue(1); }

template <class T>
void check_neighbours(const Sample<T>& sample, const std::vector<int>& dims, Metric metric,
                      const std::vector<int>& ks, HostQueue& queue) {
  const std::int64_t n = sample.blocks.front().n;
  const int k = *std::max_element(ks.begin(), ks.end());
  std::vector<T> expected(ks.size() * n), pair_distances(n * k);
  std::vector<std::int64_t> neighbours(n * k), strict(n), closed(n);
  cpu::kth_distance(sample.blocks, ks, metric, kCpu, {}, expected.data());
  cpu::kneighbors(sample.blocks, k, metric, kCpu, {}, pair_distances.data(), neighbours.data());
  // Radii that occur as distances tell < from <=.
  cpu::count_within(sample.blocks, expected.data(), true, metric, kCpu, {}, strict.data());
  cpu::count_within(sample.blocks, expected.data(), false, metric, kCpu, {}, closed.data());
  for (const Algorithm algorithm : kBoth) {
    const std::string context = describe(n, dims, metric, algorithm);
    std::vector<T> distances(expected.size()), found_distances(n * k);
    std::vector<std::int64_t> found(n * k), counts(n);
    const Algorithm ran =
        cuda::drive_kth_distance(queue, sample.blocks, ks, metric, algorithm, distances.data());
    FASTMI_CHECK(ran == algorithm, context);
    FASTMI_CHECK(distances == expected, context);
    cuda::drive_kneighbors(queue, sample.blocks, k, metric, algorithm, found_distances.data(),
                           found.data());
    FASTMI_CHECK(found == neighbours, context);
    FASTMI_CHECK(found_distances == pair_distances, context);
    cuda::drive_count_within(queue, sample.blocks, expected.data(), true, metric, algorithm,
                             counts.data());
    FASTMI_CHECK(counts == strict, context);
    cuda::drive_count_within(queue, sample.blocks, expected.data(), false, metric, algorithm,
                             counts.data());
    FASTMI_CHECK(counts == closed, context);
  }
  FASTMI_CHECK(queue.allocations == 0);
}

/// In every block, in all of them, and in all in another order, one of them named twice.
template <class T>
void check_space_counts(const Sample<T>& sample, const std::vector<int>& dims, Metric metric,
                        const std::vector<int>& ks, HostQueue& queue) {
  const std::int64_t n = sample.blocks.front().n;
  std::vector<int> all(dims.size());
  std::iota(all.begin(), all.end(), 0);
  std::vector<std::vector<int>> spaces{all, {all.rbegin(), all.rend()}};
  spaces.back().push_back(0);
  for (const int b : all) spaces.push_back({b});
  for (const bool strict : {true, false}) {
    std::vector<T> expected(ks.size() * n), radius(expected.size());
    std::vector<std::int64_t> expected_counts(ks.size() * spaces.size() * n);
    std::vector<std::int64_t> counts(expected_counts.size());
    cpu::space_counts(sample.blocks, ks, spaces, strict, metric, kCpu, {}, expected.data(),
                      expected_counts.data());
    for (const Algorithm algorithm : kBoth) {
      const std::string context = describe(n, dims, metric, algorithm);
      const Algorithm ran =
          cuda::drive_space_counts(queue, sample.blocks, ks, spaces, strict, metric, algorithm,
                                   radius.data(), counts.data());
      FASTMI_CHECK(ran == algorithm, context);
      FASTMI_CHECK(radius == expected, context);
      FASTMI_CHECK(counts == expected_counts, context);
    }
  }
  FASTMI_CHECK(queue.allocations == 0);
}

template <class A, class B>
bool same_summaries(const std::vector<A>& a, const std::vector<B>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const A& one, const B& other) {
    return one.mean == other.mean && one.std == other.std && one.zero_radius == other.zero_radius;
  });
}

template <class T>
void check_ksg(const Sample<T>& sample, const std::vector<int>& dims, Metric metric,
               const std::vector<int>& ks, HostQueue& queue) {
  const std::int64_t n = sample.blocks.front().n;
  for (const KsgVariant variant : {KsgVariant::kOne, KsgVariant::kTwo}) {
    std::vector<std::int64_t> expected(ks.size() * dims.size() * n), counts(expected.size());
    const KsgResult on_cpu =
        cpu::ksg(sample.blocks, ks, variant, metric, kCpu, {}, expected.data());
    for (const Algorithm algorithm : kBoth) {
      const std::string context =
          describe(n, dims, metric, algorithm) + (variant == KsgVariant::kOne ? " 1" : " 2");
      const KsgResult found =
          cuda::drive_ksg(queue, sample.blocks, ks, variant, metric, algorithm, counts.data());
      FASTMI_CHECK(counts == expected, context);
      FASTMI_CHECK(same_summaries(found.summaries, on_cpu.summaries), context);
      FASTMI_CHECK(found.algorithm == algorithm, context);
    }
  }
  FASTMI_CHECK(queue.allocations == 0);
}

template <class T>
void check_sizes() {
  HostQueue large = small_device();
  HostQueue small(1000);
  for (const std::int64_t n : {2, 3, 7, 8, 9, 31, 64, 65, 127, 128, 129, 200, 257}) {
    const std::vector<int> dims{2, 1};
    const Sample<T> sample = draw<T>(n, dims);
    for (const Metric metric : kMetrics) {
      const std::vector<int> ks{1, static_cast<int>(std::min<std::int64_t>(n - 1, 5))};
      check_neighbours(sample, dims, metric, ks, n % 2 == 0 ? large : small);
      check_ksg(sample, dims, metric, ks, n % 2 == 0 ? small : large);
      check_space_counts(sample, dims, metric, ks, n % 2 == 0 ? large : small);
    }
  }
}

template <class T>
void check_dims() {
  HostQueue large = small_device();
  HostQueue small(1000);
  for (const std::vector<int>& dims : std::vector<std::vector<int>>{
           {1}, {2}, {15}, {16}, {17}, {33}, {1, 1}, {1, 16}, {5, 1, 3}}) {
    const Sample<T> sample = draw<T>(150, dims);
    for (const Metric metric : kMetrics) {
      check_neighbours(sample, dims, metric, {3}, large);
      check_neighbours(sample, dims, metric, {3}, small);
      if (dims.size() > 1) check_ksg(sample, dims, metric, {3, 1}, small);
      check_space_counts(sample, dims, metric, {3, 1}, large);
    }
  }
}

template <class T>
void check_kinds() {
  HostQueue queue = small_device();
  for (const Kind kind : {Kind::kSmooth, Kind::kDiscrete, Kind::kConstant, Kind::kHeavyTails}) {
    for (const std::vector<int>& dims : std::vector<std::vector<int>>{{1, 1}, {2, 2}}) {
      const Sample<T> sample = draw<T>(200, dims, kind);
      for (const Metric metric : kMetrics) {
        check_neighbours(sample, dims, metric, {4}, queue);
        check_ksg(sample, dims, metric, {4}, queue);
      }
    }
  }
}

template <class T>
void check_many_neighbours() {
  HostQueue queue = small_device();
  const std::vector<int> dims{1, 2};
  const Sample<T> sample = draw<T>(300, dims);
  // These k exceed the slots of a queue, and the largest a whole tile of candidates.
  check_neighbours(sample, dims, Metric::kChebyshev, {128, 17, 2}, queue);
  check_neighbours(sample, dims, Metric::kChebyshev, {299}, queue);
  // These are more entries than are counted between two barriers.
  check_ksg(sample, dims, Metric::kChebyshev, {1, 2, 3, 4, 5, 6, 7, 8, 9, 150}, queue);
}

/// With long lists as many heaps are made at a time as fit, not a whole wave of them.
template <class T>
void check_memory() {
  constexpr std::int64_t kN = 700;
  const Sample<T> sample = draw<T>(kN, {2, 1});
  std::vector<T> expected(kN);
  cpu::kth_distance(sample.blocks, {600}, Metric::kChebyshev, kCpu, {}, expected.data());
  for (const Algorithm algorithm : kBoth) {
    int launches[2];
    for (const bool little : {false, true}) {
      HostQueue queue(4);
      queue.scratch = 1 << 12;
      queue.memory = little ? 1 << 20 : 1 << 28;
      std::vector<T> distances(kN);
      cuda::drive_kth_distance(queue, sample.blocks, {600}, Metric::kChebyshev, algorithm,
                               distances.data());
      FASTMI_CHECK(distances == expected);
      launches[little] = queue.launches;
      if (little) FASTMI_CHECK(queue.largest <= queue.memory / 2);
    }
    FASTMI_CHECK(launches[true] > launches[false]);
  }
}

/// The search and the counts of the widest space in one pass over the pairs, and the cases in which
/// that is given up.
template <class T>
void check_one_pass() {
  for (const Kind kind :
       {Kind::kSmooth, Kind::kTied, Kind::kDiscrete, Kind::kConstant, Kind::kHeavyTails}) {
    for (const std::vector<int>& dims :
         std::vector<std::vector<int>>{{1, 1}, {2, 5}, {17, 3}, {1, 3, 2}}) {
      const Sample<T> sample = draw<T>(700, dims, kind);
      for (const int multiprocessors : {1, 1000}) {
        HostQueue queue(multiprocessors);
        queue.one_pass = 1;
        check_ksg(sample, dims, Metric::kChebyshev, {2}, queue);
      }
      HostQueue backward(1, ThreadOrder::kBackward);
      backward.one_pass = 1;
      backward.patience = 1;
      check_ksg(sample, dims, Metric::kChebyshev, {1, 4, 2}, backward);
    }
  }
  // With y = x few candidates are within reach, and a pair is measured little more than once.
  const std::vector<int> dims{10, 10};
  Sample<T> sample = draw<T>(2000, dims, Kind::kSmooth);
  for (std::size_t v = 0; v < sample.values[0].size(); ++v)
    sample.values[1][v] = sample.values[0][v];
  HostQueue queue = small_device();
  std::vector<std::int64_t> counts(2 * 2000);
  for (const bool once : {false, true}) {
    queue.one_pass = once ? 1 : 1 << 14;
    test::pair_dims = 0;
    cuda::drive_ksg(queue, sample.blocks, {3}, KsgVariant::kOne, Metric::kChebyshev,
                    Algorithm::kBrute, counts.data());
    const double passes = static_cast<double>(test::pair_dims) / (2000.0 * 2000 * 20);
    FASTMI_CHECK(once ? passes < 1.25 : passes > 1.6, std::to_string(passes));
  }
}

template <class T>
void check_chunks() {
  const std::vector<int> dims{2, 2};
  const Sample<T> sample = draw<T>(700, dims);
  for (const bool patient : {false, true}) {
    HostQueue queue(1);
    queue.scratch = patient ? 1 << 12 : 1 << 28;
    queue.patience = patient ? 1e12 : 1;
    check_neighbours(sample, dims, Metric::kChebyshev, {3}, queue);
    FASTMI_CHECK(queue.checkpoints > 0);
    check_ksg(sample, dims, Metric::kEuclidean, {3}, queue);
  }
}

/// Runs threads and blocks in the opposite order: a result that depends on it shows a race.
template <class T>
void check_thread_order() {
  HostQueue backward(1, ThreadOrder::kBackward);
  const std::vector<int> dims{2, 1};
  for (const Kind kind : {Kind::kTied, Kind::kDiscrete}) {
    const Sample<T> sample = draw<T>(290, dims, kind);
    for (const Metric metric : kMetrics) {
      check_neighbours(sample, dims, metric, {20, 3}, backward);
      check_ksg(sample, dims, metric, {20, 3}, backward);
      check_space_counts(sample, dims, metric, {20, 3}, backward);
    }
  }
}

template <class T>
void check_sweep() {
  const std::vector<T> scales{T(1), T(0.125), T(40), T(1.7), T(1e-30), T(1e30)};
  const std::vector<int> ks{3, 1};
  for (const ThreadOrder order : {ThreadOrder::kForward, ThreadOrder::kBackward}) {
    for (const std::vector<int>& dims :
         std::vector<std::vector<int>>{{1, 1}, {3, 1}, {2, 17}, {18, 2}}) {
      for (const std::int64_t n : {5, 64, 150}) {
        for (const Metric metric : kMetrics) {
          const Sample<T> sample = draw<T>(n, dims);
          HostQueue queue(1, order);
          queue.patience = n == 150 ? 1 : 1e12;
          std::vector<std::int64_t> expected(scales.size() * ks.size() * 2 * n);
          std::vector<std::int64_t> counts(expected.size());
          const KsgResult on_cpu = cpu::ksg_sweep(sample.blocks[0], sample.blocks[1], scales, ks,
                                                  metric, {}, expected.data());
          const auto found = cuda::drive_ksg_sweep(queue, sample.blocks[0], sample.blocks[1],
                                                   scales, ks, metric, counts.data());
          const std::string context = describe(n, dims, metric, Algorithm::kBrute);
          FASTMI_CHECK(counts == expected, context);
          FASTMI_CHECK(same_summaries(found, on_cpu.summaries), context);
          FASTMI_CHECK(queue.allocations == 0);
        }
      }
    }
  }
}

template <class T>
void check_batches() {
  const std::int64_t n = 150;
  const std::vector<int> ks{2, 5};
  const Sample<T> sample = draw<T>(n, {2, 1, 3});
  const Blocks<T>& blocks = sample.blocks;
  std::mt19937 engine(5);
  constexpr std::int64_t kOrders = 5;
  std::vector<std::int64_t> orders;
  for (int b = 0; b < kOrders; ++b) {
    std::vector<std::int64_t> order(n);
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), engine);
    orders.insert(orders.end(), order.begin(), order.end());
  }
  std::vector<std::int64_t> counts(ks.size() * 3 * n);
  const auto order_of = [&](int b) { return orders.begin() + b * n; };
  const auto estimated = [&](int b, const std::vector<int>& own_ks, Metric metric) {
    std::vector<T> reordered;
    for (auto i = order_of(b); i != order_of(b + 1); ++i) {
      const T* row = blocks[0].data + *i * 2;
      reordered.insert(reordered.end(), row, row + 2);
    }
    const Blocks<T> own{{reordered.data(), n, 2}, blocks[1], blocks[2]};
    return cpu::ksg(own, own_ks, KsgVariant::kOne, metric, kCpu, {}, counts.data()).summaries;
  };
  for (const Metric metric : kMetrics) {
    std::vector<PsiSummary> expected;
    for (int b = 0; b < kOrders; ++b) {
      const auto part = estimated(b, ks, metric);
      expected.insert(expected.end(), part.begin(), part.end());
    }
    for (const Algorithm algorithm : kBoth) {
      for (const std::int64_t scratch : {1 << 28, 1 << 15}) {
        HostQueue queue = small_device();
        queue.scratch = scratch;
        const auto found = cuda::drive_ksg_permutations(queue, blocks, orders.data(), kOrders, ks,
                                                        metric, algorithm);
        FASTMI_CHECK(same_summaries(found, expected), describe(n, {2, 1, 3}, metric, algorithm));
        FASTMI_CHECK(queue.allocations == 0);
      }
    }
  }
  // A wave consists of the thread blocks of all problems: little scratch cuts even lists of this
  // length.
  {
    HostQueue queue(20);
    queue.scratch = 700'000;
    queue.one_pass = 40;
    constexpr std::int64_t kSame = 40;
    std::vector<std::int64_t> same;
    for (std::int64_t b = 0; b < kSame; ++b) same.insert(same.end(), order_of(0), order_of(1));
    const auto one = estimated(0, {1}, Metric::kChebyshev);
    const auto found = cuda::drive_ksg_permutations(queue, blocks, same.data(), kSame, {1},
                                                    Metric::kChebyshev, Algorithm::kBrute);
    FASTMI_CHECK(same_summaries(found, std::vector<PsiSummary>(kSame, one[0])), "waves");
    FASTMI_CHECK(queue.checkpoints > 0);
  }
  // Columns 0 to 5 are the blocks' columns side by side.
  const std::vector<std::int64_t> pairs{0, 1, 4, 2, 5, 5};
  std::vector<PsiSummary> expected;
  for (std::size_t p = 0; p < pairs.size(); p += 2) {
    std::vector<T> columns[2];
    for (int side = 0; side < 2; ++side) {
      int column = static_cast<int>(pairs[p + side]);
      std::size_t b = 0;
      while (column >= blocks[b].d) column -= blocks[b++].d;
      for (std::int64_t i = 0; i < n; ++i) {
        columns[side].push_back(blocks[b].data[i * blocks[b].d + column]);
      }
    }
    const Blocks<T> own{{columns[0].data(), n, 1}, {columns[1].data(), n, 1}};
    const auto part =
        cpu::ksg(own, ks, KsgVariant::kOne, Metric::kChebyshev, kCpu, {}, counts.data()).summaries;
    expected.insert(expected.end(), part.begin(), part.end());
  }
  for (const Algorithm algorithm : kBoth) {
    HostQueue queue = small_device();
    queue.scratch = algorithm == Algorithm::kBrute ? 1 << 14 : 1 << 28;
    std::atomic<std::int64_t> done{0};
    const auto found = cuda::drive_ksg_pairs(queue, blocks, pairs.data(), 3, ks, algorithm, done);
    FASTMI_CHECK(done == 3);
    FASTMI_CHECK(same_summaries(found, expected), "pairs");
    FASTMI_CHECK(queue.allocations == 0);
  }
}

template <class T>
void check_sort() {
  std::mt19937_64 engine(3);
  for (const std::int64_t n : {1, 2, 255, 4096, 4097, 20000}) {
    for (const int bits : {8, 24, 64}) {
      for (const ThreadOrder order : {ThreadOrder::kForward, ThreadOrder::kBackward}) {
        std::vector<std::uint64_t> keys(n);
        // With few distinct values the order among equal ones is tested, which is part of the
        // contract.
        for (auto& key : keys) key = bits == 24 ? engine() % 50 : engine() >> (64 - bits);
        std::vector<std::int32_t> samples(n);
        std::iota(samples.begin(), samples.end(), 0);
        std::vector<std::int32_t> expected(samples);
        std::stable_sort(expected.begin(), expected.end(),
                         [&](std::int32_t a, std::int32_t b) { return keys[a] < keys[b]; });
        HostQueue queue(1, order);
        cuda::Scratch<std::uint64_t, HostQueue> own_keys(queue, keys);
        cuda::Scratch<std::int32_t, HostQueue> own_samples(queue, samples);
        cuda::radix_sort(queue, own_keys, own_samples, n, bits);
        std::copy_n(own_samples.data(), n, samples.begin());
        FASTMI_CHECK(samples == expected, "n=" + std::to_string(n));
      }
    }
  }
  using Limits = std::numeric_limits<T>;
  const std::vector<T> ascending{Limits::lowest(),      T(-1), -Limits::min(),
                                 -Limits::denorm_min(), T(0),  Limits::denorm_min(),
                                 Limits::min(),         T(1),  Limits::max()};
  for (std::size_t a = 1; a < ascending.size(); ++a) {
    FASTMI_CHECK(cuda::ordered_key(ascending[a - 1]) < cuda::ordered_key(ascending[a]));
  }
  FASTMI_CHECK(cuda::ordered_key(T(0)) == cuda::ordered_key(-T(0)));
}

template <class T>
void check_extreme_ranges() {
  HostQueue queue = small_device();
  const std::vector<int> dims{2, 1};
  Sample<T> sample = draw<T>(120, dims, Kind::kSmooth);
  const int top = std::numeric_limits<T>::max_exponent;
  for (T& v : sample.values[0]) v = std::ldexp(v, -top / 2);
  for (T& v : sample.values[1]) v = std::ldexp(v, top / 4);
  for (const Metric metric : kMetrics) {
    check_neighbours(sample, dims, metric, {3}, queue);
    check_ksg(sample, dims, metric, {3}, queue);
  }
  Sample<T> outlier = draw<T>(120, {2, 2}, Kind::kSmooth);
  outlier.values[0][7] = std::ldexp(T(1), top - 3);
  for (T& v : outlier.values[1]) v = std::ldexp(v, -top / 2);
  for (T& v : outlier.values[0]) v = &v == &outlier.values[0][7] ? v : std::ldexp(v, -top / 2);
  std::vector<T> distances(120);
  FASTMI_CHECK_THROWS(cuda::drive_kth_distance(queue, outlier.blocks, {3}, Metric::kEuclidean,
                                               Algorithm::kBrute, distances.data()),
                      std::invalid_argument);
  FASTMI_CHECK(queue.allocations == 0);
}

template <class T>
void check_first_unusable() {
  for (const ThreadOrder order : {ThreadOrder::kForward, ThreadOrder::kBackward}) {
    HostQueue queue(1, order);
    std::vector<T> values(5000, T(1));
    FASTMI_CHECK(cuda::drive_first_unusable(queue, values.data(), 5000) == -1);
    FASTMI_CHECK(cuda::drive_first_unusable(queue, values.data(), 0) == -1);
    values[4999] = std::numeric_limits<T>::infinity();
    FASTMI_CHECK(cuda::drive_first_unusable(queue, values.data(), 5000) == 4999);
    values[4000] = std::numeric_limits<T>::max();
    FASTMI_CHECK(cuda::drive_first_unusable(queue, values.data(), 5000) == 4000);
    values[321] = std::numeric_limits<T>::quiet_NaN();
    FASTMI_CHECK(cuda::drive_first_unusable(queue, values.data(), 5000) == 321);
  }
}

void check_choice() {
  FASTMI_CHECK(cuda::choose_algorithm(1000, 2) == Algorithm::kBrute);
  FASTMI_CHECK(cuda::choose_algorithm(10'000'000, 2) == Algorithm::kTree);
  FASTMI_CHECK(cuda::choose_algorithm(10'000'000, 100) == Algorithm::kBrute);
}

}  // namespace

#define FASTMI_BOTH(what)                              \
  FASTMI_TEST(what##_float) { check_##what<float>(); } \
  FASTMI_TEST(what##_double) { check_##what<double>(); }
FASTMI_BOTH(sizes)
FASTMI_BOTH(dims)
FASTMI_BOTH(kinds)
FASTMI_BOTH(many_neighbours)
FASTMI_BOTH(memory)
FASTMI_BOTH(one_pass)
FASTMI_BOTH(chunks)
FASTMI_BOTH(thread_order)
FASTMI_BOTH(sweep)
FASTMI_BOTH(batches)
FASTMI_BOTH(sort)
FASTMI_BOTH(extreme_ranges)
FASTMI_BOTH(first_unusable)
FASTMI_TEST(choice) { check_choice(); }

int main() { return fastmi::test::run_all(); }
