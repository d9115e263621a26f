// The Queue of cuda/block.h on the host, without devices, streams or errors.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

#include "cuda/block.h"
#include "host_block.h"

namespace fastmi::test {

class HostQueue {
 public:
  /// multiprocessors: those of the device that this plays; few of them mean large tiles.
  explicit HostQueue(int multiprocessors = 1, ThreadOrder order = ThreadOrder::kForward)
      : multiprocessors_(multiprocessors), order_(order) {}
  HostQueue(const HostQueue&) = delete;
  HostQueue& operator=(const HostQueue&) = delete;

  void* allocate(std::int64_t bytes) {
    void* data = std::malloc(static_cast<std::size_t>(bytes > 0 ? bytes : 1));
    if (data == nullptr) throw std::bad_alloc();
    std::memset(data, 0xEE, static_cast<std::size_t>(bytes));
    ++allocations;
    largest = std::max(largest, bytes);
    return data;
  }
  void release(void* data) {
    std::free(data);
    --allocations;
  }
  void upload(void* to, const void* from, std::int64_t bytes) {
    std::memcpy(to, from, static_cast<std::size_t>(bytes));
  }
  void upload_copy(void* to, const void* from, std::int64_t bytes) { upload(to, from, bytes); }
  void download(void* to, const void* from, std::int64_t bytes) { upload(to, from, bytes); }
  void wait() {}
  void checkpoint() { ++checkpoints; }
  int multiprocessors() const { return multiprocessors_; }

  template <class Body>
  void launch(std::int64_t blocks, std::int64_t batch, const typename Body::Params& params) {
    ++launches;
    run_blocks<Body>(blocks, batch, params, order_);
  }

  std::int64_t scratch_bytes() const { return scratch; }
  std::int64_t free_bytes() const { return memory; }
  double pair_dims_per_launch() const { return patience; }
  std::int64_t one_pass_from() const { return one_pass; }

  std::int64_t scratch = std::int64_t{1} << 28;
  std::int64_t memory = std::int64_t{1} << 30;
  double patience = 1e12;
  std::int64_t one_pass = 1 << 14;
  int allocations = 0;       ///< not yet released
  std::int64_t largest = 0;  ///< bytes of one allocation
  int launches = 0;
  int checkpoints = 0;

 private:
  int multiprocessors_;
  ThreadOrder order_;
};

}  // namespace fastmi::test
