// Names and choice of the SIMD level.
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#include "check.h"
#include "cpu/simd_level.h"

using fastmi::cpu::available_simd_levels;
using fastmi::cpu::current_simd_level;
using fastmi::cpu::simd_level_name;
using fastmi::cpu::SimdLevel;

namespace {

void force(const char* level) { setenv("FASTMI_SIMD_LEVEL", level, 1); }

}  // namespace

FASTMI_TEST(scalar_is_always_there_and_lowest) {
  const std::vector<SimdLevel> levels = available_simd_levels();
  FASTMI_CHECK(!levels.empty() && levels.front() == SimdLevel::kScalar);
  for (std::size_t l = 1; l < levels.size(); ++l) FASTMI_CHECK(levels[l - 1] < levels[l]);
}

FASTMI_TEST(every_level_can_be_forced_by_name) {
  for (const SimdLevel level : available_simd_levels()) {
    force(simd_level_name(level));
    FASTMI_CHECK(current_simd_level() == level, simd_level_name(level));
  }
}

FASTMI_TEST(the_highest_level_is_the_default) {
  unsetenv("FASTMI_SIMD_LEVEL");
  FASTMI_CHECK(current_simd_level() == available_simd_levels().back());
  force("");
  FASTMI_CHECK(current_simd_level() == available_simd_levels().back());
}

FASTMI_TEST(an_unknown_level_is_refused_with_the_known_ones) {
  force("mmx");
  FASTMI_CHECK_THROWS(current_simd_level(), std::invalid_argument);
  try {
    current_simd_level();
  } catch (const std::invalid_argument& error) {
    const std::string message = error.what();
    FASTMI_CHECK(message.find("mmx") != std::string::npos);
    FASTMI_CHECK(message.find("scalar") != std::string::npos);
  }
}

int main() { return fastmi::test::run_all(); }
