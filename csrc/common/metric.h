#pragma once

namespace fastmi {

enum class Metric { kChebyshev, kEuclidean };

}  // namespace fastmi
