#include "cpu/simd_level.h"

#include <cstdlib>
#include <stdexcept>

namespace fastmi::cpu {

const char* simd_level_name(SimdLevel level) {
  switch (level) {
    case SimdLevel::kAvx512:
      return "avx512";
    case SimdLevel::kAvx2:
      return "avx2";
    case SimdLevel::kScalar:
      break;
  }
  return "scalar";
}

std::vector<SimdLevel> available_simd_levels() {
  std::vector<SimdLevel> levels{SimdLevel::kScalar};
#ifdef FASTMI_X86_LEVELS
  // The processor must have all that CMakeLists.txt lets the compiler use for a level.
  const bool bits = __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
                    __builtin_cpu_supports("lzcnt") && __builtin_cpu_supports("popcnt");
  if (bits && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    levels.push_back(SimdLevel::kAvx2);
  if (bits && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    levels.push_back(SimdLevel::kAvx512);
  }
#endif
  return levels;
}

SimdLevel current_simd_level() {
  static const std::vector<SimdLevel> levels = available_simd_levels();
  const char* wanted = std::getenv("FASTMI_SIMD_LEVEL");
  if (wanted == nullptr || *wanted == '\0') return levels.back();
  std::string names;
  for (const SimdLevel level : levels) {
    if (std::string(wanted) == simd_level_name(level)) return level;
    names += std::string(names.empty() ? "" : ", ") + simd_level_name(level);
  }
  throw std::invalid_argument("FASTMI_SIMD_LEVEL must be one of " + names + "; got '" + wanted +
                              "'");
}

}  // namespace fastmi::cpu
