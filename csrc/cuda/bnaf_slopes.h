// The slopes of a flow: log df_i/dx_i of every block and sample, through all layers at once.
//
// Only the diagonal blocks of the weights take part, and only units of the same block, so a thread
// block that takes one block i and some samples needs no other. Since block i ends in a single
// output, every derivative of its log-slope is a share P of it, and a loss's gradient in unit u is
// its gradient in the log-slope times a number known in the forward pass: `bend`.
//
// Slopes are numbers with one integer exponent per block and sample, E 2^N with the largest E in
// [1, 2); weights have one exponent per row, w 2^M. With S_p = sum_q w_pq E_q the next slopes are
// S_p sech^2(u_p) 2^(N + M_p), and the shares P_q = E_q sum_p w_pq P_p / S_p: no sum is a logarithm
// and all scales cancel. No sum is zero, as E and w stay above 2^-kKept.
#pragma once

#include <cstdint>

#include "cuda/block.h"
#include "cuda/bnaf.h"
#include "cuda/bnaf_math.h"

namespace fastmi::cuda {

/// A layer's weights and, of the units it leads to, arrays [units][slots]; the last layer has no
/// u, scaled and bend, and its log-slopes are results.
template <class T>
struct SlopeLayer {
  Triangle<T> weights;
  T* u = nullptr;              ///< becomes the activation's slope where `keep`
  T* scaled = nullptr;         ///< E
  T* ratio = nullptr;          ///< S, becomes P / S where `keep`
  T* bend = nullptr;           ///< P d log(slope) / du; before that an exponent
  T* row_exponents = nullptr;  ///< M [rows]
};

template <class T>
struct SlopeChain {
  Slots slots;
  int d = 0;
  int depth = 0;
  bool keep = false;
  T leak = 0;
  T* log_slopes = nullptr;  ///< [samples, d]
  SlopeLayer<T> layers[kMaxBnafDepth];
};

inline constexpr int kSlopeLanes = 32;
inline constexpr int kSlopeGroups = 8;
inline constexpr int kSlopeTile = 64;  ///< rows and columns of weights at once
inline constexpr int kSlopeOwn = kSlopeTile / kSlopeGroups;

/// What a thread with Slots slots keeps.
template <class T, int Slots>
struct SlopeState {
  T exponent[Slots];  ///< N of the layer's inputs
  T top[Slots];
  T sums[kSlopeOwn][Slots];
};

template <class T, int Slots>
struct SlopeShared {
  T weights[kSlopeTile][kSlopeTile];
  T row_top[4][kSlopeTile];
  T row_exponent[kSlopeTile];
  T top[kSlopeGroups][kSlopeLanes * Slots];
};

/// The work on one block and 32 Slots slots. Threads of a group of 32 take neighbouring slots,
/// group g the units g, g + 8, ... Phases are short and wait for memory: where there are enough
/// samples, several slots per thread give each phase more to do.
template <class T, int Slots, class Block>
class SlopeWork {
 public:
  static constexpr int kSlots = kSlopeLanes * Slots;
  using State = typename Block::State;

  FASTMI_HD SlopeWork(Block& block, const SlopeChain<T>& chain, int index)
      : block_(block),
        chain_(chain),
        i_(index % chain.d),
        first_tile_(index < chain.d),
        first_slot_(index / chain.d * kSlots) {}

  FASTMI_HD void run() {
    block_.each([](int, State& state) {
      for (T& exponent : state.slopes.exponent) exponent = 0;
    });
    for (int l = 0; l < chain_.depth; ++l) forward(l);
    if (!chain_.keep) return;
    for (int l = chain_.depth - 1; l > 0; --l) backward(l);
  }

 private:
  /// The thread's slots are this far from the first, and 32 apart.
  FASTMI_HD static int lane(int t) { return t % kSlopeLanes; }
  FASTMI_HD static int group(int t) { return t / kSlopeLanes; }
  /// Where unit p of this block stands in a layer's arrays, at the thread's first slot.
  FASTMI_HD std::int64_t at(const SlopeLayer<T>& layer, int p, int t) const {
    return static_cast<std::int64_t>(i_ * layer.weights.a_out + p) * chain_.slots.count +
           first_slot_ + lane(t);
  }
  /// Row p of this diagonal block.
  FASTMI_HD static const T* row_of(const Triangle<T>& weights, int i, int p) {
    return weights.raw + weights.start(i * weights.a_out + p, i) + i * weights.a_in;
  }

