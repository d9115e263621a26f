"""A run goes on from the checkpoint of the same run only; what differs is named."""

from functools import partial

import numpy as np
import pytest

from trainings import Problem

pytest.importorskip("torch")
import torch

import fastmi
from fastmi.nn import Training, identity, objectives

pytestmark = pytest.mark.usefixtures("one_torch_thread")

FEW = {
    "steps": 4,
    "batch_size": 32,
    "hidden": (8,),
    "seed": 1,
    "patience": None,
    "eval_every": 2,
    "progress": False,
}


@pytest.fixture
def pair(rng):
    x = rng.normal(size=(200, 2))
    return x, x + rng.normal(size=(200, 2))


@pytest.fixture
def saved(pair, tmp_path):
    """The path of a checkpoint and the estimate of its run."""
    path = tmp_path / "run"
    return path, fastmi.mi(*pair, method="dv", checkpoint=path, **FEW)


def go_on(pair, path, method="dv", **options):
    options = FEW | {"steps": 6, "checkpoint": path, "resume": True} | options
    return fastmi.mi(*pair, method=method, **options)


@pytest.mark.parametrize(
    "changed, said",
    [
        ({"method": "nwj"}, "method='dv' in .*, method='nwj' now"),
        ({"method": "smile"}, "method='dv', tau=None.* in .*, method='smile', tau=5.0"),
        ({"method": "infonce"}, "method='dv'"),
        ({"negatives": "shuffle"}, "negatives='all' in .*, negatives='shuffle' now"),
        ({"normalize": "local"}, "normalize=None in .*, normalize='local' now"),
        ({"inputs": "none"}, "inputs='auto'"),
        ({"dtype": "float64"}, "dtype='float32'"),
        ({"split": "blocked"}, "split='random'"),
        ({"test_size": 0.25}, "n=160, test_size=0.2 in .*, n=150, test_size=0.25 now"),
        ({"clip_norm": 0.1}, "clip_norm=None in .*, clip_norm=0.1 now"),
        ({"patience": 3}, "patience=None in .*, patience='set' now"),
        ({"hidden": (9,)}, r"hidden=\[8\] in .*, hidden=\[9\] now"),
        ({"critic": "separable"}, "critic='concat' in .*, critic='separable' now"),
        ({"seed": 2}, "seed=1 in .*, seed=2 now"),
        ({"lr": 0.1}, "lr=0.0005 in .*, lr=0.1 now"),
        ({"batch_size": 31}, "batch_size=32 in"),
        ({"schedule": "linear"}, "schedule=None"),
        (
            {"optimizer": partial(torch.optim.Adam, lr=5e-4, betas=(0.5, 0.9))},
            r"betas=\[0.9, 0.999\] in .*, betas=\[0.5, 0.9\] now",
        ),
    ],
    ids=str,
)
def test_other_options_are_refused_and_named(changed, said, pair, saved):
    with pytest.raises(ValueError, match=f"same run; .*got {said}"):
        go_on(pair, saved[0], **changed)


@pytest.mark.parametrize(
    "method, options, changed",
    [
        ("smile", {"tau": 5.0}, {"tau": 1.0}),
        ("demi", {"alpha": 0.5}, {"alpha": 0.9}),
        ("mine", {"rate": 0.01}, {"rate": 0.9}),
        ("ccmi", {"clip": 1e-3}, {"clip": 1e-2}),
        ("doe", {"density": "gaussian"}, {"density": "logistic"}),
        ("doe", {"side": "x"}, {"side": "y"}),
    ],
    ids=str,
)
def test_options_of_one_method(method, options, changed, pair, tmp_path):
    path = tmp_path / "run"
    go_on(pair, path, method, **options)
    with pytest.raises(ValueError, match=f"got {next(iter(options))}="):
        go_on(pair, path, method, **changed)


