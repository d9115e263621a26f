"""Searches, counts and what else the kernels answer beside the terms of KSG."""

import numpy as np

from fuzz.operation import PSI, Op, Part, counts, distances, known
from fuzz.oracle import Span, Truth, row_numbers


class KthDistance(Op):
    def call(self, kernels, blocks, case, algorithm, threads):
        return kernels.kth_distance(blocks, list(case.ks), case.metric, algorithm, threads)

    def judge(self, truth, case, got):
        for q, k in enumerate(case.ks):
            yield distances(f"[0][{q}]", got[0][q], truth.kth(k))


class KNeighbors(Op):
    algorithms = ("auto", "tree", "brute")

    def call(self, kernels, blocks, case, algorithm, threads):
        return kernels.kneighbors(blocks, case.ks[0], case.metric, algorithm, threads)

    def judge(self, truth, case, got):
        k = case.ks[0]
        spans = Span(truth.ranked.low[:, :k], truth.ranked.high[:, :k])
        yield distances("[0]", got[0], spans)
        right, index = truth.order[:, :k], got[1]
        if truth.exact:
            yield known("[1]", index, right)
            return
        # The sample at a place is known if its span meets no other sample's.
        low, high = (np.pad(side, ((0, 0), (1, 1))) for side in truth.ranked)
        low[:, -1] = np.inf
        high[:, 0] = -1
        apart = high[:, :-1] < low[:, 1:]
        # Samples at distance 0 follow each other by index, if no other distance can be taken for 0.
        zero = ~np.any((truth.joint.low == 0) & (truth.joint.high > 0), axis=1, keepdims=True)
        apart |= zero & (high[:, :-1] == 0) & (high[:, 1:] == 0)
        apart[:, :1] = True
        alone = apart[:, :k] & apart[:, 1 : k + 1]
        query = np.arange(truth.n)[:, None]
        valid = (index >= 0) & (index < truth.n) & (index != query)
        near, far = (side[query, np.where(valid, index, 0)] for side in truth.joint)
        possible = valid & (near <= spans.high) & (far >= spans.low)
        wanted = np.where(alone | ~possible, right, index)
        yield Part("[1]", index, wanted, wanted, ~alone)


class CountWithin(Op):
    def draw(self, rng, case):
        return {"strict": bool(rng.integers(0, 2)), "radius_seed": int(rng.integers(2**31))}

    def accepts(self, case, algorithm):
        return algorithm != "sort" or case.dims == (1,)

    @staticmethod
    def radius(blocks, case):
        """Radii at distances of the samples, one unit beside them, well below them, 0 and inf."""
        n, dtype = len(blocks[0]), blocks[0].dtype
        if "radius" in case.params:  # one for all samples, in a minimised case
            return np.full(n, case.params["radius"], dtype)
        rng = np.random.default_rng(case.params["radius_seed"])
        other = rng.integers(0, n, n)
        reach = np.maximum.reduce([np.abs(block - block[other]).max(axis=1) for block in blocks])
        if case.metric == "euclidean" and max(case.dims) > 1:
            wide = [block.astype(np.longdouble) for block in blocks]
            roots = [np.sqrt(((block - block[other]) ** 2).sum(axis=1)) for block in wide]
            most = np.finfo(dtype).max
            reach = np.minimum(np.maximum.reduce(roots), most).astype(dtype)
        way = rng.integers(0, 8, n)
        with np.errstate(over="ignore", under="ignore"):
            above, below = (np.nextafter(reach, dtype.type(end)) for end in (np.inf, 0))
        radius = np.where(way == 0, above, reach)
        radius = np.where(way == 1, below, radius)
        radius = np.where(way == 2, reach * dtype.type(0.7), radius)
        radius[rng.random(n) < 0.02] = 0
        radius[rng.random(n) < 0.02] = np.inf
        return np.ascontiguousarray(radius, dtype=dtype)

    def call(self, kernels, blocks, case, algorithm, threads):
        radius = self.radius(case.host_blocks, case)
        strict = case.params["strict"]
        return kernels.count_within(blocks, radius, strict, case.metric, algorithm, threads)

    def truth(self, case, blocks):
        truth = Truth(blocks, case.metric)
        radius = self.radius(blocks, case)
        spans = Span(radius, radius)
        # A distance that its dtype cannot hold is as any number from the largest to infinity.
        low, high = truth.joint
        most = np.finfo(radius.dtype).max
        if np.any(high > most):
            truth.joint = Span(np.minimum(low, most), np.where(high > most, np.inf, high))
        return truth.count(range(len(blocks)), spans, case.params["strict"])

    def judge(self, truth, case, got):
        yield counts("[0]", got[0], truth)


