#pragma once

#include <pybind11/pybind11.h>

namespace fastmi::bindings {

/// Adds bnaf_sizes, bnaf_forward and bnaf_backward.
void register_cuda_bnaf(pybind11::module_& m);

}  // namespace fastmi::bindings
