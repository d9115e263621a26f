// Measures what the arithmetic of the tiles costs when nothing else is done.
#include <algorithm>

#include "cuda/device_queue.cuh"

namespace fastmi::cuda {
namespace {

/// Each thread keeps 16 independent maxima in registers; every step is one pair-dimension of each.
template <class T>
struct Ceiling {
  struct State {};
  struct Shared {};
  static constexpr int kThreads = 256;
  static constexpr int kChains = 16;
  static constexpr int kTogether = 8;  // steps between two tests for the end
  struct Params {
    std::int64_t steps;  ///< a multiple of kTogether
    const T* start;      ///< [kThreads + kChains]
    T* out;              ///< [blocks * kThreads], written
  };

  template <class Block>
  FASTMI_HD static void run(Block& block, const Params& p) {
    block.each([&](int t, State&) {
      T acc[kChains];
      T at[kChains];
      FASTMI_UNROLL
      for (int c = 0; c < kChains; ++c) {
        acc[c] = 0;
        at[c] = p.start[kThreads + c];
      }
      T query = p.start[t];
      FASTMI_ROLL
      for (std::int64_t step = 0; step < p.steps; step += kTogether) {
        FASTMI_UNROLL
        for (int s = 0; s < kTogether; ++s) {
          FASTMI_UNROLL
          for (int c = 0; c < kChains; ++c) acc[c] = larger(acc[c], std::fabs(query - at[c]));
          // The query changes, so that the next step's differences are not those of this one.
          query = acc[0];
        }
      }
      T sum = 0;
      FASTMI_UNROLL
      for (int c = 0; c < kChains; ++c) sum += acc[c];
      p.out[block.index() * kThreads + t] = sum;
    });
  }
};

}  // namespace

template <class T>
double probe_ceiling(double seconds, int device, std::uintptr_t stream) {
  using Body = Ceiling<T>;
  Execution execution;
  execution.device = device;
  execution.stream = stream;
  DeviceQueue queue(execution);
  // Enough warps to fill every multiprocessor.
  const std::int64_t blocks = 8 * queue.multiprocessors();
  std::vector<T> values(Body::kThreads + Body::kChains);
  for (std::size_t v = 0; v < values.size(); ++v) values[v] = static_cast<T>(v % 37) / 8;
  const Scratch<T, DeviceQueue> start(queue, values);
  const Scratch<T, DeviceQueue> out(queue, blocks * Body::kThreads);
  const auto native = reinterpret_cast<cudaStream_t>(stream);
  struct Events {
    cudaEvent_t begin = nullptr;
    cudaEvent_t end = nullptr;
    ~Events() {
      if (begin != nullptr) cudaEventDestroy(begin);
      if (end != nullptr) cudaEventDestroy(end);
    }
  } events;
  check(cudaEventCreate(&events.begin));
  check(cudaEventCreate(&events.end));
  double best = 0;
  double spent = 0;
  std::int64_t steps = 1 << 10;
  while (spent < seconds) {
    check(cudaEventRecord(events.begin, native));
    queue.launch<Body>(blocks, 1, {steps, start.data(), out.data()});
    check(cudaEventRecord(events.end, native));
    queue.wait();
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, events.begin, events.end));
    const double elapsed = std::max(1e-6, milliseconds / 1e3);
    best = std::max(best, static_cast<double>(blocks) * Body::kThreads * Body::kChains *
                              static_cast<double>(steps) / elapsed);
    spent += elapsed;
    if (elapsed < 0.02) steps *= 2;
  }
  return best;
}

template double probe_ceiling<float>(double, int, std::uintptr_t);
template double probe_ceiling<double>(double, int, std::uintptr_t);

}  // namespace fastmi::cuda
