"""Training steps as CUDA graphs: when, and that they change no number."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")
import torch
from torch import nn

import fastmi
from fastmi.nn import Training, capture, optimizers, train, training
from fastmi.nn.bases import DiagonalBase, GaussianBase, StudentBase
from fastmi.nn.bnaf import BNAF
from fastmi.nn.capture import wants_graph
from fastmi.nn.cross_entropy import CrossEntropyFit
from fastmi.nn.flows import Composition, Flow, InvertibleLinear, Reversal, all_capturable
from fastmi.nn.mienf import MIENFFit, MIENFModel
from fastmi.nn.ndoe import SeparateFlows, SharedFlow
from fastmi.nn.optimizers import capture_obstacle, make_optimizer, make_schedule
from fastmi.nn.options import OPTIMIZERS
from fastmi.nn.realnvp import RealNVP

pytestmark = pytest.mark.usefixtures("one_torch_thread")

GPU = torch.device("cuda:0")


def flow_fit(seed=0):
    torch.manual_seed(seed)
    return CrossEntropyFit(SharedFlow(RealNVP(2, y_dims=1, couplings=2, hidden=8)), swapped=False)


def samples():
    generator = torch.Generator().manual_seed(1)
    x, y = (torch.randn(96, d, generator=generator) for d in (2, 1))
    return x + y, y


def mean_loss(x, y):
    return (x * y).mean()


class Tape:
    """What `_Recorder` does, without a GPU: a replay does the work once more, into one place."""

    recorded = 0
    replayed = 0

    def __init__(self, device):
        assert device == torch.device("cpu")

    def run(self, work):
        return work()

    def record(self, work):
        type(self).recorded += 1
        self._work = work
        self._result = tuple(torch.full((), torch.nan, dtype=torch.float64) for _ in range(2))
        return self._result

    def replay(self):
        type(self).replayed += 1
        for place, value in zip(self._result, self._work(), strict=True):
            place.copy_(value)


@pytest.fixture
def taped(monkeypatch):
    """Every training captures its steps, on tape."""
    monkeypatch.setattr(training, "wants_graph", lambda *_: True)
    monkeypatch.setattr(capture, "_Recorder", Tape)
    Tape.recorded = Tape.replayed = 0
    return Tape


def run(**options):
    fit = flow_fit()
    data = samples()
    keep = Training(**{"steps": 12, "batch_size": 32, "seed": 3, "eval_every": 3, **options})
    history = train(
        fit.model, data, data, loss=fit.loss, estimate=fit.estimate, score=fit.score, options=keep
    )
    return history, fit.model.state_dict()


def same(one, other):
    for name in ("steps", "train", "validation", "best_step", "stopped"):
        np.testing.assert_array_equal(getattr(one[0], name), getattr(other[0], name))
    for name, value in one[1].items():
        assert torch.equal(value, other[1][name]), name


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"optimizer": "sgd", "lr": 1e-2},
        {"clip_norm": 0.1},
        {"schedule": "linear"},
        {"patience": 2, "lr": 0.3},
    ],
    ids=str,
)
def test_captured_steps_are_the_steps(options, request):
    plain = run(**options)
    assert not plain[0].cuda_graph
    tape = request.getfixturevalue("taped")
    captured = run(**options)
    assert captured[0].cuda_graph
    same(captured, plain)
    # Three to warm up; one that was recorded is not yet taken.
    assert (tape.recorded, tape.replayed) == (1, captured[0].steps[-1] - 3)


def test_a_run_goes_on_from_a_checkpoint_as_a_graph(tmp_path, taped):
    whole = run()
    path = tmp_path / "run"
    run(steps=6, checkpoint=path)
    same(run(checkpoint=path, resume=True), whole)
    assert taped.recorded == 3


def test_a_bad_loss_is_found_at_the_next_evaluation(taped):
    fit = flow_fit()
    x, y = samples()
    x[5] = torch.nan
    with pytest.raises(FloatingPointError, match="the loss is nan at step"):
        train(
            fit.model,
            (x, y),
            (x, y),
            loss=fit.loss,
            estimate=fit.estimate,
            options=Training(steps=12, batch_size=96, seed=0, eval_every=8),
        )
    assert taped.replayed == 5


def test_flows_say_that_they_can_be_captured():
    assert wants_graph(flow_fit().loss, Training(), GPU)
    assert not wants_graph(flow_fit().loss, Training(cuda_graph=False), GPU)
    assert not wants_graph(flow_fit().loss, Training(), torch.device("cpu"))
    assert not wants_graph(mean_loss, Training(), GPU)
    assert wants_graph(mean_loss, Training(cuda_graph=True), GPU)
    for base, can in (
        (DiagonalBase(2, 2), True),
        (StudentBase(2, 2), True),
        (GaussianBase(2, 2), False),
    ):
        model = MIENFModel(InvertibleLinear(2), InvertibleLinear(2), base)
        assert wants_graph(MIENFFit(model).loss, Training(), GPU) == can
    other = CrossEntropyFit(nn.Linear(1, 1), swapped=False)
    assert not wants_graph(other.loss, Training(), GPU)


OBSTACLES = {
    "the data is on cpu": (torch.device("cpu"), {}),
    "compile=True": (GPU, {"compile": True}),
    "the schedule is a function": (GPU, {"schedule": torch.optim.lr_scheduler.ConstantLR}),
    "the optimizer is a function": (GPU, {"optimizer": lambda p: torch.optim.SGD(p, lr=0.1)}),
}


@pytest.mark.parametrize("message", OBSTACLES)
def test_what_stands_against_a_graph_is_named(message):
    device, options = OBSTACLES[message]
    assert not wants_graph(flow_fit().loss, Training(**options), device)
    with pytest.raises(ValueError, match=f"cuda_graph=True cannot be met: {message}"):
        wants_graph(flow_fit().loss, Training(cuda_graph=True, **options), device)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("schedule", [None, "linear"])
def test_named_optimizers_and_schedules_can_be_captured(optimizer, schedule):
    assert wants_graph(flow_fit().loss, Training(optimizer=optimizer, schedule=schedule), GPU)


def test_what_an_older_torch_cannot_capture_is_named(monkeypatch):
    class Adamax(torch.optim.Optimizer):
        def __init__(self, parameters, lr):
            super().__init__(parameters, {"lr": lr})

    monkeypatch.setitem(OPTIMIZERS, "adamax", Adamax)
    assert "the adamax of this version" in capture_obstacle(Training(optimizer="adamax"))
    monkeypatch.setitem(OPTIMIZERS, "sgd", Adamax)
    assert not capture_obstacle(Training(optimizer="sgd"))
    assert "schedules of sgd in" in capture_obstacle(Training(optimizer="sgd", schedule="linear"))
    monkeypatch.setattr(optimizers, "_schedules_fill_in", lambda: False)
    assert not capture_obstacle(Training())
    assert "schedules of adam in" in capture_obstacle(Training(schedule="linear"))


def test_a_schedule_on_a_gpu_writes_to_the_rate_that_a_graph_reads():
    """The optimizer as it is made for a GPU, its steps left out: they need one."""

    class OnGpu(nn.Parameter):
        is_cuda = True

    options = Training(lr=0.25, schedule="linear", steps=4)
    optimizer = make_optimizer([OnGpu(torch.zeros(2))], options)
    group = optimizer.param_groups[0]
    assert group["capturable"]
    rate = group["lr"]
    schedule = make_schedule(optimizer, options)
    optimizer._opt_called = True  # torch warns of a schedule before the first step
    seen = []
    for _ in range(4):
        seen.append(float(rate))
        schedule.step()
        assert group["lr"] is rate
    assert seen == [0.25, 0.1875, 0.125, 0.0625]
    assert float(rate) == 0.0


@pytest.mark.parametrize("value", [1, "yes", 0.0])
def test_the_option_must_be_a_flag(value):
    with pytest.raises(TypeError, match="cuda_graph must be"):
        Training(cuda_graph=value)


def test_estimators_pass_the_option_on():
    x, y = (tensor.numpy() for tensor in samples())
    small = {"steps": 4, "batch_size": 16, "couplings": 2, "hidden": 8, "seed": 0, "patience": None}
    estimate = fastmi.mi(x, y, method="ndoe-realnvp", **small)
    assert not estimate.history.cuda_graph
    with pytest.raises(ValueError, match="cuda_graph=True cannot be met: the data is on cpu"):
        fastmi.mi(x, y, method="ndoe-realnvp", cuda_graph=True, **small)


@pytest.mark.parametrize("method", ["ndoe", "bnaf", "ndoe-realnvp", "mienf"])
@pytest.mark.parametrize(
    "options",
    [{}, {"clip_norm": 0.5, "schedule": None}, {"optimizer": "sgd"}, {"optimizer": "adamw"}],
    ids=str,
)
def test_cuda_graph_training_has_the_numbers_of_single_steps(method, options, real_gpu):
    del real_gpu
    if not torch.cuda.is_available():
        pytest.skip("no GPU: torch cannot use it")
    x, y = (torch.cat([tensor] * 4).cuda() for tensor in samples())
    options = {"steps": 20, "batch_size": 64, "seed": 0, "patience": None, **options}
    one = fastmi.mi(x, y, method=method, **options)
    other = fastmi.mi(x, y, method=method, cuda_graph=False, **options)
    assert one.history.cuda_graph
    assert not other.history.cuda_graph
    np.testing.assert_array_equal(one.history.train, other.history.train)
    assert float(one) == float(other)


def test_only_flows_that_say_so_are_captured():
    class Own(Reversal):
        capturable = False

    assert not Flow.capturable
    assert all_capturable(Composition(BNAF(2, width=3), RealNVP(2, couplings=2)))
    assert not all_capturable(Composition(Reversal(2), Own(2)))
    for flow, expected in ((Reversal(2), True), (Own(2), False)):
        fit = CrossEntropyFit(SeparateFlows(flow, Reversal(2)), swapped=False)
        assert fit.capturable is expected
        assert MIENFFit(MIENFModel(flow, Reversal(2), DiagonalBase(2, 2))).capturable is expected
    assert not CrossEntropyFit(torch.nn.Linear(2, 2), swapped=False).capturable
