// How a kernel is written: once, as a body that both a GPU block and an emulation on the host run.
//
// A body is a struct with kThreads, State (private to a thread), Shared (of the block), Params, and
//
//   template <class Block> FASTMI_HD static void run(Block& block, const Params& p);
//
// It is a sequence of phases, block.each(f) or block.any(f): every thread t runs f(t, its state),
// then all of them wait. any() tells every thread whether f returned true in any of them. What
// happens between phases must not depend on anything that differs between threads. Within a phase a
// thread must not write what another one reads, except through fetch_add and fetch_min, and no
// result may depend on their order. block.index() and block.batch() number the blocks of a launch,
// block.shared() is uninitialised, and block.account(number) adds to the pair-dimensions that a
// host counts. Comments use two short forms: "batch: the column" tells what block.batch() numbers,
// and "Phases:" opens the description of a function that consists of phases, so that all threads
// call it together.
//
// Drivers are templates over a Queue, which stands for a stream of a device or for the host. It has
// allocate, release, upload and download (which may return before the copy is made, so that host
// memory must stay until a wait), upload_copy (which has read its source when it returns),
// launch<Body>(blocks, batch, params), wait, checkpoint (a wait at which an interrupt is heard),
// multiprocessors(), scratch_bytes() that a launch may take beyond what its results need,
// free_bytes() of the device, pair_dims_per_launch() that keep a launch short, and one_pass_from(),
// the number of samples per neighbour from which brute force goes over the pairs only once.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "common/portable.h"

namespace fastmi::cuda {

/// Adds to a shared or global counter that other threads add to as well; returns its value before.
FASTMI_HD int fetch_add(int* counter, int value) {
#if defined(__CUDA_ARCH__)
  return atomicAdd(counter, value);
#else
  const int before = *counter;
  *counter = before + value;
  return before;
#endif
}

FASTMI_HD void fetch_min(std::uint64_t* least, std::uint64_t value) {
#if defined(__CUDA_ARCH__)
  static_assert(sizeof(unsigned long long) == sizeof(std::uint64_t));
  atomicMin(reinterpret_cast<unsigned long long*>(least), value);
#else
  if (value < *least) *least = value;
#endif
}

/// The maximum of numbers that are not NaN, a single instruction in float32.
template <class T>
FASTMI_HD T larger(T a, T b) {
#if defined(__CUDA_ARCH__)
  if constexpr (sizeof(T) == 4) return fmaxf(a, b);
#endif
  return a < b ? b : a;
}

template <class T>
FASTMI_HD T smaller(T a, T b) {
  return b < a ? b : a;
}

/// How many of `number` pieces of work to do at once if each needs `bytes` of scratch: as many as
/// fit scratch_bytes(). If these are fewer than `least`, which keep a device busy, half of the free
/// memory may be used for up to `least`. Always at least one.
template <class Queue>
std::int64_t pieces_at_once(const Queue& queue, std::int64_t number, std::int64_t bytes,
                            std::int64_t least) {
  std::int64_t fit = queue.scratch_bytes() / bytes;
  if (fit < least && fit < number) {
    fit = std::max(fit, std::min(least, queue.free_bytes() / 2 / bytes));
  }
  return std::clamp<std::int64_t>(fit, 1, number);
}

FASTMI_HD constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

/// Device memory for `size` numbers, given back at the end of its scope.
template <class T, class Queue>
class Scratch {
 public:
  Scratch(Queue& queue, std::int64_t size)
      : queue_(&queue), size_(size), data_(static_cast<T*>(queue.allocate(size * sizeof(T)))) {}
  Scratch(Queue& queue, const std::vector<T>& values)
      : Scratch(queue, static_cast<std::int64_t>(values.size())) {
    queue.upload_copy(data_, values.data(), size_ * sizeof(T));
  }
  Scratch(Scratch&& other) noexcept : queue_(other.queue_), size_(other.size_), data_(other.data_) {
    other.data_ = nullptr;
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  Scratch& operator=(Scratch&&) = delete;
  ~Scratch() {
    if (data_ != nullptr) queue_->release(data_);
  }

  T* data() const { return data_; }
  std::int64_t size() const { return size_; }

 private:
  Queue* queue_;
  std::int64_t size_;
  T* data_;
};

}  // namespace fastmi::cuda
