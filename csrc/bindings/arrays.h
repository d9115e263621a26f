// NumPy arrays as the kernels' views. A wrong dtype or layout is an error here, never a silent
// copy: converting is the Python layer's work.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/points.h"

namespace fastmi::bindings {

namespace py = pybind11;

template <class T>
using Array = py::array_t<T, py::array::c_style>;

/// Most samples the 32-bit sample indices of the kernels can tell apart.
inline constexpr std::int64_t kMaxSamples = std::numeric_limits<std::int32_t>::max() - 64;

inline void check_n(std::int64_t n) {
  if (n < 2 || n > kMaxSamples) {
    throw std::invalid_argument("n must be in [2, " + std::to_string(kMaxSamples) +
                                "]; got n=" + std::to_string(n));
  }
}

template <class T>
Blocks<T> as_blocks(const std::vector<py::array>& arrays) {
  Blocks<T> blocks;
  for (const py::array& array : arrays) {
    if (!py::isinstance<Array<T>>(array)) {
      throw py::type_error("blocks must be C-contiguous and all of one dtype, float32 or float64");
    }
    if (array.ndim() != 2) {
      throw std::invalid_argument("blocks must be 2-D [n, d]; got ndim=" +
                                  std::to_string(array.ndim()));
    }
    if (array.shape(1) < 1 || array.shape(1) > std::numeric_limits<int>::max() / 64) {
      throw std::invalid_argument("blocks must have at least 1 column; got d=" +
                                  std::to_string(array.shape(1)));
    }
    blocks.push_back(
        {static_cast<const T*>(array.data()), array.shape(0), static_cast<int>(array.shape(1))});
  }
  if (blocks.empty()) throw std::invalid_argument("blocks must not be empty");
  const std::int64_t n = blocks.front().n;
  for (const Points<T>& block : blocks) {
    if (block.n != n) {
      throw std::invalid_argument("blocks must have the same n; got " + std::to_string(n) +
                                  " and " + std::to_string(block.n));
    }
  }
  check_n(n);
  return blocks;
}

/// Calls f.template operator()<T>() for the dtype of the first block.
template <class F>
decltype(auto) with_dtype(const std::vector<py::array>& arrays, F&& f) {
  if (!arrays.empty() && py::isinstance<py::array_t<float>>(arrays.front())) {
    return f.template operator()<float>();
  }
  return f.template operator()<double>();
}

}  // namespace fastmi::bindings
