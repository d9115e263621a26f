// Products of matrices by tiles, C[row][column] = sum_k A[row][k] B[column][k], as phases of a
// block (block.h). Operands are functions of the row or column in the tile and of k.
#pragma once

#include <cstdint>
#include <type_traits>

#include "cuda/block.h"
#include "cuda/bnaf_math.h"

namespace fastmi::cuda {

/// 256 threads, each with kOwnRows x kOwnColumns sums of a tile. With kGroups > 1, groups of
/// threads share the tile and divide the k of each step among themselves. Small tiles keep all
/// multiprocessors busy when there are few samples; long steps hide the latency of memory.
template <int Rows, int Columns, int OwnRows, int OwnColumns, int Groups, int Depth>
struct TileShape {
  static constexpr int kThreads = 256;
  static constexpr int kRows = Rows;
  static constexpr int kColumns = Columns;
  static constexpr int kOwnRows = OwnRows;
  static constexpr int kOwnColumns = OwnColumns;
  static constexpr int kGroups = Groups;
  static constexpr int kDepth = Depth;
  static constexpr int kAcross = Columns / OwnColumns;
  static constexpr int kPerGroup = Rows / OwnRows * kAcross;
  static_assert(kPerGroup * Groups == kThreads && OwnRows == 4 && OwnColumns % 4 == 0);
};

/// In float a thread keeps 32 sums, and 12 numbers of the next step that are on their way, in
/// registers; in double it keeps fewer.
template <class T>
struct WideTile : TileShape<64, 128, 4, 8, 1, 16> {};
template <>
struct WideTile<double> : TileShape<64, 64, 4, 4, 1, 16> {};
template <class T>
struct NarrowTile : TileShape<32, 32, 4, 4, 4, 64> {};
template <>
struct NarrowTile<double> : TileShape<32, 32, 4, 4, 4, 32> {};

template <class T, bool Wide>
using Tile = std::conditional_t<Wide, WideTile<T>, NarrowTile<T>>;

template <class T, class Shape>
struct TileState {
  T sums[Shape::kOwnRows][Shape::kOwnColumns];
  T next_a[Shape::kRows * Shape::kDepth / Shape::kThreads];
  T next_b[Shape::kColumns * Shape::kDepth / Shape::kThreads];
};

/// Shared memory of a product. A matrix of weights keeps the places of its rows here; if its rows
/// are k, the places for two steps in turn.
template <class T, class Shape>
union TileShared {
  struct {
    RowPlace places[2][Shape::kRows > Shape::kDepth ? Shape::kRows : Shape::kDepth];
    alignas(16) T a[Shape::kDepth][Shape::kRows + 4];
    alignas(16) T b[Shape::kDepth][Shape::kColumns + 4];
  } steps;
  T sums[Shape::kGroups > 1 ? Shape::kGroups : 1][Shape::kRows]
        [Shape::kGroups > 1 ? Shape::kColumns + 1 : 1];
};

/// Which numbers of an operand of Size rows or columns thread t brings. Neighbouring threads take
/// neighbouring k if these are neighbours in memory (AlongK), else neighbouring rows.
template <int Size, int Depth, bool AlongK>
struct Share {
  static constexpr int kSize = Size;
  static constexpr int kDepth = Depth;
  static constexpr int kNumbers = Size * Depth / 256;
  static constexpr int kRowStep = AlongK ? 256 / Depth : 0;
  static constexpr int kStep = AlongK ? 0 : 256 / Size;

