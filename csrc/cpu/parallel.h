#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>

#include "common/interrupted.h"

namespace fastmi::cpu {

/// How a kernel may run: the number of threads, and a question that the calling thread asks
/// regularly.
struct Execution {
  int threads = 1;
  /// Returns true when the caller wants the work to stop; called on the calling thread only.
  std::function<bool()> interrupted = [] { return false; };
};

namespace detail {

/// Runs work(thread, on_caller) for thread = 0 .. threads - 1; on_caller is true on the calling
/// thread. When the calling thread has no share of the work it calls poll() instead.
void run_team(int threads, const std::function<void(int, bool)>& work,
              const std::function<void()>& poll);

}  // namespace detail

/// Calls body(item, thread) for every item in [0, items), each once, in no stated order.
///
/// An exception in body, on whatever thread, stops the loop and is rethrown here. Throws
/// Interrupted within one item of execution.interrupted() turning true. Items should take well
/// under a second and well over a microsecond.
template <class Body>
void parallel_for(const Execution& execution, std::int64_t items, Body&& body) {
  using Clock = std::chrono::steady_clock;
  constexpr auto kPollPeriod = std::chrono::milliseconds(50);

  std::atomic<std::int64_t> next{0};
  std::atomic<bool> stop{false};
  std::exception_ptr error;
  std::mutex error_mutex;
  auto last_poll = Clock::now();
  const auto fail = [&] {
    const std::lock_guard<std::mutex> lock(error_mutex);
    if (!error) error = std::current_exception();
    stop = true;
  };
  const auto poll = [&] {
    const auto now = Clock::now();
    if (now - last_poll < kPollPeriod) return;
    last_poll = now;
    if (execution.interrupted()) throw Interrupted();
  };
  // An exception must not leave an OpenMP region: it is kept here and rethrown below.
  const auto work = [&](int thread, bool on_caller) {
    try {
      while (!stop.load(std::memory_order_relaxed)) {
        const std::int64_t item = next.fetch_add(1, std::memory_order_relaxed);
        if (item >= items) break;
        body(item, thread);
        if (on_caller) poll();
      }
    } catch (...) {
      fail();
    }
  };
  const auto idle_poll = [&] {
    try {
      poll();
    } catch (...) {
      fail();
    }
  };

  const int threads = static_cast<int>(execution.threads < items ? execution.threads : items);
  if (threads <= 1) {
    work(0, true);
  } else {
    detail::run_team(threads, work, idle_poll);
  }
  if (error) std::rethrow_exception(error);
}

}  // namespace fastmi::cpu
