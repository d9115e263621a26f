// NumPy arrays in the bindings. A wrong dtype or layout is an error here, never a silent copy:
// converting is the work of the Python layer.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

namespace fastmi::bindings {

namespace py = pybind11;

template <class T>
using Array = py::array_t<T, py::array::c_style>;

}  // namespace fastmi::bindings
