// The kernels that take long to compile, each compiled in one file: tiles.cu, trees.cu, sweep.cu.
#pragma once

#include "cuda/device_queue.cuh"
#include "cuda/run_tiles.h"
#include "cuda/run_trees.h"

namespace fastmi::cuda {

#define FASTMI_TILES(T, M) \
  template void run_tiles<T, Metric::M, DeviceQueue>(DeviceQueue&, const TileJob<T>&, std::int64_t)
#define FASTMI_TREES(T, M)                                                                         \
  template void run_trees<T, Metric::M, DeviceQueue>(DeviceQueue&, const Samples<T, DeviceQueue>&, \
                                                     const TileJob<T>&,                            \
                                                     const std::vector<Space<T>>&)
#define FASTMI_SWEEP(T, M) \
  template void run_sweep<T, Metric::M, DeviceQueue>(DeviceQueue&, const SweepJob<T>&)
#define FASTMI_EACH(WHAT)   \
  WHAT(float, kChebyshev);  \
  WHAT(float, kEuclidean);  \
  WHAT(double, kChebyshev); \
  WHAT(double, kEuclidean)
#define FASTMI_EXTERN_TILES(T, M) extern FASTMI_TILES(T, M)
#define FASTMI_EXTERN_TREES(T, M) extern FASTMI_TREES(T, M)
#define FASTMI_EXTERN_SWEEP(T, M) extern FASTMI_SWEEP(T, M)

FASTMI_EACH(FASTMI_EXTERN_TILES);
FASTMI_EACH(FASTMI_EXTERN_TREES);
FASTMI_EACH(FASTMI_EXTERN_SWEEP);

}  // namespace fastmi::cuda
