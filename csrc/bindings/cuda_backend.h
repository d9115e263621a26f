// Describes CUDA to the bindings that both backends share (ops.h).
#pragma once

#include <cstdint>
#include <limits>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "bindings/arrays.h"
#include "bindings/run.h"
#include "common/algorithm.h"
#include "common/points.h"
#include "cuda/algorithm.h"
#include "cuda/device.h"
#include "cuda/ops.h"

namespace fastmi::bindings {

struct CudaBackend {
  /// What Python passes as a block, fastmi._blocks.DeviceArray: C-contiguous samples in device
  /// memory. Its attributes are shape (n, d); dtype, NumPy's float32 or float64; device, a number;
  /// stream, the handle of the stream on which the samples are or will be there; and pointer, the
  /// address. Reading the address may start a copy to the device, so it is read before anything is
  /// waited for.
  using Block = py::object;

  template <class T>
  using Surrogates = cuda::Surrogates<T>;

  /// Sample numbers are 32-bit, with room for the step of a loop over tiles.
  static constexpr std::int64_t kMaxSamples = std::numeric_limits<std::int32_t>::max() - 4096;

  static constexpr Algorithm kAlgorithms[] = {Algorithm::kAuto, Algorithm::kBrute,
                                              Algorithm::kTree};

  static std::string no_such_algorithm(const std::string& name) {
    return "algorithm must be one of 'auto', 'brute', 'tree' on a GPU; got algorithm='" + name +
           "'";
  }

  template <class T>
  static bool holds(const Block& block) {
    const auto dtype = block.attr("dtype").cast<py::dtype>();
    return dtype.kind() == 'f' && dtype.itemsize() == py::ssize_t{sizeof(T)};
  }

  template <class T>
  static Points<T> points(const Block& block) {
    if (!holds<T>(block)) {
      throw py::type_error("blocks must be all of one dtype, float32 or float64");
    }
    const auto [n, d] = block.attr("shape").cast<std::pair<std::int64_t, std::int64_t>>();
    if (d < 1 || d > std::numeric_limits<int>::max() / 64) {
      throw std::invalid_argument("blocks must have at least 1 column; got d=" + std::to_string(d));
    }
    const auto pointer = block.attr("pointer").cast<std::uintptr_t>();
    if (pointer == 0) throw std::invalid_argument("blocks must not have null pointers");
    return {reinterpret_cast<const T*>(pointer), n, static_cast<int>(d)};
  }

  template <class T>
  static std::int64_t first_unusable(const Block& block) {
    const Points<T> points = CudaBackend::points<T>(block);
    std::int64_t first = -1;
    Place({block}, 1).run([&](const cuda::Execution& execution) {
      first = cuda::first_unusable(points.data, points.n * points.d, execution);
    });
    return first;
  }

  static Algorithm choose_algorithm(std::int64_t n, int, int d, int, bool) {
    return cuda::choose_algorithm(n, d);
  }

  /// Where a call runs: on the device and the stream of the first block, whatever the threads. It
  /// first waits for the streams of the other blocks.
  class Place {
   public:
    Place(const std::vector<Block>& blocks, int) {
      if (blocks.empty()) throw std::invalid_argument("blocks must not be empty");
      device_ = blocks.front().attr("device").cast<int>();
      stream_ = blocks.front().attr("stream").cast<std::uintptr_t>();
      for (const Block& block : blocks) {
        if (const int device = block.attr("device").cast<int>(); device != device_) {
          throw std::invalid_argument("blocks must be on one device; got " +
                                      std::to_string(device_) + " and " + std::to_string(device));
        }
        others_.insert(block.attr("stream").cast<std::uintptr_t>());
      }
      others_.erase(stream_);
    }

    template <class T>
    void fit(const Blocks<T>&) {}

    template <class F, class Report = Quiet>
    void run(F&& f, Report&& report = {}) const {
      run_without_gil(
          cuda::Execution{device_, stream_, {}},
          [&](const cuda::Execution& execution) {
            for (const std::uintptr_t stream : others_) cuda::synchronize(device_, stream);
            f(execution);
          },
          report);
    }

    template <class T>
    double probe_ceiling(double seconds) const {
      return cuda::probe_ceiling<T>(seconds, device_, stream_);
    }

   private:
    int device_ = 0;
    std::uintptr_t stream_ = 0;
    std::set<std::uintptr_t> others_;
  };
};

}  // namespace fastmi::bindings
