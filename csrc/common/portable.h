#pragma once

/// FASTMI_HD marks functions that host and device run from one source. The other two stand before a
/// loop that the device compiler shall unroll, or leave alone.
#if defined(__CUDACC__)
#define FASTMI_HD __host__ __device__ __forceinline__
#define FASTMI_UNROLL _Pragma("unroll")
#define FASTMI_ROLL _Pragma("unroll 1")
#else
#define FASTMI_HD inline
#define FASTMI_UNROLL
#define FASTMI_ROLL
#endif
