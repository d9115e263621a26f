#include "bindings/cpu_bnaf.h"

#include <pybind11/stl.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bindings/cpu_backend.h"
#include "bindings/ops.h"
#include "cpu/block_triangle.h"
#include "cpu/bnaf.h"
#include "cpu/buffer.h"

namespace fastmi::bindings {
namespace {

using Sizes = std::vector<std::int64_t>;

/// An array whose memory is kept, once it is freed, for the next array of its size. Otherwise
/// gradients of a few megabytes would take fresh pages at every training step.
template <class T>
py::array_t<T> make_array(const std::vector<py::ssize_t>& shape) {
  py::ssize_t size = 1;
  for (const py::ssize_t side : shape) size *= side;
  auto memory = std::make_unique<cpu::Buffer<T>>();
  memory->resize(static_cast<std::size_t>(size));
  T* data = memory->data();
  const py::capsule owner(memory.release(),
                          [](void* p) { delete static_cast<cpu::Buffer<T>*>(p); });
  return py::array_t<T>(shape, data, owner);
}

template <class T>
const T* pointer(const py::array& array, std::int64_t size, const std::string& name) {
  if (!py::isinstance<Array<T>>(array)) {
    throw py::type_error(name + " must be C-contiguous and of the dtype of x");
  }
  if (array.size() != size) {
    throw std::invalid_argument(name + " must have " + std::to_string(size) + " numbers; got " +
                                std::to_string(array.size()));
  }
  return static_cast<const T*>(array.data());
}

void check_rows(const py::array& array, const std::string& name) {
  if (array.ndim() != 2 || array.size() == 0) {
    throw std::invalid_argument(name + " must be 2-D and not empty");
  }
}

/// Where the parameters lie in one vector: weights and biases of the network on x, those of the
/// network on y, cross weights.
struct Layout {
  std::int64_t d;
  Sizes widths;
  std::int64_t d_y;
  Sizes y_widths;

  Layout(std::int64_t blocks, Sizes x_sizes, std::int64_t y_blocks, Sizes y_sizes)
      : d(blocks), widths(std::move(x_sizes)), d_y(y_blocks), y_widths(std::move(y_sizes)) {
    const auto positive = [](const Sizes& sizes) {
      return std::all_of(sizes.begin(), sizes.end(), [](std::int64_t a) { return a >= 1; });
    };
    if (!positive(widths) || widths.size() < 2 || widths.front() != 1 || widths.back() != 1) {
      throw std::invalid_argument("widths must be 1, a_1, ..., 1");
    }
    if (d_y < 0 || (d_y == 0 && !y_widths.empty()) ||
        (d_y > 0 &&
         (!positive(y_widths) || y_widths.size() + 1 != widths.size() || y_widths.front() != 1))) {
      throw std::invalid_argument("y_widths must be 1, e_1, ..., one less than widths");
    }
  }

  /// Calls take(group, size) for one array of parameters after the other.
  template <class Groups, class Take>
  void walk(Groups& groups, bool with_y, Take&& take) const {
    const auto layers = [&](std::int64_t blocks, const Sizes& sizes, auto& weights, auto& biases) {
      for (std::size_t l = 0; l + 1 < sizes.size(); ++l) {
        take(weights, cpu::BlockTriangle{blocks, sizes[l + 1], sizes[l]}.size());
      }
      for (std::size_t l = 0; l + 1 < sizes.size(); ++l) take(biases, blocks * sizes[l + 1]);
    };
    layers(d, widths, groups.weights, groups.biases);
    if (!with_y) return;
    layers(d_y, y_widths, groups.y_weights, groups.y_biases);
    for (std::size_t l = 0; l < y_widths.size(); ++l) {
      take(groups.cross_weights, d * widths[l + 1] * d_y * y_widths[l]);
    }
  }

  std::int64_t size(bool with_y) const {
    cpu::BnafGradients<float> nothing;
    std::int64_t sum = 0;
    walk(nothing, with_y, [&](auto&, std::int64_t size) { sum += size; });
    return sum;
  }

