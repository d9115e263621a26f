// fastmi._cuda: the functions of fastmi._cpu for samples in device memory.
//
// Samples are blocks (pointer, d): the address in device memory of C-contiguous [n, d] numbers of
// `dtype`, "float32" or "float64", and its columns. Every function runs on `stream` (the integer
// handle; 0 is the legacy default stream) of device number `device`, takes its scratch from that
// device's stream-ordered pool and gives it back, waits for the stream and returns NumPy arrays in
// host memory. Work that other streams have yet to do on the samples must be ordered before the
// call. The shapes are those of fastmi._cpu:
//
//   kth_distance      [len(ks), n] of dtype
//   kneighbors        distances [n, k] of dtype, indices [n, k] int64, by (distance, index)
//   count_within      [n] int64; radius: host array [n] of dtype
//   ksg               mean, std [len(ks)]; counts [len(ks), m, n] int64; zero_radius [len(ks)]
//   ksg_sweep         two blocks x, y; the same with (len(scales), len(ks)) in front, m = 2
//   ksg_permutations  variant 1 with the rows of blocks[0] in the order of orders[b], orders
//                     [B, n] int64 on the host; mean, std, zero_radius [B, len(ks)]
//   ksg_pairs         variant 1 for pairs[p] = (column, column), pairs [P, 2] int64, of the columns
//                     of all blocks side by side; mean, std [P, len(ks)], count_sum (of both
//                     margins over the samples) [P, len(ks), 2], zero_radius [P, len(ks)]
//   first_unusable    position of the first entry that is NaN, infinite or above max / 2, or -1
//
// algorithm: "auto", "brute" or "tree"; metric: "chebyshev" or "euclidean". The counts are the same
// integers as those of fastmi._cpu.
//
// bnaf_sizes, bnaf_forward, bnaf_backward: see bindings/cuda_bnaf.cpp.
//
// driver_info(): {"runtime_version", "driver_version" (0: none), "reason" ("" when usable)}; never
// raises, nor does device_count() (0 without a usable driver). device_info(i): name,
// compute_capability, multiprocessors, total_memory. pointer_device(p): number of the device that
// holds p, or -1 for host memory. Buffer(array, device, stream): a device copy of a
// C-contiguous host array, freed with the object.
//
// Errors: ValueError for arguments, MemoryError when the device is out of memory, RuntimeError for
// everything else that CUDA reports. The context stays usable unless CUDA itself has lost it.
#include <pybind11/stl.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "bindings/arguments.h"
#include "bindings/cuda_bnaf.h"
#include "bindings/dtype_name.h"
#include "cuda/device.h"
#include "cuda/ops.h"

