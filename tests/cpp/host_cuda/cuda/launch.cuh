// Stands in for csrc/cuda/launch.cuh: launches bodies of block.h on the machine of machine.h.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "cuda/block.h"
#include "machine.h"

namespace fastmi::cuda {

template <class Body>
void launch_body(cudaStream_t stream, std::int64_t blocks, std::int64_t batch,
                 const typename Body::Params& params) {
  // Every device allows this much without being asked.
  static_assert(Body::kThreads <= 1024 && Body::kThreads % 32 == 0);
  static_assert(sizeof(typename Body::Shared) <= 48 << 10);
  static_assert(sizeof(typename Body::Params) + sizeof(std::int64_t) <= 4 << 10);
  static_assert(std::is_trivially_copyable_v<typename Body::Params>);
  test::Machine& machine = test::Machine::get();
  const std::lock_guard<std::recursive_mutex> lock(machine.mutex);
  const bool fits = blocks > 0 && batch > 0 && blocks * batch < std::int64_t{1} << 31;
  machine.call("launch", [&] {
    if (!fits) return cudaErrorInvalidConfiguration;
    machine.enqueue(stream, [=, order = machine.next_order()] {
      test::run_blocks<Body>(blocks, batch, params, order);
    });
    return cudaSuccess;
  });
}

struct LaunchLimits {
  std::int64_t scratch_bytes;
  double pair_dims;
  std::int64_t one_pass_from;
};

inline LaunchLimits launch_limits() {
  const test::Settings& settings = test::Machine::get().settings;
  return {settings.scratch_bytes, settings.pair_dims_per_launch, settings.one_pass_from};
}

}  // namespace fastmi::cuda
