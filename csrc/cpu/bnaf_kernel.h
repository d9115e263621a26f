// Elementwise parts of a BNAF layer on one tile of samples; rows are units, lanes are samples.
//
// Slopes are kept as numbers with one integer exponent per block and sample, slope = E 2^N with the
// largest E of a block in [1, 2). The sum of products over a block then needs neither logarithm nor
// exponential, and the scales cancel in the gradient.
#pragma once

#include "cpu/exp_kernel.h"
#include "cpu/gemm_kernel.h"
#include "cpu/simd.h"

namespace fastmi::cpu::FASTMI_LEVEL {

/// Numbers below 2^-kKept times the largest of their block are raised to that, so that no sum is
/// zero.
template <class T>
inline constexpr T kKept = sizeof(T) == 4 ? T(100) : T(1000);
/// Arguments of split_exp are clamped to this size: beyond it even sums of exponents are out of
/// range.
template <class T>
inline constexpr T kFarthest = T(65536);

/// Replaces the numbers of one diagonal block by their exp. The same numbers are written as scaled
/// * 2^exponent, with the largest of `scaled` in [0.7, 1.42).
template <class T>
void exp_block(std::int64_t count, T* block, T* scaled, T* exponent) {
  constexpr int W = kLanes<T>;
  const Vec<T> far = broadcast(kFarthest<T>);
  Vec<T> top = -far - far;
  for (std::int64_t at = 0; at < count; at += W) {
    const Vec<T> v = load_part(block + at, count - at, block[at]);
    top = vmax(split_exp<T>(vmin(far, vmax(-far, v))).n, top);
  }
  *exponent = horizontal_max(top);
  for (std::int64_t at = 0; at < count; at += W) {
    const Vec<T> v = load_part(block + at, count - at, T(0));
    const SplitExp<T> e = split_exp<T>(vmin(far, vmax(-far, v)));
    const Vec<T> n = vmax(broadcast(-kKept<T>), e.n - broadcast(*exponent));
    store_part(scaled + at, count - at, (broadcast(T(1)) + e.p) * power_of_two<T>(n));
    store_part(block + at, count - at, vexp<T>(v));
  }
}

/// tanh(u) and sech^2(u) = part * 2^n of one vector, each with full relative precision. `sech2` is
/// the same number in T, which cannot fall below the smallest normal number.
template <class T>
struct Tanh {
  Vec<T> tanh;
  Vec<T> part;
  Vec<T> n;
  Vec<T> sech2;
};

template <class T>
FASTMI_INLINE Tanh<T> vtanh(Vec<T> u) {
  using F = FloatFormat<T>;
  const Vec<T> one = broadcast(T(1));
  const auto sign = (VecInt<T>)u & (VecInt<T>)broadcast(T(-0.0));
  const auto size = (Vec<T>)((VecInt<T>)u ^ sign);
  // With e = exp(-2 |u|): tanh |u| = (1 - e) / (1 + e), sech^2 = 4 e / (1 + e)^2.
  const Vec<T> z = vmax(broadcast(-kFarthest<T>), size * broadcast(T(-2)));
  const SplitExp<T> e = split_exp<T>(z);
  const Vec<T> scale = power_of_two<T>(vmax(broadcast(static_cast<T>(1 - F::kBias)), e.n));
  const Vec<T> below_one = fma<T>(-scale, e.p, one - scale);
  const Vec<T> above_one = fma<T>(scale, e.p, one + scale);
  const auto tanh = (Vec<T>)((VecInt<T>)(below_one / above_one) | sign);
  const Vec<T> part = broadcast(T(4)) * (one + e.p) / (above_one * above_one);
  return {tanh, part, e.n, part * scale};
}

/// Turns the rows u of a layer without slopes into h = activation(u), and keeps sech^2(u).
/// `tanh_of` receives tanh(u) where the activation leaks.
template <class T>
void activate(T* u, std::int64_t count, T leak, T* tanh_of, T* sech2_of) {
  for (std::int64_t at = 0; at < count; at += kLanes<T>) {
    const Vec<T> v = load(u + at);
    const Tanh<T> t = vtanh<T>(v);
    if (leak > 0) store(tanh_of + at, t.tanh);
    store(u + at, leak > 0 ? fma<T>(broadcast(leak), v, t.tanh) : t.tanh);
    store(sech2_of + at, t.sech2);
  }
}

/// One block of a hidden layer: u becomes h = activation(u). `sums` holds sum_q W_pq E_q over the
/// block's inputs. E = sums * activation'(u) goes to `scaled`; its exponents, added to those of the
/// inputs, go to exponents_out. `weight_exponent` belongs to W. `scratch` holds `units` vectors.
template <class T>
void activate_block(T* u, const T* sums, T weight_exponent, const T* exponents_in,
                    std::int64_t units, int vectors, T leak, T* tanh_of, T* sech2_of, T* scaled,
                    T* exponents_out, T* scratch) {
  using F = FloatFormat<T>;
  constexpr int W = kLanes<T>;
  const std::int64_t stride = static_cast<std::int64_t>(vectors) * W;
  const Vec<T> lowest = broadcast(static_cast<T>(1 - F::kBias));
  for (int v = 0; v < vectors; ++v) {
    Vec<T> top = broadcast(-4 * kFarthest<T>);
    for (std::int64_t p = 0; p < units; ++p) {
      const std::int64_t at = p * stride + v * W;
      const Vec<T> value = load(u + at);
      const Tanh<T> t = vtanh<T>(value);
      Vec<T> slope = t.part;
      Vec<T> n = broadcast(weight_exponent);
      if (leak > 0) {
        slope = t.sech2 + broadcast(leak);
        store(tanh_of + at, t.tanh);
        store(u + at, fma<T>(broadcast(leak), value, t.tanh));
      } else {
        n += t.n;
        store(u + at, t.tanh);
      }
      store(sech2_of + at, t.sech2);
      slope *= load(sums + at);
      store(scaled + at, slope);
      store(scratch + p * W, n);
      top = vmax(n + exponent_of<T>(slope), top);
    }
    for (std::int64_t p = 0; p < units; ++p) {
      const std::int64_t at = p * stride + v * W;
      const Vec<T> n = vmax(lowest, load(scratch + p * W) - top);
      store(scaled + at,
            vmax(power_of_two<T>(broadcast(-kKept<T>)), load(scaled + at) * power_of_two<T>(n)));
    }
    store(exponents_out + v * W, load(exponents_in + v * W) + top);
  }
}

/// Turns `gradient` = dL/dh of a hidden layer into dL/du. With slopes (sums not null), D = dL/dG =
/// scaled * back_sums, where back_sums = sum_p W_pq R_p over the next layer, and `ratios` receives
/// R = D / sums.
template <class T>
void activate_backward(T* gradient, const T* tanh_of, const T* sech2_of, std::int64_t count, T leak,
                       const T* scaled, const T* back_sums, const T* sums, T* ratios) {
  for (std::int64_t at = 0; at < count; at += kLanes<T>) {
    const Vec<T> tanh = load(tanh_of + at);
    const Vec<T> sech2 = load(sech2_of + at);
    const Vec<T> slope = sech2 + broadcast(leak);
    Vec<T> delta = load(gradient + at) * slope;
    if (sums != nullptr) {
      const Vec<T> d = load(scaled + at) * load(back_sums + at);
      // d log(slope) / du; -2 tanh without the leak.
      Vec<T> bend = tanh * broadcast(T(-2));
      if (leak > 0) bend = bend * sech2 / slope;
      delta = fma<T>(d, bend, delta);
      store(ratios + at, d / load(sums + at));
    }
    store(gradient + at, delta);
  }
}

/// log(sums 2^(exponents + weight_exponent)) of the last layer's only unit in a block.
template <class T>
void log_slopes(const T* sums, const T* exponents, T weight_exponent, int vectors, T* result) {
  for (int v = 0; v < vectors; ++v) {
    const Vec<T> n = load(exponents + v * kLanes<T>) + broadcast(weight_exponent);
    store(result + v * kLanes<T>,
          fma<T>(n, broadcast(T(0.6931471805599453)), vlog<T>(load(sums + v * kLanes<T>))));
  }
}

/// Transposes `rows` rows of `vectors` vectors: to[sample][row]. Rows of `to` are kTileVectors
/// vectors long, with zeros after the last of the `rows` up to a whole vector.
template <class T>
void transpose_rows(const T* from, std::int64_t rows, int vectors, T* to) {
  constexpr int W = kLanes<T>;
  const std::int64_t stride = static_cast<std::int64_t>(vectors) * W;
  for (std::int64_t r = 0; r < rows; r += W) {
    for (int v = 0; v < vectors; ++v) {
      Vec<T> line[W];
      for (int l = 0; l < W; ++l) {
        line[l] = r + l < rows ? load(from + (r + l) * stride + v * W) : Vec<T>{};
      }
#pragma GCC unroll 4
      for (int step = W / 2; step > 0; step /= 2) {
        const VecInt<T> first = pick_lanes<T>(step, false);
        const VecInt<T> second = pick_lanes<T>(step, true);
#pragma GCC unroll 16
        for (int l = 0; l < W; ++l) {
          if ((l & step) != 0) continue;
          const Vec<T> a = line[l];
          const Vec<T> b = line[l + step];
          line[l] = __builtin_shuffle(a, b, first);
          line[l + step] = __builtin_shuffle(a, b, second);
        }
      }
      for (int l = 0; l < W; ++l) store(to + (v * W + l) * (kTileVectors * W) + r, line[l]);
    }
  }
}

}  // namespace fastmi::cpu::FASTMI_LEVEL
