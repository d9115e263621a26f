// The CUDA kernels of the flow, run on the host by host_queue.h from the source that the device
// compiles, against those of the CPU. In double the numbers must nearly agree; in float they must
// be as close to those in double.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "check.h"
#include "cpu/bnaf.h"
#include "cuda/run_bnaf.h"
#include "host_queue.h"

using fastmi::cpu::Execution;
using fastmi::cuda::BnafNetwork;
using fastmi::cuda::BnafShape;
using fastmi::cuda::BnafSizes;
using fastmi::test::HostQueue;
using fastmi::test::ThreadOrder;

namespace {

template <class T>
using Arrays = std::vector<std::vector<T>>;

/// Random arguments, the same numbers in either type.
template <class T>
struct Arguments {
  BnafShape shape;
  T leak;
  std::vector<T> x, y;
  Arrays<T> weights, biases, y_weights, y_biases, cross;
  std::vector<T> f_gradient, slope_gradient;

  Arguments(const BnafShape& sizes, bool leaks, unsigned seed, float scale = 0.4F)
      : shape(sizes), leak(leaks ? T(0.01F) : T(0)) {
    std::mt19937 engine(seed);
    std::normal_distribution<float> normal;
    const auto draw = [&](std::int64_t size, float size_of_one) {
      std::vector<T> values(static_cast<std::size_t>(size));
      for (T& v : values) v = static_cast<T>(size_of_one * normal(engine));
      return values;
    };
    x = draw(shape.n * shape.d, 1);
    y = draw(shape.conditioned * shape.d_y, 1);
    f_gradient = draw(shape.n * shape.d, 1);
    slope_gradient = draw(shape.n * shape.d, 1);
    const auto layers = [&](std::int64_t blocks, const std::vector<int>& widths, Arrays<T>& v,
                            Arrays<T>& b) {
      for (std::size_t l = 1; l < widths.size(); ++l) {
        v.push_back(draw(blocks * (blocks + 1) / 2 * widths[l] * widths[l - 1], scale));
        b.push_back(draw(blocks * widths[l], scale));
      }
    };
    layers(shape.d, shape.widths, weights, biases);
    layers(shape.d_y, shape.y_widths, y_weights, y_biases);
    for (std::size_t l = 0; l < shape.y_widths.size(); ++l) {
      cross.push_back(draw(shape.d * shape.widths[l + 1] * shape.d_y * shape.y_widths[l], scale));
    }
  }
};

template <class T>
std::vector<const T*> pointers(const Arrays<T>& arrays) {
  std::vector<const T*> found;
  for (const auto& array : arrays) found.push_back(array.data());
  return found;
}

/// f, log-slopes, and gradients of x, y and all parameters in order.
template <class T>
using Results = Arrays<T>;

template <class T>
Results<T> on_cpu(const Arguments<T>& a) {
  fastmi::cpu::BnafNetwork<T> network;
  network.n = a.shape.n;
  network.d = a.shape.d;
  network.x = a.x.data();
  network.widths.assign(a.shape.widths.begin(), a.shape.widths.end());
  network.weights = pointers(a.weights);
  network.biases = pointers(a.biases);
  network.conditioned = a.shape.conditioned;
  network.d_y = a.shape.d_y;
  network.y = a.y.data();
  network.y_widths.assign(a.shape.y_widths.begin(), a.shape.y_widths.end());
  network.y_weights = pointers(a.y_weights);
  network.y_biases = pointers(a.y_biases);
  network.cross_weights = pointers(a.cross);
  network.leak = a.leak;
  Execution execution;
  execution.threads = 1;
  Results<T> r{std::vector<T>(a.x.size()), std::vector<T>(a.x.size()), std::vector<T>(a.x.size()),
               std::vector<T>(a.y.size())};
  for (const auto* group : {&a.weights, &a.biases, &a.y_weights, &a.y_biases, &a.cross}) {
    for (const auto& array : *group) r.emplace_back(array.size());
  }
  fastmi::cpu::Bnaf<T> pass(network, true, execution, r[0].data(), r[1].data());
  fastmi::cpu::BnafGradients<T> to;
  to.x = r[2].data();
  if (!a.y.empty()) to.y = r[3].data();
  std::size_t next = 4;
  for (auto* group : {&to.weights, &to.biases, &to.y_weights, &to.y_biases, &to.cross_weights}) {
    const std::size_t members[] = {a.weights.size(), a.biases.size(), a.y_weights.size(),
                                   a.y_biases.size(), a.cross.size()};
    const auto which = group == &to.weights     ? 0
                       : group == &to.biases    ? 1
                       : group == &to.y_weights ? 2
                       : group == &to.y_biases  ? 3
                                                : 4;
    for (std::size_t m = 0; m < members[which]; ++m) group->push_back(r[next++].data());
  }
  pass.backward(a.f_gradient.data(), a.slope_gradient.data(), execution, to);
  return r;
}

template <class T>
std::vector<T> flat(const Arguments<T>& a) {
  std::vector<T> numbers;
  for (const auto* group : {&a.weights, &a.biases, &a.y_weights, &a.y_biases, &a.cross}) {
    for (const auto& array : *group) numbers.insert(numbers.end(), array.begin(), array.end());
  }
  return numbers;
}

/// Garbage, as in fresh memory of a device.
template <class T>
std::vector<T> garbage(std::int64_t size) {
  return std::vector<T>(static_cast<std::size_t>(size), std::numeric_limits<T>::quiet_NaN());
}

template <class T>
Results<T> on_device(HostQueue& queue, const Arguments<T>& a) {
  const std::vector<T> parameters = flat(a);
  const BnafNetwork<T> network{a.shape, a.x.data(), a.y.data(), parameters.data(), a.leak};
  const BnafSizes sizes = fastmi::cuda::plan_bnaf_sizes<T>(a.shape, true, queue.multiprocessors());
  auto workspace = garbage<T>(sizes.workspace);
  auto scratch = garbage<T>(sizes.scratch);
  auto gradients = garbage<T>(sizes.parameters);
  Results<T> r{garbage<T>(a.shape.n * a.shape.d), garbage<T>(a.shape.n * a.shape.d),
               garbage<T>(a.shape.n * a.shape.d),
               garbage<T>(static_cast<std::int64_t>(a.y.size()))};
  fastmi::cuda::drive_bnaf_forward(queue, network, true, workspace.data(), r[0].data(),
                                   r[1].data());
  const std::vector<T> before = workspace;
  T* y_gradient = a.y.empty() ? nullptr : r[3].data();
  fastmi::cuda::drive_bnaf_backward(queue, network, workspace.data(), a.f_gradient.data(),
                                    a.slope_gradient.data(), scratch.data(), r[2].data(),
                                    y_gradient, gradients.data());
  FASTMI_CHECK(std::memcmp(before.data(), workspace.data(), workspace.size() * sizeof(T)) == 0);
  FASTMI_CHECK(parameters.size() == gradients.size());
  const T* next = gradients.data();
  for (const auto* group : {&a.weights, &a.biases, &a.y_weights, &a.y_biases, &a.cross}) {
    for (const auto& array : *group) {
      r.emplace_back(next, next + array.size());
      next += array.size();
    }
  }
  return r;
}

struct Case {
  BnafShape shape;
  bool leaks;
};

std::string describe(const Case& c) {
  std::string text = "n=" + std::to_string(c.shape.n) + " d=" + std::to_string(c.shape.d) +
                     " conditioned=" + std::to_string(c.shape.conditioned) + " widths=";
  for (const int w : c.shape.widths) text += std::to_string(w) + ",";
  return text + (c.leaks ? " leaky" : "");
}

const std::vector<Case>& small_cases() {
  static const std::vector<Case> all{
      {{1, 1, {1, 1}, 0, 0, {}}, false},
      {{1, 1, {1, 4, 1}, 1, 1, {1, 3}}, true},
      {{5, 3, {1, 1}, 0, 0, {}}, false},
      {{5, 3, {1, 4, 1}, 0, 0, {}}, false},
      {{17, 2, {1, 6, 6, 1}, 17, 3, {1, 5, 7}}, true},
      {{33, 4, {1, 7, 3, 13, 1}, 20, 2, {1, 2, 9, 1}}, false},
      {{70, 5, {1, 20, 20, 1}, 35, 5, {1, 20, 20}}, false},
      {{40, 2, {1, 70, 65, 1}, 3, 1, {1, 66, 2}}, true},
      {{300, 7, {1, 11, 10, 1}, 130, 9, {1, 4, 8}}, false},
  };
  return all;
}

double largest(const std::vector<double>& values) {
  double top = 0;
  for (const double v : values) top = std::max(top, std::fabs(v));
  return top;
}

void compare_in_double(const Case& c, HostQueue& queue) {
  const Arguments<double> a(c.shape, c.leaks, 7);
  const auto expected = on_cpu(a);
  const auto got = on_device(queue, a);
  for (std::size_t r = 0; r < expected.size(); ++r) {
    const double bound = 1e-12 * (1 + largest(expected[r]));
    bool near = got[r].size() == expected[r].size();
    for (std::size_t at = 0; near && at < got[r].size(); ++at) {
      near = std::fabs(got[r][at] - expected[r][at]) <= bound;
    }
    FASTMI_CHECK(near, describe(c) + " result " + std::to_string(r));
  }
}

FASTMI_TEST(double_is_the_cpus_in_either_order_and_with_either_tile) {
  for (const Case& c : small_cases()) {
    for (const ThreadOrder order : {ThreadOrder::kForward, ThreadOrder::kBackward}) {
      HostQueue narrow(1000, order);
      compare_in_double(c, narrow);
      HostQueue wide(0, order);
      compare_in_double(c, wide);
    }
  }
}

FASTMI_TEST(orders_of_threads_change_no_bit) {
  for (const int multiprocessors : {0, 3, 1000}) {
    const Arguments<float> a({1200, 3, {1, 9, 8, 1}, 600, 2, {1, 5, 6}}, true, 3);
    HostQueue one(multiprocessors, ThreadOrder::kForward);
    HostQueue other(multiprocessors, ThreadOrder::kBackward);
    FASTMI_CHECK(on_device(one, a) == on_device(other, a));
  }
}

FASTMI_TEST(float_errs_at_most_twice_as_much_as_the_cpu) {
  for (const int multiprocessors : {0, 1000}) {
    for (const Case& c : small_cases()) {
      double own = 0;
      double cpus = 0;
      double rounding = 0;
      for (unsigned seed = 0; seed < 4; ++seed) {
        HostQueue queue(multiprocessors);
        const Arguments<float> a(c.shape, c.leaks, seed);
        const auto exact = on_cpu(Arguments<double>(c.shape, c.leaks, seed));
        const auto got = on_device(queue, a);
        const auto other = on_cpu(a);
        for (std::size_t r = 0; r < exact.size(); ++r) {
          // Every result has the same weight.
          const double scale = 1 / std::max(largest(exact[r]), 1e-9);
          for (std::size_t at = 0; at < exact[r].size(); ++at) {
            own += std::pow(scale * (got[r][at] - exact[r][at]), 2);
            cpus += std::pow(scale * (other[r][at] - exact[r][at]), 2);
            rounding += std::pow(scale * 6e-8 * exact[r][at], 2);
          }
        }
      }
      FASTMI_CHECK(own <= 4 * cpus + rounding,
                   describe(c) + " " + std::to_string(std::sqrt(own / cpus)));
    }
  }
}

FASTMI_TEST(many_samples_are_summed_in_parts) {
  for (const bool wide : {false, true}) {
    const Case c{{4000, 3, {1, 6, 5, 1}, 2100, 2, {1, 4, 3}}, false};
    HostQueue queue(wide ? 30 : 40);
    const fastmi::cuda::BnafPlan<double> plan(c.shape, queue.multiprocessors(), nullptr);
    FASTMI_CHECK(plan.wide == wide);
    const int before = queue.launches;
    compare_in_double(c, queue);
    // The launches are three layers forward, three back, the gradients, and the sum of their parts.
    FASTMI_CHECK(queue.launches - before == 8);
  }
}

FASTMI_TEST(the_graph_of_a_training_step_is_six_launches) {
  const Arguments<float> a({256, 4, {1, 8, 8, 1}, 128, 4, {1, 8, 8}}, true, 1);
  HostQueue queue(132);
  const BnafSizes sizes = fastmi::cuda::plan_bnaf_sizes<float>(a.shape, true, 132);
  const std::vector<float> parameters = flat(a);
  const BnafNetwork<float> network{a.shape, a.x.data(), a.y.data(), parameters.data(), a.leak};
  auto workspace = garbage<float>(sizes.workspace);
  auto scratch = garbage<float>(sizes.scratch);
  auto gradients = garbage<float>(sizes.parameters);
  auto f = garbage<float>(a.shape.n * a.shape.d);
  auto log_slopes = f;
  fastmi::cuda::drive_bnaf_forward(queue, network, true, workspace.data(), f.data(),
                                   log_slopes.data());
  FASTMI_CHECK(queue.launches == 3);
  float* none = nullptr;
  fastmi::cuda::drive_bnaf_backward(queue, network, workspace.data(), a.f_gradient.data(),
                                    a.slope_gradient.data(), scratch.data(), none, none,
                                    gradients.data());
  FASTMI_CHECK(queue.launches == 6);
  FASTMI_CHECK(queue.allocations == 0);
}

FASTMI_TEST(without_a_backward_pass_the_numbers_are_the_same_in_slabs) {
  // A row takes 5 (1 + 650 + 1) + 2 (1 + 300) numbers, which makes three slabs.
  const BnafShape shape{17000 * 2, 1, {1, 650, 1}, 20000, 1, {1, 300}};
  const std::int64_t rows = fastmi::cuda::slab_rows<float>(shape);
  FASTMI_CHECK(rows < shape.n && rows > shape.n / 3 && rows % 128 == 0, std::to_string(rows));
  const Arguments<float> a(shape, false, 5);
  HostQueue queue(8);
  const BnafSizes sizes = fastmi::cuda::plan_bnaf_sizes<float>(shape, false, 8);
  FASTMI_CHECK(sizes.workspace < (std::int64_t{1} << 26) + (std::int64_t{1} << 22));
  const std::vector<float> parameters = flat(a);
  const BnafNetwork<float> network{a.shape, a.x.data(), a.y.data(), parameters.data(), a.leak};
  const auto run = [&](bool keep) {
    auto f = garbage<float>(shape.n);
    auto log_slopes = garbage<float>(shape.n);
    const BnafSizes own = fastmi::cuda::plan_bnaf_sizes<float>(shape, keep, 8);
    auto workspace = garbage<float>(own.workspace);
    fastmi::cuda::drive_bnaf_forward(queue, network, keep, workspace.data(), f.data(),
                                     log_slopes.data());
    f.insert(f.end(), log_slopes.begin(), log_slopes.end());
    return f;
  };
  FASTMI_CHECK(run(false) == run(true));
}

FASTMI_TEST(saturated_units_keep_their_slopes) {
  for (const bool leaks : {false, true}) {
    const BnafShape shape{40, 3, {1, 5, 6, 1}, 0, 0, {}};
    Arguments<float> a(shape, leaks, 2);
    Arguments<double> exact(shape, leaks, 2);
    const auto spoil = [](auto& arguments) {
      for (int r = 0; r < 15; ++r) arguments.biases[0][r] += 300 * (r / 7.0F - 1);
      for (int i = 0; i < 3; ++i) {
        for (int p = 0; p < 6; ++p) {
          for (int q = 0; q < 5; ++q) {
            arguments.weights[1][30 * i * (i + 1) / 2 + p * (i + 1) * 5 + i * 5 + q] -= 80;
          }
        }
      }
    };
    spoil(a);
    spoil(exact);
    const auto expected = on_cpu(exact);
    HostQueue queue(1000);
    const auto got = on_device(queue, a);
    for (std::size_t at = 0; at < got[1].size(); ++at) {
      FASTMI_CHECK(std::fabs(got[1][at] - expected[1][at]) <= 1e-5 * std::fabs(expected[1][at]));
    }
    for (const auto& result : got) {
      for (const float v : result) FASTMI_CHECK(std::isfinite(v));
    }
  }
}

FASTMI_TEST(nan_stays_in_its_row) {
  Arguments<float> a({200, 3, {1, 4, 5, 1}, 150, 2, {1, 5, 3}}, false, 4);
  HostQueue queue(1000);
  const auto clean = on_device(queue, a);
  a.x[7 * 3] = std::numeric_limits<float>::quiet_NaN();
  const auto got = on_device(queue, a);
  for (int row = 0; row < 200; ++row) {
    for (int r = 0; r < 3; ++r) {
      for (int j = 0; j < 3; ++j) {
        const float v = got[r][row * 3 + j];
        FASTMI_CHECK(row == 7 ? std::isnan(v) : v == clean[r][row * 3 + j]);
      }
    }
  }
}

FASTMI_TEST(rows_and_columns_of_a_triangle) {
  for (const int a_out : {1, 3, 7, 20, 64}) {
    for (const int a_in : {1, 4, 9, 50}) {
      const fastmi::cuda::Triangle<float> weights(nullptr, 90, a_out, a_in, true);
      std::int64_t start = 0;
      for (int row = 0; row < weights.rows(); ++row) {
        const int block = weights.block_of_row(row);
        FASTMI_CHECK(block == row / a_out);
        FASTMI_CHECK(weights.start(row, block) == static_cast<std::uint32_t>(start));
        start += weights.length(block);
      }
      for (int k = 0; k < weights.columns(); ++k) {
        FASTMI_CHECK(weights.block_of_column(k) == k / a_in);
      }
    }
  }
  // Every multiple of a, and the row before it, up to the largest number of rows.
  for (int a = 1; a < 3000; a += a < 70 ? 1 : 97) {
    const fastmi::cuda::Triangle<float> weights(nullptr, 1, a, 1, true);
    for (int row = 0; row < fastmi::cuda::kMostUnits; row += a) {
      FASTMI_CHECK(weights.block_of_row(row) == row / a);
      if (row > 0) FASTMI_CHECK(weights.block_of_row(row - 1) == (row - 1) / a);
    }
  }
}

FASTMI_TEST(what_cannot_be_counted_is_named) {
  const auto sizes = [](const BnafShape& shape) {
    return fastmi::cuda::plan_bnaf_sizes<float>(shape, true, 1);
  };
  BnafShape deep{4, 2, std::vector<int>(18, 1), 0, 0, {}};
  FASTMI_CHECK_THROWS(sizes(deep), std::invalid_argument);
  FASTMI_CHECK_THROWS(sizes({4, 3, {1, 1 << 20, 1}, 0, 0, {}}), std::invalid_argument);
  FASTMI_CHECK_THROWS(sizes({4, 2, {1, 40000, 40000, 1}, 0, 0, {}}), std::invalid_argument);
  FASTMI_CHECK_THROWS(sizes({std::int64_t{1} << 31, 1, {1, 1}, 0, 0, {}}), std::invalid_argument);
}

}  // namespace

int main() { return fastmi::test::run_all(); }