namespace fastmi::bindings {
namespace {

using cuda::Algorithm;
using cuda::PsiSummary;
using DeviceBlocks = std::vector<std::pair<std::uintptr_t, int>>;

/// Sample numbers are 32-bit, with room for the step of a loop over tiles.
constexpr std::int64_t kMaxDeviceSamples = std::numeric_limits<std::int32_t>::max() - 4096;

Algorithm as_algorithm(const std::string& name) {
  if (name == "auto") return Algorithm::kAuto;
  if (name == "brute") return Algorithm::kBrute;
  if (name == "tree") return Algorithm::kTree;
  throw std::invalid_argument("algorithm must be 'auto', 'brute' or 'tree' on CUDA; got '" + name +
                              "'");
}

template <class T>
Blocks<T> as_device_blocks(const DeviceBlocks& pointers, std::int64_t n) {
  if (pointers.empty()) throw std::invalid_argument("blocks must not be empty");
  if (n < 2 || n > kMaxDeviceSamples) {
    throw std::invalid_argument("n must be in [2, " + std::to_string(kMaxDeviceSamples) +
                                "]; got n=" + std::to_string(n));
  }
  Blocks<T> blocks;
  for (const auto& [pointer, d] : pointers) {
    if (pointer == 0) throw std::invalid_argument("blocks must not have null pointers");
    if (d < 1 || d > std::numeric_limits<int>::max() / 64) {
      throw std::invalid_argument("blocks must have at least 1 column; got d=" + std::to_string(d));
    }
    blocks.push_back({reinterpret_cast<const T*>(pointer), n, d});
  }
  return blocks;
}

/// Runs f(execution) without the GIL; Ctrl-C between launches comes back as KeyboardInterrupt.
template <class F>
void without_gil(int device, std::uintptr_t stream, F&& f) {
  try {
    const py::gil_scoped_release no_gil;
    f(cuda::Execution{device, stream, [] {
                        const py::gil_scoped_acquire gil;
                        return PyErr_CheckSignals() != 0;
                      }});
  } catch (const cuda::Interrupted&) {
    throw py::error_already_set();
  }
}

template <class T>
py::array kth_distance(const DeviceBlocks& pointers, std::int64_t n, const std::vector<int>& ks,
                       Metric metric, Algorithm algorithm, int device, std::uintptr_t stream) {
  const Blocks<T> blocks = as_device_blocks<T>(pointers, n);
  check_ks(ks, n);
  Array<T> distances({static_cast<py::ssize_t>(ks.size()), static_cast<py::ssize_t>(n)});
  T* out = distances.mutable_data();
  without_gil(device, stream, [&](const cuda::Execution& execution) {
    cuda::kth_distance(blocks, ks, metric, algorithm, execution, out);
  });
  return distances;
}

template <class T>
py::tuple kneighbors(const DeviceBlocks& pointers, std::int64_t n, int k, Metric metric,
                     Algorithm algorithm, int device, std::uintptr_t stream) {
  const Blocks<T> blocks = as_device_blocks<T>(pointers, n);
  check_k(k, n);
  Array<T> distances({static_cast<py::ssize_t>(n), static_cast<py::ssize_t>(k)});
  Array<std::int64_t> indices({static_cast<py::ssize_t>(n), static_cast<py::ssize_t>(k)});
  T* out = distances.mutable_data();
  std::int64_t* out_indices = indices.mutable_data();
  without_gil(device, stream, [&](const cuda::Execution& execution) {
    cuda::kneighbors(blocks, k, metric, algorithm, execution, out, out_indices);
  });
  return py::make_tuple(distances, indices);
}

template <class T>
Array<std::int64_t> count_within(const DeviceBlocks& pointers, std::int64_t n,
                                 const py::array& radius, bool strict, Metric metric,
                                 Algorithm algorithm, int device, std::uintptr_t stream) {
  const Blocks<T> blocks = as_device_blocks<T>(pointers, n);
  if (!py::isinstance<Array<T>>(radius)) {
    throw py::type_error("radius must be a C-contiguous host array of the dtype of the blocks");
  }
  const T* r = as_radii<T>(radius, n);
  Array<std::int64_t> counts(static_cast<py::ssize_t>(n));
  std::int64_t* out = counts.mutable_data();
  without_gil(device, stream, [&](const cuda::Execution& execution) {
    cuda::count_within(blocks, r, strict, metric, algorithm, execution, out);
  });
  return counts;
}

template <class T>
py::tuple ksg(const DeviceBlocks& pointers, std::int64_t n, const std::vector<int>& ks, int variant,
              Metric metric, Algorithm algorithm, int device, std::uintptr_t stream) {
  const Blocks<T> blocks = as_device_blocks<T>(pointers, n);
  check_ks(ks, n);
  if (blocks.size() < 2) throw std::invalid_argument("ksg needs at least 2 blocks");
  if (variant != 1 && variant != 2) {
    throw std::invalid_argument("variant must be 1 or 2; got " + std::to_string(variant));
  }
  const auto lists = static_cast<py::ssize_t>(ks.size());
  Array<std::int64_t> counts(
      {lists, static_cast<py::ssize_t>(blocks.size()), static_cast<py::ssize_t>(n)});
  std::int64_t* out = counts.mutable_data();
  std::vector<PsiSummary> summaries;
  without_gil(device, stream, [&](const cuda::Execution& execution) {
    summaries = cuda::ksg(blocks, ks, variant, metric, algorithm, execution, out);
  });
  const PsiArrays psi(summaries, {lists});
  return py::make_tuple(psi.mean, psi.std, counts, psi.zero_radius);
}

template <class T>
py::tuple ksg_sweep(const DeviceBlocks& pointers, std::int64_t n, const std::vector<double>& scales,
                    const std::vector<int>& ks, Metric metric, int device, std::uintptr_t stream) {
  const Blocks<T> blocks = as_device_blocks<T>(pointers, n);
  check_ks(ks, n);
  if (blocks.size() != 2) {
    throw std::invalid_argument("ksg_sweep needs 2 blocks; got " + std::to_string(blocks.size()));
  }
  const std::vector<T> own_scales = as_scales<T>(scales);
  const auto number = static_cast<py::ssize_t>(scales.size());
  const auto lists = static_cast<py::ssize_t>(ks.size());
  Array<std::int64_t> counts({number, lists, py::ssize_t{2}, static_cast<py::ssize_t>(n)});
  std::int64_t* out = counts.mutable_data();
  std::vector<PsiSummary> summaries;
  without_gil(device, stream, [&](const cuda::Execution& execution) {
    summaries = cuda::ksg_sweep(blocks[0], blocks[1], own_scales, ks, metric, execution, out);
  });
  const PsiArrays psi(summaries, {number, lists});
  return py::make_tuple(psi.mean, psi.std, counts, psi.zero_radius);
}

/// The array as rows of `width` entries that are all in [0, end).
const std::int64_t* as_positions(const Array<std::int64_t>& array, std::int64_t width,
                                 std::int64_t end, const std::string& name) {
  if (array.ndim() != 2 || array.shape(0) < 1 || array.shape(1) != width) {
    throw std::invalid_argument(name + " must be 2-D with rows of " + std::to_string(width) +
                                " entries");
  }
  const std::int64_t* from = array.data();
  if (!std::all_of(from, from + array.size(),
                   [&](std::int64_t at) { return at >= 0 && at < end; })) {
    throw std::invalid_argument(name + " must be in [0, " + std::to_string(end - 1) + "]");
  }
  return from;
}

template <class T>
py::tuple ksg_permutations(const DeviceBlocks& pointers, std::int64_t n,
                           const Array<std::int64_t>& orders, const std::vector<int>& ks,
                           Metric metric, Algorithm algorithm, int device, std::uintptr_t stream) {
  const Blocks<T> blocks = as_device_blocks<T>(pointers, n);
  check_ks(ks, n);
  if (blocks.size() < 2) throw std::invalid_argument("ksg_permutations needs at least 2 blocks");
  const std::int64_t* from = as_positions(orders, n, n, "orders");
  const std::int64_t number = orders.shape(0);
  std::vector<PsiSummary> summaries;
  without_gil(device, stream, [&](const cuda::Execution& execution) {
    summaries = cuda::ksg_permutations(blocks, from, number, ks, metric, algorithm, execution);
  });
  const PsiArrays psi(summaries, {number, static_cast<py::ssize_t>(ks.size())});
  return py::make_tuple(psi.mean, psi.std, psi.zero_radius);
}

template <class T>
py::tuple ksg_pairs(const DeviceBlocks& pointers, std::int64_t n, const Array<std::int64_t>& pairs,
                    const std::vector<int>& ks, Algorithm algorithm, int device,
                    std::uintptr_t stream) {
  const Blocks<T> blocks = as_device_blocks<T>(pointers, n);
  check_ks(ks, n);
  const std::int64_t* from = as_positions(pairs, 2, total_dims(blocks), "pairs");
  const std::int64_t number = pairs.shape(0);
  std::vector<PsiSummary> summaries;
  without_gil(device, stream, [&](const cuda::Execution& execution) {
    summaries = cuda::ksg_pairs(blocks, from, number, ks, algorithm, execution);
  });
  const auto lists = static_cast<py::ssize_t>(ks.size());
  const PsiArrays psi(summaries, {number, lists});
  Array<std::int64_t> count_sum({static_cast<py::ssize_t>(number), lists, py::ssize_t{2}});
  for (std::size_t e = 0; e < summaries.size(); ++e) {
    std::copy_n(summaries[e].count_sum, 2, count_sum.mutable_data() + 2 * e);
  }
  return py::make_tuple(psi.mean, psi.std, count_sum, psi.zero_radius);
}

std::int64_t first_unusable(std::uintptr_t pointer, std::int64_t size, const std::string& dtype,
                            int device, std::uintptr_t stream) {
  if (size < 0) throw std::invalid_argument("size must be >= 0; got " + std::to_string(size));
  std::int64_t first = -1;
  with_dtype(dtype, [&]<class T>() {
    without_gil(device, stream, [&](const cuda::Execution& execution) {
      first = cuda::first_unusable(reinterpret_cast<const T*>(pointer), size, execution);
    });
  });
  return first;
}

py::dict build_info() {
  py::dict info;
  info["version"] = FASTMI_VERSION;
  info["cuda_version"] = FASTMI_CUDA_VERSION;
  info["architectures"] = FASTMI_CUDA_ARCHITECTURES;
  return info;
}

py::dict driver_info() {
  const cuda::DriverInfo driver = cuda::driver_info();
  py::dict info;
  info["runtime_version"] = driver.runtime_version;
  info["driver_version"] = driver.driver_version;
  info["reason"] = driver.reason;
  return info;
}

py::dict device_info(int device) {
  const cuda::DeviceInfo found = cuda::device_info(device);
  py::dict info;
  info["name"] = found.name;
  info["compute_capability"] = py::make_tuple(found.major, found.minor);
  info["multiprocessors"] = found.multiprocessors;
  info["total_memory"] = found.total_memory;
  return info;
}

std::unique_ptr<cuda::DeviceCopy> make_buffer(const py::array& array, int device,
                                              std::uintptr_t stream) {
  if ((array.flags() & py::array::c_style) == 0) {
    throw py::type_error("array must be C-contiguous");
  }
  const void* from = array.data();
  const auto bytes = static_cast<std::size_t>(array.nbytes());
  const py::gil_scoped_release no_gil;
  return std::make_unique<cuda::DeviceCopy>(from, bytes, device, stream);
}

}  // namespace

PYBIND11_MODULE(_cuda, m, py::mod_gil_not_used()) {
  using namespace py::literals;
  using Ks = std::vector<int>;

  py::class_<cuda::DeviceCopy>(m, "Buffer", py::module_local())
      .def(py::init(&make_buffer), "array"_a, "device"_a, "stream"_a)
      .def_property_readonly("pointer", &cuda::DeviceCopy::pointer)
      .def_property_readonly("nbytes", &cuda::DeviceCopy::bytes)
      .def_property_readonly("device", &cuda::DeviceCopy::device);
  m.def(
      "kth_distance",
      [](const DeviceBlocks& blocks, std::int64_t n, const std::string& dtype, const Ks& ks,
         const std::string& metric, const std::string& algorithm, int device,
         std::uintptr_t stream) {
        return with_dtype(dtype, [&]<class T>() {
          return kth_distance<T>(blocks, n, ks, as_metric(metric), as_algorithm(algorithm), device,
                                 stream);
        });
      },
      "blocks"_a, "n"_a, "dtype"_a, "ks"_a, "metric"_a, "algorithm"_a, "device"_a, "stream"_a);
  m.def(
      "kneighbors",
      [](const DeviceBlocks& blocks, std::int64_t n, const std::string& dtype, int k,
         const std::string& metric, const std::string& algorithm, int device,
         std::uintptr_t stream) {
        return with_dtype(dtype, [&]<class T>() {
          return kneighbors<T>(blocks, n, k, as_metric(metric), as_algorithm(algorithm), device,
                               stream);
        });
      },
      "blocks"_a, "n"_a, "dtype"_a, "k"_a, "metric"_a, "algorithm"_a, "device"_a, "stream"_a);
  m.def(
      "count_within",
      [](const DeviceBlocks& blocks, std::int64_t n, const std::string& dtype,
         const py::array& radius, bool strict, const std::string& metric,
         const std::string& algorithm, int device, std::uintptr_t stream) {
        return with_dtype(dtype, [&]<class T>() {
          return count_within<T>(blocks, n, radius, strict, as_metric(metric),
                                 as_algorithm(algorithm), device, stream);
        });
      },
      "blocks"_a, "n"_a, "dtype"_a, "radius"_a, "strict"_a, "metric"_a, "algorithm"_a, "device"_a,
      "stream"_a);
  m.def(
      "ksg",
      [](const DeviceBlocks& blocks, std::int64_t n, const std::string& dtype, const Ks& ks,
         int variant, const std::string& metric, const std::string& algorithm, int device,
         std::uintptr_t stream) {
        return with_dtype(dtype, [&]<class T>() {
          return ksg<T>(blocks, n, ks, variant, as_metric(metric), as_algorithm(algorithm), device,
                        stream);
        });
      },
      "blocks"_a, "n"_a, "dtype"_a, "ks"_a, "variant"_a, "metric"_a, "algorithm"_a, "device"_a,
      "stream"_a);
  m.def(
      "ksg_sweep",
      [](const DeviceBlocks& blocks, std::int64_t n, const std::string& dtype,
         const std::vector<double>& scales, const Ks& ks, const std::string& metric, int device,
         std::uintptr_t stream) {
        return with_dtype(dtype, [&]<class T>() {
          return ksg_sweep<T>(blocks, n, scales, ks, as_metric(metric), device, stream);
        });
      },
      "blocks"_a, "n"_a, "dtype"_a, "scales"_a, "ks"_a, "metric"_a, "device"_a, "stream"_a);
  m.def(
      "ksg_permutations",
      [](const DeviceBlocks& blocks, std::int64_t n, const std::string& dtype,
         const Array<std::int64_t>& orders, const Ks& ks, const std::string& metric,
         const std::string& algorithm, int device, std::uintptr_t stream) {
        return with_dtype(dtype, [&]<class T>() {
          return ksg_permutations<T>(blocks, n, orders, ks, as_metric(metric),
                                     as_algorithm(algorithm), device, stream);
        });
      },
      "blocks"_a, "n"_a, "dtype"_a, "orders"_a.noconvert(), "ks"_a, "metric"_a, "algorithm"_a,
      "device"_a, "stream"_a);
  m.def(
      "ksg_pairs",
      [](const DeviceBlocks& blocks, std::int64_t n, const std::string& dtype,
         const Array<std::int64_t>& pairs, const Ks& ks, const std::string& algorithm, int device,
         std::uintptr_t stream) {
        return with_dtype(dtype, [&]<class T>() {
          return ksg_pairs<T>(blocks, n, pairs, ks, as_algorithm(algorithm), device, stream);
        });
      },
      "blocks"_a, "n"_a, "dtype"_a, "pairs"_a.noconvert(), "ks"_a, "algorithm"_a, "device"_a,
      "stream"_a);
  m.def("first_unusable", &first_unusable, "pointer"_a, "size"_a, "dtype"_a, "device"_a,
        "stream"_a);
  m.def(
      "choose_algorithm",
      [](std::int64_t n, const std::vector<int>& dims, int) {
        int d = 0;
        for (const int dim : dims) d += dim;
        return cuda::choose_algorithm(n, d) == Algorithm::kTree ? "tree" : "brute";
      },
      "n"_a, "dims"_a, "k"_a);
  m.def("device_count", [] { return cuda::driver_info().devices; });
  m.def("driver_info", &driver_info);
  m.def("device_info", &device_info, "device"_a);
  m.def("pointer_device", &cuda::pointer_device, "pointer"_a);
  m.def("synchronize", &cuda::synchronize, "device"_a, "stream"_a,
        py::call_guard<py::gil_scoped_release>());
  m.def("build_info", &build_info);
  m.def(
      "ceiling_probe",
      [](const std::string& dtype, double seconds, int device, std::uintptr_t stream) {
        return with_dtype(dtype, [&]<class T>() {
          const py::gil_scoped_release no_gil;
          return cuda::probe_ceiling<T>(seconds, device, stream);
        });
      },
      "dtype"_a, "seconds"_a, "device"_a, "stream"_a);
  register_cuda_bnaf(m);
}

}  // namespace fastmi::bindings
