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

/// Pool of a device that keeps up to scratch_bytes from one call to the next, for the process's
/// life; null where there are no stream-ordered pools. The default pool belongs to everyone.
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
  // What was launched before an error still reads the samples. After a good end there is nothing to
  // wait for, but a pool gives up what it has above its threshold only when someone waits.
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
  // From destructors: an error here was or will be reported by another call.
  void release(void* data) noexcept {
    pool_ != nullptr ? cudaFreeAsync(data, stream_) : cudaFree(data);
  }

  void upload(void* to, const void* from, std::int64_t bytes) {
    check(cudaMemcpyAsync(to, from, static_cast<std::size_t>(bytes), cudaMemcpyHostToDevice,
                          stream_));
  }
  // CUDA usually has copied pageable memory to a buffer of its own by now, but promises it nowhere.
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
  std::vector<std::vector<unsigned char>> staged_;  ///< until the next wait
  LaunchLimits limits_ = launch_limits();
  int multiprocessors_ = 1;
};

}  // namespace fastmi::cuda
