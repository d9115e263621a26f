// fastmi._cuda: the functions of fastmi._cpu for samples in device memory.
//
// Samples are blocks (pointer, d): the address in device memory of C-contiguous [n, d] numbers of
// `dtype`, "float32" or "float64", and its columns. Every function runs on `stream` (the integer
// handle; 0 is the legacy default stream) of device number `device`, takes its scratch from that
// device's stream-ordered pool and gives it back, waits for the stream and returns NumPy arrays in
// host memory. Work that other streams have yet to do on the samples must be ordered before the
// call. The shapes are those of fastmi._cpu:
//
//   kth_distance      [len(ks), n] of dtype
//   kneighbors        distances [n, k] of dtype, indices [n, k] int64, by (distance, index)
//   count_within      [n] int64; radius: host array [n] of dtype
//   ksg               mean, std [len(ks)]; counts [len(ks), m, n] int64; zero_radius [len(ks)] int64
//   ksg_sweep         two blocks x, y; the same with (len(scales), len(ks)) in front, m = 2
//   ksg_permutations  algorithm 1 with the rows of blocks[0] in the order of orders[b], orders
//                     [B, n] int64 on the host; mean, std, zero_radius [B, len(ks)]
//   ksg_pairs         algorithm 1 for pairs[p] = (column, column), pairs [P, 2] int64, of the
//                     columns of all blocks side by side; mean, std, zero_radius [P, len(ks)]
//   first_unusable    position of the first entry that is NaN, infinite or above max / 2, or -1
//
// algorithm: "auto", "brute" or "tree"; metric: "chebyshev" or "euclidean". The counts are the same
// integers as those of fastmi._cpu.
//
// driver_info(): {"runtime_version", "driver_version" (0: none), "reason" ("" when usable)}; never
// raises, nor does device_count() (0 without a usable driver). device_info(i): name,
// compute_capability, multiprocessors, total_memory, free_memory. pointer_device(p): number of the
// device that holds p, or -1 for host memory. Buffer(array, device, stream): a device copy of a
// C-contiguous host array, freed with the object.
//
// Errors: ValueError for arguments, MemoryError when the device is out of memory, RuntimeError for
// everything else that CUDA reports. The context stays usable unless CUDA itself has lost it.
