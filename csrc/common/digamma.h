// The digamma function at positive integers: a table, and a series beyond it.
#pragma once

#include <cmath>
#include <cstdint>

#include "common/portable.h"

namespace fastmi {

/// Size of the table: it covers most marginal counts up to n = 1e6 and fits an L2 cache.
inline constexpr int kDigammaTableSize = 8192;

/// psi(m) = log m - 1/2m - 1/12m^2 + 1/120m^4 - 1/252m^6 + ...; for m >= 32 the next term is
/// below 1e-14.
FASTMI_HD double digamma_series(double m) {
  const double inverse_square = 1 / (m * m);
  return std::log(m) - 0.5 / m -
         inverse_square * (1.0 / 12 - inverse_square * (1.0 / 120 - inverse_square / 252));
}

/// table [kDigammaTableSize], written: psi(m) at m >= 1.
inline void fill_digamma_table(double* table) {
  long double psi = -0.577215664901532860606512090082402431L;
  table[0] = 0;
  for (int m = 1; m < 32; ++m) {
    table[m] = static_cast<double>(psi);
    psi += 1.0L / m;
  }
  for (int m = 32; m < kDigammaTableSize; ++m) table[m] = digamma_series(m);
}

FASTMI_HD double digamma_from(const double* table, std::int64_t n) {
  return n < kDigammaTableSize ? table[n] : digamma_series(static_cast<double>(n));
}

}  // namespace fastmi
