// parallel_for runs every item once, and errors and interrupts reach the caller, also after fork.
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "check.h"
#include "cpu/parallel.h"

using fastmi::Interrupted;
using fastmi::cpu::Call;
using fastmi::cpu::Execution;
using fastmi::cpu::heed;
using fastmi::cpu::parallel_for;
using fastmi::cpu::stop_asked;

namespace {

Execution with_threads(int threads) {
  Execution execution;
  execution.threads = threads;
  return execution;
}

bool visits_every_item_once(int threads, std::int64_t items) {
  std::vector<std::atomic<int>> visits(static_cast<std::size_t>(items));
  std::atomic<bool> thread_in_range{true};
  parallel_for(with_threads(threads), items, [&](std::int64_t item, int thread) {
    ++visits[static_cast<std::size_t>(item)];
    if (thread < 0 || thread >= threads) thread_in_range = false;
  });
  for (const auto& count : visits) {
    if (count != 1) return false;
  }
  return thread_in_range;
}

// Runs check() in a forked child; false if it fails there or does not come back.
template <class F>
bool holds_after_fork(F&& check) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(30);
    _exit(check() ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool error_reaches_caller(int threads) {
  try {
    parallel_for(with_threads(threads), 1000, [&](std::int64_t item, int) {
      if (item == 777) throw std::out_of_range("item 777");
    });
  } catch (const std::out_of_range& error) {
    return std::string(error.what()) == "item 777";
  }
  return false;
}

}  // namespace

FASTMI_TEST(every_item_is_visited_once) {
  for (const int threads : {1, 2, 3, 4, 9}) {
    for (const std::int64_t items : {0, 1, 2, 3, 64, 1000}) {
      FASTMI_CHECK(visits_every_item_once(threads, items),
                   std::to_string(threads) + " threads, " + std::to_string(items) + " items");
    }
  }
}

FASTMI_TEST(threads_do_not_share_a_slot) {
  // Two workers with one thread number would tear this unguarded sum apart.
  const int threads = 4;
  std::vector<std::int64_t> sums(threads * 64, 0);
  parallel_for(with_threads(threads), 100000,
               [&](std::int64_t item, int thread) { sums[thread * 64] += item; });
  std::int64_t total = 0;
  for (const std::int64_t sum : sums) total += sum;
  FASTMI_CHECK(total == 100000LL * 99999 / 2);
}

FASTMI_TEST(an_error_in_any_worker_reaches_the_caller) {
  for (const int threads : {1, 2, 4}) {
    for (int repeat = 0; repeat < 50; ++repeat) FASTMI_CHECK(error_reaches_caller(threads));
  }
}

FASTMI_TEST(an_error_on_a_thread_that_is_not_the_caller) {
  const auto caller = std::this_thread::get_id();
  FASTMI_CHECK_THROWS(parallel_for(with_threads(2), 1000,
                                   [&](std::int64_t, int) {
                                     if (std::this_thread::get_id() != caller) {
                                       throw std::domain_error("worker");
                                     }
                                     std::this_thread::sleep_for(std::chrono::milliseconds(1));
                                   }),
                      std::domain_error);
}

FASTMI_TEST(every_worker_throws_at_once) {
  for (int repeat = 0; repeat < 50; ++repeat) {
    FASTMI_CHECK_THROWS(parallel_for(with_threads(4), 1000,
                                     [](std::int64_t, int) { throw std::runtime_error("all"); }),
                        std::runtime_error);
  }
}

FASTMI_TEST(an_error_stops_the_loop_early) {
  std::atomic<std::int64_t> done{0};
  FASTMI_CHECK_THROWS(parallel_for(with_threads(2), 1000000,
                                   [&](std::int64_t item, int) {
                                     ++done;
                                     if (item == 10) throw std::runtime_error("stop");
                                     std::this_thread::sleep_for(std::chrono::microseconds(20));
                                   }),
                      std::runtime_error);
  FASTMI_CHECK(done < 500000);
}

FASTMI_TEST(the_loop_works_again_after_an_error) {
  FASTMI_CHECK(error_reaches_caller(3));
  FASTMI_CHECK(visits_every_item_once(3, 1000));
}

FASTMI_TEST(an_interrupt_stops_the_loop) {
  for (const int threads : {1, 2, 3}) {
    Execution execution = with_threads(threads);
    const auto caller = std::this_thread::get_id();
    std::atomic<bool> asked_elsewhere{false};
    execution.interrupted = [&] {
      if (std::this_thread::get_id() != caller) asked_elsewhere = true;
      return true;
    };
    std::atomic<std::int64_t> done{0};
    FASTMI_CHECK_THROWS(parallel_for(execution, 100000,
                                     [&](std::int64_t, int) {
                                       ++done;
                                       std::this_thread::sleep_for(std::chrono::milliseconds(1));
                                     }),
                        Interrupted);
    FASTMI_CHECK(done < 50000);
    FASTMI_CHECK(!asked_elsewhere);
  }
}

/// Whether a loop whose items never end by themselves ends after the first question.
template <class Body>
bool ends_when_asked(int threads, std::int64_t items, Body&& body) {
  Execution execution = with_threads(threads);
  execution.interrupted = [] { return true; };
  try {
    parallel_for(execution, items, body);
  } catch (const Interrupted&) {
    return true;
  }
  return false;
}

FASTMI_TEST(an_interrupt_ends_items_that_heed) {
  for (const int threads : {1, 3}) {
    FASTMI_CHECK(ends_when_asked(threads, 5, [](std::int64_t, int) {
      for (;;) heed();
    }));
    FASTMI_CHECK(ends_when_asked(threads, 5, [](std::int64_t, int) {
      while (!stop_asked()) {
      }
    }));
  }
}

FASTMI_TEST(an_interrupt_ends_loops_within_items) {
  for (const int threads : {1, 3}) {
    FASTMI_CHECK(ends_when_asked(threads, 5, [](std::int64_t, int) {
      for (;;) parallel_for(Execution(), 10, [](std::int64_t, int) {});
    }));
    FASTMI_CHECK(ends_when_asked(threads, 5, [](std::int64_t, int) {
      parallel_for(Execution(), 10, [](std::int64_t, int) {
        while (!stop_asked()) {
        }
      });
    }));
  }
}

FASTMI_TEST(a_caller_that_waits_for_others_asks) {
  std::atomic<bool> other_began{false};
  FASTMI_CHECK(ends_when_asked(2, 2, [&](std::int64_t, int thread) {
    if (thread == 0) {
      while (!other_began) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      return;
    }
    other_began = true;
    for (;;) heed();
  }));
}

FASTMI_TEST(an_error_ends_items_that_heed_on_other_threads) {
  std::atomic<int> began{0};
  FASTMI_CHECK_THROWS(parallel_for(with_threads(2), 2,
                                   [&](std::int64_t item, int) {
                                     ++began;
                                     while (item == 0 && began < 2) {
                                       std::this_thread::sleep_for(std::chrono::milliseconds(1));
                                     }
                                     if (item == 0) throw std::domain_error("first");
                                     for (;;) heed();
                                   }),
                      std::domain_error);
}

FASTMI_TEST(a_call_heeds_outside_loops) {
  heed();
  FASTMI_CHECK(!stop_asked());
  Execution execution;
  execution.interrupted = [] { return true; };
  const Call call(execution);
  FASTMI_CHECK_THROWS(for (;;) heed(), Interrupted);
  while (!stop_asked()) {
  }
  FASTMI_CHECK_THROWS(heed(), Interrupted);
}

FASTMI_TEST(an_exception_of_the_question_itself_reaches_the_caller) {
  Execution execution = with_threads(2);
  execution.interrupted = []() -> bool { throw std::logic_error("asked"); };
  FASTMI_CHECK_THROWS(parallel_for(execution, 100000,
                                   [](std::int64_t, int) {
                                     std::this_thread::sleep_for(std::chrono::milliseconds(1));
                                   }),
                      std::logic_error);
}

FASTMI_TEST(loops_in_several_threads_at_once) {
  std::atomic<bool> good{true};
  std::vector<std::thread> callers;
  for (int c = 0; c < 4; ++c) {
    callers.emplace_back([&] {
      for (int repeat = 0; repeat < 20; ++repeat) {
        if (!visits_every_item_once(3, 500) || !error_reaches_caller(3)) good = false;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  FASTMI_CHECK(good);
}

FASTMI_TEST(short_loops_follow_each_other) {
  // Workers wake late here: the caller takes most offers back while they are about to accept them.
  for (int repeat = 0; repeat < 2000; ++repeat) {
    FASTMI_CHECK(visits_every_item_once(2 + repeat % 3, 2 + repeat % 5));
  }
}

FASTMI_TEST(loops_inside_a_loop) {
  std::atomic<std::int64_t> sum{0};
  parallel_for(with_threads(3), 30, [&](std::int64_t, int) {
    parallel_for(with_threads(3), 20, [&](std::int64_t item, int) { sum += item; });
  });
  FASTMI_CHECK(sum == 30 * 190);
}

FASTMI_TEST(workers_leave_signals_to_other_threads) {
  const auto caller = std::this_thread::get_id();
  std::atomic<bool> seen{false};
  std::atomic<bool> blocked{true};
  for (int repeat = 0; repeat < 1000 && !seen; ++repeat) {
    parallel_for(with_threads(2), 10, [&](std::int64_t, int) {
      if (std::this_thread::get_id() == caller) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        return;
      }
      sigset_t set;
      pthread_sigmask(SIG_BLOCK, nullptr, &set);
      blocked = sigismember(&set, SIGINT) == 1 && sigismember(&set, SIGTERM) == 1 &&
                sigismember(&set, SIGSEGV) == 0;
      seen = true;
    });
  }
  FASTMI_CHECK(seen);
  FASTMI_CHECK(blocked);
}

FASTMI_TEST(the_loop_survives_fork) {
  FASTMI_CHECK(visits_every_item_once(3, 1000));
  FASTMI_CHECK(holds_after_fork([] {
    return visits_every_item_once(3, 1000) && error_reaches_caller(3) &&
           visits_every_item_once(2, 1000);
  }));
  FASTMI_CHECK(visits_every_item_once(3, 1000));
}

FASTMI_TEST(a_forked_child_can_be_interrupted) {
  FASTMI_CHECK(holds_after_fork([] {
    Execution execution = with_threads(2);
    const auto caller = std::this_thread::get_id();
    std::atomic<bool> asked_elsewhere{false};
    execution.interrupted = [&] {
      if (std::this_thread::get_id() != caller) asked_elsewhere = true;
      return true;
    };
    try {
      parallel_for(execution, 100000, [](std::int64_t, int) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      });
    } catch (const Interrupted&) {
      return !asked_elsewhere;
    }
    return false;
  }));
}

FASTMI_TEST(a_fork_in_the_middle_of_a_loop_is_an_error_in_the_child) {
  FASTMI_CHECK(visits_every_item_once(3, 1000));
  const pid_t parent = getpid();
  Execution execution = with_threads(2);
  pid_t child = -1;
  execution.interrupted = [&child] {
    if (child == -1) {
      child = fork();
      if (child == 0) alarm(30);
    }
    return false;
  };
  std::atomic<std::int64_t> done{0};
  const auto loop = [&] {
    parallel_for(execution, 200, [&](std::int64_t, int) {
      ++done;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    });
  };
  try {
    loop();
  } catch (const std::runtime_error&) {
    if (getpid() != parent) _exit(visits_every_item_once(3, 1000) ? 0 : 2);
  }
  if (getpid() != parent) _exit(1);
  FASTMI_CHECK(done == 200);
  int status = -1;
  FASTMI_CHECK(waitpid(child, &status, 0) == child);
  FASTMI_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main() { return fastmi::test::run_all(); }
