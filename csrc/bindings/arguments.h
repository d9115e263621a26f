// Checks of arguments that are the same whatever the backend.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "bindings/arrays.h"
#include "common/ksg_variant.h"
#include "common/metric.h"

namespace fastmi::bindings {

inline Metric as_metric(const std::string& name) {
  if (name == "chebyshev") return Metric::kChebyshev;
  if (name == "euclidean") return Metric::kEuclidean;
  throw std::invalid_argument("metric must be 'chebyshev' or 'euclidean'; got '" + name + "'");
}

inline KsgVariant as_variant(int number) {
  if (number == 1) return KsgVariant::kOne;
  if (number == 2) return KsgVariant::kTwo;
  throw std::invalid_argument("variant must be 1 or 2; got " + std::to_string(number));
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

/// Checks spaces, which are lists of block numbers in [0, m).
inline void check_spaces(const std::vector<std::vector<int>>& spaces, std::size_t m) {
  for (const std::vector<int>& space : spaces) {
    if (space.empty()) throw std::invalid_argument("spaces must not have an empty one");
    for (const int b : space) {
      if (b < 0 || b >= static_cast<int>(m)) {
        throw std::invalid_argument("spaces must name blocks in [0, " + std::to_string(m) +
                                    "); got " + std::to_string(b));
      }
    }
  }
}

/// Checks the radii of n samples; `radius` must be an Array<T>.
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

/// Checks pairs [p, 2] of columns in [0, m).
inline const std::int64_t* as_pairs(const Array<std::int64_t>& pairs, std::int64_t m) {
  if (pairs.ndim() != 2 || pairs.shape(1) != 2) {
    throw std::invalid_argument("pairs must have shape [p, 2]; got ndim=" +
                                std::to_string(pairs.ndim()));
  }
  const std::int64_t* from = pairs.data();
  for (py::ssize_t p = 0; p < pairs.size(); ++p) {
    if (from[p] < 0 || from[p] >= m) {
      throw std::invalid_argument("pairs must be in [0, " + std::to_string(m) + "); got " +
                                  std::to_string(from[p]));
    }
  }
  return from;
}

/// Checks relative scales, and returns them in the number type of the samples.
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

}  // namespace fastmi::bindings
