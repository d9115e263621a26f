#include "cpu/kernels.h"

#include <type_traits>

namespace fastmi::cpu {

#define FASTMI_DECLARE_LEVEL(level)         \
  namespace level {                         \
  extern const Kernels<float> kernels_f32;  \
  extern const Kernels<double> kernels_f64; \
  }
FASTMI_DECLARE_LEVEL(scalar)
#ifdef FASTMI_X86_LEVELS
FASTMI_DECLARE_LEVEL(avx2)
FASTMI_DECLARE_LEVEL(avx512)
#endif
#undef FASTMI_DECLARE_LEVEL

namespace {

template <class T>
const Kernels<T>& choose(const Kernels<float>& f32, const Kernels<double>& f64) {
  if constexpr (std::is_same_v<T, float>) {
    return f32;
  } else {
    return f64;
  }
}

}  // namespace

template <class T>
const Kernels<T>& current_kernels() {
  switch (current_simd_level()) {
#ifdef FASTMI_X86_LEVELS
    case SimdLevel::kAvx512:
      return choose<T>(avx512::kernels_f32, avx512::kernels_f64);
    case SimdLevel::kAvx2:
      return choose<T>(avx2::kernels_f32, avx2::kernels_f64);
#endif
    default:
      return choose<T>(scalar::kernels_f32, scalar::kernels_f64);
  }
}

template const Kernels<float>& current_kernels<float>();
template const Kernels<double>& current_kernels<double>();

}  // namespace fastmi::cpu
