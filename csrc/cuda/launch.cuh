// A body of block.h as a kernel: all that needs the device compiler. The host build of the tests
// has a file of this name too (tests/cpp/host_cuda).
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace fastmi::cuda {

template <class Body>
class DeviceBlock {
 public:
  using State = typename Body::State;

  __device__ DeviceBlock(std::int64_t blocks, typename Body::Shared& shared)
      : blocks_(blocks), shared_(shared) {}
  __device__ std::int64_t index() const { return blockIdx.x % blocks_; }
  __device__ std::int64_t blocks() const { return blocks_; }
  __device__ std::int64_t batch() const { return blockIdx.x / blocks_; }
  __device__ typename Body::Shared& shared() { return shared_; }

  __device__ void account(std::int64_t) {}

  template <class F>
  __device__ __forceinline__ void each(F&& f) {
    f(static_cast<int>(threadIdx.x), state_);
    __syncthreads();
  }
  template <class F>
  __device__ __forceinline__ bool any(F&& f) {
    return __syncthreads_or(f(static_cast<int>(threadIdx.x), state_) ? 1 : 0) != 0;
  }

 private:
  std::int64_t blocks_;
  typename Body::Shared& shared_;
  State state_;
};

/// Two blocks of 256 threads hide each other's loads and barriers; they get 128 registers a thread.
template <class Body>
constexpr int blocks_per_multiprocessor() {
  return 512 / Body::kThreads;
}

template <class Body>
__global__ void __launch_bounds__(Body::kThreads, blocks_per_multiprocessor<Body>())
    run_body(const __grid_constant__ typename Body::Params params, std::int64_t blocks) {
  __shared__ typename Body::Shared shared;
  DeviceBlock<Body> block(blocks, shared);
  Body::run(block, params);
}

/// Launches blocks * batch thread blocks, fewer than 2^31, on the current device. Errors are left
/// to cudaGetLastError.
template <class Body>
void launch_body(cudaStream_t stream, std::int64_t blocks, std::int64_t batch,
                 const typename Body::Params& params) {
  run_body<Body>
      <<<static_cast<unsigned>(blocks * batch), Body::kThreads, 0, stream>>>(params, blocks);
}

/// What a launch may take, see Queue in block.h.
struct LaunchLimits {
  std::int64_t scratch_bytes;
  double pair_dims;
  std::int64_t one_pass_from;
};

/// A launch of 1e12 pair-dimensions takes a fraction of a second on any GPU of the last ten years.
/// From 2^14 samples per neighbour on, a query has about one candidate in a tile (README.md).
inline LaunchLimits launch_limits() { return {std::int64_t{256} << 20, 1e12, 1 << 14}; }

}  // namespace fastmi::cuda
