#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>

#include "common/interrupted.h"
#include "cpu/heed.h"

namespace fastmi::cpu {

/// How a kernel may run: the number of threads, and a question that the calling thread asks
/// regularly.
struct Execution {
  int threads = 1;
  /// Returns true when the caller wants the work to stop; called on the calling thread only.
  std::function<bool()> interrupted = [] { return false; };
};

/// An exception needs memory of its thread. glibc takes it when the thread throws its first one,
/// and ends the process where there is none; so a thread that may run out of memory calls this
/// before.
void prepare_to_throw();

namespace detail {

/// A call of a kernel or a loop in it, as the threads that work for it see it.
class Job {
 public:
  explicit Job(const Execution& execution) : execution_(execution) {}
  bool stopped() const { return stop_.load(std::memory_order_relaxed); }
  /// Keeps the exception in flight, if it is the first, and stops.
  void fail() noexcept;
  /// Asks the caller whether to stop, at most every 50 ms; for the calling thread.
  void ask();
  /// Throws the exception that was kept, if there is one.
  void rethrow();

 private:
  using Clock = std::chrono::steady_clock;

  const Execution& execution_;
  std::atomic<bool> stop_{false};
  std::exception_ptr error_;
  std::mutex mutex_;
  Clock::time_point last_asked_ = Clock::now();
};

/// Makes the current thread work for a job as long as this lives, within the one it works for.
class Member {
 public:
  Member(Job& job, bool is_caller);
  ~Member();
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;

  Job& job;
  const Member* const outer;
  /// Whether it asks the caller: the calling thread does, for the outermost of its jobs.
  const bool asks;
};

/// Runs work(0) on the calling thread and at the same time work(thread), for thread = 1 ..
/// threads - 1, on as many others as the system grants: where it refuses a thread, or where work(0)
/// returns before another thread has woken, there are fewer calls. Calls idle() now and then while
/// it waits for the others. Allocates nothing but threads, which are kept for the next team. `work`
/// and `idle` must not throw. Throws std::runtime_error in the child of a fork that work(0) has
/// made, as the other threads do not exist there.
void run_team(int threads, const std::function<void(int)>& work, const std::function<void()>& idle);

}  // namespace detail

/// Lets heed() ask execution.interrupted() on this thread as long as it lives, outside loops too.
class Call {
 public:
  explicit Call(const Execution& execution) : job_(execution), member_(job_, true) {}

 private:
  detail::Job job_;
  detail::Member member_;
};

/// Calls body(item, thread) for every item in [0, items), each once, in no stated order. Threads
/// have numbers in [0, execution.threads); number 0 is the calling thread.
///
/// An exception in body, on whatever thread, stops the loop and is rethrown here. Throws
/// Interrupted within one item, or one heed() in it, of execution.interrupted() turning true; in a
/// loop inside another one it is the execution of the outermost that counts. Items should take well
/// under a second, or heed(), and well over a microsecond.
template <class Body>
void parallel_for(const Execution& execution, std::int64_t items, Body&& body) {
  std::atomic<std::int64_t> next{0};
  detail::Job loop(execution);
  const auto work = [&](int thread) {
    const detail::Member member(loop, thread == 0);
    try {
      while (!loop.stopped()) {
        const std::int64_t item = next.fetch_add(1, std::memory_order_relaxed);
        if (item >= items) break;
        body(item, thread);
        heed();
      }
    } catch (...) {
      loop.fail();
    }
  };
  const auto idle = [&] {
    const detail::Member member(loop, true);
    try {
      heed();
    } catch (...) {
      loop.fail();
    }
  };

  const int threads = static_cast<int>(execution.threads < items ? execution.threads : items);
  if (threads <= 1) {
    work(0);
  } else {
    detail::run_team(threads, std::ref(work), std::ref(idle));
  }
  loop.rethrow();
}

}  // namespace fastmi::cpu
