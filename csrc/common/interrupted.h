#pragma once

#include <stdexcept>

namespace fastmi {

/// Thrown by a kernel once the `interrupted` of its Execution has returned true. By then nothing of
/// the work is running any more.
struct Interrupted : std::runtime_error {
  Interrupted() : std::runtime_error("interrupted") {}
};

}  // namespace fastmi