  /// Phases: the exponents of up to 64 rows from `first` go to shared memory.
  FASTMI_HD void find_exponents(const SlopeLayer<T>& layer, int first) {
    const Triangle<T>& weights = layer.weights;
    auto& shared = block_.shared().slopes;
    block_.each([&](int t, State&) {
      const int p = first + t / 4;
      if (p >= weights.a_out) return;
      const T* row = row_of(weights, i_, p);
      T top = row[0];
      for (int q = t % 4; q < weights.a_in; q += 4) top = larger(top, row[q]);
      shared.row_top[t % 4][t / 4] = top;
    });
    block_.each([&](int t, State&) {
      if (t >= kSlopeTile || first + t >= weights.a_out) return;
      T top = shared.row_top[0][t];
      for (int part = 1; part < 4; ++part) top = larger(top, shared.row_top[part][t]);
      const T exponent = split_exp(top).n;
      shared.row_exponent[t] = exponent;
      if (first_tile_) layer.row_exponents[i_ * weights.a_out + first + t] = exponent;
    });
  }

  /// Phase: scaled weights of up to 64 x 64 places go to shared memory.
  FASTMI_HD void bring_weights(const Triangle<T>& weights, int first_p, int first_q) {
    auto& shared = block_.shared().slopes;
    block_.each([&](int t, State&) {
      const int q = t % kSlopeTile;
      if (first_q + q >= weights.a_in) return;
      for (int p = t / kSlopeTile; p < kSlopeTile && first_p + p < weights.a_out;
           p += 256 / kSlopeTile) {
        shared.weights[p][q] =
            scaled_exp(row_of(weights, i_, first_p + p)[first_q + q], shared.row_exponent[p]);
      }
    });
  }

  FASTMI_HD void clear_sums() {
    block_.each([](int, State& state) {
      for (auto& own : state.slopes.sums) {
        for (T& sum : own) sum = 0;
      }
    });
  }

  /// Adds weight(unit) times the numbers of the thread's slots, ones if null, to the sums of its
  /// units below `end`.
  template <class Weight>
  FASTMI_HD static void add(SlopeState<T, Slots>& slopes, int t, int end, const T* numbers,
                            const Weight& weight) {
    T number[Slots];
    FASTMI_UNROLL
    for (int s = 0; s < Slots; ++s) {
      number[s] = numbers == nullptr ? T(1) : numbers[s * kSlopeLanes];
    }
    FASTMI_UNROLL
    for (int own = 0; own < kSlopeOwn; ++own) {
      const int unit = group(t) + kSlopeGroups * own;
      if (unit >= end) continue;
      const T w = weight(unit);
      FASTMI_UNROLL
      for (int s = 0; s < Slots; ++s) slopes.sums[own][s] += w * number[s];
    }
  }

  FASTMI_HD void forward(int l) {
    const SlopeLayer<T>& layer = chain_.layers[l];
    const int a_out = layer.weights.a_out;
    const int a_in = layer.weights.a_in;
    auto& shared = block_.shared().slopes;
    block_.each([](int, State& state) {
      for (T& top : state.slopes.top) top = T(-4) * kFarthest;
    });
    for (int first_p = 0; first_p < a_out; first_p += kSlopeTile) {
      find_exponents(layer, first_p);
      clear_sums();
      for (int first_q = 0; first_q < a_in; first_q += kSlopeTile) {
        bring_weights(layer.weights, first_p, first_q);
        block_.each([&](int t, State& state) {
          const int behind = a_in - first_q < kSlopeTile ? a_in - first_q : kSlopeTile;
          const SlopeLayer<T>& from = chain_.layers[l == 0 ? 0 : l - 1];
          for (int q = 0; q < behind; ++q) {
            const T* e = l == 0 ? nullptr : from.scaled + at(from, first_q + q, t);
            add(state.slopes, t, a_out - first_p, e, [&](int p) { return shared.weights[p][q]; });
          }
        });
      }
      block_.each([&](int t, State& state) {
        FASTMI_UNROLL
        for (int own = 0; own < kSlopeOwn; ++own) {
          const int p = group(t) + kSlopeGroups * own;
          if (first_p + p >= a_out) continue;
          FASTMI_UNROLL
          for (int s = 0; s < Slots; ++s) {
            const T sum = state.slopes.sums[own][s];
            const std::int64_t place = at(layer, first_p + p, t) + s * kSlopeLanes;
            const T exponent = shared.row_exponent[p];
            if (l + 1 < chain_.depth) {
              activate(layer, place, sum, exponent, state.slopes.top[s]);
            } else {
              end(layer, place, first_slot_ + lane(t) + s * kSlopeLanes, sum,
                  state.slopes.exponent[s] + exponent);
            }
          }
        }
      });
    }
    if (l + 1 == chain_.depth) return;
    block_.each([&](int t, State& state) {
      for (int s = 0; s < Slots; ++s) {
        shared.top[group(t)][lane(t) + s * kSlopeLanes] = state.slopes.top[s];
      }
    });
    block_.each([&](int t, State& state) {
      const T least = power_of_two(-BnafFormat<T>::kKept);
      FASTMI_UNROLL
      for (int s = 0; s < Slots; ++s) {
        const int column = lane(t) + s * kSlopeLanes;
        T top = shared.top[0][column];
        for (int g = 1; g < kSlopeGroups; ++g) top = larger(top, shared.top[g][column]);
        state.slopes.exponent[s] += top;
        for (int p = group(t); p < a_out; p += kSlopeGroups) {
          const std::int64_t place = at(layer, p, t) + s * kSlopeLanes;
          const T e = layer.scaled[place] * power_of_two(layer.bend[place] - top);
          layer.scaled[place] = e < least ? least : e;
        }
      }
    });
  }

