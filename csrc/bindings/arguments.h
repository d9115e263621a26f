// Arguments and results that the bindings of both backends share.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "bindings/arrays.h"
#include "common/metric.h"

namespace fastmi::bindings {

inline Metric as_metric(const std::string& name) {
  if (name == "chebyshev") return Metric::kChebyshev;
  if (name == "euclidean") return Metric::kEuclidean;
  throw std::invalid_argument("metric must be 'chebyshev' or 'euclidean'; got '" + name + "'");
}

inline void check_k(int k, std::int64_t n) {
  if (k < 1 || k >= n) {
    throw std::invalid_argument("k must be in [1, n - 1]; got k=" + std::to_string(k) +
                                ", n=" + std::to_string(n));
  }
}

inline void check_ks(const std::vector<int>& ks, std::int64_t n) {
  if (ks.empty()) throw std::invalid_argument("ks must not be empty");
  for (const int k : ks) check_k(k, n);
}

/// The radii of n samples; `radius` is an Array<T>.
template <class T>
const T* as_radii(const py::array& radius, std::int64_t n) {
  if (radius.ndim() != 1 || radius.shape(0) != n) {
    throw std::invalid_argument("radius must have shape [n]; got n=" + std::to_string(n) + " and " +
                                std::to_string(radius.size()) + " radii");
  }
  const T* r = static_cast<const T*>(radius.data());
  if (!std::all_of(r, r + n, [](T value) { return value >= 0; })) {
    throw std::invalid_argument("radius must not be negative or NaN");
  }
  return r;
}

/// Relative scales in the number type of the samples.
template <class T>
std::vector<T> as_scales(const std::vector<double>& scales) {
  if (scales.empty()) throw std::invalid_argument("scales must not be empty");
  std::vector<T> own;
  for (const double scale : scales) {
    own.push_back(static_cast<T>(scale));
    if (!(own.back() > 0) || !std::isfinite(own.back())) {
      throw std::invalid_argument("scales must be positive and finite; got " +
                                  std::to_string(scale));
    }
  }
  return own;
}

/// mean, std and zero_radius of a backend's summaries, in the shape of the estimates.
struct PsiArrays {
  Array<double> mean;
  Array<double> std;
  Array<std::int64_t> zero_radius;

  template <class Summary>
  PsiArrays(const std::vector<Summary>& summaries, const std::vector<py::ssize_t>& shape)
      : mean(shape), std(shape), zero_radius(shape) {
    for (std::size_t e = 0; e < summaries.size(); ++e) {
      mean.mutable_data()[e] = summaries[e].mean;
      std.mutable_data()[e] = summaries[e].std;
      zero_radius.mutable_data()[e] = summaries[e].zero_radius;
    }
  }
};

}  // namespace fastmi::bindings