@pytest.mark.parametrize("which", [0, 1])
def test_one_bit_of_the_data_is_other_data(which, pair, saved):
    changed = [block.copy() for block in pair]
    changed[which][7, 1] = np.nextafter(changed[which][7, 1], np.inf)
    with pytest.raises(ValueError, match=r"same run; '.*run' is of other data$"):
        go_on(changed, saved[0])
    with pytest.raises(ValueError, match=r"is of other data$"):
        go_on(pair[::-1], saved[0])


def test_other_test_samples_are_other_data(pair, tmp_path):
    path = tmp_path / "run"
    estimator = fastmi.NWJ(**FEW, checkpoint=path, resume=True)
    test = tuple(block[:50] for block in pair)
    value = float(estimator.estimate(*pair, test=test))
    assert float(estimator.estimate(*pair, test=test)) == value
    for other in (None, test[::-1]):
        with pytest.raises(ValueError, match=r"is of other held-out data"):
            estimator.estimate(*pair, test=other)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"steps": 9},
        {"eval_every": 1},
        {"eval_every": None},
        {"progress": lambda: None},
        {"device": "cpu"},
        {"cuda_graph": False},
        {"checkpoint": "moved"},
    ],
    ids=str,
)
def test_what_does_not_shape_a_run_may_differ(changed, pair, saved, tmp_path):
    path = saved[0]
    if "checkpoint" in changed:
        path = path.rename(path.with_name(changed["checkpoint"]))
        changed = {}
    steps = {"steps": 8} | {name: changed[name] for name in ("steps",) if name in changed}
    whole = fastmi.mi(*pair, method="dv", **FEW | steps)
    assert float(go_on(pair, path, **steps | changed)) == float(whole)


def test_the_number_of_threads_may_differ(pair, saved):
    torch.set_num_threads(2)  # the fixture sets it back
    assert np.isfinite(float(go_on(pair, saved[0])))


def test_data_that_comes_in_another_container_is_the_same(pair, saved):
    whole = float(go_on(pair, saved[0]))
    assert float(go_on([block.tolist() for block in pair], saved[0])) == whole
    assert float(go_on([np.asfortranarray(block) for block in pair], saved[0])) == whole


def test_a_longer_patience_goes_on(pair, tmp_path):
    options = FEW | {"lr": 1.0, "steps": 40, "eval_every": 1, "checkpoint": tmp_path / "run"}
    stopped = fastmi.mi(*pair, method="dv", **options | {"patience": 1})
    assert stopped.history.stopped == "patience"
    longer = fastmi.mi(*pair, method="dv", **options | {"patience": 3, "resume": True})
    assert longer.history.steps[-1] > stopped.history.steps[-1]


def test_a_finished_run_is_read_back(pair, saved):
    path, estimate = saved
    assert float(go_on(pair, path, steps=4)) == float(estimate)
    with pytest.raises(ValueError, match=r"steps must be at least .*, 4; got steps=3"):
        go_on(pair, path, steps=3)


def test_steps_that_a_schedule_depends_on(tmp_path):
    options = {"checkpoint": tmp_path / "run", "schedule": "linear"}
    Problem().train(steps=10, **options)
    Problem().train(steps=10, **options, resume=True)
    with pytest.raises(ValueError, match=r"got steps=10 in .*, steps=20 now"):
        Problem().train(steps=20, **options, resume=True)


def scaled(factor):
    def loss(x, y):
        return factor * ((x - y) ** 2).mean()

    return loss


def halved(x, y):
    return 0.5 * (x - y).mean()


def quartered(x, y):
    return 0.25 * (x - y).mean()


quartered.__qualname__ = "halved"


def with_default(weight):
    def loss(x, y, weight=weight):
        return weight * (x - y).mean()

    return loss


class Weighted:
    def __init__(self, weight):
        self.weight = weight

    def __call__(self, x, y):
        return self.weight * (x - y).mean()


