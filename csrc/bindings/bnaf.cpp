#include "bindings/bnaf.h"

#include <pybind11/stl.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bindings/arrays.h"
#include "cpu/bnaf.h"
#include "cpu/buffer.h"

namespace fastmi::bindings {
namespace {

using Arrays = std::vector<py::array>;
using Sizes = std::vector<std::int64_t>;

/// An array whose memory is kept for the next one of its size once it is freed: gradients of a
/// few megabytes would else be fresh pages at every training step.
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

/// The widths 1, a_1, ... of layers with these biases.
Sizes widths_of(const Arrays& biases, std::int64_t blocks, const std::string& name) {
  Sizes widths{1};
  for (const py::array& bias : biases) {
    if (bias.size() == 0 || bias.size() % blocks != 0) {
      throw std::invalid_argument(name + " must have a multiple of " + std::to_string(blocks) +
                                  " numbers; got " + std::to_string(bias.size()));
    }
    widths.push_back(bias.size() / blocks);
  }
  return widths;
}

template <class F>
void run(int threads, F&& f) {
  if (threads < 1) {
    throw std::invalid_argument("threads must be at least 1; got " + std::to_string(threads));
  }
  try {
    const py::gil_scoped_release no_gil;
    cpu::Execution execution;
    execution.threads = threads;
    execution.interrupted = [] {
      const py::gil_scoped_acquire gil;
      return PyErr_CheckSignals() != 0;
    };
    f(execution);
  } catch (const cpu::Interrupted&) {
    throw py::error_already_set();
  }
}

/// A forward pass that remembers the shapes of its arguments.
template <class T>
class Pass {
 public:
  Pass(const py::array& x, const Arrays& weights, const Arrays& biases,
       const std::optional<py::array>& y, const Arrays& y_weights, const Arrays& y_biases,
       const Arrays& cross_weights, double leak, bool keep, int threads) {
    check_rows(x, "x");
    cpu::BnafNetwork<T> network;
    n_ = network.n = x.shape(0);
    d_ = network.d = x.shape(1);
    network.leak = static_cast<T>(leak);
    network.x = pointer<T>(x, x.size(), "x");
    network.widths = widths_of(biases, d_, "biases");
    add_layers(d_, network.widths, weights, biases, network.weights, network.biases);
    if (weights.empty() || network.widths.back() != 1) {
      throw std::invalid_argument("the last layer must have one unit per block");
    }
    if (y) {
      check_rows(*y, "y");
      rows_y_ = network.conditioned = y->shape(0);
      d_y_ = network.d_y = y->shape(1);
      if (rows_y_ > n_) throw std::invalid_argument("y must not have more rows than x");
      network.y = pointer<T>(*y, y->size(), "y");
      network.y_widths = widths_of(y_biases, d_y_, "y_biases");
      add_layers(d_y_, network.y_widths, y_weights, y_biases, network.y_weights, network.y_biases);
      if (y_weights.size() + 1 != weights.size() || cross_weights.size() != weights.size()) {
        throw std::invalid_argument("y needs L - 1 layers of its own and L cross weights");
      }
      for (std::size_t l = 0; l < weights.size(); ++l) {
        network.cross_weights.push_back(
            pointer<T>(cross_weights[l], d_ * network.widths[l + 1] * d_y_ * network.y_widths[l],
                       "cross_weights"));
        cross_shapes_.push_back({d_ * network.widths[l + 1], d_y_ * network.y_widths[l]});
      }
      y_widths_ = network.y_widths;
    }
    widths_ = network.widths;
    f = make_array<T>({n_, d_});
    slopes = make_array<T>({n_, d_});
    T* f_data = f.mutable_data();
    T* slope_data = slopes.mutable_data();
    run(threads, [&](const cpu::Execution& execution) {
      pass_ = std::make_unique<cpu::Bnaf<T>>(network, keep, execution, f_data, slope_data);
    });
  }

