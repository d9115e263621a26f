// fastmi._cpu: its functions by family, and what it tells of itself.
#include <pybind11/stl.h>

#include <algorithm>
#include <cmath>

#include "bindings/bnaf.h"
#include "bindings/cpu_ops.h"
#include "cpu/ceiling.h"
#include "cpu/digamma.h"
#include "cpu/simd_level.h"

namespace fastmi::bindings {
namespace {

Array<double> digamma(const Array<std::int64_t>& n) {
  const std::int64_t* from = n.data();
  if (!std::all_of(from, from + n.size(), [](std::int64_t value) { return value >= 1; })) {
    throw std::invalid_argument("n must be positive integers");
  }
  Array<double> psi(std::vector<py::ssize_t>(n.shape(), n.shape() + n.ndim()));
  std::transform(from, from + n.size(), psi.mutable_data(), &cpu::digamma);
  return psi;
}

/// Position of the first entry that is NaN, infinite or so large that a difference of two such
/// entries overflows; -1 if there is none.
template <class T>
std::int64_t first_unusable(const Array<T>& values) {
  constexpr T kLargest = std::numeric_limits<T>::max() / 2;
  constexpr py::ssize_t kRun = 4096;
  const T* from = values.data();
  for (py::ssize_t begin = 0; begin < values.size(); begin += kRun) {
    const py::ssize_t end = std::min(values.size(), begin + kRun);
    py::ssize_t usable = 0;
    for (py::ssize_t p = begin; p < end; ++p) usable += std::abs(from[p]) <= kLargest;
    if (usable == end - begin) continue;
    return std::find_if(from + begin, from + end,
                        [&](T value) { return !(std::abs(value) <= kLargest); }) -
           from;
  }
  return -1;
}

py::dict build_info() {
  py::dict info;
  info["version"] = FASTMI_VERSION;
  info["compiler"] = FASTMI_COMPILER;
  info["openmp"] = _OPENMP;
#ifdef FASTMI_X86_LEVELS
  info["simd_levels"] = std::vector<std::string>{"scalar", "avx2", "avx512"};
#else
  info["simd_levels"] = std::vector<std::string>{"scalar"};
#endif
  info["cuda"] = FASTMI_CUDA_STATE;
  return info;
}

std::vector<std::string> simd_levels() {
  std::vector<std::string> names;
  for (const cpu::SimdLevel level : cpu::available_simd_levels()) {
    names.emplace_back(cpu::simd_level_name(level));
  }
  return names;
}

}  // namespace

PYBIND11_MODULE(_cpu, m, py::mod_gil_not_used()) {
  using namespace py::literals;

  register_neighbors(m);
  register_ksg(m);
  register_many(m);
  register_bnaf(m);
  m.def("digamma", &digamma, "n"_a.noconvert());
  m.def("first_unusable", &first_unusable<double>, "values"_a.noconvert());
  m.def("first_unusable", &first_unusable<float>, "values"_a.noconvert());
  m.def(
      "choose_algorithm",
      [](std::int64_t n, const std::vector<int>& dims, int k, bool indices) {
        int d = 0;
        for (const int dim : dims) d += dim;
        return cpu::algorithm_name(
            cpu::choose_algorithm(n, static_cast<int>(dims.size()), d, k, indices));
      },
      "n"_a, "dims"_a, "k"_a, "indices"_a = false);
  m.def("simd_level", [] { return cpu::simd_level_name(cpu::current_simd_level()); });
  m.def("simd_levels", &simd_levels);
  m.def("build_info", &build_info);
  m.def(
      "ceiling_probe",
      [](const std::string& dtype, int threads, double seconds) {
        const py::gil_scoped_release no_gil;
        return dtype == "float32" ? cpu::probe_ceiling<float>(threads, seconds)
                                  : cpu::probe_ceiling<double>(threads, seconds);
      },
      "dtype"_a, "threads"_a, "seconds"_a);
}

}  // namespace fastmi::bindings
