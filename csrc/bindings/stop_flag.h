// How the thread that sees Ctrl-C ends kernels that other threads have called.
#pragma once

#include <atomic>
#include <memory>

namespace fastmi::bindings {

/// Python runs the handlers of signals on its main thread alone, so that kernels on other threads
/// would never hear of Ctrl-C. They ask the flag that their thread watches.
class StopFlag : public std::enable_shared_from_this<StopFlag> {
 public:
  /// Ends the kernels of all threads that watch the flag. May be called from any thread.
  void set() { set_.store(true, std::memory_order_relaxed); }
  /// Makes the calling thread watch this flag, as long as it lives or until it watches another.
  void watch() { watched() = shared_from_this(); }
  /// Whether the flag that the calling thread watches, if there is one, is set.
  static bool seen() {
    const std::shared_ptr<StopFlag>& flag = watched();
    return flag != nullptr && flag->set_.load(std::memory_order_relaxed);
  }

 private:
  static std::shared_ptr<StopFlag>& watched() {
    thread_local std::shared_ptr<StopFlag> flag;
    return flag;
  }

  std::atomic<bool> set_{false};
};

}  // namespace fastmi::bindings
