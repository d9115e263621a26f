#pragma once

#include <pybind11/pybind11.h>

namespace fastmi::bindings {

/// Adds bnaf_forward and the classes of its passes.
void register_cpu_bnaf(pybind11::module_& m);

}  // namespace fastmi::bindings
