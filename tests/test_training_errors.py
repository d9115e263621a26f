"""What the training loop refuses, and in what state it leaves the model."""

import numpy as np
import pytest

from trainings import Problem

pytest.importorskip("torch")
import torch

from fastmi.nn import Training, train

pytestmark = pytest.mark.usefixtures("one_torch_thread")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_names_the_step_and_keeps_the_last_good_state(value):
    problem = Problem()
    good = {}

    def loss(x, y):
        result = problem.loss(x, y)
        return result * value if problem.calls == 17 else result

    def estimate(x, y):
        good[problem.calls] = problem.weights()
        return problem.estimate(x, y)

    with pytest.raises(FloatingPointError, match=r"loss is .* at step 17 of 100.* step 10:"):
        problem.train_with(
            Training(steps=100, batch_size=64, eval_every=10), loss=loss, estimate=estimate
        )
    assert torch.equal(problem.weights(), good[10])
    assert not problem.model.training


def test_an_estimate_that_is_nan_is_an_error():
    problem = Problem()
    with pytest.raises(FloatingPointError, match="held-out data is nan at step 2"):
        problem.train_with(Training(steps=100, batch_size=64), estimate=lambda *_: float("nan"))


def test_a_score_that_is_nan_is_an_error():
    problem = Problem()
    with pytest.raises(FloatingPointError, match="the score on held-out data is nan at step 10 "):
        problem.train_with(
            Training(steps=100, batch_size=64, eval_every=10, patience=3, seed=0),
            score=lambda *_: float("nan"),
        )


def test_an_interrupt_leaves_the_model_at_its_last_evaluation():
    problem = Problem()
    initial = problem.weights()

    def loss(x, y):
        if problem.calls == 13:
            raise KeyboardInterrupt
        return problem.loss(x, y)

    with pytest.raises(KeyboardInterrupt):
        problem.train_with(Training(steps=100, batch_size=64, eval_every=5), loss=loss)
    assert torch.isfinite(problem.weights()).all()
    assert not torch.equal(problem.weights(), initial)


def test_batch_larger_than_the_data():
    with pytest.raises(ValueError, match=r"batch_size must be at most .* batch_size=513, n=512"):
        Problem().train(batch_size=513)


def test_a_loss_of_wrong_shape():
    problem = Problem()
    with pytest.raises(ValueError, match=r"loss must return a scalar; got shape \(64, 1\)"):
        problem.train_with(Training(batch_size=64), loss=lambda x, _: problem.model(x))


def test_nothing_to_train():
    problem = Problem()
    problem.model = torch.nn.Identity()
    with pytest.raises(ValueError, match="at least one parameter"):
        problem.train()


@pytest.mark.parametrize(
    "option, value, error",
    [
        ("steps", 0, ValueError),
        ("steps", 2.5, TypeError),
        ("steps", True, TypeError),
        ("batch_size", 0, ValueError),
        ("lr", 0.0, ValueError),
        ("lr", float("nan"), ValueError),
        ("lr", "fast", TypeError),
        ("optimizer", "lion", ValueError),
        ("optimizer", 3, TypeError),
        ("schedule", 3, TypeError),
        ("schedule", "cosine", ValueError),
        ("clip_norm", -1.0, ValueError),
        ("eval_every", 0, ValueError),
        ("patience", 0, ValueError),
        ("seed", -1, ValueError),
        ("seed", "a", TypeError),
        ("compile", 1, TypeError),
        ("progress", 1, TypeError),
        ("checkpoint", 1, TypeError),
        ("resume", True, ValueError),
    ],
)
def test_bad_options_are_named(option, value, error):
    with pytest.raises(error, match=option):
        Training(**{option: value})


@pytest.mark.parametrize(
    "argument, value, error, message",
    [
        ("model", 3, TypeError, "model must be a torch.nn.Module; got int"),
        ("data", (), TypeError, "data must be a tuple of tensors; got none"),
        ("data", (np.ones(9),), TypeError, "data must be a tuple of tensors; got ndarray"),
        ("data", torch.ones(9), TypeError, "data must be a tuple of tensors; got Tensor"),
        ("data", (torch.ones(9), torch.ones(8)), ValueError, r"same number of rows; got \[9, 8\]"),
        ("loss", 3, TypeError, "loss must be a function of a batch; got int"),
        ("loss", lambda *_: 1.0, TypeError, "loss must return a tensor; got float"),
        ("options", {}, TypeError, "options must be a fastmi.nn.Training; got dict"),
        (
            "options",
            Training(optimizer=lambda _: 3),
            TypeError,
            "optimizer must return a torch.optim.Optimizer; got int",
        ),
        (
            "options",
            Training(schedule=lambda _: 3),
            TypeError,
            "schedule must return a .*LRScheduler; got int",
        ),
        (
            "options",
            Training(optimizer=torch.optim.LBFGS),
            TypeError,
            "optimizer must return one whose .* got LBFGS, which needs closure",
        ),
        (
            "options",
            Training(schedule=torch.optim.lr_scheduler.ReduceLROnPlateau),
            TypeError,
            "schedule must return one whose .* got ReduceLROnPlateau, which needs metrics",
        ),
    ],
)
def test_bad_arguments_are_named(argument, value, error, message):
    problem = Problem()
    given = {
        "model": problem.model,
        "data": problem.data,
        "held_out": problem.data,
        "loss": problem.loss,
        "estimate": problem.estimate,
        "options": Training(steps=5),
    }
    with pytest.raises(error, match=message):
        train(**given | {argument: value})


def test_a_seed_that_torch_cannot_hold():
    with pytest.raises(ValueError, match="seed must be an integer <= 18446744073709551615"):
        Training(seed=1 << 64)
