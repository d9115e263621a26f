#pragma once

#include <stdexcept>
#include <string>

namespace fastmi::bindings {

/// Calls f.template operator()<T>() for the number type of this name.
template <class F>
decltype(auto) with_dtype(const std::string& dtype, F&& f) {
  if (dtype == "float32") return f.template operator()<float>();
  if (dtype == "float64") return f.template operator()<double>();
  throw std::invalid_argument("dtype must be 'float32' or 'float64'; got '" + dtype + "'");
}

}  // namespace fastmi::bindings
