"""Makes a wrong case small, and writes it down as a test."""

import inspect
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from fuzz.cases import Case, Recipe, generator
from fuzz.kinds import KINDS, TWISTS
from fuzz.operations import OPS
from fuzz.ways import CUDA, MODULES, Way, call, judge, truth_of

_SIZES = (2, 3, 4, 5, 6, 8, 12, 17, 33, 65, 129, 257, 385, 513, 600)
_MOST_LITERALS = 160


def minimise(
    case: Case, way: Way, modules: Mapping[str, Any] = MODULES, seconds: float = 60
) -> tuple[Case, Way]:
    """Return a smaller case that is wrong too, and the way to run it.

    Args:
        case: A wrong case.
        way: How it was run.
        modules: The modules with the fault.
        seconds: After these the smallest case so far is returned.
    """
    until = time.monotonic() + seconds

    def fails(candidate: Case, by: Way) -> bool:
        try:
            return judge(candidate, by, truth_of(candidate), modules).wrong > 0
        except (IndexError, ValueError):  # a change that makes no case
            return False

    if way.threads > 1 and fails(case, way._replace(threads=1)):
        way = way._replace(threads=1)

    def descend(case: Case, smaller: Callable[[Case], Iterator[Case]]) -> Case:
        found = True
        while found and time.monotonic() < until:
            found = False
            for candidate in smaller(case):
                if time.monotonic() > until:
                    break
                if fails(candidate, way):
                    case, found = candidate, True
                    break
        return case

    case = descend(case, _simpler)
    # A few rows stand in the test as numbers; more of them are better made by the recipes.
    fewer = descend(case, _fewer_rows)
    return fewer if _size(fewer) <= _MOST_LITERALS else case, way


def _size(case: Case) -> int:
    return case.n * sum(case.dims)


