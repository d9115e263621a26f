#include "machine.h"

#include <cstring>
#include <iterator>
#include <utility>

namespace fastmi::test {
namespace {

thread_local int current_device = 0;

/// Handles 0 and 1 both are the legacy default stream.
std::uintptr_t stream_key(cudaStream_t stream) {
  const auto handle = reinterpret_cast<std::uintptr_t>(stream);
  return handle == 0 ? 1 : handle;
}

}  // namespace

Machine& Machine::get() {
  static Machine machine;
  return machine;
}

int Machine::device() const { return current_device; }

cudaError_t Machine::set_device(int device) {
  if (device < 0 || device >= settings.devices) return cudaErrorInvalidDevice;
  current_device = device;
  use_device();
  return cudaSuccess;
}

cudaError_t Machine::allocate(void** data, std::size_t bytes, bool scratch) {
  use_device();
  if (used(device()) + bytes > settings.memory) return cudaErrorMemoryAllocation;
  // It is an allocation of its own, so that the address sanitizer knows its ends, and holds
  // garbage, as on a device.
  std::unique_ptr<unsigned char[]> own(new unsigned char[bytes]);
  std::memset(own.get(), 0xEE, bytes);
  *data = own.get();
  memory_[reinterpret_cast<std::uintptr_t>(*data)] = {bytes, device(), std::move(own), scratch};
  return cudaSuccess;
}

void Machine::release(void* data, cudaStream_t stream) {
  const auto at = memory_.find(reinterpret_cast<std::uintptr_t>(data));
  if (at == memory_.end()) return;
  at->second.released = true;
  enqueue(stream, [this, at] {
    std::memset(at->second.own.get(), 0xDD, at->second.bytes);
    memory_.erase(at);
  });
}

void Machine::adopt(std::uintptr_t begin, std::size_t bytes, int device) {
  memory_[begin] = {bytes, device, nullptr};
}

int Machine::holder(const void* data, std::size_t bytes) const {
  const auto address = reinterpret_cast<std::uintptr_t>(data);
  const auto after = memory_.upper_bound(address);
  if (after == memory_.begin()) return -1;
  const auto& [begin, allocation] = *std::prev(after);
  const std::size_t offset = address - begin;
  const bool inside = offset < allocation.bytes && bytes <= allocation.bytes - offset;
  return inside && !allocation.released ? allocation.device : -1;
}

std::size_t Machine::used(int device) const {
  std::size_t bytes = 0;
  for (const auto& [begin, allocation] : memory_) {
    if (allocation.own && !allocation.released && allocation.device == device)
      bytes += allocation.bytes;
  }
  return bytes;
}

std::size_t Machine::scratch() const {
  std::size_t number = 0;
  for (const auto& [begin, allocation] : memory_)
    number += allocation.scratch && !allocation.released;
  return number;
}

void Machine::enqueue(cudaStream_t stream, std::function<void()> work) {
  streams_[stream_key(stream)].push_back(std::move(work));
}

void Machine::run(cudaStream_t stream) {
  for (const auto& work : std::exchange(streams_[stream_key(stream)], {})) work();
}

void Machine::run_all() {
  for (const auto& [stream, work] : streams_) run(reinterpret_cast<cudaStream_t>(stream));
}

void Machine::wait_for(cudaStream_t stream) {
  waits_.emplace_back(device(), reinterpret_cast<std::uintptr_t>(stream));
  run(stream);
}

ThreadOrder Machine::next_order() {
  return launches_++ % 2 == 0 ? ThreadOrder::kForward : ThreadOrder::kBackward;
}

void Machine::reset() {
  run_all();
  settings = {};
  failures.clear();
  waits_.clear();
  contexts.clear();
  last_error = cudaSuccess;
  current_device = 0;
  for (auto at = memory_.begin(); at != memory_.end();) {
    at = at->second.own ? std::next(at) : memory_.erase(at);
  }
}

}  // namespace fastmi::test