  /// Fills the groups of a BnafNetwork or of BnafGradients.
  template <class T, class Groups>
  void split(T* vector, Groups& groups, bool with_y) const {
    walk(groups, with_y, [&](auto& group, std::int64_t size) {
      group.push_back(vector);
      vector += size;
    });
  }
};

/// A forward pass that remembers the shapes of its arguments.
template <class T>
class Pass {
 public:
  Pass(const py::array& x, const py::array& parameters, const Sizes& widths,
       const std::optional<py::array>& y, std::int64_t d_y, const Sizes& y_widths, double leak,
       bool keep, int threads)
      : layout_((check_rows(x, "x"), x.shape(1)), widths, d_y, y_widths), parameters_(parameters) {
    cpu::BnafNetwork<T> network;
    n_ = network.n = x.shape(0);
    network.d = layout_.d;
    network.widths = layout_.widths;
    network.leak = static_cast<T>(leak);
    network.x = pointer<T>(x, x.size(), "x");
    if (y) {
      check_rows(*y, "y");
      rows_y_ = network.conditioned = y->shape(0);
      if (rows_y_ > n_) throw std::invalid_argument("y must not have more rows than x");
      network.d_y = d_y;
      network.y_widths = layout_.y_widths;
      network.y = pointer<T>(*y, rows_y_ * d_y, "y");
    }
    layout_.split(pointer<T>(parameters, layout_.size(true), "parameters"), network, y.has_value());
    f = make_array<T>({n_, layout_.d});
    slopes = make_array<T>({n_, layout_.d});
    T* f_data = f.mutable_data();
    T* slope_data = slopes.mutable_data();
    CpuBackend::Place({}, threads).run([&](const cpu::Execution& execution) {
      pass_ = std::make_unique<cpu::Bnaf<T>>(network, keep, execution, f_data, slope_data);
    });
  }

  /// Returns the gradients of x, y and the parameters, which are zero for parameters that no row
  /// used.
  py::tuple backward(const py::array& f_gradient, const py::array& slope_gradient, bool for_x,
                     bool for_y, int threads) {
    const T* df = pointer<T>(f_gradient, n_ * layout_.d, "f_gradient");
    const T* ds = pointer<T>(slope_gradient, n_ * layout_.d, "slope_gradient");
    const bool has_y = rows_y_ > 0;
    cpu::BnafGradients<T> gradients;
    py::object x = py::none();
    py::object y = py::none();
    if (for_x) x = output({n_, layout_.d}, gradients.x);
    if (for_y && has_y) y = output({rows_y_, layout_.d_y}, gradients.y);
    T* vector = nullptr;
    const std::int64_t size = layout_.size(true);
    const py::array_t<T> parameters = output({size}, vector);
    if (!has_y) std::fill(vector + layout_.size(false), vector + size, T(0));
    layout_.split(vector, gradients, has_y);
    CpuBackend::Place({}, threads).run([&](const cpu::Execution& execution) {
      pass_->backward(df, ds, execution, gradients);
    });
    return py::make_tuple(x, y, parameters);
  }

  py::array_t<T> f;
  py::array_t<T> slopes;

 private:
  static py::array_t<T> output(const std::vector<py::ssize_t>& shape, T*& data) {
    py::array_t<T> array = make_array<T>(shape);
    data = array.mutable_data();
    return array;
  }

  std::int64_t n_ = 0, rows_y_ = 0;
  Layout layout_;
  py::array parameters_;  // kept alive, as the backward pass reads them
  std::unique_ptr<cpu::Bnaf<T>> pass_;
};

template <class T>
void register_pass(py::module_& m, const char* name) {
  using namespace py::literals;
  py::class_<Pass<T>>(m, name)
      .def_readonly("f", &Pass<T>::f)
      .def_readonly("log_slopes", &Pass<T>::slopes)
      .def("backward", &Pass<T>::backward, "f_gradient"_a, "slope_gradient"_a, "for_x"_a, "for_y"_a,
           "threads"_a);
}

}  // namespace

void register_cpu_bnaf(py::module_& m) {
  using namespace py::literals;
  register_pass<float>(m, "BnafPassF32");
  register_pass<double>(m, "BnafPassF64");
  m.def(
      "bnaf_forward",
      [](const py::array& x, const py::array& parameters, const Sizes& widths,
         const std::optional<py::array>& y, std::int64_t d_y, const Sizes& y_widths, double leak,
         bool keep, int threads) {
        return with_dtype<CpuBackend>(x, [&]<class T>() -> py::object {
          return py::cast(std::make_unique<Pass<T>>(x, parameters, widths, y, d_y, y_widths, leak,
                                                    keep, threads));
        });
      },
      "x"_a, "parameters"_a, "widths"_a, "y"_a, "d_y"_a, "y_widths"_a, "leak"_a, "keep"_a,
      "threads"_a);
}

}  // namespace fastmi::bindings