def _simpler(case: Case) -> Iterator[Case]:
    """Cases with one part less, largest steps first."""
    if len(case.ks) > 1:
        yield from (case.with_changes(ks=(k,)) for k in case.ks)
    for b in range(len(case.dims)):
        if len(case.dims) > OPS[case.op].blocks[0]:
            yield _without_block(case, b)
    yield from (
        _sized(case, n) for n in sorted({*_SIZES, case.n // 2, case.n - 1}) if 2 <= n < case.n
    )
    for b, recipe in enumerate(case.recipes):
        for t in range(len(recipe.twists)):
            twists = recipe.twists[:t] + recipe.twists[t + 1 :]
            yield _with_recipe(case, b, Recipe(recipe.kind, recipe.arguments, twists))
        if recipe.kind not in ("uniform", "whole"):
            for plain in (
                Recipe("uniform", (), recipe.twists),
                Recipe("whole", (3,), recipe.twists),
            ):
                yield _with_recipe(case, b, plain)
    for b, d in enumerate(case.dims):
        for fewer in sorted({1, 2, d // 2, d - 1}):
            if 1 <= fewer < d:
                dims = (*case.dims[:b], fewer, *case.dims[b + 1 :])
                yield _with_pairs_in(case.with_changes(dims=dims))
    yield from (case.with_changes(ks=(k,)) for k in (1, 2, 3, 5) if case.ks > (k,))
    for name, least in (("scales", 1), ("spaces", 1), ("pairs", 1)):
        listed = case.params.get(name, [])
        if len(listed) > least:
            yield from (case.with_changes(params={**case.params, name: [one]}) for one in listed)
    if case.params.get("orders", 1) > 1:
        yield case.with_changes(params={**case.params, "orders": 1})
    if case.params.get("window", 0) > 0:
        yield case.with_changes(params={**case.params, "window": 0})
    if "radius_seed" in case.params and "radius" not in case.params:
        radii = OPS[case.op].radius(case.host_blocks, case)
        for radius in np.unique(radii[np.isfinite(radii)])[::-1][:40]:
            yield case.with_changes(params={**case.params, "radius": float(radius)})


def _fewer_rows(case: Case) -> Iterator[Case]:
    """The case without a run of rows, or without a column; from here on it has data of its own."""
    blocks = case.host_blocks
    size = case.n // 2
    while size >= 1:
        for start in range(0, case.n, size):
            kept = np.r_[:start, start + size : case.n]
            if len(kept) > max(case.ks):
                fewer = tuple(np.ascontiguousarray(block[kept]) for block in blocks)
                yield _sized(case, len(kept)).with_changes(data=fewer)
        size //= 2
    for b, block in enumerate(blocks):
        for column in range(block.shape[1] if block.shape[1] > 1 else 0):
            fewer = np.ascontiguousarray(np.delete(block, column, axis=1))
            data = (*blocks[:b], fewer, *blocks[b + 1 :])
            dims = tuple(one.shape[1] for one in data)
            yield _with_pairs_in(case.with_changes(data=data, dims=dims))


def _sized(case: Case, n: int) -> Case:
    params = dict(case.params)
    ks = tuple(min(k, n - 1) for k in case.ks)
    if "window" in params:
        params["window"] = min(params["window"], (n - 1 - max(ks)) // 2)
    return case.with_changes(n=n, ks=ks, params=params)


def _without_block(case: Case, b: int) -> Case:
    def left(values: tuple) -> tuple:
        return values[:b] + values[b + 1 :]

    params = dict(case.params)
    if "spaces" in params:
        spaces = [[c - (c > b) for c in space if c != b] for space in params["spaces"]]
        params["spaces"] = [space for space in spaces if space] or [[0]]
    fewer = case.with_changes(dims=left(case.dims), recipes=left(case.recipes), params=params)
    return _with_pairs_in(fewer)


def _with_pairs_in(case: Case) -> Case:
    if "pairs" not in case.params:
        return case
    pairs = [[c % sum(case.dims) for c in pair] for pair in case.params["pairs"]]
    return case.with_changes(params={**case.params, "pairs": pairs})


def _with_recipe(case: Case, b: int, recipe: Recipe) -> Case:
    return case.with_changes(recipes=(*case.recipes[:b], recipe, *case.recipes[b + 1 :]))


class _Recorder:
    """A module that notes the call instead of making it."""

    def __getattr__(self, name: str) -> Any:
        def note(*arguments: Any, **options: Any) -> None:
            self.name, self.arguments, self.options = name, arguments, options

        return note


def snippet(case: Case, way: Way, modules: Mapping[str, Any] = MODULES) -> str:
    """Return a test that needs nothing but NumPy, pytest and fastmi."""
    fault = judge(case, way, truth_of(case), modules).fault
    recorder = _Recorder()
    module = OPS[case.op].module
    call(case, way._replace(level="scalar"), {module: recorder})
    spelled = [_spelled(each, case) for each in recorder.arguments]
    spelled += [f"{name}={_spelled(each, case)}" for name, each in recorder.options.items()]
    imports = {
        "_cpu": "from fastmi import _cpu",
        "sweep": "from fastmi.ops import sweep",
        "fastmi": "import fastmi",
    }
    literal = _size(case) <= _MOST_LITERALS
    lines = [
        *([] if literal else ["import zlib", ""]),
        "import numpy as np",
        "",
        imports[module],
        "",
        "",
    ]
    body = [f"    # {way.algorithm} on {way.level} with {way.threads} threads, seed {case.seed}"]
    if way.level == CUDA:
        body.append("    # _cpu stands for the module for GPUs: take its kernels and DeviceArrays.")
    else:
        body.append(f'    monkeypatch.setenv("FASTMI_SIMD_LEVEL", "{way.level}")')
    if literal:
        body.append("    blocks = [")
        body += [f"        {_array(block)}," for block in case.host_blocks]
        body.append("    ]")
    else:
        lines += [*_sources(case), "", ""]
        body += _steps(case)
    body.append(f"    got = {module}.{recorder.name}({', '.join(spelled)})")
    if fault is None or not fault.where:
        body.append(f"    # {fault.got if fault else 'nothing wrong'}")
    else:
        low, high = _number(fault.low), _number(fault.high)
        check = (
            f"got{fault.where} == {low}" if low == high else f"{low} <= got{fault.where} <= {high}"
        )
        body.append(f"    assert {check}  # got {_number(fault.got)}")
    name = f"test_{case.op}_{case.seed}".replace(" ", "_")
    return "\n".join([*lines, f"def {name}(monkeypatch):", *body])


def _sources(case: Case) -> list[str]:
    """Return the functions that make the samples."""
    used = {KINDS[recipe.kind][0] for recipe in case.recipes}
    used |= {TWISTS[name][0] for recipe in case.recipes for name, _ in recipe.twists}
    functions = [generator, *sorted(used, key=lambda function: function.__name__)]
    return "\n\n".join(inspect.getsource(function) for function in functions).splitlines()


def _steps(case: Case) -> list[str]:
    """Return the lines that call them, as `build` does."""
    body = [f'    most = 0.5 * float(np.finfo("{case.dtype}").max)', "    blocks = []"]
    for b, (d, recipe) in enumerate(zip(case.dims, case.recipes, strict=True)):
        steps = [(KINDS[recipe.kind][0], "kind", (case.n, d, *recipe.arguments), "")]
        steps += [(TWISTS[name][0], name, given, "x, ") for name, given in recipe.twists]
        for function, name, arguments, first in steps:
            given = [f'{first}generator({case.seed}, {b}, "{name}")']
            given += ["blocks[0]"] if name == "follows" else []
            given += map(repr, arguments)
            body.append(f"    x = {function.__name__}({', '.join(given)})")
        body.append("    blocks.append(np.clip(np.nan_to_num(x), -most, most))")
    body.append(f'    blocks = [np.ascontiguousarray(x.astype("{case.dtype}")) for x in blocks]')
    return body


def _spelled(value: Any, case: Case) -> str:
    if isinstance(value, list) and value and all(isinstance(each, np.ndarray) for each in value):
        return "blocks"
    for b, block in enumerate(case.host_blocks):
        if value is block:
            return f"blocks[{b}]"
    if isinstance(value, np.ndarray):
        if value.size > 1 and np.all(value == value.flat[0]):
            return f'np.full({value.shape}, {_number(value.flat[0])}, "{value.dtype}")'
        return _array(value)
    if callable(value):
        orders = f"default_rng({case.params['order_seed']}).permutation({case.n})"
        if case.params["orders"] == 1:
            return f"iter([np.random.{orders}[None], None]).__next__"
        return f"iter([{_array(value())}, None]).__next__"
    return repr(value).replace("inf", "np.inf")


def _array(x: np.ndarray) -> str:
    return f'np.array({x.tolist()!r}, "{x.dtype}")'.replace("inf", "np.inf")


def _number(value: Any) -> str:
    return repr(
        np.asarray(value).astype(float).item()
        if np.asarray(value).dtype.kind == "f"
        else int(value)
    ).replace("inf", "np.inf")
