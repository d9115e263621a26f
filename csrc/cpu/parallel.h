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

/// An exception needs memory of its thread. glibc takes it when the thread throws its first one, and
/// ends the process where there is none; so a thread that may run out of memory calls this before.
void prepare_to_throw();

namespace detail {

/// Runs work(0) on the calling thread and at the same time work(thread), for thread = 1 ..
/// threads - 1, on as many others as the system grants: where it refuses a thread, or where work(0)
/// returns before another thread has woken, there are fewer calls. Allocates nothing but threads,
/// which are kept for the next team. `work` must not throw. Throws std::runtime_error in the child
/// of a fork that work(0) has made, as the other threads do not exist there.
void run_team(int threads, const std::function<void(int)>& work);

}  // namespace detail

/// Calls body(item, thread) for every item in [0, items), each once, in no stated order. Threads
/// have numbers in [0, execution.threads); number 0 is the calling thread.
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
  const auto poll = [&] {
    const auto now = Clock::now();
    if (now - last_poll < kPollPeriod) return;
    last_poll = now;
    if (execution.interrupted()) throw Interrupted();
  };
  const auto work = [&](int thread) {
    try {
      while (!stop.load(std::memory_order_relaxed)) {
        const std::int64_t item = next.fetch_add(1, std::memory_order_relaxed);
        if (item >= items) break;
        body(item, thread);
        if (thread == 0) poll();
      }
    } catch (...) {
      const std::lock_guard<std::mutex> lock(error_mutex);
      if (!error) error = std::current_exception();
      stop = true;
    }
  };

  const int threads = static_cast<int>(execution.threads < items ? execution.threads : items);
  if (threads <= 1) {
    work(0);
  } else {
    detail::run_team(threads, std::ref(work));
  }
  if (error) std::rethrow_exception(error);
}

}  // namespace fastmi::cpu
