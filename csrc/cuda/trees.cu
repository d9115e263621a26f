#include "cuda/kernels.cuh"

namespace fastmi::cuda {

FASTMI_EACH(FASTMI_TREES);

}  // namespace fastmi::cuda
