// Describes the CPU to the bindings that both backends share (ops.h).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "bindings/arrays.h"
#include "bindings/run.h"
#include "common/algorithm.h"
#include "common/points.h"
#include "cpu/ceiling.h"
#include "cpu/cost_model.h"
#include "cpu/count.h"
#include "cpu/first_unusable.h"
#include "cpu/knn.h"
#include "cpu/ksg.h"
#include "cpu/pairwise.h"
#include "cpu/parallel.h"
#include "cpu/space_counts.h"
#include "cpu/surrogates.h"
#include "cpu/sweep.h"

namespace fastmi::bindings {

struct CpuBackend {
  /// What Python passes as a block: a C-contiguous array [n, d], float32 or float64.
  using Block = py::array;

  template <class T>
  using Surrogates = cpu::Surrogates<T>;

  /// Most samples that the 32-bit sample numbers of the kernels can tell apart.
  static constexpr std::int64_t kMaxSamples = std::numeric_limits<std::int32_t>::max() - 64;

  static constexpr Algorithm kAlgorithms[] = {Algorithm::kAuto, Algorithm::kTree, Algorithm::kBrute,
                                              Algorithm::kSort};

  static std::string no_such_algorithm(const std::string& name) {
    return "algorithm must be 'auto', 'tree', 'brute' or 'sort'; got '" + name + "'";
  }

  template <class T>
  static bool holds(const Block& block) {
    return py::isinstance<Array<T>>(block);
  }

  template <class T>
  static Points<T> points(const Block& block) {
    if (!holds<T>(block)) {
      throw py::type_error("blocks must be C-contiguous and all of one dtype, float32 or float64");
    }
    if (block.ndim() != 2) {
      throw std::invalid_argument("blocks must be 2-D [n, d]; got ndim=" +
                                  std::to_string(block.ndim()));
    }
    if (block.shape(1) < 1 || block.shape(1) > std::numeric_limits<int>::max() / 64) {
      throw std::invalid_argument("blocks must have at least 1 column; got d=" +
                                  std::to_string(block.shape(1)));
    }
    return {static_cast<const T*>(block.data()), block.shape(0), static_cast<int>(block.shape(1))};
  }

  /// Searches a whole array, whatever its shape. It is so fast that it keeps the GIL.
  template <class T>
  static std::int64_t first_unusable(const Block& block) {
    if (!holds<T>(block)) {
      throw py::type_error("block must be C-contiguous, float32 or float64");
    }
    return cpu::first_unusable(static_cast<const T*>(block.data()), block.size());
  }

  static Algorithm choose_algorithm(std::int64_t n, int variables, int d, int k, bool indices) {
    return cpu::choose_algorithm(n, variables, d, k, indices);
  }

  /// Where a call runs: on threads of the host, whatever the blocks.
  class Place {
   public:
    Place(const std::vector<Block>&, int threads) : threads_(threads) {
      if (threads < 1) {
        throw std::invalid_argument("threads must be at least 1; got " + std::to_string(threads));
      }
    }

    /// Lowers the number of threads to those worth waking for one search of these blocks.
    template <class T>
    void fit(const Blocks<T>& blocks) {
      threads_ = cpu::useful_threads(threads_, blocks.front().n, static_cast<int>(blocks.size()),
                                     total_dims(blocks));
    }

    template <class F, class Report = Quiet>
    void run(F&& f, Report&& report = {}) const {
      cpu::Execution execution;
      execution.threads = threads_;
      cpu::prepare_to_throw();
      run_without_gil(
          std::move(execution),
          [&](const cpu::Execution& own) {
            const cpu::Call call(own);
            f(own);
          },
          report);
    }

    template <class T>
    double probe_ceiling(double seconds) const {
      return cpu::probe_ceiling<T>(threads_, seconds);
    }

   private:
    int threads_;
  };
};

}  // namespace fastmi::bindings
