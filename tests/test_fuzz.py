"""The differential fuzzer finds faults that are put into the kernels, and makes them small."""

import json

import numpy as np
import pytest

from fastmi import _cpu
from fuzz import differential
from fuzz.cases import Case, Recipe, build, draw
from fuzz.operations import OPS
from fuzz.oracle import Truth, squares_are_exact
from fuzz.shrink import minimise, snippet
from fuzz.ways import MODULES, Way, judge, truth_of, ways_of


class Broken:
    """The kernels, with one operation whose answer is changed at one level and by one search."""

    def __init__(self, op, change, level="scalar", algorithm="tree"):
        self.op, self.change, self.level, self.algorithm = op, change, level, algorithm

    def __getattr__(self, name):
        function = getattr(_cpu, name)
        if name != self.op:
            return function

        def call(*arguments):
            got = list(function(*arguments))
            named = [each for each in arguments if isinstance(each, str)]
            if _cpu.simd_level() == self.level and self.algorithm in named:
                self.change(arguments[0], got)
            return tuple(got)

        return call


def one_too_many(blocks, got):
    """A sample beyond 0.9 counts one neighbour too many."""
    got[0] = got[0] + (blocks[0][:, 0] > 0.9)


def counting_case(n=300, d=3, metric="chebyshev", dtype="float64"):
    recipe = Recipe("uniform", (), (("copies", (0.3,)),))
    params = {"strict": True, "radius_seed": 5}
    return Case(3, "count_within", dtype, metric, n, (d,), (recipe,), (1,), params)


def test_a_fault_is_found_only_where_it_is():
    case = counting_case()
    modules = {**MODULES, "_cpu": Broken("count_within", one_too_many)}
    truth = truth_of(case)
    for way in ways_of(case):
        outcome = judge(case, way, truth, modules)
        assert outcome.tried == case.n
        assert (outcome.wrong > 0) == (way[:2] == ("scalar", "tree"))
        assert judge(case, way, truth).wrong == 0


def test_a_finding_becomes_a_small_test(monkeypatch):
    broken = Broken("count_within", one_too_many)
    modules = {**MODULES, "_cpu": broken}
    small, way = minimise(counting_case(), Way("scalar", "tree", 4), modules, seconds=20)
    assert small.n == 2
    assert small.dims == (1,)
    assert way.threads == 1
    test = snippet(small, way, modules)
    namespace = {}
    exec(compile(test, "snippet", "exec"), namespace)
    (run,) = (value for name, value in namespace.items() if name.startswith("test_"))
    run(monkeypatch)  # the library itself is right
    namespace["_cpu"] = broken
    with pytest.raises(AssertionError):
        run(monkeypatch)


def test_a_finding_in_a_large_sample_carries_its_recipe(monkeypatch):
    def needs_many(blocks, got):
        got[0] = got[0] + (len(got[0]) >= 200)

    broken = Broken("count_within", needs_many)
    modules = {**MODULES, "_cpu": broken}
    small, way = minimise(counting_case(), Way("scalar", "tree", 1), modules, seconds=3)
    assert 200 <= small.n < 300
    assert small.data is None
    test = snippet(small, way, modules)
    namespace = {}
    exec(compile(test, "snippet", "exec"), namespace)
    namespace["_cpu"] = broken
    (run,) = (value for name, value in namespace.items() if name.startswith("test_"))
    with pytest.raises(AssertionError):
        run(monkeypatch)


def cheap(case, name):
    return case.op == name and case.n < 70


def test_a_run_reports_saves_and_goes_on(tmp_path, capsys):
    state = tmp_path / "state.json"
    options = ["--state", str(state), "--shrink", "1"]
    assert differential.main(["--seeds", "0:2", *options]) == 0
    before = json.loads(state.read_text())
    assert (before["next"], before["cases"], before["wrong"]) == (2, 2, 0)
    assert before["tried"] == sum(row["tried"] for row in before["table"]) > 0

    def nothing(blocks, got):
        got[0] = -1 - np.abs(got[0])

    for name in ("kth_distance", "count_within", "space_counts"):
        seed = next(seed for seed in range(10**4) if cheap(draw(seed), name))
        modules = {**MODULES, "_cpu": Broken(name, nothing, algorithm="brute")}
        assert differential.main(["--seed", str(seed), "--shrink", "1"], modules) == 1
        assert f"def test_{name}_{seed}" in capsys.readouterr().out

    assert differential.main(["--seeds", "0:3", *options]) == 0
    assert json.loads(state.read_text())["cases"] == 3

    state.with_suffix(".running").write_text("3")  # as after a crash
    assert differential.main(["--seeds", "0:4", *options]) == 1
    after = json.loads(state.read_text())
    assert (after["next"], after["cases"]) == (4, 3)
    assert [fault["kind"] for fault in after["faults"]] == ["crash"]


def test_a_case_depends_on_its_seed_alone():
    for seed in (0, 1, 2):
        one, other = draw(seed), draw(seed)
        assert one == other
        for x, y in zip(build(one), build(other), strict=True):
            np.testing.assert_array_equal(x, y)


def test_every_operation_is_drawn_and_large_samples_too():
    cases = [draw(seed) for seed in range(1500)]
    assert {case.op for case in cases} == set(OPS)
    assert sum(case.n >= 600 for case in cases) > 300
    assert max(sum(case.dims) for case in cases) > 50


def test_the_oracle_knows_what_rounding_leaves_open():
    rng = np.random.default_rng(0)
    whole = rng.integers(-9, 10, (40, 3)).astype(float)
    assert squares_are_exact(whole)
    assert squares_are_exact(whole * 2.0**300)
    assert Truth([whole], "euclidean").exact
    x = rng.standard_normal((40, 3))
    assert not squares_are_exact(x)
    assert Truth([x], "chebyshev").exact
    truth = Truth([x], "euclidean")
    assert not truth.exact
    low, high = truth.joint
    exact = np.linalg.norm(x[:, None] - x[None], axis=2)
    assert ((low <= exact) & (exact <= high)).all()
    assert (high[exact > 0] < low[exact > 0] * (1 + 1e-14)).all()
    radius = truth.kth(3)
    open_ = truth.count([0], radius, strict=True)
    closed = truth.count([0], radius, strict=True, at=truth.at_kth([0], 3))
    assert (open_.high == 3).all()  # the third neighbour itself may be inside
    assert (closed.low == 2).all()  # it is not, because its distance is the radius
    assert (closed.high == 2).all()
