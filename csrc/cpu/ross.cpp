#include "cpu/ross.h"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <string>

#include "cpu/digamma.h"

namespace fastmi::cpu {
namespace {

/// The samples of one row that are not alone in their class: their values, ascending, and their
/// places by class, ascending within each. Nothing of it depends on memory that others may
/// overwrite.
struct ByClass {
  std::vector<double> values;
  std::vector<std::int32_t> places;
  /// Where each class starts among the places; one more at the end.
  std::vector<std::int32_t> starts;
};

ByClass by_class(const double* values, std::int64_t n, const std::int64_t* labels) {
  std::vector<std::int32_t> own(static_cast<std::size_t>(n));
  std::vector<std::int32_t> sizes(static_cast<std::size_t>(n));
  std::int32_t classes = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t label = labels[i];
    if (label < 0 || label >= n) {
      throw std::invalid_argument("labels must be in [0, n); got " + std::to_string(label));
    }
    own[i] = static_cast<std::int32_t>(label);
    ++sizes[label];
    classes = std::max(classes, own[i] + 1);
  }
  ByClass found;
  found.starts.resize(static_cast<std::size_t>(classes) + 1);
  for (std::int32_t y = 0; y < classes; ++y) {
    found.starts[y + 1] = found.starts[y] + (sizes[y] > 1 ? sizes[y] : 0);
  }
  const auto kept = static_cast<std::size_t>(found.starts.back());
  found.values.resize(kept);
  found.places.resize(kept);
  std::vector<std::int32_t> next(found.starts.begin(), found.starts.end() - 1);
  std::int32_t place = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    if (sizes[own[i]] < 2) continue;
    found.values[place] = values[i];
    found.places[next[own[i]]++] = place++;
  }
  return found;
}

/// Number of samples, the one at `i` included, strictly within the distance of the k-th neighbour
/// among the `size` members of its class, of which it is number r.
std::int32_t count_inside(const std::vector<double>& v, const std::int32_t* members, int size,
                          int r, int k) {
  const std::int32_t i = members[r];
  const double x = v[i];
  // The k neighbours and the sample are k + 1 members in a row.
  int first = 0;
  double radius = std::numeric_limits<double>::infinity();
  for (int lo = std::max(0, r - k), end = std::min(r, size - 1 - k); lo <= end; ++lo) {
    const double reach = std::max(x - v[members[lo]], v[members[lo + k]] - x);
    if (reach < radius) {
      radius = reach;
      first = lo;
    }
  }
  // On each side the radius ends at the last of these members, or before the next one. Where values
  // are equal, other members may be as near as these. Where they differ, all between the sample and
  // the member at the radius itself are inside.
  int last = first + k;
  while (first > 0 && x - v[members[first - 1]] < radius) --first;
  while (last + 1 < size && v[members[last + 1]] - x < radius) ++last;
  std::int32_t outside = members[first];
  std::int32_t left = i;
  if (x - v[outside] < radius) {
    left = outside;
    outside = first > 0 ? members[first - 1] : -1;
  } else if (outside < i && x - v[outside + 1] < radius) {
    left = outside + 1;
  }
  while (left - outside > 1) {
    const std::int32_t middle = (left + outside) / 2;
    (x - v[middle] < radius ? left : outside) = middle;
  }
  outside = members[last];
  std::int32_t right = i;
  if (v[outside] - x < radius) {
    right = outside;
    outside = last + 1 < size ? members[last + 1] : static_cast<std::int32_t>(v.size());
  } else if (outside > i && v[outside - 1] - x < radius) {
    right = outside - 1;
  }
  while (outside - right > 1) {
    const std::int32_t middle = (right + outside) / 2;
    (v[middle] - x < radius ? right : outside) = middle;
  }
  return right - left + 1;
}

double estimate(const ByClass& samples, int k, const std::vector<double>& psi) {
  const auto n = static_cast<std::int32_t>(samples.values.size());
  if (n == 0) return std::numeric_limits<double>::quiet_NaN();
  std::vector<std::int32_t> inside(static_cast<std::size_t>(n) + 1);
  std::vector<std::int32_t> sizes;
  for (std::size_t y = 0; y + 1 < samples.starts.size(); ++y) {
    const std::int32_t begin = samples.starts[y];
    const int size = samples.starts[y + 1] - begin;
    if (size == 0) continue;
    sizes.push_back(size);
    const int k_i = std::min(k, size - 1);
    for (int r = 0; r < size; ++r) {
      ++inside[count_inside(samples.values, samples.places.data() + begin, size, r, k_i)];
    }
  }
  // The names of the classes do not matter.
  std::sort(sizes.begin(), sizes.end());
  double sum = 0;
  for (const std::int32_t size : sizes) sum += size * (psi[std::min(k, size - 1)] - psi[size]);
  for (std::int32_t m = 1; m <= n; ++m) sum -= inside[m] * psi[m];
  return psi[n] + sum / n;
}

}  // namespace

void ross_estimates(const double* values, std::int64_t n, const std::int64_t* labels,
                    std::int64_t number, const std::vector<int>& ks, const Execution& execution,
                    double* estimates) {
  std::vector<double> psi(static_cast<std::size_t>(n) + 1);
  for (std::int64_t m = 1; m <= n; ++m) psi[m] = digamma(m);
  parallel_for(execution, number, [&](std::int64_t r, int) {
    const ByClass samples = by_class(values, n, labels + r * n);
    for (std::size_t q = 0; q < ks.size(); ++q) {
      heed();
      estimates[static_cast<std::int64_t>(q) * number + r] = estimate(samples, ks[q], psi);
    }
  });
}

}  // namespace fastmi::cpu
