#include <cuda_runtime.h>

#include <map>
#include <mutex>

#include "cuda/device.h"
#include "cuda/device_queue.cuh"

namespace fastmi::cuda {

void check(int code) {
  if (code == cudaSuccess) return;
  const auto error = static_cast<cudaError_t>(code);
  cudaGetLastError();
  const std::string what = std::string(cudaGetErrorName(error)) + ": " + cudaGetErrorString(error);
  if (error == cudaErrorMemoryAllocation) {
    std::size_t left = 0;
    std::size_t total = 0;
    if (cudaMemGetInfo(&left, &total) != cudaSuccess) cudaGetLastError();
    throw OutOfMemory("CUDA device out of memory (" + std::to_string(left >> 20) + " of " +
                      std::to_string(total >> 20) + " MiB free)");
  }
  if (error == cudaErrorNoKernelImageForDevice) {
    throw std::runtime_error("this build of fastmi has no CUDA kernels for this device: " + what);
  }
  throw std::runtime_error("CUDA error " + what);
}

namespace {

/// CUDA counts versions as 1000 major + 10 minor.
std::string version(int number) {
  return std::to_string(number / 1000) + "." + std::to_string(number % 1000 / 10);
}

}  // namespace

DriverInfo driver_info() {
  DriverInfo info{};
  cudaRuntimeGetVersion(&info.runtime_version);
  if (cudaDriverGetVersion(&info.driver_version) != cudaSuccess) info.driver_version = 0;
  const cudaError_t error = cudaGetDeviceCount(&info.devices);
  cudaGetLastError();
  if (error != cudaSuccess) info.devices = 0;
  if (info.driver_version == 0) {
    info.reason = "no CUDA driver";
  } else if (error == cudaErrorInsufficientDriver) {
    info.reason = "the driver supports CUDA " + version(info.driver_version) +
                  ", older than that of this build, " + version(info.runtime_version);
  } else if (error == cudaErrorNoDevice || (error == cudaSuccess && info.devices == 0)) {
    info.reason = "no CUDA device (CUDA_VISIBLE_DEVICES may hide it)";
  } else if (error != cudaSuccess) {
    info.reason = cudaGetErrorString(error);
  }
  return info;
}

namespace {

void check_device(int device) {
  const DriverInfo driver = driver_info();
  if (!driver.reason.empty()) throw std::runtime_error("CUDA cannot run: " + driver.reason);
  if (device < 0 || device >= driver.devices) {
    throw std::invalid_argument("device must be in [0, " + std::to_string(driver.devices - 1) +
                                "]; got device=" + std::to_string(device));
  }
}

}  // namespace

DeviceScope::DeviceScope(int device) {
  check_device(device);
  check(cudaGetDevice(&before_));
  changed_ = before_ != device;
  // This makes a context on the device if it has none, and the destructor on the device of before.
  if (changed_) check(cudaSetDevice(device));
}

DeviceScope::~DeviceScope() {
  if (changed_) cudaSetDevice(before_);
}

cudaMemPool_t scratch_pool(int device) {
  static std::mutex mutex;
  static std::map<int, cudaMemPool_t> pools;
  const std::lock_guard<std::mutex> lock(mutex);
  if (const auto known = pools.find(device); known != pools.end()) return known->second;
  int supported = 0;
  check(cudaDeviceGetAttribute(&supported, cudaDevAttrMemoryPoolsSupported, device));
  cudaMemPool_t pool = nullptr;
  if (supported != 0) {
    cudaMemPoolProps properties{};
    properties.allocType = cudaMemAllocationTypePinned;
    properties.location.type = cudaMemLocationTypeDevice;
    properties.location.id = device;
    check(cudaMemPoolCreate(&pool, &properties));
    std::uint64_t keep = launch_limits().scratch_bytes;
    check(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &keep));
  }
  pools[device] = pool;
  return pool;
}

DeviceInfo device_info(int device) {
  // There is no DeviceScope here, as a context takes hundreds of megabytes on every device that is
  // merely listed.
  check_device(device);
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, device));
  return {properties.name, properties.major, properties.minor, properties.multiProcessorCount,
          properties.totalGlobalMem};
}

int pointer_device(std::uintptr_t pointer) {
  if (pointer == 0 || !driver_info().reason.empty()) return -1;
  cudaPointerAttributes attributes{};
  check(cudaPointerGetAttributes(&attributes, reinterpret_cast<const void*>(pointer)));
  const bool on_device =
      attributes.type == cudaMemoryTypeDevice || attributes.type == cudaMemoryTypeManaged;
  return on_device ? attributes.device : -1;
}

DeviceCopy::DeviceCopy(const void* from, std::size_t bytes, int device, std::uintptr_t stream)
    : bytes_(bytes), device_(device) {
  const DeviceScope scope(device);
  check(cudaMalloc(&data_, bytes > 0 ? bytes : 1));
  const auto to_stream = reinterpret_cast<cudaStream_t>(stream);
  cudaError_t error = cudaMemcpyAsync(data_, from, bytes, cudaMemcpyHostToDevice, to_stream);
  if (error == cudaSuccess) error = cudaStreamSynchronize(to_stream);
  if (error != cudaSuccess) cudaFree(data_);
  check(error);
}

// cudaFree waits for work that may still read the memory, on any stream and device.
DeviceCopy::~DeviceCopy() { cudaFree(data_); }

void synchronize(int device, std::uintptr_t stream) {
  const DeviceScope scope(device);
  check(cudaStreamSynchronize(reinterpret_cast<cudaStream_t>(stream)));
}

}  // namespace fastmi::cuda
