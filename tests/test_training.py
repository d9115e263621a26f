"""The training loop: what it keeps, stops at and repeats; and the curves it draws."""

import numpy as np
import pytest

from trainings import Problem

pytest.importorskip("torch")
import torch

from fastmi.nn import Training, train

pytestmark = pytest.mark.usefixtures("one_torch_thread")


def test_finds_the_minimum_and_records_the_way():
    problem = Problem()
    history = problem.train(steps=300)
    torch.testing.assert_close(problem.model[0].weight.detach(), problem.truth, atol=1e-2, rtol=0)
    assert history.steps.tolist() == list(range(6, 301, 6))
    assert history.steps.dtype == np.int64
    assert history.train.shape == history.validation.shape == (50,)
    assert history.validation[-1] > history.validation[0]
    assert history.best_step == 300
    assert history.stopped == "steps"
    assert history.seconds > 0
    assert not problem.model.training


@pytest.mark.parametrize("optimizer", ["adam", "adamax", "adamw", "sgd"])
def test_every_named_optimizer_lowers_the_loss(optimizer):
    problem = Problem()
    history = problem.train(optimizer=optimizer)
    assert history.validation[-1] > 0.5 * history.validation[0]


def test_an_optimizer_and_a_schedule_of_the_user():
    problem = Problem()
    rates = []

    def schedule(optimizer):
        made = torch.optim.lr_scheduler.StepLR(optimizer, 10, gamma=0.5)
        rates.append(made)
        return made

    problem.train(
        optimizer=lambda parameters: torch.optim.SGD(parameters, lr=0.1), schedule=schedule
    )
    assert rates[0].get_last_lr() == pytest.approx([0.1 * 0.5**10])


def test_linear_schedule_falls_to_zero():
    rates = []

    class Watched(torch.optim.SGD):
        def step(self, closure=None):
            rates.append(self.param_groups[0]["lr"])
            return super().step(closure)

    Problem().train(
        steps=10, optimizer=lambda parameters: Watched(parameters, lr=0.1), schedule="linear"
    )
    assert rates == pytest.approx([0.01 * (10 - step) for step in range(10)])


def test_the_last_step_is_evaluated_even_between_evaluations():
    assert Problem().train(steps=25, eval_every=10).steps.tolist() == [10, 20, 25]


def test_patience_stops_and_keeps_the_best():
    problem = Problem()
    scores = iter([4.0, 3.0, 1.0, 2.0, 2.5, 2.0, 0.0])  # the first one is that of the start
    seen = []

    def score(x, y):
        seen.append(problem.weights())
        return next(scores)

    history = problem.train_with(
        Training(steps=100, batch_size=64, eval_every=5, patience=3, seed=0), score=score
    )
    assert history.stopped == "patience"
    assert history.steps.tolist() == [5, 10, 15, 20, 25]
    assert history.best_step == 10
    assert torch.equal(problem.weights(), seen[2])


def test_patience_keeps_the_start_if_nothing_is_better():
    problem = Problem()
    start = problem.weights()
    scores = iter([1.0, 3.0, 2.0])
    options = Training(steps=100, batch_size=64, eval_every=5, patience=2, seed=0)
    history = problem.train_with(options, score=lambda *_: next(scores))
    assert (history.best_step, history.steps.tolist()) == (0, [5, 10])
    assert torch.equal(problem.weights(), start)


def test_without_patience_the_last_parameters_stay():
    problem = Problem()
    scores = iter([1.0, 2.0, 3.0])
    history = problem.train_with(
        Training(steps=15, batch_size=64, eval_every=5, seed=0), score=lambda *_: next(scores)
    )
    assert history.best_step == 15


def test_a_pair_of_loss_and_running_estimate():
    problem = Problem()
    history = problem.train_with(
        Training(steps=4, batch_size=64, eval_every=2),
        loss=lambda x, y: (problem.loss(x, y), torch.tensor(7.0)),
    )
    assert history.train.tolist() == [7.0, 7.0]


def test_one_seed_gives_the_same_bits_and_leaves_the_global_state():
    before = torch.get_rng_state()
    runs = []
    for _ in range(2):
        problem = Problem(dropout=0.5)
        problem.train(seed=5)
        runs.append(problem.weights())
        torch.rand(3)  # moves the global state between the runs
        before = torch.get_rng_state() if len(runs) == 1 else before
    other = Problem(dropout=0.5)
    state = torch.get_rng_state()
    other.train(seed=6)
    assert torch.equal(runs[0], runs[1])
    assert not torch.equal(runs[0], other.weights())
    assert torch.equal(torch.get_rng_state(), state)


def test_every_sample_is_used_once_an_epoch():
    seen = []
    model = torch.nn.Linear(1, 1)

    def loss(x):
        seen.extend(x[:, 0].tolist())
        return model(x).mean()

    rows = torch.arange(10.0).reshape(10, 1)
    options = Training(steps=6, batch_size=3, seed=0)
    train(model, (rows,), (rows,), loss=loss, estimate=lambda _: 0.0, options=options)
    assert len(set(seen[:9])) == 9
    assert len(set(seen[9:])) == 9
    assert seen[:9] != seen[9:]


def test_clipping_bounds_the_step():
    problem = Problem()
    before = problem.weights()
    problem.train(steps=1, optimizer="sgd", lr=1.0, clip_norm=0.01)
    assert float((problem.weights() - before).norm()) == pytest.approx(0.01, rel=1e-3)


def test_progress_is_called_once_a_step():
    calls = []
    Problem().train(steps=12, progress=lambda: calls.append(None))
    assert len(calls) == 12
