#pragma once

namespace fastmi {

/// The two algorithms of Kraskov et al. (2004).
enum class KsgVariant {
  kOne,  ///< eq. 8: one radius per sample, strict counts
  kTwo,  ///< eq. 9: one radius per sample and variable, closed counts
};

}  // namespace fastmi
