// Runs a block of a CUDA body on the host: one thread after the other between barriers.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

namespace fastmi::test {

/// Order of the threads within a phase. A body whose result depends on it has a race.
enum class ThreadOrder { kForward, kBackward };

/// Pair-dimensions that all bodies have evaluated so far.
inline std::int64_t pair_dims = 0;

template <class Body>
class HostBlock {
 public:
  using State = typename Body::State;

  HostBlock(std::int64_t index, std::int64_t blocks, std::int64_t batch, ThreadOrder order)
      : index_(index), blocks_(blocks), batch_(batch), order_(order), states_(Body::kThreads) {
    // Memory starts as garbage, as on a device.
    std::memset(static_cast<void*>(states_.data()), 0xEE, states_.size() * sizeof(State));
    std::memset(static_cast<void*>(shared_.get()), 0xEE, sizeof(typename Body::Shared));
  }

  std::int64_t index() const { return index_; }
  std::int64_t blocks() const { return blocks_; }
  std::int64_t batch() const { return batch_; }
  typename Body::Shared& shared() { return *shared_; }

  void account(std::int64_t number) { pair_dims += number; }

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

/// Runs a launch, one block after the other.
template <class Body>
void run_blocks(std::int64_t blocks, std::int64_t batch, const typename Body::Params& params,
                ThreadOrder order) {
  for (std::int64_t b = 0; b < batch; ++b) {
    for (std::int64_t i = 0; i < blocks; ++i) {
      const std::int64_t index = order == ThreadOrder::kForward ? i : blocks - 1 - i;
      HostBlock<Body> block(index, blocks, b, order);
      Body::run(block, params);
    }
  }
}

}  // namespace fastmi::test
