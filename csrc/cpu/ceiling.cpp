#include "cpu/ceiling.h"

#include <chrono>
#include <cstdint>
#include <vector>

#include "cpu/kernels.h"
#include "cpu/parallel.h"

namespace fastmi::cpu {

template <class T>
double probe_ceiling(int threads, double seconds) {
  using Clock = std::chrono::steady_clock;
  constexpr std::int64_t kRepeats = 20000;
  constexpr int kDims = 16;
  const auto& kernels = current_kernels<T>();
  // Lanes of the level in use: the tile the kernel reads has 4 queries and 4 vectors per dim.
  const SimdLevel level = current_simd_level();
  const int bytes = level == SimdLevel::kAvx512 ? 64 : level == SimdLevel::kAvx2 ? 32 : 16;
  const int lanes = bytes / static_cast<int>(sizeof(T));
  std::vector<T> tile(static_cast<std::size_t>(kDims) * (4 + 4 * lanes));
  for (std::size_t p = 0; p < tile.size(); ++p) tile[p] = static_cast<T>(p * 37 % 101);

  Execution execution;
  execution.threads = threads;
  std::vector<T> results(static_cast<std::size_t>(threads) * 64);
  std::int64_t rounds = 0;
  const auto start = Clock::now();
  double elapsed = 0;
  do {
    parallel_for(execution, threads, [&](std::int64_t item, int) {
      for (int r = 0; r < 8; ++r) kernels.probe_ceiling(tile.data(), kRepeats, &results[item * 64]);
    });
    rounds += 8;
    elapsed = std::chrono::duration<double>(Clock::now() - start).count();
  } while (elapsed < seconds);
  return static_cast<double>(rounds) * threads * kRepeats * kDims * 16 * lanes / elapsed;
}

template double probe_ceiling<float>(int, double);
template double probe_ceiling<double>(int, double);

}  // namespace fastmi::cpu
