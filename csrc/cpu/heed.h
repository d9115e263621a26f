// How long work learns that it is to end. Both functions serve any code that a call of a kernel
// runs, on whatever thread and however deep in nested loops; elsewhere they do nothing.
#pragma once

namespace fastmi::cpu {

/// Throws what ends the call or the loop that this thread works for: Interrupted, or what has
/// happened on another thread. On the calling thread it asks execution.interrupted(), at most every
/// 50 ms. It takes some 30 ns: work between two calls should take well over a microsecond, and well
/// under a second.
void heed();

/// The same for kernels, which must not throw. Once it returns true a kernel returns whatever it
/// has: its results are discarded, as the heed() that follows every item of a loop throws.
bool stop_asked() noexcept;

}  // namespace fastmi::cpu
