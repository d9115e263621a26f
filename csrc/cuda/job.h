// What a problem asks of the kernels, whichever of them serve it.
#pragma once

#include <cstdint>

#include "cuda/ksg_tiles.h"
#include "cuda/tile.h"

namespace fastmi::cuda {

/// Search and counts of one problem or a batch of them: the fields of KsgTiles::Params that do not
/// depend on the shape of the tiles.
template <class T>
struct TileJob {
  Columns<T> columns;
  Radii radii = Radii::kSquare;
  int number = 0;
  const std::int32_t* ks = nullptr;
  T* radius = nullptr;
  int radius_exponent = 0;
  Space<T> joint{};
  int k = 0;
  T* distances = nullptr;
  std::int64_t* neighbours = nullptr;
  int spaces = 0;
  int widest = 0;  ///< the space with most dims
  const Space<T>* space = nullptr;
  bool strict = true;
  T* limits = nullptr;
  std::int64_t* counts = nullptr;
};

/// The same for SweepTiles::Params.
template <class T>
struct SweepJob {
  Columns<T> columns;
  Space<T> x;
  Space<T> y;
  int scales;
  const T* scale;
  int number;
  const std::int32_t* ks;
  int k;
  T* radius;
  T* limits_y;
  std::int64_t* counts;
};

}  // namespace fastmi::cuda