  py::tuple backward(const py::array& f_gradient, const py::array& slope_gradient, bool for_x,
                     bool for_y, int threads) {
    const T* df = pointer<T>(f_gradient, n_ * d_, "f_gradient");
    const T* ds = pointer<T>(slope_gradient, n_ * d_, "slope_gradient");
    cpu::BnafGradients<T> gradients;
    py::object x = py::none();
    py::object y = py::none();
    if (for_x) x = output({n_, d_}, gradients.x);
    if (for_y && rows_y_ > 0) y = output({rows_y_, d_y_}, gradients.y);
    const auto layers = [](std::int64_t blocks, const Sizes& widths, std::vector<T*>& weights,
                           std::vector<T*>& biases) {
      py::list weight_list;
      py::list bias_list;
      for (std::size_t l = 0; l + 1 < widths.size(); ++l) {
        const std::int64_t size = blocks * (blocks + 1) / 2 * widths[l] * widths[l + 1];
        weight_list.append(output({size}, weights.emplace_back()));
        bias_list.append(output({blocks * widths[l + 1]}, biases.emplace_back()));
      }
      return std::pair(weight_list, bias_list);
    };
    const auto [weights, biases] = layers(d_, widths_, gradients.weights, gradients.biases);
    const auto [y_weights, y_biases] =
        layers(d_y_, y_widths_, gradients.y_weights, gradients.y_biases);
    py::list cross;
    for (const auto& shape : cross_shapes_) {
      cross.append(output(shape, gradients.cross_weights.emplace_back()));
    }
    run(threads,
        [&](const cpu::Execution& execution) { pass_->backward(df, ds, execution, gradients); });
    return py::make_tuple(x, y, weights, biases, y_weights, y_biases, cross);
  }

  py::array_t<T> f;
  py::array_t<T> slopes;

 private:
  static py::array_t<T> output(const std::vector<py::ssize_t>& shape, T*& data) {
    py::array_t<T> array = make_array<T>(shape);
    data = array.mutable_data();
    return array;
  }

  static void add_layers(std::int64_t blocks, const Sizes& widths, const Arrays& weights,
                         const Arrays& biases, std::vector<const T*>& weight_data,
                         std::vector<const T*>& bias_data) {
    if (weights.size() != biases.size()) {
      throw std::invalid_argument("weights and biases must have as many layers");
    }
    for (std::size_t l = 0; l < weights.size(); ++l) {
      const std::int64_t size = blocks * (blocks + 1) / 2 * widths[l] * widths[l + 1];
      weight_data.push_back(pointer<T>(weights[l], size, "weights"));
      bias_data.push_back(pointer<T>(biases[l], blocks * widths[l + 1], "biases"));
    }
  }

  std::int64_t n_ = 0, d_ = 0, rows_y_ = 0, d_y_ = 0;
  Sizes widths_, y_widths_;
  std::vector<std::vector<py::ssize_t>> cross_shapes_;
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

void register_bnaf(py::module_& m) {
  using namespace py::literals;
  register_pass<float>(m, "BnafPassF32");
  register_pass<double>(m, "BnafPassF64");
  m.def(
      "bnaf_forward",
      [](const py::array& x, const Arrays& weights, const Arrays& biases,
         const std::optional<py::array>& y, const Arrays& y_weights, const Arrays& y_biases,
         const Arrays& cross_weights, double leak, bool keep, int threads) {
        return with_dtype({x}, [&]<class T>() -> py::object {
          return py::cast(std::make_unique<Pass<T>>(x, weights, biases, y, y_weights, y_biases,
                                                    cross_weights, leak, keep, threads));
        });
      },
      "x"_a, "weights"_a, "biases"_a, "y"_a, "y_weights"_a, "y_biases"_a, "cross_weights"_a,
      "leak"_a, "keep"_a, "threads"_a);
}

}  // namespace fastmi::bindings
