// The flow in device memory that the caller allocates. These functions take addresses, launch on
// `stream` of device number `device` and return at once, so that a graph can capture them.
//
// `shape` is (n, d, widths, conditioned, d_y, y_widths), see cuda/bnaf.h; `network` holds the
// addresses of x, y (0 if there is none) and all parameters. bnaf_sizes returns how many numbers
// the workspace, the scratch and the gradients of the parameters take.
#include "bindings/cuda_bnaf.h"

#include <pybind11/stl.h>

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include "bindings/dtype_name.h"
#include "bindings/run.h"
#include "cuda/bnaf.h"

namespace fastmi::bindings {
namespace {

namespace py = pybind11;
using Address = std::uintptr_t;
using Addresses = std::tuple<Address, Address, Address>;
using Widths = std::vector<int>;
using Shape = std::tuple<std::int64_t, std::int64_t, Widths, std::int64_t, std::int64_t, Widths>;

cuda::BnafShape as_shape(const Shape& sizes) {
  const auto& [n, d, widths, conditioned, d_y, y_widths] = sizes;
  const auto positive = [](int width) { return width >= 1; };
  if (n < 1 || d < 1 || widths.size() < 2 || widths.front() != 1 || widths.back() != 1 ||
      !std::all_of(widths.begin(), widths.end(), positive)) {
    throw std::invalid_argument("shape must have n, d >= 1 and widths 1, ..., 1");
  }
  const bool has_y = conditioned > 0;
  if (conditioned < 0 || conditioned > n || y_widths.size() != (has_y ? widths.size() - 1 : 0) ||
      (has_y && (d_y < 1 || y_widths.front() != 1)) ||
      !std::all_of(y_widths.begin(), y_widths.end(), positive)) {
    throw std::invalid_argument(
        "shape must have conditioned <= n and y_widths 1, ... of all but the last layer, "
        "or neither");
  }
  return {n, d, widths, conditioned, d_y, y_widths};
}

template <class T>
T* at(Address address) {
  return reinterpret_cast<T*>(address);
}

template <class T>
cuda::BnafNetwork<T> as_network(const Shape& sizes, const Addresses& addresses, double leak) {
  const auto& [x, y, parameters] = addresses;
  const cuda::BnafShape shape = as_shape(sizes);
  if (x == 0 || parameters == 0 || (y == 0) != (shape.conditioned == 0)) {
    throw std::invalid_argument(
        "network must have no null address, except that of a y that is not there");
  }
  return {shape, at<const T>(x), at<const T>(y), at<const T>(parameters), static_cast<T>(leak)};
}

}  // namespace

void register_cuda_bnaf(py::module_& m) {
  using namespace py::literals;
  m.def(
      "bnaf_sizes",
      [](const Shape& shape, const std::string& dtype, bool keep, int device) {
        cuda::BnafSizes sizes;
        with_dtype(dtype, [&]<class T>() {
          sizes = cuda::bnaf_sizes(as_shape(shape), sizeof(T), keep, device);
        });
        return py::make_tuple(sizes.workspace, sizes.scratch, sizes.parameters);
      },
      "shape"_a, "dtype"_a, "keep"_a, "device"_a);
  m.def(
      "bnaf_forward",
      [](const Shape& shape, const std::string& dtype, const Addresses& addresses, double leak,
         bool keep, Address workspace, Address f, Address log_slopes, int device, Address stream) {
        with_dtype(dtype, [&]<class T>() {
          const auto network = as_network<T>(shape, addresses, leak);
          const WithoutGil no_gil;
          cuda::bnaf_forward(network, keep, at<T>(workspace), at<T>(f), at<T>(log_slopes), device,
                             stream);
        });
      },
      "shape"_a, "dtype"_a, "network"_a, "leak"_a, "keep"_a, "workspace"_a, "f"_a, "log_slopes"_a,
      "device"_a, "stream"_a);
  m.def(
      "bnaf_backward",
      [](const Shape& shape, const std::string& dtype, const Addresses& addresses, double leak,
         Address workspace, Address f_gradient, Address slope_gradient, Address scratch,
         Address x_gradient, Address y_gradient, Address gradients, int device, Address stream) {
        with_dtype(dtype, [&]<class T>() {
          const auto network = as_network<T>(shape, addresses, leak);
          const WithoutGil no_gil;
          cuda::bnaf_backward(network, at<T>(workspace), at<const T>(f_gradient),
                              at<const T>(slope_gradient), at<T>(scratch), at<T>(x_gradient),
                              at<T>(y_gradient), at<T>(gradients), device, stream);
        });
      },
      "shape"_a, "dtype"_a, "network"_a, "leak"_a, "workspace"_a, "f_gradient"_a,
      "slope_gradient"_a, "scratch"_a, "x_gradient"_a, "y_gradient"_a, "gradients"_a, "device"_a,
      "stream"_a);
}

}  // namespace fastmi::bindings
