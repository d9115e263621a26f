// The machine that the host build of the CUDA module runs on: devices with memory of their own,
// streams that do nothing before someone waits for them, errors on request.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cuda_runtime.h"
#include "host_block.h"

namespace fastmi::test {

/// What a test may change before its calls.
struct Settings {
  int devices = 2;
  int runtime_version = 13000;
  int driver_version = 13020;  ///< 0: no driver
  int multiprocessors = 1;     ///< few of them mean large tiles
  std::size_t memory = std::size_t{1} << 30;
  /// Small, so that moderate samples take several launches.
  std::int64_t scratch_bytes = 1 << 16;
  double pair_dims_per_launch = 1e6;
  std::int64_t one_pass_from = 40;
};

class Machine {
 public:
  /// The only machine; every function of the runtime holds its mutex.
  static Machine& get();

  Settings settings;
  /// For a function of the runtime, or "launch": the error of its next call.
  std::map<std::string, cudaError_t> failures;
  std::set<int> contexts;  ///< devices that have a context
  std::recursive_mutex mutex;
  cudaError_t last_error = cudaSuccess;

  /// Calls what() for `function` and returns its error, unless `failures` asks for another, which
  /// is returned instead. last_error remembers it.
  template <class F>
  cudaError_t call(const std::string& function, F&& what) {
    const auto failure = failures.find(function);
    const cudaError_t error = failure == failures.end() ? what() : failure->second;
    if (failure != failures.end()) failures.erase(failure);
    if (error != cudaSuccess) last_error = error;
    return error;
  }

  int device() const;
  cudaError_t set_device(int device);
  /// What CUDA does when something first needs the current device.
  void use_device() { contexts.insert(device()); }

  /// Allocates memory on the current device; `scratch` says that it belongs to a pool.
  cudaError_t allocate(void** data, std::size_t bytes, bool scratch);
  /// The memory counts as free from here on, and is overwritten when the stream comes to it.
  void release(void* data, cudaStream_t stream);
  /// Declares host memory, which stays the caller's, to be memory of a device.
  void adopt(std::uintptr_t begin, std::size_t bytes, int device);
  /// Device that holds all of these bytes, or -1.
  int holder(const void* data, std::size_t bytes = 1) const;
  std::size_t used(int device) const;
  /// Number of allocations of pools that were not given back.
  std::size_t scratch() const;

  void enqueue(cudaStream_t stream, std::function<void()> work);
  void run(cudaStream_t stream);
  void run_all();
  /// Runs the stream's work, and notes the wait.
  void wait_for(cudaStream_t stream);
  /// The device and stream of every wait so far.
  const std::vector<std::pair<int, std::uintptr_t>>& waits() const { return waits_; }
  std::uint64_t launches() const { return launches_; }
  /// Every second launch runs backwards: a result that depends on that shows a race.
  ThreadOrder next_order();

  /// Goes back to the state after the start of a process, except for what is allocated.
  void reset();

 private:
  struct Allocation {
    std::size_t bytes;
    int device;
    std::unique_ptr<unsigned char[]> own;  ///< null if adopted
    bool scratch = false;
    bool released = false;
  };
  std::map<std::uintptr_t, Allocation> memory_;
  std::map<std::uintptr_t, std::vector<std::function<void()>>> streams_;
  std::uint64_t launches_ = 0;
  std::vector<std::pair<int, std::uintptr_t>> waits_;
};

}  // namespace fastmi::test