  int row;
  int k;
  FASTMI_HD explicit Share(int t)
      : row(AlongK ? t / Depth : t % Size), k(AlongK ? t % Depth : t / Size) {}
};

/// The tile's column that is a thread's own column i. Threads own columns in groups of four, so
/// that neighbouring threads read neighbouring 16 bytes.
template <class Shape>
FASTMI_HD int own_column(int t, int i) {
  return i / 4 * (4 * Shape::kAcross) + t % Shape::kPerGroup % Shape::kAcross * 4 + i % 4;
}

template <class Shape>
FASTMI_HD int own_row(int t, int i) {
  return t % Shape::kPerGroup / Shape::kAcross * Shape::kOwnRows + i;
}

/// Phases: sets the sums of every thread to zero.
template <class Block>
FASTMI_HD void clear_sums(Block& block) {
  block.each([](int, typename Block::State& state) {
    for (auto& row : state.tile.sums) {
      for (auto& sum : row) sum = 0;
    }
  });
}

template <class T, class Shape>
FASTMI_HD void multiply_step(int t, const TileShared<T, Shape>& shared,
                             TileState<T, Shape>& state) {
  constexpr int kShare = Shape::kDepth / Shape::kGroups;
  const int first = t / Shape::kPerGroup * kShare;
  const int row = own_row<Shape>(t, 0);
  FASTMI_UNROLL_4
  for (int k = first; k < first + kShare; ++k) {
    T a[Shape::kOwnRows];
    T b[Shape::kOwnColumns];
    FASTMI_UNROLL
    for (int i = 0; i < Shape::kOwnRows; ++i) a[i] = shared.steps.a[k][row + i];
    FASTMI_UNROLL
    for (int i = 0; i < Shape::kOwnColumns; ++i) {
      b[i] = shared.steps.b[k][own_column<Shape>(t, i)];
    }
    FASTMI_UNROLL
    for (int i = 0; i < Shape::kOwnRows; ++i) {
      FASTMI_UNROLL
      for (int j = 0; j < Shape::kOwnColumns; ++j) state.sums[i][j] += a[i] * b[j];
    }
  }
}

/// Phases: adds the products over k in [begin, end). Operands have
///   kAlongK, see Share;
///   prepare(t, step, from, end, shared): before step number `step`, which starts at k = from;
///   bring(share, step, from, end, shared, to): this thread's numbers, zero outside;
///   finish(share, step, from, shared, numbers): what the numbers become once they have arrived.
template <class T, class Shape, class Block, class A, class B>
FASTMI_HD void add_product(Block& block, int begin, int end, const A& a, const B& b) {
  using State = typename Block::State;
  using ShareA = Share<Shape::kRows, Shape::kDepth, A::kAlongK>;
  using ShareB = Share<Shape::kColumns, Shape::kDepth, B::kAlongK>;
  const auto bring = [&](int t, State& state, int step, int from) {
    const auto& shared = block.shared().tile;
    a.bring(ShareA(t), step, from, end, shared, state.tile.next_a);
    b.bring(ShareB(t), step, from, end, shared, state.tile.next_b);
  };
  if (begin >= end) return;
  block.each([&](int t, State&) { a.prepare(t, 0, begin, end, block.shared().tile); });
  block.each([&](int t, State& state) { bring(t, state, 0, begin); });
  int step = 0;
  FASTMI_ROLL
  for (int from = begin; from < end; from += Shape::kDepth, ++step) {
    const int next = from + Shape::kDepth;
    block.each([&](int t, State& state) {
      auto& shared = block.shared().tile;
      const ShareA of_a(t);
      const ShareB of_b(t);
      a.finish(of_a, step, from, shared, state.tile.next_a);
      FASTMI_UNROLL
      for (int i = 0; i < ShareA::kNumbers; ++i) {
        shared.steps.a[of_a.k + i * ShareA::kStep][of_a.row + i * ShareA::kRowStep] =
            state.tile.next_a[i];
      }
      FASTMI_UNROLL
      for (int i = 0; i < ShareB::kNumbers; ++i) {
        shared.steps.b[of_b.k + i * ShareB::kStep][of_b.row + i * ShareB::kRowStep] =
            state.tile.next_b[i];
      }
      if (next < end) a.prepare(t, step + 1, next, end, shared);
    });
    block.each([&](int t, State& state) {
      if (next < end) bring(t, state, step + 1, next);
      multiply_step<T, Shape>(t, block.shared().tile, state.tile);
    });
  }
}

/// Phases: calls f(row, column, sum) once for each place of the tile.
template <class T, class Shape, class Block, class F>
FASTMI_HD void take_sums(Block& block, const F& f) {
  using State = typename Block::State;
  if constexpr (Shape::kGroups == 1) {
    block.each([&](int t, State& state) {
      FASTMI_UNROLL
      for (int i = 0; i < Shape::kOwnRows; ++i) {
        FASTMI_UNROLL
        for (int j = 0; j < Shape::kOwnColumns; ++j) {
          f(own_row<Shape>(t, i), own_column<Shape>(t, j), state.tile.sums[i][j]);
        }
      }
    });
  } else {
    block.each([&](int t, State& state) {
      FASTMI_UNROLL
      for (int i = 0; i < Shape::kOwnRows; ++i) {
        FASTMI_UNROLL
        for (int j = 0; j < Shape::kOwnColumns; ++j) {
          block.shared()
              .tile.sums[t / Shape::kPerGroup][own_row<Shape>(t, i)][own_column<Shape>(t, j)] =
              state.tile.sums[i][j];
        }
      }
    });
    block.each([&](int t, State&) {
      FASTMI_UNROLL
      for (int at = t; at < Shape::kRows * Shape::kColumns; at += Shape::kThreads) {
        const int row = at / Shape::kColumns;
        const int column = at % Shape::kColumns;
        T sum = 0;
        for (int g = 0; g < Shape::kGroups; ++g) {
          sum += block.shared().tile.sums[g][row][column];
        }
        f(row, column, sum);
      }
    });
  }
}

}  // namespace fastmi::cuda
