#pragma once

namespace fastmi {

/// How the neighbours of all samples are found, and the samples within a radius counted.
enum class Algorithm {
  kAuto,   ///< the algorithm that the backend expects to be fastest
  kTree,   ///< a tree of bounding boxes, of which those out of reach are skipped
  kBrute,  ///< every pair of samples
  kSort,   ///< one sorted column, or two joint columns by strips: CPU only
};

inline const char* algorithm_name(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::kTree:
      return "tree";
    case Algorithm::kBrute:
      return "brute";
    case Algorithm::kSort:
      return "sort";
    case Algorithm::kAuto:
      break;
  }
  return "auto";
}

}  // namespace fastmi
