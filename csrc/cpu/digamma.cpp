#include "cpu/digamma.h"

#include <array>
#include <cmath>

namespace fastmi::cpu {
namespace {

/// Covers the marginal counts of most samples up to n = 1e6 and stays within the L2 cache.
constexpr int kTableSize = 8192;

/// psi(m) = log m - 1/2m - 1/12m^2 + 1/120m^4 - 1/252m^6 + ...; for m >= 32 the next term is
/// below 1e-14.
double asymptotic(double m) {
  const double inverse_square = 1 / (m * m);
  return std::log(m) - 0.5 / m -
         inverse_square * (1.0 / 12 - inverse_square * (1.0 / 120 - inverse_square / 252));
}

std::array<double, kTableSize> make_table() {
  std::array<double, kTableSize> table{};
  long double psi = -0.577215664901532860606512090082402431L;
  for (int m = 1; m < 32; ++m) {
    table[m] = static_cast<double>(psi);
    psi += 1.0L / m;
  }
  for (int m = 32; m < kTableSize; ++m) table[m] = asymptotic(m);
  return table;
}

const std::array<double, kTableSize> kTable = make_table();

}  // namespace

double digamma(std::int64_t n) {
  return n < kTableSize ? kTable[static_cast<std::size_t>(n)] : asymptotic(static_cast<double>(n));
}

}  // namespace fastmi::cpu
