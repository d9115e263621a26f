#include "cpu/kernels_body.h"

namespace fastmi::cpu::FASTMI_LEVEL {

extern const Kernels<double> kernels_f64;
constinit const Kernels<double> kernels_f64 = kTable<double>;

}  // namespace fastmi::cpu::FASTMI_LEVEL
