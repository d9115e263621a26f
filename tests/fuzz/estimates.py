"""Estimators by their formulas (docs/index.md), from the counts of the oracle."""

import math
from fractions import Fraction

import numpy as np

from fuzz.operation import PSI, Op, Part, known
from fuzz.oracle import Span, Truth

_SLACK = 1e-10


# Their arguments are at least 1, whatever a bound from below says.
def psi(number):
    return PSI[np.maximum(number, 1)]


def psi_less_inverse(number):
    """Grows with the number, as the digamma function does."""
    return psi(number) - 1 / np.maximum(number, 1)


def log(number):
    return np.log(np.maximum(number, 1).astype(np.longdouble))


class Estimate(Op):
    """A public function with a method.

    Its value is a constant plus the mean of functions that grow with a count; `terms` returns the
    constant and a list of (sign, function, span of the counts).

    Args:
        function: Public function of fastmi.
        method: Name of the method.
        least, most: Numbers of variables.
        options: Further options.
    """

    weight = 0.4
    algorithms = ("auto", "tree", "brute")
    module = "fastmi"
    cuda = False

    def __init__(self, function, method, least=2, most=2, theiler=False, **options):
        self.function, self.method = function, method
        self.blocks = (least, most)
        self.theiler = theiler
        self.options = options

    def draw(self, rng, case):
        if not self.theiler or rng.random() < 0.7:
            return {}
        most = (case.n - 1 - max(case.ks)) // 2
        return {"window": int(min(most, rng.choice([1, 5, 50])))}

    def accepts(self, case, algorithm):
        return algorithm != "tree" or not case.params.get("window")

    def call(self, kernels, blocks, case, algorithm, threads):
        options = dict(self.options)
        if "p" not in options:
            options["metric"] = case.metric
        if self.theiler:
            options["theiler"] = case.params.get("window", 0)
        return getattr(kernels, self.function)(
            *blocks,
            k=list(case.ks),
            method=self.method,
            algorithm=algorithm,
            n_jobs=threads,
            noise=0,
            **options,
        )

    def truth(self, case, blocks):
        metric = "chebyshev" if "p" in self.options else case.metric
        truth = Truth(blocks, metric, window=case.params.get("window", 0))
        return [self.bounds(truth, k) for k in case.ks]

    def bounds(self, truth, k):
        constant, terms = self.terms(truth, k)
        ends = []
        for end in (0, 1):
            total = sum(
                sign * function(span[end] if sign > 0 else span[1 - end])
                for sign, function, span in terms
            )
            ends.append(float(constant + np.mean(total)))
        return ends

    def judge(self, truth, case, got):
        for q, (low, high) in enumerate(truth):
            value = np.array(float(got[q]))
            yield Part(
                f"[{q}].value",
                value,
                np.array(low - _SLACK),
                np.array(high + _SLACK),
                np.array(low != high),
            )


def shifted(span, by):
    return Span(span.low + by, span.high + by)


def within(truth, space, k, strict):
    return truth.count(space, truth.kth(k), strict, truth.at_kth(space, k))


def singles(truth):
    return [[b] for b in range(len(truth.blocks))]


class Ksg1(Estimate):
    def terms(self, truth, k):
        spaces = singles(truth)
        constant = PSI[k] + (len(spaces) - 1) * PSI[truth.n]
        return constant, [(-1, psi, shifted(within(truth, s, k, True), 1)) for s in spaces]


class Ksg2(Estimate):
    def terms(self, truth, k):
        spaces = singles(truth)
        m = len(spaces)
        constant = PSI[k] - (m - 1) / k + (m - 1) * PSI[truth.n]
        return constant, [(-1, psi, span) for span in truth.count_closed(spaces, k)]


class Hybrid(Estimate):
    def terms(self, truth, k):
        constant = PSI[k] - 1 / k + PSI[truth.n]
        return constant, [(-1, psi, within(truth, s, k, False)) for s in singles(truth)]


class BiKsg(Estimate):
    def terms(self, truth, k):
        spaces = singles(truth)
        constant = PSI[k] + (len(spaces) - 1) * math.log(truth.n)
        return constant, [(-1, log, within(truth, s, k, False)) for s in spaces]


class Mesner(Estimate):
    def terms(self, truth, k):
        joint = (1, psi, within(truth, [0, 1], k, False))
        return PSI[truth.n], [joint, *((-1, psi, within(truth, [b], k, False)) for b in (0, 1))]


class Mixed(Estimate):
    def terms(self, truth, k):
        radius = truth.kth(k)
        nothing = Span(np.zeros_like(radius.low), np.zeros_like(radius.low))
        terms = []
        for sign, space in ((1, [0, 1]), (-1, [0]), (-1, [1])):
            copies = truth.count(space, nothing, False)
            inside = within(truth, space, k, True)
            if sign > 0:
                inside = Span(np.full(truth.n, k - 1), np.full(truth.n, k - 1))
            low = np.where(radius.high == 0, copies.low, inside.low)
            high = np.where(radius.high == 0, copies.high, inside.high)
            unsure = (radius.low == 0) & (radius.high > 0)
            low = np.where(unsure, np.minimum(inside.low, copies.low), low)
            high = np.where(unsure, np.maximum(inside.high, copies.high), high)
            terms.append((sign, psi, shifted(Span(low, high), 1)))
        return math.log(truth.n), terms


class Conditional(Estimate):
    spaces = ([0, 2], [1, 2], [2])
    signs = (-1, -1, 1)


class Fp(Conditional):
    def terms(self, truth, k):
        spans = [shifted(within(truth, s, k, True), 1) for s in self.spaces]
        return PSI[k], [(sign, psi, span) for sign, span in zip(self.signs, spans, strict=True)]


