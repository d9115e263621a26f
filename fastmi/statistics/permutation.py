"""Permutation tests of independence and of conditional independence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from fastmi._autocorrelation import scheme_cautions
from fastmi._backend import thread_count
from fastmi._blocks import DeviceArray, take_rows
from fastmi._cautions import Caution, announce
from fastmi._checks import (
    Seed,
    as_k,
    check_integer,
    check_noise,
    check_search,
    generator,
    k_list,
)
from fastmi._docs import describes_options
from fastmi._estimate import Estimate, number_of, with_cautions
from fastmi._extras import Progress, ProgressBar
from fastmi._results import Table, plain
from fastmi._tasks import MOST_TASKS, run, streams
from fastmi.estimators._measure import (
    add_noise,
    as_ksg1,
    make_measure,
    method_named,
    read_samples,
    reads_on,
    values,
)
from fastmi.estimators.auto.choice import choose
from fastmi.estimators.neighbors.ksg import KSG
from fastmi.ops.digamma import psi
from fastmi.ops.surrogates import surrogate_means
from fastmi.statistics._conditional import (
    CHECKED,
    check_numbers,
    discrete,
    keeps_residuals,
    lost_dependence,
    on_residuals,
    switched,
    warned,
)
from fastmi.statistics._exchanged import as_exchanged, exchanged_values
from fastmi.statistics._schemes import CONDITIONAL, Order, make_scheme
from fastmi.statistics._sequential import ROUNDING
from fastmi.statistics._stopping import draw_until, read_sequential

Array = NDArray[Any]

_LABEL = "surrogates"

# Number of orders handed to the kernel at once: few enough to show progress, many enough to occupy
# its threads, and at most 16 MiB of them.
_TOGETHER = 256
_MOST_ENTRIES = 1 << 21


@dataclass(frozen=True, kw_only=True, eq=False)
class PermutationTest(Table):
    """An estimate beside its distribution under the null hypothesis.

    Attributes:
        estimate: Estimate from the samples in their own order.
        p_value: ``(1 + b) / (1 + n_permutations)``, where b is the number of surrogates that are
            at least the estimate; never 0 (Phipson and Smyth 2010,
            https://doi.org/10.2202/1544-6115.1585). A sequential test that stopped at surrogate l,
            the h-th of these, has ``h / l``.
        null: Values of the surrogates in nats, shape (n_permutations,), or fewer where a sequential
            test stopped.
        scheme: How the surrogates were made.
        warnings: Reasons to distrust the estimate or the p-value, each one sentence; the call that
            made the test has issued them as :class:`fastmi.EstimateWarning`.
    """

    estimate: Estimate
    p_value: float
    null: NDArray[np.float64] = field(repr=False)
    scheme: str
    warnings: tuple[Caution, ...] = field(default=(), repr=False)

    def __str__(self) -> str:
        value = f"{float(self.estimate):.4g} nats, p = {self.p_value:.3g}"
        parts = [f"{len(self.null)} surrogates by {self.scheme!r}", *number_of(self.warnings)]
        return f"{value} ({', '.join(parts)})"

    @property
    def corrected(self) -> float:
        """Estimate less the mean of the surrogates, in nats."""
        return float(self.estimate) - float(self.null.mean())

    @property
    def z_score(self) -> float:
        """Estimate less the mean of the surrogates, in standard deviations of the surrogates.

        NaN where that has no value: the surrogates are all equal, or some are infinite.
        """
        spread = float(self.null.std()) if np.isfinite(self.null).all() else 0.0
        return self.corrected / spread if spread else float("nan")

    def to_dict(self) -> dict[str, Any]:
        """Return everything except the arrays of the estimate, as JSON-able values."""
        record: dict[str, Any] = plain(
            {
                "estimate": self.estimate.to_dict(),
                "p_value": self.p_value,
                "scheme": self.scheme,
                "corrected": self.corrected,
                "z_score": self.z_score,
                "null": self.null,
                "warnings": self.warnings,
            }
        )
        return record

    def plot(self, ax: Any = None, **options: Any) -> Any:
        """Draw the surrogates and the estimate by :func:`fastmi.plot.null`.

        Args:
            ax: matplotlib Axes to draw into; None for a new figure.
            **options: Options of :func:`fastmi.plot.null`.

        Returns:
            The Axes.

        Raises:
            ImportError: matplotlib is not installed.
        """
        # Imported here, because most programs draw nothing.
        return import_module("fastmi.plot").null(self, ax=ax, **options)

    def _rows(self) -> dict[str, Sequence[Any]]:
        row = {
            "value": float(self.estimate),
            "stderr": self.estimate.stderr,
            "p_value": self.p_value,
            "null_mean": float(self.null.mean()),
            "null_sd": float(self.null.std()),
            "surrogates": len(self.null),
            "scheme": self.scheme,
            "method": self.estimate.method,
            "k": self.estimate.k,
            "n": self.estimate.n,
            "warnings": "; ".join(self.warnings),
        }
        return {name: [value] for name, value in row.items()}

    def _about(self) -> dict[str, Any]:
        return {"permutation test": str(self)}


@overload
def permutation_test(
    x: object,
    y: object,
    z: object = ...,
    *,
    n_permutations: int = ...,
    sequential: int | bool = ...,
    scheme: str | None = ...,
    block_length: int | None = ...,
    min_shift: int | None = ...,
    n_neighbors: int = ...,
    k: int = ...,
    method: str | None = ...,
    n_jobs: int | None = ...,
    noise: float | None = ...,
    seed: Seed | None = ...,
    device: str = ...,
    progress: Progress = ...,
    **options: Any,
) -> PermutationTest: ...


@overload
def permutation_test(
    x: object,
    y: object,
    z: object = ...,
    *,
    n_permutations: int = ...,
    sequential: int | bool = ...,
    scheme: str | None = ...,
    block_length: int | None = ...,
    min_shift: int | None = ...,
    n_neighbors: int = ...,
    k: Sequence[int] | NDArray[np.integer[Any]],
    method: str | None = ...,
    n_jobs: int | None = ...,
    noise: float | None = ...,
    seed: Seed | None = ...,
    device: str = ...,
    progress: Progress = ...,
    **options: Any,
) -> list[PermutationTest]: ...


@describes_options()
def permutation_test(
    x: object,
    y: object,
    z: object = None,
    *,
    n_permutations: int = 200,
    sequential: int | bool = False,
    scheme: str | None = None,
    block_length: int | None = None,
    min_shift: int | None = None,
    n_neighbors: int = 5,
    k: int | Sequence[int] | NDArray[np.integer[Any]] = 3,
    method: str | None = None,
    n_jobs: int | None = None,
    noise: float | None = None,
    seed: Seed | None = None,
    device: str = "auto",
    progress: Progress = False,
    **options: Any,
) -> PermutationTest | list[PermutationTest]:
    """Test whether x and y are independent, or independent given z.

    The estimate is compared with those of surrogates in which the rows of x are reordered:

    - "shuffle" puts them in random order, for samples without order in time. It is the default
      without `z`.
    - "circular" rotates them by a random number of rows, a different one in each surrogate. It
      keeps the autocorrelation of stationary series.
    - "block" cuts them into pieces of `block_length` rows and brings the pieces into another order.
      It keeps correlations over shorter times, and needs enough pieces for `n_permutations`
      different orders.
    - "local" exchanges them among rows with similar z (Runge 2018,
      https://arxiv.org/abs/1709.01447, algorithm 1), which keeps the dependence of x on z. It is
      the default with `z`. Rows whose z equals that of `n_neighbors` or more rows are shuffled
      among all of these, so that the test is exact for a discrete z.
    - "residual" replaces x and y by normal scores of their residuals after a smooth regression on
      z, and z by its normal scores, which leaves I(x; y | z) as it was, and exchanges as "local"
      does. It is for several columns of z, or strong dependence on them, where no rows are similar
      enough for "local".

    Without a `scheme`, "local" gives way to "residual" where its surrogates of x lose dependence on
    z, since the test would then reject too often; a warning says so. The same loss is warned of
    where the scheme is given, and where x or y take so few values that their residuals depend on
    z. The first three schemes test, if there is a `z`, whether x is independent of y and z
    together.

    A warning says where the order of the rows suggests that they are a time series, and the scheme
    is not made for it.

    Args:
        x: Samples, shape (n, dx) or (n,): numbers, times, or names as in :func:`fastmi.mi`.
        y: Samples, shape (n, dy) or (n,).
        z: Samples of the condition, shape (n, dz) or (n,); None for no condition.
        n_permutations: Number of surrogates; the smallest p-value is ``1 / (1 + n_permutations)``.
        sequential: A number h stops the test at the h-th surrogate that is at least the estimate
            (Besag and Clifford 1991, https://doi.org/10.1093/biomet/78.2.301); True is h = 20, and
            False makes all surrogates. The p-value is valid wherever the test stops. Without a
            dependence some ``h (1 + log(n_permutations / h))`` surrogates are made, so that
            `n_permutations` may be large.
        scheme: How to reorder the rows of x.
        block_length: Number of rows in each piece of "block". By default 5 times the factor by
            which the autocorrelation of x and y raises the variance of a correlation, 1 for
            independent rows, as far as enough pieces are left.
        min_shift: Smallest rotation of "circular", in either direction. By default twice the same
            factor where the rows are a series, 1 where they are not, as far as enough rotations are
            left.
        n_neighbors: Number of rows among which "local" and "residual" exchange, the row itself
            included.
        k: Number of neighbours. A sequence gives a list of tests on the same surrogates.
        method: Name of a method of :func:`fastmi.mi`; with `z` a name of a method of
            :func:`fastmi.cmi`. None takes the one that these functions take for the samples: "ksg1"
            or "fp" for numbers, and for names (strings, categories) one that is made for them.
        n_jobs: Number of threads, which share the surrogates; None or -1 as in :func:`fastmi.mi`.
            Networks are trained one after another, by as many threads as torch uses.
        noise: As in :func:`fastmi.mi`; it is added once, to all samples, before the surrogates are
            made.
        seed: Seed of noise, surrogates and trainings; any value that
            :func:`numpy.random.default_rng` accepts.
        device: Where to estimate, as in :func:`fastmi.mi`. On a GPU "ksg1" without `z` runs all
            surrogates in a few launches; other methods copy each surrogate to the GPU.
        **options: Further options of the method.

    Raises:
        TypeError: Samples that are not real numbers, an option of the wrong type or unknown.
        ValueError: Samples of wrong shape or length or not finite, an option out of range.
    """
    as_k(k)
    check_search("chebyshev", "auto", n_jobs)
    check_noise(noise)
    count = check_integer("n_permutations", n_permutations, 1, MOST_TASKS)
    stop_at = read_sequential(sequential)
    for option, value, made_for in (
        ("block_length", block_length, "block"),
        ("min_shift", min_shift, "circular"),
    ):
        if scheme is None and value is not None:
            raise ValueError(f"{option} must be None unless scheme={made_for!r}; got scheme=None")
    rng = generator(seed)
    given: tuple[object, ...] = (x, y) if z is None else (x, y, z)
    choice = None
    asked = k
    if method is None:
        choice = choose(
            given,
            "xyz"[: len(given)],
            "ksg1" if z is None else "fp",
            conditional=z is not None,
            normalize=options.get("normalize"),
        )
        given, method = choice.arrays, choice.method
        if choice.normalized:
            options = {**options, "normalize": None}
    row = method_named(method, conditional=z is not None)
    where, options = reads_on(device, row, options)
    if choice is not None and choice.named and not row.searches:
        k = 3  # the default, which counts as not given
    measure = make_measure(permutation_test, row, k=k, options=options)
    samples = read_samples(row, given, ("x", "y", "z")[: len(given)], where)
    name = ("shuffle" if z is None else "local") if scheme is None else scheme
    cautions = [*scheme_cautions(name, samples)]
    if name == "residual" and z is not None:
        check_numbers(row)
        if not keeps_residuals(samples):
            cautions.append(discrete(samples))
        samples = on_residuals(samples)

    def with_noise() -> list[Array]:
        return add_noise(row, samples, noise, rng) if noise else samples

    def orders_of(scheme: str) -> Callable[[int, np.random.Generator], Order]:
        # Equal values of z are equal here: noise would part the groups that they form.
        return make_scheme(
            scheme,
            samples,
            rng,
            count,
            block_length,
            min_shift,
            n_neighbors,
            n_jobs,
            classes=row.takes_classes(2),
        )

    blocks = with_noise()
    reorder = orders_of(name)
    seeds = streams(rng, count)
    if name in CONDITIONAL:
        loss = _loss(name, samples, reorder, seeds, n_jobs)
        if loss is not None and scheme is None and keeps_residuals(samples):
            cautions.append(switched(loss))
            name, samples = "residual", on_residuals(samples)
            blocks, reorder = with_noise(), orders_of(name)
            loss = _loss(name, samples, reorder, seeds, n_jobs)
        if loss is not None:
            cautions.append(warned(loss, name, samples))
    # After the schemes, which see tied values of z as tied.
    left = None if noise is None else 0.0
    blocks, ties = measure.settle(blocks, noise=left, seed=seed, rng=rng, n_jobs=n_jobs)
    estimates = [with_cautions(each, ties) for each in measure(blocks, n_jobs, rng)]
    if choice is not None:
        estimates = choice.shown(estimates)

    observed = values(estimates)
    ksg = as_ksg1(row, k, options)
    on_gpu = isinstance(blocks[0], DeviceArray)

    def draw(begin: int, end: int, progress: Progress) -> NDArray[np.float64]:
        """Return the values of surrogates from `begin` to before `end`."""
        size = end - begin

        def order(number: int) -> Order:
            return reorder(begin + number, np.random.default_rng(seeds[begin + number]))

        def surrogate(number: int, threads: int) -> NDArray[np.float64]:
            own = np.random.default_rng(seeds[begin + number])
            reordered = take_rows(blocks[0], reorder(begin + number, own))
            return values(measure([reordered, *blocks[1:]], threads, own))

        many = on_gpu or size >= thread_count(n_jobs)
        if ksg is not None and ksg.normalize is None and many:
            return null_values(ksg, blocks, order, size, n_jobs=n_jobs, progress=progress)
        exchanged = as_exchanged(row, k, options, blocks, size)
        if exchanged is not None:
            with ProgressBar(progress, size, _LABEL) as bar:
                return exchanged_values(
                    blocks, exchanged, order, size, n_jobs=n_jobs, advance=bar.advance
                )
        # All estimates on a GPU share its stream, so that more threads would only take more memory.
        threads = 1 if on_gpu or row.trains else n_jobs
        return np.array(run(surrogate, size, n_jobs=threads, progress=progress, what=_LABEL))

    with ProgressBar(progress, count, _LABEL) as bar:
        null, found = draw_until(
            observed, lambda begin, end: draw(begin, end, bar.advance), count, stop_at
        )
    tests = [
        PermutationTest(
            estimate=estimate,
            p_value=p,
            null=column[:used],
            scheme=name,
            warnings=(*estimate.warnings, *cautions),
        )
        for estimate, p, used, column in zip(
            estimates, *found, np.ascontiguousarray(null.T), strict=True
        )
    ]
    announce(tests)
    ks = as_k(asked)
    # A method without neighbours has one test for all of their numbers.
    return tests[0] if isinstance(ks, int) else tests * (len(ks) // len(tests))


def _loss(
    scheme: str,
    blocks: list[Array],
    reorder: Callable[[int, np.random.Generator], Order],
    seeds: list[list[int]],
    n_jobs: int | None,
) -> str | None:
    """Say what dependence on z the first surrogates lose; None if they keep it."""
    first = seeds[:CHECKED]
    orders = [reorder(i, np.random.default_rng(seed)) for i, seed in enumerate(first)]
    return lost_dependence(blocks[0], blocks[2], orders, scheme=scheme, n_jobs=n_jobs)


def null_values(
    ksg: KSG,
    blocks: list[Array],
    order: Callable[[int], Order],
    count: int,
    *,
    n_jobs: int | None,
    progress: Progress = False,
) -> NDArray[np.float64]:
    """Return the values of `count` surrogates (x[order(number)], y), from one call of the kernel.

    Args:
        ksg: Algorithm 1 without normalisation; its own noise and threads are not used.
        blocks: x and y, from :func:`fastmi._inputs.as_blocks`.
        order: Function from the number of a surrogate to its order of rows; it is called with
            ascending numbers.
        count: Number of surrogates.
        n_jobs: Number of threads, which share the surrogates.
        progress: True shows a bar; a function is called after each surrogate.

    Returns:
        Shape (count, number of k).
    """
    x, y = blocks
    n = len(x)
    ks = k_list(ksg.k, n)
    threads = thread_count(n_jobs)
    together = max(threads, min(_TOGETHER, _MOST_ENTRIES // n) // threads * threads)
    begin = done = 0
    with ProgressBar(progress, count, _LABEL) as bar:

        def next_orders() -> NDArray[np.int64] | None:
            nonlocal begin, done
            # A new request means that the previous batch is finished.
            for _ in range(begin - done):
                bar.advance()
            done = begin
            if begin == count:
                return None
            end = min(count, begin + together)
            orders = np.array([order(number) for number in range(begin, end)], dtype=np.int64)
            begin = end
            return orders

        means, _ = surrogate_means(
            x,
            y,
            ks,
            next_orders,
            metric=ksg.metric,
            algorithm=ksg.algorithm,
            n_jobs=n_jobs,
        )
    constants = np.array([psi(k) + psi(n) for k in ks])
    null: NDArray[np.float64] = constants - means
    return null


def p_value(value: float, null: NDArray[np.float64]) -> float:
    """Return (1 + b) / (1 + len(null)), where b is the number of `null` values >= `value`."""
    slack = ROUNDING * max(1.0, abs(value)) if np.isfinite(value) else 0.0
    reached = np.count_nonzero(null >= value - slack)
    return float((1 + reached) / (1 + len(null)))