SAME_NAME = [
    (lambda s: objectives.dv(-s), lambda s: objectives.nwj(-s)),
    (scaled(1.0), scaled(2.0)),
    (halved, quartered),
    (partial(objectives.tuba, log_baseline=0.0), partial(objectives.tuba, log_baseline=1.0)),
    (objectives.dv, objectives.nwj),
    (torch.tanh, torch.relu),
    (with_default(1), with_default(2)),
    (with_default((1, 2)), with_default((1, 3))),
    (Weighted(1), Weighted(2)),
    (objectives.MovingDV(0.1), objectives.MovingDV(0.2)),
    (torch.nn.HuberLoss(delta=1.0), torch.nn.HuberLoss(delta=2.0)),
    (torch.nn.Linear(1, 1).forward, torch.nn.Bilinear(1, 1, 1).forward),
]


@pytest.mark.parametrize("one, other", SAME_NAME)
def test_functions_are_told_apart(one, other):
    assert identity.describe(one) == identity.describe(one)
    assert identity.describe(one) != identity.describe(other)


def counting():
    calls = 0

    def loss(x):
        nonlocal calls
        calls += 1
        return objective(x)

    objective = objectives.MovingDV()
    return loss, objective


weight = 1


def test_what_a_function_counts_or_collects_is_not_what_it_is(monkeypatch):
    collected, nothing, other = [], float("nan"), float("nan")

    def of_attribute(x):
        collected.append(x.weight)  # not the variable of this module
        return collected

    count, objective = counting()
    own = [count, objective, of_attribute]
    before = [identity.describe(one) for one in (*own, with_default(nothing))]
    count(torch.ones(2, 2))
    of_attribute(Weighted(2))
    monkeypatch.setitem(globals(), "weight", 2)
    after = [identity.describe(one) for one in (*own, with_default(other))]
    assert before == after


def test_another_loss_is_refused(tmp_path):
    def run(factor, **options):
        problem = Problem()

        def loss(x, y):
            return factor * problem.loss(x, y)

        return problem.train_with(
            Training(steps=4, seed=0, checkpoint=tmp_path / "run", **options), loss=loss
        )

    run(1.0)
    run(1.0, resume=True)
    with pytest.raises(ValueError, match=r"is of another loss$"):
        run(2.0, resume=True)


def test_what_the_caller_adds(tmp_path):
    def run(**identity):
        problem = Problem()
        problem.train_with(
            Training(steps=4, seed=0, checkpoint=tmp_path / "run", resume=True), identity=identity
        )

    run(objective="dv", width=np.int64(3))
    run(objective="dv", width=3)
    with pytest.raises(ValueError, match=r"got model=None, options=None in .*, model='mine', op"):
        run(objective="dv", width=3, model="mine", options={"a": (1, partial(max, 2))})
    with pytest.raises(ValueError, match=r"got objective='dv', width=3 in .*, objective='nwj'"):
        run(objective="nwj")


@pytest.mark.parametrize(
    "change, said",
    [
        (lambda model: setattr(model[1], "p", 0.5), r"got 1: Dropout\(.*p=0.0\) in .*p=0.5\) now"),
        (lambda model: model[0].bias.requires_grad_(False), "got 0.bias: .* now$"),
        (lambda model: model.append(torch.nn.Tanh()), r"got 2: nothing in .*, Tanh\(.*\) now"),
    ],
    ids=["option", "frozen", "layer"],
)
def test_another_model_of_the_same_shapes(change, said, tmp_path):
    path = tmp_path / "run"
    Problem().train(steps=4, checkpoint=path)
    other = Problem()
    change(other.model)
    with pytest.raises(ValueError, match=f"same model; {said}"):
        other.train(steps=4, checkpoint=path, resume=True)


def test_fingerprints_see_types_shapes_and_order(rng):
    x = rng.normal(size=(4, 6))
    seen = [
        identity.fingerprint(samples)
        for samples in ([x], [x.reshape(6, 4)], [x.view(np.int64)], [x, x], [x[::-1].copy()], [])
    ]
    assert len(set(seen)) == len(seen)
    assert identity.fingerprint([torch.from_numpy(x)]) == identity.fingerprint([x])
    assert identity.fingerprint([x[:, ::2]]) == identity.fingerprint([x[:, ::2].copy()])
    x.flags.writeable = False
    assert identity.fingerprint([x]) == seen[0]
