#include "cpu/digamma.h"

#include <array>

#include "common/digamma.h"

namespace fastmi::cpu {
namespace {

const std::array<double, kDigammaTableSize> kTable = [] {
  std::array<double, kDigammaTableSize> table{};
  fill_digamma_table(table.data());
  return table;
}();

}  // namespace

double digamma(std::int64_t n) { return digamma_from(kTable.data(), n); }

}  // namespace fastmi::cpu
