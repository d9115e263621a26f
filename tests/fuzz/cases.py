"""A case: samples, an operation and its parameters, all drawn from one seed."""

import zlib
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from fuzz.kinds import KINDS, TWISTS
from fuzz.operation import SORT_MAX_K
from fuzz.operations import OPS

# Around the leaf of a tree (64 samples), the least n of the radix sort and of a tree by "auto"
# (256), of the 8-bit filter (512), a tile of 15-bit coordinates (128) and a run of summaries.
EDGES = (2, 3, 5, 8, 9, 16, 17, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257, 511, 512, 513, 640)
_LEVEL_COST = 3e6  # about the number of coordinates of all pairs that a case compares


@dataclass(frozen=True)
class Recipe:
    """How a block is made: a kind with its arguments, then twists with theirs."""

    kind: str
    arguments: tuple
    twists: tuple = ()


@dataclass(frozen=True)
class Case:
    """What one call of an operation needs, in plain values.

    Attributes:
        seed: Source of the samples.
        op: Name in OPS.
        dtype, metric, n: Of the call.
        dims: Recipes of each block.
        recipes: How each block is made.
        ks: Numbers of neighbours.
        params: What the operation draws beside.
        data: Blocks that take the place of the recipes, once a case is being minimised.
    """

    seed: int
    op: str
    dtype: str
    metric: str
    n: int
    dims: tuple[int, ...]
    recipes: tuple[Recipe, ...]
    ks: tuple[int, ...]
    params: dict = field(default_factory=dict)
    data: tuple | None = None

    @property
    def label(self):
        """The kind of the first block with the first twist of all, for the table."""
        twists = [name for recipe in self.recipes for name, _ in recipe.twists]
        return self.recipes[0].kind + (f"+{twists[0]}" if twists else "")

    @cached_property
    def host_blocks(self):
        return list(self.data) if self.data is not None else build(self)

    def with_changes(self, **changes):
        return replace(self, **changes)


def generator(seed, *path):
    """A generator of its own for every step, so that leaving one out changes no other."""
    return np.random.default_rng([seed, *(zlib.crc32(str(step).encode()) for step in path)])


def build(case):
    """Return the blocks of a case, C-contiguous, within the range that fastmi accepts."""
    most = 0.5 * float(np.finfo(case.dtype).max)
    blocks = []
    with np.errstate(all="ignore"):
        for b, (d, recipe) in enumerate(zip(case.dims, case.recipes, strict=True)):
            x = KINDS[recipe.kind][0](generator(case.seed, b, "kind"), case.n, d, *recipe.arguments)
            for name, arguments in recipe.twists:
                given = (blocks[0], *arguments) if name == "follows" else arguments
                x = TWISTS[name][0](x, generator(case.seed, b, name), *given)
            blocks.append(np.clip(np.nan_to_num(x), -most, most))
        return [np.ascontiguousarray(block.astype(case.dtype)) for block in blocks]


def draw(seed):
    """Return the case of a seed."""
    rng = np.random.default_rng(seed)
    names = list(OPS)
    weights = np.array([OPS[name].weight for name in names])
    name = str(rng.choice(names, p=weights / weights.sum()))
    op = OPS[name]
    dtype = str(rng.choice(["float32", "float64"]))
    dims = _draw_dims(rng, *op.blocks)
    case = Case(
        seed=seed,
        op=name,
        dtype=dtype,
        metric=str(rng.choice(["chebyshev", "euclidean"], p=[0.6, 0.4])),
        n=_draw_n(rng, sum(dims)),
        dims=dims,
        recipes=_draw_recipes(rng, len(dims), dtype),
        ks=(1,),
    )
    case = case.with_changes(ks=_draw_ks(rng, case.n, getattr(op, "most_k", case.n)))
    return case.with_changes(params=op.draw(rng, case))


def _draw_dims(rng, least, most):
    m = int(rng.integers(least, most + 1))
    style = rng.choice(["one", "few", "many", "any"], p=[0.25, 0.3, 0.3, 0.15])
    if style == "one":
        return (1,) * min(m, int(rng.integers(least, 3)) if least < 3 else m)
    if style == "few":
        return tuple(int(d) for d in rng.integers(1, 4, m))
    if style == "many":
        # From 5 dims the 8-bit filter runs, from 12 rows are compared with rows and the sweep
        # takes 15-bit coordinates.
        return tuple(int(d) for d in rng.integers(3, 13, m))
    total = int(rng.integers(m, 65))
    cuts = np.sort(rng.choice(np.arange(1, total), m - 1, replace=False)) if m > 1 else []
    return tuple(int(d) for d in np.diff([0, *cuts, total]))


def _draw_n(rng, d):
    style = rng.choice(["small", "edge", "large", "larger"], p=[0.2, 0.25, 0.5, 0.05])
    if style == "small":
        return int(rng.integers(2, 71))
    if style == "edge":
        return int(rng.choice(EDGES))
    most = {"large": 1000, "larger": 2000}[style]
    return int(rng.integers(513, max(601, min(most, int((_LEVEL_COST * 5 / d) ** 0.5)))))


def _draw_ks(rng, n, most):
    most = min(most, n - 1)
    ranges = [(1, 5), (1, 12), (12, SORT_MAX_K), (SORT_MAX_K - 1, SORT_MAX_K + 3), (1, most)]
    chosen = rng.choice(len(ranges), int(rng.integers(1, 4)), p=[0.4, 0.25, 0.15, 0.1, 0.1])
    drawn = [int(rng.integers(ranges[r][0], ranges[r][1] + 1)) for r in chosen]
    return tuple(min(k, most) for k in drawn)


def _draw_recipes(rng, m, dtype):
    twists_of_all = _draw_twists(rng, dtype, rng.choice([0, 1, 2], p=[0.35, 0.4, 0.25]))
    one_kind = rng.random() < 0.5
    recipes = []
    for b in range(m):
        if not one_kind or b == 0:
            kind = str(rng.choice(list(KINDS)))
            arguments = tuple(KINDS[kind][1](rng, dtype))
        twists = list(twists_of_all)
        if rng.random() < 0.3:
            twists += _draw_twists(rng, dtype, 1)
        if b > 0 and rng.random() < 0.4:
            twists.append(("follows", tuple(TWISTS["follows"][1](rng, dtype))))
        recipes.append(Recipe(kind, arguments, tuple(dict(twists).items())))
    return tuple(recipes)


def _draw_twists(rng, dtype, number):
    names = [name for name in TWISTS if name != "follows"]
    weights = np.array([2.0 if name == "brim" else 1.0 for name in names])
    chosen = rng.choice(names, int(number), replace=False, p=weights / weights.sum())
    return [(str(name), tuple(TWISTS[str(name)][1](rng, dtype))) for name in chosen]
