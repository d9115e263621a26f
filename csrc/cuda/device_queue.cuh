// The Queue of block.h on a CUDA stream.
#pragma once

#include <cuda_runtime.h>

#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "cuda/block.h"
#include "cuda/device.h"
#include "cuda/launch.cuh"
#include "cuda/ops.h"

namespace fastmi::cuda {

/// The library's own memory pool of a device. It lives as long as the process and keeps up to
/// scratch_bytes from one call to the next. Null where the device has no stream-ordered pools. The
/// default pool will not do, as other libraries share it.
cudaMemPool_t scratch_pool(int device);

class DeviceQueue {
 public:
  explicit DeviceQueue(const Execution& execution)
      : execution_(execution),
        device_(execution.device),
        stream_(reinterpret_cast<cudaStream_t>(execution.stream)),
        pool_(scratch_pool(execution.device)) {
    check(cudaDeviceGetAttribute(&multiprocessors_, cudaDevAttrMultiProcessorCount,
                                 execution.device));
  }
  // After an error, earlier launches may still be reading the samples. Without one there is nothing
  // to wait for, but a pool gives up what it has above its threshold only at a synchronisation.
  ~DeviceQueue() { cudaStreamSynchronize(stream_); }
  DeviceQueue(const DeviceQueue&) = delete;
  DeviceQueue& operator=(const DeviceQueue&) = delete;

  void* allocate(std::int64_t bytes) {
    void* data = nullptr;
    const auto size = static_cast<std::size_t>(bytes > 0 ? bytes : 1);
    check(pool_ != nullptr ? cudaMallocFromPoolAsync(&data, size, pool_, stream_)
                           : cudaMalloc(&data, size));
    return data;
  }
  // Destructors call this: another call has reported or will report the error.
  void release(void* data) noexcept {
    pool_ != nullptr ? cudaFreeAsync(data, stream_) : cudaFree(data);
  }

  void upload(void* to, const void* from, std::int64_t bytes) {
    check(cudaMemcpyAsync(to, from, static_cast<std::size_t>(bytes), cudaMemcpyHostToDevice,
                          stream_));
  }
  // CUDA usually copies pageable memory to a buffer of its own before it returns, but does not
  // promise to.
  void upload_copy(void* to, const void* from, std::int64_t bytes) {
    const auto* first = static_cast<const unsigned char*>(from);
    staged_.emplace_back(first, first + bytes);
    upload(to, staged_.back().data(), bytes);
  }
  void download(void* to, const void* from, std::int64_t bytes) {
    check(cudaMemcpyAsync(to, from, static_cast<std::size_t>(bytes), cudaMemcpyDeviceToHost,
                          stream_));
  }
  void wait() {
    check(cudaStreamSynchronize(stream_));
    staged_.clear();
  }
  void checkpoint() {
    wait();
    if (execution_.interrupted && execution_.interrupted()) throw Interrupted();
  }
  int multiprocessors() const { return multiprocessors_; }
  std::int64_t scratch_bytes() const { return limits_.scratch_bytes; }
  std::int64_t free_bytes() const {
    std::size_t left = 0;
    std::size_t total = 0;
    check(cudaMemGetInfo(&left, &total));
    return static_cast<std::int64_t>(left);
  }
  double pair_dims_per_launch() const { return limits_.pair_dims; }
  std::int64_t one_pass_from() const { return limits_.one_pass_from; }

  template <class Body>
  void launch(std::int64_t blocks, std::int64_t batch, const typename Body::Params& params) {
    const std::int64_t all = blocks * batch;
    if (all > std::numeric_limits<int>::max()) {
      throw std::invalid_argument("too many samples for one launch: " + std::to_string(all) +
                                  " blocks");
    }
    launch_body<Body>(stream_, blocks, batch, params);
    check(cudaGetLastError());
  }

 private:
  const Execution& execution_;
  DeviceScope device_;
  cudaStream_t stream_;
  cudaMemPool_t pool_;
  std::vector<std::vector<unsigned char>> staged_;  ///< sources of uploads, until the next wait
  LaunchLimits limits_ = launch_limits();
  int multiprocessors_ = 1;
};

}  // namespace fastmi::cuda