class SpaceCounts(Op):
    def draw(self, rng, case):
        m = len(case.dims)
        subsets = [[b for b in range(m) if code >> b & 1] for code in range(1, 2**m)]
        chosen = rng.permutation(len(subsets))[: rng.integers(1, 4)]
        return {"strict": bool(rng.integers(0, 2)), "spaces": [subsets[c] for c in chosen]}

    def call(self, kernels, blocks, case, algorithm, threads):
        spaces, strict = case.params["spaces"], case.params["strict"]
        return kernels.space_counts(
            blocks, list(case.ks), spaces, strict, case.metric, algorithm, threads
        )

    def truth(self, case, blocks):
        truth = Truth(blocks, case.metric)
        spaces, strict = case.params["spaces"], case.params["strict"]
        return [
            (
                truth.kth(k),
                [truth.count(s, truth.kth(k), strict, truth.at_kth(s, k)) for s in spaces],
            )
            for k in case.ks
        ]

    def judge(self, truth, case, got):
        for q, (radius, spans) in enumerate(truth):
            yield distances(f"[0][{q}]", got[0][q], radius)
            for s, span in enumerate(spans):
                yield counts(f"[1][{q}, {s}]", got[1][q, s], span)


class TheilerCounts(Op):
    algorithms = None
    cuda = False

    def draw(self, rng, case):
        m = len(case.dims)
        spaces = [[b] for b in range(m)] + ([list(range(m))] if m > 1 else [])
        most = (case.n - 1 - max(case.ks)) // 2
        window = int(min(most, rng.choice([0, 1, 5, 50])))
        return {"window": window, "closed": bool(rng.integers(0, 2)), "spaces": spaces}

    def call(self, kernels, blocks, case, algorithm, threads):
        window, closed, spaces = (case.params[name] for name in ("window", "closed", "spaces"))
        ks = sorted(set(case.ks))
        return kernels.theiler_counts(blocks, ks, window, closed, spaces, case.metric, threads)

    def truth(self, case, blocks):
        truth = Truth(blocks, case.metric, window=case.params["window"])
        spaces = case.params["spaces"]
        found = []
        for k in sorted(set(case.ks)):
            radius = truth.kth(k)
            if case.params["closed"]:
                spans = truth.count_closed(spaces, k)
            else:
                spans = [truth.count(s, radius, True, truth.at_kth(s, k)) for s in spaces]
            found.append((radius, spans))
        return found

    def judge(self, truth, case, got):
        for q, (radius, spans) in enumerate(truth):
            yield distances(f"[0][{q}]", got[0][q], radius)
            for s, span in enumerate(spans):
                yield counts(f"[1][{q}, {s}]", got[1][q, s], span)


class Coincidences(Op):
    """An estimate, so that only clear cases are held to an answer."""

    weight = 0.25
    algorithms = None
    cuda = False

    def call(self, kernels, blocks, case, algorithm, threads):
        return kernels.coincidences(blocks)

    def truth(self, case, blocks):
        rows = row_numbers(np.hstack([block + 0.0 for block in blocks]))
        return np.mean(np.bincount(rows)[rows] > 1)

    def judge(self, truth, case, got):
        # Codes of rows agree by chance where one column is far wider than another.
        clear = truth > 0.1 and case.n >= 64
        low, high = np.array(int(clear)), np.array(1)
        yield Part("[0]", np.array(int(got[0])), low, high, np.array(not clear))


class Digamma(Op):
    """Of whole numbers, against sums of reciprocals and, for large ones, Stirling's series."""

    weight = 0.25
    algorithms = None
    cuda = False

    def draw(self, rng, case):
        return {"number_seed": int(rng.integers(2**31))}

    @staticmethod
    def numbers(case):
        rng = np.random.default_rng(case.params["number_seed"])
        small = rng.integers(1, len(PSI) - 1, case.n)
        return np.where(rng.random(case.n) < 0.7, small, rng.integers(1, 2**40, case.n))

    def call(self, kernels, blocks, case, algorithm, threads):
        return (kernels.digamma(self.numbers(case)),)

    def truth(self, case, blocks):
        numbers = self.numbers(case)
        wide = numbers.astype(np.longdouble)
        series = np.log(wide) - 1 / (2 * wide) - 1 / (12 * wide**2) + 1 / (120 * wide**4)
        return np.where(numbers < len(PSI), PSI[np.minimum(numbers, len(PSI) - 1)], series)

    def judge(self, truth, case, got):
        yield known("[0]", got[0], truth, 4e-15 * (1 + np.abs(truth)))
