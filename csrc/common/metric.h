#pragma once

#include <utility>

namespace fastmi {

enum class Metric { kChebyshev, kEuclidean };

/// Call f.template operator()<M>() with the metric as a template argument.
template <class F>
decltype(auto) with_metric(Metric metric, F&& f) {
  if (metric == Metric::kEuclidean) {
    return std::forward<F>(f).template operator()<Metric::kEuclidean>();
  }
  return std::forward<F>(f).template operator()<Metric::kChebyshev>();
}

}  // namespace fastmi
