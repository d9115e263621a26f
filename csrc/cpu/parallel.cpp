#include "cpu/parallel.h"

#include <omp.h>

#include <condition_variable>
#include <thread>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace fastmi::cpu::detail {
namespace {

std::atomic<bool> forked_child{false};

#if defined(__unix__) || defined(__APPLE__)
[[maybe_unused]] const int fork_handler =
    pthread_atfork(nullptr, nullptr, [] { forked_child = true; });
#endif

void run_openmp(int threads, const std::function<void(int, bool)>& work, bool on_caller) {
#pragma omp parallel num_threads(threads)
  {
    const int thread = omp_get_thread_num();
    work(thread, on_caller && thread == 0);
  }
}

}  // namespace

void run_team(int threads, const std::function<void(int, bool)>& work,
              const std::function<void()>& poll) {
  if (!forked_child) {
    run_openmp(threads, work, true);
    return;
  }
  // After fork() the OpenMP runtime still believes in the parent's worker threads and a
  // parallel region on this thread would wait for them for ever. A new thread starts with a
  // pool of its own.
  std::mutex mutex;
  std::condition_variable finished;
  bool done = false;
  std::thread leader([&] {
    run_openmp(threads, work, false);
    const std::lock_guard<std::mutex> lock(mutex);
    done = true;
    finished.notify_one();
  });
  std::unique_lock<std::mutex> lock(mutex);
  while (!finished.wait_for(lock, std::chrono::milliseconds(50), [&] { return done; })) {
    lock.unlock();
    poll();
    lock.lock();
  }
  lock.unlock();
  leader.join();
}

}  // namespace fastmi::cpu::detail
