// A team is the calling thread and workers that are kept between calls. A worker that runs out of
// work spins for a while, so that the next team, which often follows within microseconds, need not
// wake it; then it sleeps. A caller that is done takes its offer back from workers that have not
// woken by then, and waits for the others only.
#include "cpu/parallel.h"

#include <algorithm>
#include <memory>
#include <new>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#endif
#if defined(__linux__)
#include <sched.h>
#endif

namespace fastmi::cpu {
namespace detail {
namespace {

using Work = std::function<void(int)>;

/// Longest spin before a thread sleeps. What runs between the loops of one call, and between two
/// calls of a program, is mostly shorter than this, and waking a sleeper takes 50 us or more. (A
/// call with 1e4 samples of two columns, after a pause of 10 ms, took 1.9 ms with 1 ms and 1.1 ms
/// with 5 ms.)
constexpr auto kSpin = std::chrono::milliseconds(5);

enum State : int {
  kStarting,
  kIdle,     ///< the worker looks for an offer, or sleeps
  kOffered,  ///< there is work that the worker may take and the caller may take back
  kRunning,  ///< the worker is at it
};

/// Lives as long as the process. At any time at most one thread waits for its state: the worker
/// while it is idle, its caller while it is running.
struct alignas(64) Worker {
  std::atomic<int> state{kStarting};
  const Work* work = nullptr;  ///< what is offered
  int thread = 0;
  Worker* next = nullptr;  ///< in the list of idle workers, or in its team
};

struct Pool {
  std::mutex mutex;
  Worker* idle = nullptr;
  std::atomic<int> busy{0};  ///< members of all teams at work
  std::atomic<int> cores{0};
};

/// Keeps the pool alive while the process exits: calls may still run on other threads then.
union Immortal {
  Pool pool;
  constexpr Immortal() : pool() {}
  ~Immortal() {}
};

constinit Immortal immortal;
std::atomic<unsigned> forks{0};

#if defined(__unix__) || defined(__APPLE__)
/// The child of a fork has none of the workers, and the mutex may have been locked.
[[maybe_unused]] const int fork_handler = pthread_atfork(nullptr, nullptr, [] {
  new (&immortal.pool) Pool;
  ++forks;
});

/// Blocks the signals that are sent to the process: they are for the threads that the caller knows.
/// Signals of the thread's own faults stay.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t blocked;
    sigfillset(&blocked);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS}) {
      sigdelset(&blocked, fault);
    }
    pthread_sigmask(SIG_SETMASK, &blocked, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

/// Memory that the starter of a thread sets aside, and that the thread gives back when it needs
/// some itself. Not from malloc, which would keep it for the threads that it serves already.
class Reserve {
 public:
  Reserve()
      : memory_(mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
    if (memory_ == MAP_FAILED) throw std::bad_alloc();
  }
  ~Reserve() { release(); }
  Reserve(const Reserve&) = delete;

  void release() {
    if (memory_ != MAP_FAILED) munmap(std::exchange(memory_, MAP_FAILED), kBytes);
  }

 private:
  static constexpr std::size_t kBytes = 256 << 10;
  void* memory_;
};
#else
struct SignalsBlocked {};
struct Reserve {
  void release() {}
};
#endif

int usable_cores() {
#if defined(__linux__)
  cpu_set_t cores;
  if (sched_getaffinity(0, sizeof cores, &cores) == 0) return CPU_COUNT(&cores);
#endif
  return static_cast<int>(std::thread::hardware_concurrency());
}

void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Returns once the state is not `from`, or after a while; at once if there are more threads at
/// work than cores, which a spinning thread would keep from them.
void spin_while(const Worker& worker, State from) {
  constexpr int kLooks = 64;  // between two looks at the clock
  const Pool& pool = immortal.pool;
  if (pool.busy.load(std::memory_order_relaxed) > pool.cores.load(std::memory_order_relaxed)) {
    return;
  }
  const auto end = std::chrono::steady_clock::now() + kSpin;
  do {
    for (int look = 0; look < kLooks; ++look) {
      if (worker.state.load(std::memory_order_relaxed) != from) return;
      relax();
    }
  } while (std::chrono::steady_clock::now() < end);
}

/// Returns soon after the worker is done: later by a small part of the time that it took. The
/// wait() of an atomic would not let the caller see an interrupt.
void sleep_while_running(const Worker& worker, const std::function<void()>& idle) {
  using Clock = std::chrono::steady_clock;
  constexpr Clock::duration kShortest = std::chrono::microseconds(50);
  constexpr Clock::duration kLongest = std::chrono::milliseconds(20);
  constexpr int kPart = 16;
  const auto begin = Clock::now();
  while (worker.state == kRunning) {
    idle();
    std::this_thread::sleep_for(std::clamp((Clock::now() - begin) / kPart, kShortest, kLongest));
  }
}

[[noreturn]] void serve(Worker* self, Reserve* reserve) {
  reserve->release();
  prepare_to_throw();
  self->state = kIdle;
  self->state.notify_one();
  for (;;) {
    spin_while(*self, kIdle);
    self->state.wait(kIdle);
    int offered = kOffered;
    if (!self->state.compare_exchange_strong(offered, kRunning)) continue;
    (*self->work)(self->thread);
    self->state = kIdle;
    self->state.notify_one();
  }
}

/// Returns null if the system grants no thread.
Worker* start_worker() {
  immortal.pool.cores = usable_cores();
  try {
    auto worker = std::make_unique<Worker>();
    Reserve reserve;
    [[maybe_unused]] const SignalsBlocked blocked;
    std::thread(serve, worker.get(), &reserve).detach();
    worker->state.wait(kStarting);
    return worker.release();
  } catch (const std::system_error&) {
    return nullptr;
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

/// Returns a list of at most `wanted` workers.
Worker* hire(int wanted) {
  Worker* team = nullptr;
  const auto add = [&](Worker* worker) {
    worker->next = team;
    team = worker;
    --wanted;
  };
  {
    Pool& pool = immortal.pool;
    const std::lock_guard<std::mutex> lock(pool.mutex);
    while (wanted > 0 && pool.idle != nullptr) add(std::exchange(pool.idle, pool.idle->next));
  }
  while (wanted > 0) {
    Worker* const worker = start_worker();
    if (worker == nullptr) break;
    add(worker);
  }
  return team;
}

void dismiss(Worker* team) {
  Pool& pool = immortal.pool;
  const std::lock_guard<std::mutex> lock(pool.mutex);
  while (team != nullptr) {
    Worker* const worker = std::exchange(team, team->next);
    worker->next = std::exchange(pool.idle, worker);
  }
}

}  // namespace

void run_team(int threads, const Work& work, const std::function<void()>& idle) {
  const unsigned forks_before = forks;
  Worker* const team = hire(threads - 1);
  int members = 1;
  for (Worker* worker = team; worker != nullptr; worker = worker->next) {
    worker->work = &work;
    worker->thread = members++;
  }
  immortal.pool.busy += members;
  for (Worker* worker = team; worker != nullptr; worker = worker->next) {
    worker->state = kOffered;
    worker->state.notify_one();
  }
  work(0);
  if (forks != forks_before) {
    throw std::runtime_error("the process was forked in the middle of a call");
  }
  for (Worker* worker = team; worker != nullptr; worker = worker->next) {
    int offered = kOffered;
    if (worker->state.compare_exchange_strong(offered, kIdle)) continue;
    spin_while(*worker, kRunning);
    sleep_while_running(*worker, idle);
  }
  immortal.pool.busy -= members;
  dismiss(team);
}

namespace {

thread_local const Member* current = nullptr;

}  // namespace

void Job::fail() noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!error_) error_ = std::current_exception();
  stop_ = true;
}

void Job::ask() {
  constexpr auto kPeriod = std::chrono::milliseconds(50);
  const auto now = Clock::now();
  if (now - last_asked_ < kPeriod) return;
  last_asked_ = now;
  if (execution_.interrupted()) throw Interrupted();
}

void Job::rethrow() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (error_) std::rethrow_exception(error_);
}

Member::Member(Job& of, bool is_caller)
    : job(of), outer(current), asks(is_caller && outer == nullptr) {
  current = this;
}

Member::~Member() { current = outer; }

}  // namespace detail

void heed() {
  for (const detail::Member* member = detail::current; member != nullptr; member = member->outer) {
    if (member->job.stopped()) member->job.rethrow();
    if (member->asks) member->job.ask();
  }
}

bool stop_asked() noexcept {
  for (const detail::Member* member = detail::current; member != nullptr; member = member->outer) {
    if (member->job.stopped()) return true;
    if (!member->asks) continue;
    try {
      member->job.ask();
    } catch (...) {
      member->job.fail();
      return true;
    }
  }
  return false;
}

void prepare_to_throw() {
  // Whoever looks at the number of exceptions in flight, or at a thread_local of this library, gets
  // the memory for it; volatile makes it be looked at.
  [[maybe_unused]] const volatile int in_flight = std::uncaught_exceptions();
  [[maybe_unused]] const detail::Member* const volatile member = detail::current;
}

}  // namespace fastmi::cpu
