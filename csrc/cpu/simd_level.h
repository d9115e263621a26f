#pragma once

#include <string>
#include <vector>

namespace fastmi::cpu {

/// Instruction sets the kernels are compiled for. kScalar is the baseline of the target
/// architecture (no run-time dispatch needed); on other architectures than x86-64 it is the
/// only level.
enum class SimdLevel { kScalar, kAvx2, kAvx512 };

const char* simd_level_name(SimdLevel level);

/// Levels that this build contains and this processor can run, lowest first.
std::vector<SimdLevel> available_simd_levels();

/// The highest available level, or the one named by FASTMI_SIMD_LEVEL (read at each call).
/// Throws std::invalid_argument when the variable names an unknown or unavailable level.
SimdLevel current_simd_level();

}  // namespace fastmi::cpu
