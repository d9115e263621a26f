#include <cuda_runtime.h>

#include <limits>
#include <stdexcept>
#include <string>

#include "cuda/bnaf.h"
#include "cuda/device.h"
#include "cuda/launch.cuh"
#include "cuda/run_bnaf.h"

namespace fastmi::cuda {
namespace {

/// A queue that only launches, so that all its work can be captured in a graph. DeviceQueue would
/// wait at its end.
class GraphQueue {
 public:
  GraphQueue(int device, std::uintptr_t stream)
      : device_(device), stream_(reinterpret_cast<cudaStream_t>(stream)) {
    check(cudaDeviceGetAttribute(&multiprocessors_, cudaDevAttrMultiProcessorCount, device));
  }

  int multiprocessors() const { return multiprocessors_; }

  template <class Body>
  void launch(std::int64_t blocks, std::int64_t batch, const typename Body::Params& params) {
    const std::int64_t all = blocks * batch;
    if (all > std::numeric_limits<int>::max()) {
      throw std::invalid_argument("too many rows for one launch: " + std::to_string(all) +
                                  " blocks");
    }
    launch_body<Body>(stream_, blocks, batch, params);
    check(cudaGetLastError());
  }

 private:
  DeviceScope device_;
  cudaStream_t stream_;
  int multiprocessors_ = 1;
};

}  // namespace

BnafSizes bnaf_sizes(const BnafShape& shape, int bytes_per_number, bool keep, int device) {
  const GraphQueue queue(device, 0);
  return bytes_per_number == 4 ? plan_bnaf_sizes<float>(shape, keep, queue.multiprocessors())
                               : plan_bnaf_sizes<double>(shape, keep, queue.multiprocessors());
}

template <class T>
void bnaf_forward(const BnafNetwork<T>& network, bool keep, T* workspace, T* f, T* log_slopes,
                  int device, std::uintptr_t stream) {
  GraphQueue queue(device, stream);
  drive_bnaf_forward(queue, network, keep, workspace, f, log_slopes);
}

template <class T>
void bnaf_backward(const BnafNetwork<T>& network, T* workspace, const T* f_gradient,
                   const T* slope_gradient, T* scratch, T* x_gradient, T* y_gradient, T* gradients,
                   int device, std::uintptr_t stream) {
  GraphQueue queue(device, stream);
  drive_bnaf_backward(queue, network, workspace, f_gradient, slope_gradient, scratch, x_gradient,
                      y_gradient, gradients);
}

#define FASTMI_BNAF(T)                                                                            \
  template void bnaf_forward(const BnafNetwork<T>&, bool, T*, T*, T*, int, std::uintptr_t);       \
  template void bnaf_backward(const BnafNetwork<T>&, T*, const T*, const T*, T*, T*, T*, T*, int, \
                              std::uintptr_t)
FASTMI_BNAF(float);
FASTMI_BNAF(double);

}  // namespace fastmi::cuda
