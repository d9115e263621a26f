// Devices, their memory and their errors, without CUDA headers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <stdexcept>
#include <string>

namespace fastmi::cuda {

/// Device memory ran out. Becomes MemoryError in Python.
class OutOfMemory : public std::bad_alloc {
 public:
  explicit OutOfMemory(std::string message) : message_(std::move(message)) {}
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  std::string message_;
};

/// Throws an exception if the cudaError_t is an error, and clears it so that the next call does not
/// report it again.
void check(int error);

/// Makes a device current, and at the end of its scope the one that was current before.
class DeviceScope {
 public:
  explicit DeviceScope(int device);
  ~DeviceScope();
  DeviceScope(const DeviceScope&) = delete;
  DeviceScope& operator=(const DeviceScope&) = delete;

 private:
  int before_ = -1;
  bool changed_ = false;
};

struct DriverInfo {
  int runtime_version;
  int driver_version;  ///< 0 without a driver
  int devices;
  std::string reason;  ///< empty when there is a device to run on
};

/// Never throws for the lack of a driver or a device.
DriverInfo driver_info();

struct DeviceInfo {
  std::string name;
  int major;
  int minor;
  int multiprocessors;
  std::size_t total_memory;
};

DeviceInfo device_info(int device);

/// Number of the device that holds the address; -1 for host memory.
int pointer_device(std::uintptr_t pointer);

/// A copy in device memory of bytes in host memory, complete once constructed.
class DeviceCopy {
 public:
  DeviceCopy(const void* from, std::size_t bytes, int device, std::uintptr_t stream);
  ~DeviceCopy();
  DeviceCopy(const DeviceCopy&) = delete;
  DeviceCopy& operator=(const DeviceCopy&) = delete;

  std::uintptr_t pointer() const { return reinterpret_cast<std::uintptr_t>(data_); }
  std::size_t bytes() const { return bytes_; }
  int device() const { return device_; }

 private:
  void* data_ = nullptr;
  std::size_t bytes_;
  int device_;
};

void synchronize(int device, std::uintptr_t stream);

/// L-infinity pair-dimensions per second of the instructions alone (subtract, absolute value,
/// maximum) in registers, which the tiles can reach at best.
template <class T>
double probe_ceiling(double seconds, int device, std::uintptr_t stream);

}  // namespace fastmi::cuda
