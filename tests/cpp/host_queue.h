// Runs CUDA bodies on the host: the same source, one thread after the other between barriers.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "cuda/block.h"

namespace fastmi::test {

/// Order of the threads within a phase. A body whose result depends on it has a race.
enum class ThreadOrder { kForward, kBackward };

template <class Body>
class HostBlock {
 public:
  using State = typename Body::State;

  HostBlock(std::int64_t index, std::int64_t blocks, std::int64_t batch, ThreadOrder order)
      : index_(index), blocks_(blocks), batch_(batch), order_(order), states_(Body::kThreads) {
    // Garbage, as on a device.
    std::memset(static_cast<void*>(states_.data()), 0xEE, states_.size() * sizeof(State));
    std::memset(static_cast<void*>(shared_.get()), 0xEE, sizeof(typename Body::Shared));
  }

  std::int64_t index() const { return index_; }
  std::int64_t blocks() const { return blocks_; }
  std::int64_t batch() const { return batch_; }
  typename Body::Shared& shared() { return *shared_; }

  template <class F>
  void each(F&& f) {
    for (int at = 0; at < Body::kThreads; ++at) f(thread(at), states_[thread(at)]);
  }
  template <class F>
  bool any(F&& f) {
    bool found = false;
    for (int at = 0; at < Body::kThreads; ++at) found |= f(thread(at), states_[thread(at)]);
    return found;
  }

 private:
  int thread(int at) const {
    return order_ == ThreadOrder::kForward ? at : Body::kThreads - 1 - at;
  }

  std::int64_t index_;
  std::int64_t blocks_;
  std::int64_t batch_;
  ThreadOrder order_;
  std::vector<State> states_;
  std::unique_ptr<typename Body::Shared> shared_ = std::make_unique<typename Body::Shared>();
};

class HostQueue {
 public:
  /// multiprocessors: of the device that is played; few of them mean large tiles.
  explicit HostQueue(int multiprocessors = 1, ThreadOrder order = ThreadOrder::kForward)
      : multiprocessors_(multiprocessors), order_(order) {}
  HostQueue(const HostQueue&) = delete;
  HostQueue& operator=(const HostQueue&) = delete;

  void* allocate(std::int64_t bytes) {
    void* data = std::malloc(static_cast<std::size_t>(bytes > 0 ? bytes : 1));
    if (data == nullptr) throw std::bad_alloc();
    std::memset(data, 0xEE, static_cast<std::size_t>(bytes));
    ++allocations;
    return data;
  }
  void release(void* data) {
    std::free(data);
    --allocations;
  }
  void upload(void* to, const void* from, std::int64_t bytes) {
    std::memcpy(to, from, static_cast<std::size_t>(bytes));
  }
  void download(void* to, const void* from, std::int64_t bytes) { upload(to, from, bytes); }
  void wait() {}
  void checkpoint() { ++checkpoints; }
  int multiprocessors() const { return multiprocessors_; }

  template <class Body>
  void launch(std::int64_t blocks, std::int64_t batch, const typename Body::Params& params) {
    ++launches;
    for (std::int64_t b = 0; b < batch; ++b) {
      for (std::int64_t i = 0; i < blocks; ++i) {
        const std::int64_t index = order_ == ThreadOrder::kForward ? i : blocks - 1 - i;
        HostBlock<Body> block(index, blocks, b, order_);
        Body::run(block, params);
      }
    }
  }

  std::int64_t scratch_bytes() const { return scratch; }
  double pair_dims_per_launch() const { return patience; }

  std::int64_t scratch = std::int64_t{1} << 28;
  double patience = 1e12;
  int allocations = 0;  ///< not yet released
  int launches = 0;
  int checkpoints = 0;

 private:
  int multiprocessors_;
  ThreadOrder order_;
};

}  // namespace fastmi::test
