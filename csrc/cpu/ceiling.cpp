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
  const auto& kernels = current_kernels<T>();
  std::vector<T> tile(static_cast<std::size_t>(kCeilingDims) * (4 + 4 * kernels.lanes));
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
  return static_cast<double>(rounds) * threads * kRepeats * kCeilingDims * 16 * kernels.lanes /
         elapsed;
}

template double probe_ceiling<float>(int, double);
template double probe_ceiling<double>(int, double);

}  // namespace fastmi::cpu
