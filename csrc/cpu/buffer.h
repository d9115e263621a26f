#pragma once

#include <cstddef>
#include <new>
#include <utility>
#include <vector>

namespace fastmi::cpu {

/// Memory for large scratch arrays. Touching fresh pages took a tenth of the time of calls with 1e4
/// to 1e5 samples, so freed arrays of medium size are kept for the next call, at most 32 MiB in
/// all. (Huge pages for larger arrays brought no gain.) Thread-safe.
void* allocate_scratch(std::size_t bytes);
void free_scratch(void* memory, std::size_t bytes) noexcept;

/// Allocator on scratch memory that leaves numbers uninitialised.
template <class T>
struct ScratchAllocator {
  using value_type = T;

  ScratchAllocator() = default;
  template <class U>
  ScratchAllocator(const ScratchAllocator<U>&) noexcept {}

  T* allocate(std::size_t n) { return static_cast<T*>(allocate_scratch(n * sizeof(T))); }
  void deallocate(T* memory, std::size_t n) noexcept { free_scratch(memory, n * sizeof(T)); }

  template <class U>
  void construct(U* at) noexcept {
    ::new (static_cast<void*>(at)) U;
  }
  template <class U, class... Args>
  void construct(U* at, Args&&... args) {
    ::new (static_cast<void*>(at)) U(std::forward<Args>(args)...);
  }
  friend bool operator==(const ScratchAllocator&, const ScratchAllocator&) { return true; }
};

/// A std::vector whose resize() does not write.
template <class T>
using Buffer = std::vector<T, ScratchAllocator<T>>;

}  // namespace fastmi::cpu
