#include "cuda/kernels.cuh"

namespace fastmi::cuda {

FASTMI_EACH(FASTMI_SWEEP);

}  // namespace fastmi::cuda
