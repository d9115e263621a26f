// Passes through a flow as sequences of launches, for any Queue (block.h) that launches and knows
// multiprocessors(): sizes decide all else.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "cuda/bnaf.h"
#include "cuda/bnaf_kernels.h"
#include "cuda/bnaf_plan.h"

namespace fastmi::cuda {

template <class T, bool Wide, class Queue>
void run_forward(Queue& queue, const BnafNetwork<T>& network, const BnafPlan<T>& plan, bool keep,
                 T* f, T* log_slopes) {
  const BnafShape& shape = network.shape;
  const BnafViews<T> views(network, plan);
  const Slots& slots = plan.slots;
  const int depth = shape.depth();
  for (int l = 1; l <= depth; ++l) {
    typename BnafForward<T, Wide>::Params p{};
    p.slots = slots;
    const bool last = l == depth;
    ForwardJob<T>& x = p.x;
    x.own = {views.weights(l), views.x_units(l - 1)};
    if (views.has_y()) x.from_y = {views.cross(l), views.y_units(l - 1)};
    x.bias = views.bias(l);
    x.leak = network.leak;
    x.step = slots.count;
    x.h = plan.x[l].h;
    x.u = plan.x[l].u;
    x.f = last ? f : nullptr;
    x.tiles_across = slots.count / plan.columns();
    p.x_blocks = static_cast<int>(ceil_div(x.own.weights.rows(), plan.rows())) * x.tiles_across;
    if (views.has_y() && !last) {
      ForwardJob<T>& y = p.y;
      y.own = {views.y_weights(l), views.y_units(l - 1)};
      y.bias = views.y_bias(l);
      y.leak = network.leak;
      y.step = slots.conditioned_slots;
      y.h = plan.y[l].h;
      y.slope = plan.y[l].u;
      y.tiles_across = slots.conditioned_slots / plan.columns();
      p.y_blocks = static_cast<int>(ceil_div(y.own.weights.rows(), plan.rows())) * y.tiles_across;
    }
    std::int64_t slope_blocks = 0;
    if (last) {
      // The slopes need no output: they run beside the last layer.
      SlopeChain<T>& chain = p.chain;
      chain.slots = slots;
      chain.d = static_cast<int>(shape.d);
      chain.depth = depth;
      chain.keep = keep;
      chain.leak = network.leak;
      chain.log_slopes = log_slopes;
      for (int k = 1; k <= depth; ++k) {
        const auto& units = plan.x[k];
        chain.layers[k - 1] = {views.weights(k), units.u,    units.scaled,
                               units.ratio,      units.bend, plan.row_exponents[k - 1]};
      }
      slope_blocks = shape.d * x.tiles_across;
    }
    queue.template launch<BnafForward<T, Wide>>(p.x_blocks + p.y_blocks + slope_blocks, 1, p);
  }
}

template <class T, class Queue>
void drive_bnaf_forward(Queue& queue, const BnafNetwork<T>& network, bool keep, T* workspace, T* f,
                        T* log_slopes) {
  const std::int64_t n = network.shape.n;
  const std::int64_t d = network.shape.d;
  const std::int64_t rows = keep ? n : slab_rows<T>(network.shape);
  for (std::int64_t first = 0; first < n; first += rows) {
    const BnafNetwork<T> part = rows_of(network, first, std::min(rows, n - first));
    const BnafPlan<T> plan(part.shape, queue.multiprocessors(), workspace);
    if (plan.wide) {
      run_forward<T, true>(queue, part, plan, keep, f + first * d, log_slopes + first * d);
    } else {
      run_forward<T, false>(queue, part, plan, keep, f + first * d, log_slopes + first * d);
    }
  }
}

template <class T>
struct BackwardTargets {
  Units<T> f_gradient;
  Units<T> slope_gradient;
  T* x_gradient;
  T* y_gradient;
  T* gradients;
};

/// Leads from the gradients in the outputs to those in every layer's u and in x and y.
template <class T, bool Wide, class Queue>
void run_backward(Queue& queue, const BnafViews<T>& views, const BackwardPlan<T>& back,
                  const BackwardTargets<T>& targets) {
  const BnafShape& shape = views.network.shape;
  const BnafPlan<T>& plan = views.plan;
  const Slots& slots = plan.slots;
  const int depth = shape.depth();
  const auto delta = [&](int l) -> Units<T> {
    return l == depth ? targets.f_gradient : Units<T>::own(back.delta[l], slots.count);
  };
  for (int l = depth; l >= 1; --l) {
    typename BnafBackward<T, Wide>::Params p{};
    p.slots = slots;
    if (l > 1 || targets.x_gradient != nullptr) {
      BackwardJob<T>& x = p.x;
      x.own = {views.weights(l), delta(l)};
      x.units = static_cast<int>(shape.d * shape.widths[l - 1]);
      x.slope = plan.x[l - 1].u;
      x.bend = plan.x[l - 1].bend;
      x.slope_gradient = targets.slope_gradient;
      x.width = shape.widths[l - 1];
      x.step = slots.count;
      x.delta = back.delta[l - 1];
      x.input_gradient = l == 1 ? targets.x_gradient : nullptr;
      x.tiles_across = slots.count / plan.columns();
      p.x_blocks = static_cast<int>(ceil_div(x.units, plan.rows())) * x.tiles_across;
    }
    if (views.has_y() && (l > 1 || targets.y_gradient != nullptr)) {
      BackwardJob<T>& y = p.y;
      y.to_x = {views.cross(l), delta(l)};
      if (l < depth) {
        y.own = {views.y_weights(l), Units<T>::own(back.y_delta[l], slots.conditioned_slots)};
      }
      y.units = static_cast<int>(shape.d_y * shape.y_widths[l - 1]);
      y.slope = plan.y[l - 1].u;
      y.step = slots.conditioned_slots;
      y.delta = back.y_delta[l - 1];
      y.input_gradient = l == 1 ? targets.y_gradient : nullptr;
      y.tiles_across = slots.conditioned_slots / plan.columns();
      p.y_blocks = static_cast<int>(ceil_div(y.units, plan.rows())) * y.tiles_across;
    }
    if (p.x_blocks + p.y_blocks == 0) continue;
    queue.template launch<BnafBackward<T, Wide>>(p.x_blocks + p.y_blocks, 1, p);
  }
}

/// Sums the gradients of the parameters.
template <class T, bool Wide, class Queue>
void run_gradients(Queue& queue, const BnafViews<T>& views, const BackwardPlan<T>& back,
                   const BackwardTargets<T>& targets) {
  const BnafPlan<T>& plan = views.plan;
  const BnafOffsets& offsets = views.offsets;
  const Slots& slots = plan.slots;
  const int depth = views.network.shape.depth();
  std::vector<GradientJob<T>> jobs;
  for (int l = 1; l <= depth; ++l) {
    GradientJob<T> job;
    job.weights = views.weights(l);
    job.delta = l == depth ? targets.f_gradient : Units<T>::own(back.delta[l], slots.count);
    job.h = views.x_units(l - 1);
    job.ratio = Units<T>::own(plan.x[l].ratio, slots.count);
    job.scaled = Units<T>::own(plan.x[l - 1].scaled, slots.count);
    job.row_exponents = plan.row_exponents[l - 1];
    job.end_slot = slots.count;
    job.gradient = offsets.weights[l - 1];
    job.bias_gradient = offsets.biases[l - 1];
    jobs.push_back(job);
    if (!views.has_y()) continue;
    GradientJob<T> cross;
    cross.weights = views.cross(l);
    cross.delta = job.delta;
    cross.h = views.y_units(l - 1);
    cross.end_slot = slots.conditioned_slots;
    cross.gradient = offsets.cross[l - 1];
    cross.bias_gradient = -1;
    jobs.push_back(cross);
    if (l == depth) continue;
    GradientJob<T> y;
    y.weights = views.y_weights(l);
    y.delta = Units<T>::own(back.y_delta[l], slots.conditioned_slots);
    y.h = cross.h;
    y.end_slot = slots.conditioned_slots;
    y.gradient = offsets.y_weights[l - 1];
    y.bias_gradient = offsets.y_biases[l - 1];
    jobs.push_back(y);
  }
  for (std::size_t first = 0; first < jobs.size(); first += kGradientJobs) {
    typename BnafGradient<T, Wide>::Params p{};
    p.slope_gradient = targets.slope_gradient;
    p.slots_per_part = back.slots_per_part;
    p.size = offsets.size;
    p.gradients = back.parts > 1 ? back.partial : targets.gradients;
    p.jobs = static_cast<int>(std::min<std::size_t>(kGradientJobs, jobs.size() - first));
    std::int64_t blocks = 0;
    for (int j = 0; j < p.jobs; ++j) {
      GradientJob<T>& job = p.job[j] = jobs[first + j];
      job.first_block = static_cast<int>(blocks);
      job.tiles_across = static_cast<int>(ceil_div(job.weights.columns(), plan.columns()));
      job.tiles = job.tiles_across * static_cast<int>(ceil_div(job.weights.rows(), plan.rows()));
      blocks += job.tiles;
      if (job.bias_gradient >= 0) blocks += ceil_div(job.weights.rows(), kBiasRows);
    }
    queue.template launch<BnafGradient<T, Wide>>(blocks, back.parts, p);
  }
  if (back.parts == 1) return;
  const typename SumParts<T>::Params sum{back.partial, back.parts, offsets.size, targets.gradients};
  queue.template launch<SumParts<T>>(ceil_div(offsets.size, SumParts<T>::kThreads), 1, sum);
}

template <class T, class Queue>
void drive_bnaf_backward(Queue& queue, const BnafNetwork<T>& network, T* workspace,
                         const T* f_gradient, const T* slope_gradient, T* scratch, T* x_gradient,
                         T* y_gradient, T* gradients) {
  const BnafShape& shape = network.shape;
  const BnafPlan<T> plan(shape, queue.multiprocessors(), workspace);
  const BnafViews<T> views(network, plan);
  const BackwardPlan<T> back(shape, plan, views.offsets.size, queue.multiprocessors(), scratch);
  const BackwardTargets<T> targets{Units<T>::callers(f_gradient, shape.d, plan.slots),
                                   Units<T>::callers(slope_gradient, shape.d, plan.slots),
                                   x_gradient, y_gradient, gradients};
  if (plan.wide) {
    run_backward<T, true>(queue, views, back, targets);
    run_gradients<T, true>(queue, views, back, targets);
  } else {
    run_backward<T, false>(queue, views, back, targets);
    run_gradients<T, false>(queue, views, back, targets);
  }
}

}  // namespace fastmi::cuda
