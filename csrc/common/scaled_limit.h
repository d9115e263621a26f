#pragma once

#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "common/portable.h"

namespace fastmi {

/// Converts between numbers and their bits. The bits of numbers >= 0, read as integers, are in the
/// order of the numbers.
template <class T>
struct OrderedBits {
  using Bits = std::conditional_t<sizeof(T) == 8, std::int64_t, std::int32_t>;
  FASTMI_HD static T number(Bits bits) {
    T value;
    memcpy(&value, &bits, sizeof value);
    return value;
  }
  FASTMI_HD static Bits of(T value) {
    Bits bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
  }
};

/// The smallest v with c v >= radius, so that c D < radius means D < v. It is found by bisection of
/// bit patterns, usually right beside radius / c; but where products overflow or vanish, a great
/// many v share one product.
template <class T>
FASTMI_HD T unscaled_limit(T radius, T c) {
  using Ordered = OrderedBits<T>;
  using Bits = typename Ordered::Bits;
  if (radius <= 0) return 0;
  Bits below = 0;
  Bits reached = Ordered::of(std::numeric_limits<T>::infinity());
  const Bits guess = Ordered::of(radius / c);
  if (guess > 2 && c * Ordered::number(guess - 2) < radius) below = guess - 2;
  if (guess + 2 < reached && c * Ordered::number(guess + 2) >= radius) reached = guess + 2;
  while (reached - below > 1) {
    const Bits middle = below + (reached - below) / 2;
    (c * Ordered::number(middle) < radius ? below : reached) = middle;
  }
  return Ordered::number(reached);
}

}  // namespace fastmi
