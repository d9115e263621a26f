#include "cuda/kernels.cuh"

namespace fastmi::cuda {

FASTMI_EACH(FASTMI_TILES);

}  // namespace fastmi::cuda
