"""The terms of the KSG estimators: of one call, of many scales, pairs and orders."""

import numpy as np

from fuzz.operation import PSI, SORT_MAX_K, Op, Part, counts, known, psi_parts, zeros
from fuzz.oracle import Truth


class Ksg(Op):
    blocks = (2, 4)

    def draw(self, rng, case):
        return {"variant": int(rng.integers(1, 3))}

    def call(self, kernels, blocks, case, algorithm, threads):
        variant = case.params["variant"]
        return kernels.ksg(blocks, list(case.ks), variant, case.metric, algorithm, threads)

    def truth(self, case, blocks):
        truth = Truth(blocks, case.metric)
        spaces = [[b] for b in range(len(blocks))]
        found = []
        for k in case.ks:
            if case.params["variant"] == 2:
                spans = truth.count_closed(spaces, k)
            else:
                spans = [truth.count(s, truth.kth(k), True, truth.at_kth(s, k)) for s in spaces]
            found.append((truth.kth(k), spans))
        return found

    def judge(self, truth, case, got):
        mean, std, found, zero, sums, _ = got
        plus = 2 - case.params["variant"]
        for q, (radius, spans) in enumerate(truth):
            for b, span in enumerate(spans):
                yield counts(f"[2][{q}, {b}]", found[q, b], span)
            yield from psi_parts(q, mean[q], std[q], PSI[found[q] + plus])
            yield counts(f"[3][{q}]", zero[q], zeros(radius))
            yield known(f"[4][{q}]", sums[q], found[q, :2].sum(axis=1))


class KsgSweep(Op):
    """Called through fastmi.ops, which keeps products of scales and distances in range."""

    module = "sweep"
    blocks = (2, 2)
    algorithms = None

    def draw(self, rng, case):
        scales = 10.0 ** rng.uniform(-2, 2, int(rng.integers(1, 4)))
        if rng.random() < 0.3:
            scales[0] = 1.0
        return {"scales": [float(scale) for scale in scales]}

    def call(self, kernels, blocks, case, algorithm, threads):
        scales, ks = case.params["scales"], list(case.ks)
        return kernels.sweep_terms(*blocks, scales, ks, metric=case.metric, n_jobs=threads)

    def truth(self, case, blocks):
        found = []
        for scale in case.params["scales"]:
            truth = Truth(blocks, case.metric, scale)
            for k in case.ks:
                radius = truth.kth(k)
                spans = [truth.count([b], radius, True, truth.at_kth([b], k)) for b in (0, 1)]
                found.append((radius, spans))
        return found

    def judge(self, truth, case, got):
        mean, std, found, zero, sums, _ = got
        for e, (radius, spans) in enumerate(truth):
            s, q = divmod(e, len(case.ks))
            for b, span in enumerate(spans):
                yield counts(f"[2][{s}, {q}, {b}]", found[s, q, b], span)
            yield from psi_parts(f"{s}, {q}", mean[s, q], std[s, q], PSI[found[s, q] + 1])
            yield counts(f"[3][{s}, {q}]", zero[s, q], zeros(radius))
            yield known(f"[4][{s}, {q}]", sums[s, q], found[s, q].sum(axis=1))


class KsgPairs(Op):
    """All pairs of columns; the host emulation and a GPU search them by themselves."""

    algorithms = ("auto", "sort")
    most_k = SORT_MAX_K

    def draw(self, rng, case):
        d = sum(case.dims)
        return {"pairs": rng.integers(0, d, (int(rng.integers(1, 5)), 2)).tolist()}

    def accepts(self, case, algorithm):
        return True

    def call(self, kernels, blocks, case, algorithm, threads):
        pairs = np.array(case.params["pairs"], dtype=np.int64)
        return kernels.ksg_pairs(blocks, pairs, list(case.ks), algorithm, None, threads)

    def truth(self, case, blocks):
        columns = np.hstack(blocks).T
        found = []
        for p, q in case.params["pairs"]:
            truth = Truth([columns[p][:, None], columns[q][:, None]], "chebyshev")
            for k in case.ks:
                radius = truth.kth(k)
                found.append((radius, [truth.count([b], radius, True).low for b in (0, 1)]))
        return found

    def judge(self, truth, case, got):
        mean, std, sums, zero, _ = got
        for e, (radius, found) in enumerate(truth):
            p, q = divmod(e, len(case.ks))
            yield known(f"[2][{q}, :, {p}]", sums[q, :, p], np.sum(found, axis=1))
            yield from psi_parts(f"{q}, {p}", mean[q, p], std[q, p], PSI[np.array(found) + 1])
            yield counts(f"[3][{q}, {p}]", zero[q, p], zeros(radius))


class KsgSurrogates(Op):
    blocks = (2, 2)

    def draw(self, rng, case):
        return {"orders": int(rng.integers(1, 4)), "order_seed": int(rng.integers(2**31))}

    @staticmethod
    def orders(case):
        rng = np.random.default_rng(case.params["order_seed"])
        return [rng.permutation(case.n) for _ in range(case.params["orders"])]

    def call(self, kernels, blocks, case, algorithm, threads):
        given = iter([np.array(self.orders(case), dtype=np.int64), None])
        return kernels.ksg_surrogates(
            *blocks, list(case.ks), case.metric, algorithm, given.__next__, threads
        )

    def truth(self, case, blocks):
        found = []
        for order in self.orders(case):
            truth = Truth([blocks[0][order], blocks[1]], case.metric)
            for k in case.ks:
                radius = truth.kth(k)
                spans = [truth.count([b], radius, True, truth.at_kth([b], k)) for b in (0, 1)]
                found.append(spans)
        return found

    def judge(self, truth, case, got):
        for e, spans in enumerate(truth):
            s, q = divmod(e, len(case.ks))
            least, most = (
                float(sum(PSI[span[end] + 1] for span in spans).mean()) for end in (0, 1)
            )
            slack = 1e-12 * (1 + abs(least))
            bounds = np.array(least - slack), np.array(most + slack)
            yield Part(f"[0][{s}, {q}]", got[0][s, q], *bounds, np.array(least != most))
