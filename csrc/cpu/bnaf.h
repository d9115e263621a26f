#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "cpu/parallel.h"

namespace fastmi::cpu {

/// Arguments of one pass through a block neural autoregressive flow, De Cao et al. (2019), whose
/// definition is fastmi.ops.bnaf.bnaf_ref. All arrays are contiguous; weights lie as BlockTriangle
/// says, their diagonal blocks as logarithms, except that the cross weights are dense.
template <class T>
struct BnafNetwork {
  std::int64_t n = 0;  ///< rows of x
  std::int64_t d = 0;
  const T* x = nullptr;              ///< [n, d]
  std::vector<std::int64_t> widths;  ///< units per block: 1, a_1, ..., a_L = 1
  std::vector<const T*> weights;     ///< L
  std::vector<const T*> biases;      ///< L
  std::int64_t conditioned = 0;      ///< the first rows of x that have a y; may be 0
  std::int64_t d_y = 0;
  const T* y = nullptr;                 ///< [conditioned, d_y]
  std::vector<std::int64_t> y_widths;   ///< 1, e_1, ..., e_{L-1}
  std::vector<const T*> y_weights;      ///< L - 1
  std::vector<const T*> y_biases;       ///< L - 1
  std::vector<const T*> cross_weights;  ///< L, [d a_l, d_y e_{l-1}]
  T leak = 0;                           ///< activation tanh(u) + leak u
};

/// Where to write dL/d(argument), shaped like the arguments; x and y may be null.
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

  /// Gradients of a loss from its gradients in f and log_slopes, both [n, d]; as often as wanted,
  /// on one thread at a time. Throws std::logic_error where the forward pass was not to `keep`.
  void backward(const T* f_gradient, const T* slope_gradient, const Execution& execution,
                const BnafGradients<T>& gradients);

 private:
  struct Pass;
  std::unique_ptr<Pass> pass_;
};

}  // namespace fastmi::cpu