  /// The slope of a hidden unit, with an exponent of its own for now.
  FASTMI_HD void activate(const SlopeLayer<T>& layer, std::int64_t place, T sum, T exponent,
                          T& top) const {
    const SplitTanh<T> tanh = split_tanh(layer.u[place]);
    const bool leaks = chain_.leak > 0;
    const T slope = sum * (leaks ? tanh.sech2 + chain_.leak : tanh.part);
    const T n = exponent + (leaks ? T(0) : tanh.n);
    layer.ratio[place] = sum;
    layer.scaled[place] = slope;
    layer.bend[place] = n;
    top = larger(top, n + exponent_of(slope));
  }

  FASTMI_HD void end(const SlopeLayer<T>& layer, std::int64_t place, int slot, T sum,
                     T exponent) const {
    layer.ratio[place] = T(1) / sum;
    const int sample = chain_.slots.sample(slot);
    if (sample < 0) return;
    chain_.log_slopes[static_cast<std::int64_t>(sample) * chain_.d + i_] =
        std::fma(exponent, T(0.6931471805599453), std::log(sum));
  }

  /// Shares of the units that layer l > 0 starts from.
  FASTMI_HD void backward(int l) {
    const SlopeLayer<T>& layer = chain_.layers[l];
    const SlopeLayer<T>& into = chain_.layers[l - 1];
    const int a_out = layer.weights.a_out;
    const int a_in = layer.weights.a_in;
    auto& shared = block_.shared().slopes;
    for (int first_q = 0; first_q < a_in; first_q += kSlopeTile) {
      clear_sums();
      for (int first_p = 0; first_p < a_out; first_p += kSlopeTile) {
        find_exponents(layer, first_p);
        bring_weights(layer.weights, first_p, first_q);
        block_.each([&](int t, State& state) {
          const int behind = a_out - first_p < kSlopeTile ? a_out - first_p : kSlopeTile;
          for (int p = 0; p < behind; ++p) {
            add(state.slopes, t, a_in - first_q, layer.ratio + at(layer, first_p + p, t),
                [&](int q) { return shared.weights[p][q]; });
          }
        });
      }
      block_.each([&](int t, State& state) {
        FASTMI_UNROLL
        for (int own = 0; own < kSlopeOwn; ++own) {
          const int q = first_q + group(t) + kSlopeGroups * own;
          if (q >= a_in) continue;
          FASTMI_UNROLL
          for (int s = 0; s < Slots; ++s) {
            const std::int64_t place = at(into, q, t) + s * kSlopeLanes;
            const T share = into.scaled[place] * state.slopes.sums[own][s];
            const SplitTanh<T> tanh = split_tanh(into.u[place]);
            const T slope = tanh.sech2 + chain_.leak;
            // d log(slope) / du; -2 tanh without the leak.
            const T bend = T(-2) * tanh.tanh * (chain_.leak > 0 ? tanh.sech2 / slope : T(1));
            into.bend[place] = share * bend;
            into.ratio[place] = share / into.ratio[place];
            into.u[place] = slope;
          }
        }
      });
    }
  }

  Block& block_;
  const SlopeChain<T>& chain_;
  int i_;
  bool first_tile_;
  int first_slot_;
};

}  // namespace fastmi::cuda