class ConditionalKsg2(Conditional):
    def terms(self, truth, k):
        functions = (psi_less_inverse, psi_less_inverse, psi)
        spans = truth.count_closed(self.spaces, k)
        return PSI[k] - 2 / k, list(zip(self.signs, functions, spans, strict=True))


class ConditionalMesner(Conditional):
    def terms(self, truth, k):
        joint = (1, psi, within(truth, [0, 1, 2], k, False))
        spans = [within(truth, s, k, False) for s in self.spaces]
        return 0.0, [joint, *((g, psi, span) for g, span in zip(self.signs, spans, strict=True))]


class KozachenkoLeonenko(Estimate):
    """Entropy of samples of which none is on top of its k-th neighbour."""

    def bounds(self, truth, k):
        d = truth.blocks[0].shape[1]
        volume = d * math.log(2)
        if truth.metric == "euclidean":
            volume = d / 2 * math.log(math.pi) - math.lgamma(d / 2 + 1)
        constant = PSI[truth.n] - PSI[k] + volume
        logs = (np.mean(np.log(side.astype(np.longdouble))) for side in truth.kth(k))
        return [float(constant + d * mean) for mean in logs]

    def may_refuse(self, case, truth):
        return any(low == -np.inf for low, _ in truth)


def classes(block):
    """Up to 7 classes (n,), from the order of the values of a column."""
    rank = np.unique(block[:, 0], return_inverse=True)[1].reshape(-1)
    return rank % max(1, min(7, len(block) // 10))


class Ross(Estimate):
    """Neighbours within the classes of y; samples alone in theirs are dropped."""

    def call(self, kernels, blocks, case, algorithm, threads):
        return super().call(kernels, [blocks[0], classes(blocks[1])], case, algorithm, threads)

    def truth(self, case, blocks):
        labels = classes(blocks[1])
        sizes = np.bincount(labels)[labels]
        kept = sizes > 1
        truth = Truth([np.ascontiguousarray(blocks[0][kept])], case.metric)
        truth.labels, truth.sizes = labels[kept], sizes[kept]
        return [self.bounds(truth, k) for k in case.ks]

    def terms(self, truth, k):
        own = np.minimum(k, truth.sizes - 1)
        same = truth.others & (truth.labels[:, None] == truth.labels[None, :])
        ranked = (np.sort(np.where(same, side, np.inf), axis=1) for side in truth.joint)
        reach = Span(*(side[np.arange(truth.n), own - 1] for side in ranked))
        inside = shifted(truth.count([0], reach, True), 1)
        known = [(-1, psi, Span(truth.sizes, truth.sizes)), (1, psi, Span(own, own))]
        return PSI[truth.n], [*known, (-1, psi, inside)]


class Binning(Op):
    """Bins by exact quotients, as fractions; plug-in entropies."""

    weight = 0.4
    blocks = (2, 3)
    algorithms = None
    module = "fastmi"
    cuda = False

    def draw(self, rng, case):
        return {"bins": int(rng.integers(2, 40))}

    def call(self, kernels, blocks, case, algorithm, threads):
        function = kernels.mi if len(blocks) == 2 else kernels.cmi
        return function(*blocks, method="binning", bins=case.params["bins"])

    def truth(self, case, blocks):
        symbols = [bin_numbers(block, case.params["bins"]) for block in blocks]
        of = [entropy_of(symbols[b] for b in space) for space in ([0], [1], [0, 1])]
        if len(blocks) == 2:
            return of[0] + of[1] - of[2]
        spaces = ([0, 2], [1, 2], [2], [0, 1, 2])
        xz, yz, z, xyz = (entropy_of(symbols[b] for b in space) for space in spaces)
        return xz + yz - z - xyz

    def judge(self, truth, case, got):
        yield known(".value", float(got), truth, _SLACK)


def bin_numbers(block, bins):
    """The bin (n, d) of each value, the floor of an exact quotient; the last bin is closed."""
    numbers = []
    for column in block.T:
        exact = [Fraction(float(value)) for value in column]
        low, high = min(exact), max(exact)
        width = (high - low) or 1
        numbers.append([min((value - low) * bins // width, bins - 1) for value in exact])
    return np.array(numbers, dtype=np.int64).T


def entropy_of(symbols):
    """Plug-in entropy of the rows of several arrays side by side."""
    rows = np.hstack(list(symbols))
    share = np.unique(rows, axis=0, return_counts=True)[1] / len(rows)
    return float(-np.sum(share * np.log(share)))


OPS = {
    "mi ross": Ross("mi", "ross"),
    "binning": Binning(),
    "mi ksg1": Ksg1("mi", "ksg1", theiler=True),
    "mi ksg2": Ksg2("mi", "ksg2", theiler=True),
    "mi ksg_eq6": Hybrid("mi", "ksg_eq6"),
    "mi biksg": BiKsg("mi", "biksg", p=np.inf),
    "mi mixed": Mixed("mi", "mixed"),
    "mi mesner": Mesner("mi", "mesner"),
    "cmi fp": Fp("cmi", "fp", 3, 3, theiler=True),
    "cmi ksg2": ConditionalKsg2("cmi", "ksg2", 3, 3, theiler=True),
    "cmi mesner": ConditionalMesner("cmi", "mesner", 3, 3),
    "total_correlation ksg1": Ksg1("total_correlation", "ksg1", 2, 4),
    "total_correlation ksg2": Ksg2("total_correlation", "ksg2", 2, 4),
    "total_correlation biksg": BiKsg("total_correlation", "biksg", 2, 4, p=np.inf),
    "entropy kl": KozachenkoLeonenko("entropy", "kl", 1, 1, theiler=True),
}
