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
  void watch() {
    thread_local std::shared_ptr<StopFlag> kept;
    kept = shared_from_this();
    watched_ = this;
  }
  /// Whether the flag that the calling thread watches, if there is one, is set.
  static bool seen() {
    return watched_ != nullptr && watched_->set_.load(std::memory_order_relaxed);
  }

 private:
  // Beside `kept`, at which a thread must not look before it has memory for its destruction.
  static inline thread_local const StopFlag* watched_ = nullptr;
  std::atomic<bool> set_{false};
};

}  // namespace fastmi::bindings
