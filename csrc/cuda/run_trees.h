// Launches of the tree kernels, and of those for sorted columns.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "cuda/job.h"
#include "cuda/tree_kernels.h"

namespace fastmi::cuda {

/// The sorted columns, each sorted when it is first needed.
template <class T, class Queue>
class Orders {
 public:
  Orders(Queue& queue, const Samples<T, Queue>& samples) : queue_(&queue), samples_(&samples) {
    columns_.resize(static_cast<std::size_t>(samples.geometry().d()));
  }
  const SortedColumn<T, Queue>& column(int j) {
    std::optional<SortedColumn<T, Queue>>& sorted = columns_[j];
    if (!sorted) sorted.emplace(sort_column(*queue_, samples_->column(j), samples_->n()));
    return *sorted;
  }
  PointTreeOf<T, Queue> tree(const Space<T>& space) {
    std::vector<const std::int32_t*> ranks(columns_.size(), nullptr);
    for (int j = space.begin; j < space.end; ++j) ranks[j] = column(j).ranks.data();
    return PointTreeOf<T, Queue>(*queue_, *samples_, space, ranks);
  }

 private:
  Queue* queue_;
  const Samples<T, Queue>* samples_;
  std::vector<std::optional<SortedColumn<T, Queue>>> columns_;
};

/// What a search by tree writes, see TreeSearch::Params.
template <class T>
struct SearchResults {
  T* radius = nullptr;
  T* distances = nullptr;
  std::int64_t* neighbours = nullptr;
  std::int32_t* nearest = nullptr;
};

template <class T, Metric M, bool kWithIndex, class Queue>
void search_tree_as(Queue& queue, const PointTree<T>& tree, const Space<T>& space,
                    const std::int32_t* ks, int number, int k, const SearchResults<T>& results) {
  using Body = TreeSearch<T, M, kWithIndex>;
  const std::int64_t place_bytes = sizeof(T) + (kWithIndex ? sizeof(std::int32_t) : 0);
  const std::int64_t most = pieces_at_once(queue, tree.n, k * place_bytes, 1 << 16);
  const Scratch<T, Queue> distances(queue, most * k);
  const Scratch<std::int32_t, Queue> samples(queue, kWithIndex ? most * k : most);
  for (std::int64_t first = 0; first < tree.n; first += most) {
    if (first > 0) queue.checkpoint();
    const std::int64_t queries = std::min<std::int64_t>(most, tree.n - first);
    queue.template launch<Body>(
        ceil_div(queries, Body::kThreads), 1,
        {tree, space, first, queries, k, distances.data(), samples.data(), number, ks, tree.stride,
         results.radius, results.distances, results.neighbours, results.nearest});
  }
}

template <class T, Metric M, class Queue>
void search_tree(Queue& queue, Orders<T, Queue>& orders, const Space<T>& space,
                 const std::int32_t* ks, int number, int k, const SearchResults<T>& results) {
  const PointTreeOf<T, Queue> tree = orders.tree(space);
  if (results.neighbours != nullptr || results.nearest != nullptr) {
    search_tree_as<T, M, true>(queue, tree.tree(), space, ks, number, k, results);
  } else {
    search_tree_as<T, M, false>(queue, tree.tree(), space, ks, number, k, results);
  }
}

/// Counts in one space by limits [entries][stride]; the counts of entry e start at counts + e *
/// counts_stride.
template <class T, Metric M, class Queue>
void count_space(Queue& queue, Orders<T, Queue>& orders, const Space<T>& space, std::int64_t n,
                 std::int64_t stride, const T* limits, int entries, std::int64_t counts_stride,
                 std::int64_t* counts) {
  if (space.end - space.begin == 1) {
    const SortedColumn<T, Queue>& sorted = orders.column(space.begin);
    queue.template launch<CountSorted<T>>(
        ceil_div(n, CountSorted<T>::kThreads), entries,
        {sorted.values.data(), sorted.samples.data(), n, limits, stride, counts_stride, counts});
    return;
  }
  const PointTreeOf<T, Queue> tree = orders.tree(space);
  using Body = TreeCount<T, M>;
  queue.template launch<Body>(ceil_div(n, Body::kThreads), entries,
                              {tree.tree(), limits, stride, counts_stride, counts});
}

/// Finds radii, and counts in every margin, by trees and sorted columns, as the job asks.
template <class T, Metric M, class Queue>
void run_trees(Queue& queue, const Samples<T, Queue>& samples, const TileJob<T>& job,
               const std::vector<Space<T>>& spaces) {
  const std::int64_t n = samples.n();
  const std::int64_t stride = samples.stride();
  Orders<T, Queue> orders(queue, samples);
  const bool rectangle = job.radii == Radii::kRectangle;
  const Scratch<std::int32_t, Queue> nearest(queue, rectangle ? job.k * stride : 1);
  std::int32_t* const neighbours = rectangle ? nearest.data() : nullptr;
  if (job.radii != Radii::kGiven) {
    search_tree<T, M>(queue, orders, job.joint, job.ks, job.number, job.k,
                      {job.radius, job.distances, job.neighbours, neighbours});
  }
  for (int s = 0; s < job.spaces; ++s) {
    T* limits = job.limits + s * job.number * stride;
    using Limits = SpaceLimits<T, M>;
    queue.template launch<Limits>(
        ceil_div(n, Limits::kThreads), job.number,
        {spaces[s], job.strict, n, stride, job.radius, job.radius_exponent, neighbours, job.ks,
         samples.column(0), limits});
    count_space<T, M>(queue, orders, spaces[s], n, stride, limits, job.number, job.spaces * n,
                      job.counts + s * n);
  }
}

}  // namespace fastmi::cuda
