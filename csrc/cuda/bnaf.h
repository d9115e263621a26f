// The flow of fastmi.ops.bnaf on tensors in device memory, without CUDA headers.
//
// Nothing here allocates, waits or reads back: launches go to the given stream in a fixed order, so
// that a training step can be captured in a CUDA graph.
#pragma once

#include <cstdint>
#include <vector>

namespace fastmi::cuda {

/// Sizes of one pass. Layer l maps d blocks of widths[l - 1] units to d blocks of widths[l].
struct BnafShape {
  std::int64_t n = 0;  ///< rows of x
  std::int64_t d = 0;
  std::vector<int> widths;       ///< units per block: 1, a_1, ..., a_L = 1
  std::int64_t conditioned = 0;  ///< the first rows of x that have a y; may be 0
  std::int64_t d_y = 0;
  std::vector<int> y_widths;  ///< 1, e_1, ..., e_{L-1}; empty without y

  int depth() const { return static_cast<int>(widths.size()) - 1; }
};

inline constexpr int kMaxBnafDepth = 16;

/// Addresses in device memory, all contiguous.
template <class T>
struct BnafNetwork {
  BnafShape shape;
  const T* x = nullptr;           ///< [n, d]
  const T* y = nullptr;           ///< [conditioned, d_y]
  const T* parameters = nullptr;  ///< in the order of fastmi.ops.bnaf_layout
  T leak = 0;                     ///< activation tanh(u) + leak u
};

/// How many numbers the caller provides memory for.
struct BnafSizes {
  std::int64_t workspace = 0;   ///< what a forward pass needs; kept for the backward pass
  std::int64_t scratch = 0;     ///< what a backward pass needs besides
  std::int64_t parameters = 0;  ///< the gradients; without y, of the network on x alone
};

/// Throws std::invalid_argument for more layers or numbers than the kernels can count. Without
/// `keep` the workspace is bounded however many rows there are.
BnafSizes bnaf_sizes(const BnafShape& shape, int bytes_per_number, bool keep, int device);

/// Writes f [n, d] and log_slopes [n, d]. With `keep` workspace holds what a backward pass needs.
template <class T>
void bnaf_forward(const BnafNetwork<T>& network, bool keep, T* workspace, T* f, T* log_slopes,
                  int device, std::uintptr_t stream);

/// Gradients of a loss from its gradients in f and log_slopes, both [n, d]: x_gradient [n, d] and
/// y_gradient [conditioned, d_y], either may be null; those of the parameters in `gradients`. The
/// network's tensors must be as they were in the forward pass, as must workspace, which stays so.
/// Sums are taken in an order that depends on sizes and the device's multiprocessors alone.
template <class T>
void bnaf_backward(const BnafNetwork<T>& network, T* workspace, const T* f_gradient,
                   const T* slope_gradient, T* scratch, T* x_gradient, T* y_gradient, T* gradients,
                   int device, std::uintptr_t stream);

}  // namespace fastmi::cuda
