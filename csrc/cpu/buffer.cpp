#include "cpu/buffer.h"

#include <mutex>

namespace fastmi::cpu {
namespace {

/// Smaller arrays are left to malloc, which serves them without touching fresh pages.
constexpr std::size_t kSmallestKept = 64 << 10;
constexpr std::size_t kLargestKept = 8 << 20;
constexpr std::size_t kMostKept = 32 << 20;
constexpr std::size_t kAlignment = 64;

/// Rounding up lets sizes that nearly agree share an array.
std::size_t round_up(std::size_t bytes) {
  constexpr std::size_t kUnit = 16 << 10;
  return bytes < kUnit ? bytes : (bytes + kUnit - 1) / kUnit * kUnit;
}

bool is_kept(std::size_t bytes) { return bytes >= kSmallestKept && bytes <= kLargestKept; }

/// Keeps freed arrays. A thread that finds it locked does without it: in the child of a fork that
/// happened while another thread held the lock, waiting would never end.
class Shelf {
 public:
  void* take(std::size_t bytes) {
    const std::unique_lock<std::mutex> lock(mutex_, std::try_to_lock);
    if (!lock) return nullptr;
    for (std::size_t p = count_; p-- > 0;) {
      if (slots_[p].bytes != bytes) continue;
      void* memory = slots_[p].memory;
      slots_[p] = slots_[--count_];
      total_ -= bytes;
      return memory;
    }
    return nullptr;
  }

  /// Keeps the array, and frees others where there is no room.
  void put(void* memory, std::size_t bytes) {
    const std::unique_lock<std::mutex> lock(mutex_, std::try_to_lock);
    if (!lock) {
      ::operator delete(memory, std::align_val_t{kAlignment});
      return;
    }
    while (count_ > 0 && (count_ == kSlots || total_ + bytes > kMostKept)) {
      ::operator delete(slots_[0].memory, std::align_val_t{kAlignment});
      total_ -= slots_[0].bytes;
      slots_[0] = slots_[--count_];
    }
    slots_[count_++] = {memory, bytes};
    total_ += bytes;
  }

  /// Frees all arrays.
  void clear() {
    const std::unique_lock<std::mutex> lock(mutex_, std::try_to_lock);
    if (!lock) return;
    while (count_ > 0) ::operator delete(slots_[--count_].memory, std::align_val_t{kAlignment});
    total_ = 0;
  }

 private:
  static constexpr std::size_t kSlots = 64;
  struct Slot {
    void* memory;
    std::size_t bytes;
  };
  std::mutex mutex_;
  Slot slots_[kSlots];
  std::size_t count_ = 0;
  std::size_t total_ = 0;
};

/// Never destroyed: a call may still run on another thread while the process exits.
Shelf& shelf() {
  static Shelf* const kept = new Shelf;
  return *kept;
}

}  // namespace

void* allocate_scratch(std::size_t bytes) {
  bytes = round_up(bytes);
  if (is_kept(bytes)) {
    if (void* memory = shelf().take(bytes)) return memory;
  }
  try {
    return ::operator new(bytes, std::align_val_t{kAlignment});
  } catch (const std::bad_alloc&) {
    shelf().clear();
  }
  return ::operator new(bytes, std::align_val_t{kAlignment});
}

void free_scratch(void* memory, std::size_t bytes) noexcept {
  bytes = round_up(bytes);
  if (is_kept(bytes)) {
    shelf().put(memory, bytes);
  } else {
    ::operator delete(memory, std::align_val_t{kAlignment});
  }
}

}  // namespace fastmi::cpu
