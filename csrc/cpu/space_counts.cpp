#include "cpu/space_counts.h"

#include <algorithm>
#include <cstddef>

#include "common/unscale.h"
#include "cpu/buffer.h"
#include "cpu/count.h"
#include "cpu/knn.h"

namespace fastmi::cpu {

template <class T>
Algorithm space_counts(const Blocks<T>& blocks, const std::vector<int>& ks,
                       const std::vector<std::vector<int>>& spaces, bool strict, Metric metric,
                       Algorithm algorithm, const Execution& execution, T* radius,
                       std::int64_t* counts) {
  const std::int64_t n = blocks.front().n;
  const Search search = search_radii(blocks, ks, metric, algorithm, execution, radius);
  Buffer<std::int64_t> of_space(ks.size() * static_cast<std::size_t>(n));
  for (std::size_t s = 0; s < spaces.size(); ++s) {
    Blocks<T> space;
    for (const int b : spaces[s]) space.push_back(blocks[b]);
    const bool serves = algorithm != Algorithm::kSort || total_dims(space) == 1;
    count_within(space, radius, strict, metric, serves ? algorithm : Algorithm::kAuto, execution,
                 of_space.data(), static_cast<int>(ks.size()), search.exponent);
    for (std::size_t q = 0; q < ks.size(); ++q) {
      std::copy_n(of_space.data() + q * n, n, counts + (q * spaces.size() + s) * n);
    }
  }
  unscale(search.exponent, radius, static_cast<std::int64_t>(ks.size()) * n);
  return search.algorithm;
}

#define FASTMI_INSTANTIATE(T)                                                                    \
  template Algorithm space_counts(const Blocks<T>&, const std::vector<int>&,                     \
                                  const std::vector<std::vector<int>>&, bool, Metric, Algorithm, \
                                  const Execution&, T*, std::int64_t*);
FASTMI_INSTANTIATE(float)
FASTMI_INSTANTIATE(double)
#undef FASTMI_INSTANTIATE

}  // namespace fastmi::cpu
