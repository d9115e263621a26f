#pragma once

namespace fastmi {

/// How the neighbours of all samples are searched, and samples within a radius counted.
enum class Algorithm {
  kAuto,   ///< what the backend takes for the best at this size
  kTree,   ///< boxes around groups of samples, those too far away left out
  kBrute,  ///< every pair of samples
  kSort,   ///< one sorted column, or two joint columns by strips; the CPU alone has it
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
