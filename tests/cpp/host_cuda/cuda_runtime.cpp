#include "cuda_runtime.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <utility>

#include "machine.h"

using fastmi::test::Machine;
using fastmi::test::Settings;
using Lock = std::lock_guard<std::recursive_mutex>;

struct HostEvent {
  std::chrono::steady_clock::time_point at;
};

const char* cudaGetErrorName(cudaError_t error) {
  switch (error) {
    case cudaErrorMemoryAllocation:
      return "cudaErrorMemoryAllocation";
    case cudaErrorNoKernelImageForDevice:
      return "cudaErrorNoKernelImageForDevice";
    case cudaErrorIllegalAddress:
      return "cudaErrorIllegalAddress";
    default:
      return "cudaError";
  }
}

const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorNoKernelImageForDevice:
      return "no kernel image is available for execution on the device";
    case cudaErrorIllegalAddress:
      return "an illegal memory access was encountered";
    default:
      return "an error of the host build";
  }
}

cudaError_t cudaGetLastError() {
  Machine& machine = Machine::get();
  const Lock lock(machine.mutex);
  return std::exchange(machine.last_error, cudaSuccess);
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = Machine::get().settings.runtime_version;
  return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = Machine::get().settings.driver_version;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int* count) {
  Machine& machine = Machine::get();
  const Lock lock(machine.mutex);
  const Settings& settings = machine.settings;
  *count = 0;
  if (settings.driver_version < settings.runtime_version) return cudaErrorInsufficientDriver;
  if (settings.devices == 0) return cudaErrorNoDevice;
  *count = settings.devices;
  return cudaSuccess;
}

cudaError_t cudaGetDevice(int* device) {
  *device = Machine::get().device();
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
  Machine& machine = Machine::get();
  const Lock lock(machine.mutex);
  return machine.call("cudaSetDevice", [&] { return machine.set_device(device); });
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  const Settings& settings = Machine::get().settings;
  std::snprintf(properties->name, sizeof properties->name, "Host %d", device);
  properties->major = 9;
  properties->minor = 0;
  properties->multiProcessorCount = settings.multiprocessors;
  properties->totalGlobalMem = settings.memory;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  const Settings& settings = Machine::get().settings;
  *value = attribute == cudaDevAttrMultiProcessorCount ? settings.multiprocessors : 1;
  return cudaSuccess;
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* pointer) {
  Machine& machine = Machine::get();
  const Lock lock(machine.mutex);
  const int device = machine.holder(pointer);
  *attributes = {device >= 0 ? cudaMemoryTypeDevice : cudaMemoryTypeUnregistered, device};
  return cudaSuccess;
}

cudaError_t cudaMemGetInfo(std::size_t* left, std::size_t* total) {
  Machine& machine = Machine::get();
  const Lock lock(machine.mutex);
  *total = machine.settings.memory;
  *left = *total - std::min(*total, machine.used(machine.device()));
  return cudaSuccess;
}

cudaError_t cudaMalloc(void** data, std::size_t bytes) {
  Machine& machine = Machine::get();
  const Lock lock(machine.mutex);
  return machine.call("cudaMalloc", [&] { return machine.allocate(data, bytes, false); });
}

cudaError_t cudaFree(void* data) {
  Machine& machine = Machine::get();
  const Lock lock(machine.mutex);
  machine.run_all();
  machine.release(data, nullptr);
  machine.run_all();
  return cudaSuccess;
}

// A pool is the number of its device, from 1.
cudaError_t cudaMemPoolCreate(cudaMemPool_t* pool, const cudaMemPoolProps* properties) {
  *pool = reinterpret_cast<cudaMemPool_t>(std::intptr_t{properties->location.id} + 1);
  return cudaSuccess;
}

cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, cudaMemPoolAttr, void*) { return cudaSuccess; }

cudaError_t cudaMallocFromPoolAsync(void** data, std::size_t bytes, cudaMemPool_t pool,
                                    cudaStream_t) {
  Machine& machine = Machine::get();
  const Lock lock(machine.mutex);
  return machine.call("cudaMallocFromPoolAsync", [&] {
    const bool own = reinterpret_cast<std::intptr_t>(pool) == machine.device() + 1;
    return own ? machine.allocate(data, bytes, true) : cudaErrorInvalidValue;
  });
}

cudaError_t cudaFreeAsync(void* data, cudaStream_t stream) {
  Machine& machine = Machine::get();
  const Lock lock(machine.mutex);
  machine.release(data, stream);
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  Machine& machine = Machine::get();
  const Lock lock(machine.mutex);
  return machine.call("cudaMemcpyAsync", [&] {
    if (bytes == 0) return cudaSuccess;
    const bool upload = kind == cudaMemcpyHostToDevice;
    if (machine.holder(upload ? to : from, bytes) != machine.device() ||
        machine.holder(upload ? from : to) >= 0) {
      return cudaErrorInvalidValue;
    }
    // The copy is made as late as CUDA may make it, whether memory is pageable or not, so that
    // memory given back too early shows.
    machine.enqueue(stream, [=] { std::memcpy(to, from, bytes); });
    return cudaSuccess;
  });
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  Machine& machine = Machine::get();
  const Lock lock(machine.mutex);
  machine.wait_for(stream);
  return machine.call("cudaStreamSynchronize", [] { return cudaSuccess; });
}

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  *event = new HostEvent;
  return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  Machine& machine = Machine::get();
  const Lock lock(machine.mutex);
  machine.enqueue(stream, [event] { event->at = std::chrono::steady_clock::now(); });
  return cudaSuccess;
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t begin, cudaEvent_t end) {
  *milliseconds = std::chrono::duration<float, std::milli>(end->at - begin->at).count();
  return cudaSuccess;
}
