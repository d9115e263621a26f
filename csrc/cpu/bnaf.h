#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "cpu/parallel.h"

namespace fastmi::cpu {

/// Arguments of one pass through a block neural autoregressive flow (De Cao et al. 2019,
/// https://arxiv.org/abs/1904.04676), whose definition is fastmi.ops.bnaf.bnaf_ref. All arrays are
/// contiguous. Weights are stored as in BlockTriangle, with the logarithms of their diagonal
/// blocks; cross weights are dense.
template <class T>
struct BnafNetwork {
  std::int64_t n = 0;  ///< rows of x
  std::int64_t d = 0;
  const T* x = nullptr;              ///< [n, d]
  std::vector<std::int64_t> widths;  ///< units per block: 1, a_1, ..., a_L = 1
  std::vector<const T*> weights;     ///< one array per layer
  std::vector<const T*> biases;      ///< one array per layer
  std::int64_t conditioned = 0;      ///< the first rows of x that have a y; may be 0
  std::int64_t d_y = 0;
  const T* y = nullptr;                 ///< [conditioned, d_y]
  std::vector<std::int64_t> y_widths;   ///< 1, e_1, ..., e_{L-1}
  std::vector<const T*> y_weights;      ///< one array per layer but the last
  std::vector<const T*> y_biases;       ///< one array per layer but the last
  std::vector<const T*> cross_weights;  ///< one matrix per layer, [d a_l, d_y e_{l-1}]
  T leak = 0;                           ///< activation tanh(u) + leak u
};

/// Where to write the gradients of a loss in the arguments, shaped like these; x and y may be null.
template <class T>
struct BnafGradients {
  T* x = nullptr;
  T* y = nullptr;
  std::vector<T*> weights;
  std::vector<T*> biases;
  std::vector<T*> y_weights;
  std::vector<T*> y_biases;
  std::vector<T*> cross_weights;
};

/// A forward pass and all that its backward pass needs. The parameters must stay where and as they
/// are between the two; x and y may change.
///
/// Results do not depend on the number of threads: a sample's numbers are computed in one order,
/// gradients of parameters are summed over fixed groups of samples. Time O(n d^2 a^2) with the
/// blocks above the diagonal skipped; memory O(n d a) with `keep`, O(threads d a) without.
template <class T>
class Bnaf {
 public:
  /// Runs the network. f [n, d] and log_slopes [n, d] are written. Without `keep` there is no
  /// backward pass.
  Bnaf(const BnafNetwork<T>& network, bool keep, const Execution& execution, T* f, T* log_slopes);
  ~Bnaf();
  Bnaf(const Bnaf&) = delete;
  Bnaf& operator=(const Bnaf&) = delete;

  /// Computes the gradients of a loss from its gradients in f and log_slopes, both [n, d]. It may
  /// be called repeatedly, but not by two threads at once. Throws std::logic_error if the forward
  /// pass ran without `keep`.
  void backward(const T* f_gradient, const T* slope_gradient, const Execution& execution,
                const BnafGradients<T>& gradients);

 private:
  struct Pass;
  std::unique_ptr<Pass> pass_;
};

}  // namespace fastmi::cpu
