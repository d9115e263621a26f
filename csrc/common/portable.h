#pragma once

/// FASTMI_HD marks functions that host and device run from one source. They are always inlined, so
/// that no copy compiled for one SIMD level serves another. The other macros precede a loop: unroll
/// fully, four times, or not at all.
#if defined(__CUDACC__)
#define FASTMI_HD __host__ __device__ __forceinline__
#define FASTMI_UNROLL _Pragma("unroll")
#define FASTMI_UNROLL_4 _Pragma("unroll 4")
#define FASTMI_ROLL _Pragma("unroll 1")
#else
#define FASTMI_HD inline __attribute__((always_inline))
#define FASTMI_UNROLL
#define FASTMI_UNROLL_4
#define FASTMI_ROLL
#endif
