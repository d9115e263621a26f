#include "cpu/kernels_body.h"

namespace fastmi::cpu::FASTMI_LEVEL {

extern const Kernels<float> kernels_f32;
constinit const Kernels<float> kernels_f32 = kTable<float>;

}  // namespace fastmi::cpu::FASTMI_LEVEL
