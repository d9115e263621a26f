"""Checkpoints of the training loop: what they restore, and which of them are refused."""

import numpy as np
import pytest

from checkpoints import change, put_together, take_apart
from trainings import Problem

pytest.importorskip("torch")
import torch

from fastmi.nn import Training

pytestmark = pytest.mark.usefixtures("one_torch_thread")


class StatefulLoss:
    def __init__(self, problem):
        self.problem = problem
        self.count = 0

    def __call__(self, x, y):
        self.count += 1
        return self.problem.loss(x, y) * (1 + 1 / self.count)

    def state_dict(self):
        return {"count": self.count}

    def load_state_dict(self, state):
        self.count = state["count"]


def test_a_resumed_run_is_the_uninterrupted_one(tmp_path):
    def run(steps, **options):
        problem = Problem(dropout=0.3)
        history = problem.train_with(
            Training(
                steps=steps,
                batch_size=100,
                eval_every=7,
                seed=3,
                schedule=lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.99),
                **options,
            ),
            loss=StatefulLoss(problem),
        )
        return problem, history

    whole, whole_history = run(70)
    path = tmp_path / "run.pt"
    run(35, checkpoint=path)
    resumed, history = run(70, checkpoint=path, resume=True)
    assert torch.equal(whole.weights(), resumed.weights())
    assert resumed.calls == 35
    np.testing.assert_array_equal(history.steps, whole_history.steps)
    np.testing.assert_array_equal(history.validation, whole_history.validation)
    np.testing.assert_array_equal(history.train, whole_history.train)


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    path = tmp_path / "run.pt"
    Problem().train(steps=4, checkpoint=path)
    with pytest.raises(ValueError, match=r"same run; got batch_size=64 .*batch_size=32 now"):
        Problem().train(steps=4, batch_size=32, checkpoint=path, resume=True)
    other = Problem()
    other.model = torch.nn.Linear(3, 2)
    with pytest.raises(ValueError, match="same model"):
        other.train(steps=4, checkpoint=path, resume=True)


def test_resume_without_a_file_starts_anew(tmp_path):
    history = Problem().train(steps=4, checkpoint=tmp_path / "none.pt", resume=True)
    assert history.steps[0] == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"batch_size": 32},
        {"seed": 2},
        {"optimizer": "sgd"},
        {"lr": 0.01},
        {"schedule": lambda optimizer: torch.optim.lr_scheduler.StepLR(optimizer, 10)},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_checkpoint_of_other_options_is_refused(changed, tmp_path):
    path = tmp_path / "run.pt"
    Problem().train(checkpoint=path)
    with pytest.raises(ValueError, match=f"same run; got {next(iter(changed))}="):
        Problem().train(**{"steps": 200, "checkpoint": path, "resume": True} | changed)


def test_a_checkpoint_of_another_kind_of_device_is_refused(tmp_path):
    """Generators and optimizers keep other states there."""
    path = tmp_path / "run.pt"
    Problem().train(steps=4, checkpoint=path)
    saved = take_apart(path)
    assert '"device": "cpu"' in saved["run"]
    saved["run"] = saved["run"].replace('"device": "cpu"', '"device": "cuda"')
    put_together(path, saved)
    with pytest.raises(ValueError, match=r"same run; got device='cuda' .*device='cpu' now"):
        Problem().train(steps=4, checkpoint=path, resume=True)


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path):
    path = tmp_path / "run.pt"
    for write in (lambda: path.write_text("hello"), lambda: torch.save({"a": 1}, path)):
        write()
        with pytest.raises(ValueError, match="checkpoint must be a file that an earlier run"):
            Problem().train(checkpoint=path, resume=True)


def test_numpy_numbers_survive_a_checkpoint(tmp_path):
    options = {
        "batch_size": np.int64(64),
        "lr": np.float64(0.05),
        "seed": np.int64(1),
        "clip_norm": np.float32(1.0),
        "checkpoint": tmp_path / "run.pt",
    }
    Problem().train(**options)
    resumed, plain = Problem(), Problem()
    resumed.train(**options, steps=200, resume=True)
    plain.train(steps=200, clip_norm=1.0)
    assert torch.equal(resumed.weights(), plain.weights())


def test_a_checkpoint_needs_a_place_before_the_training(tmp_path):
    for path in (tmp_path / "missing" / "run.pt", tmp_path, ""):
        with pytest.raises(ValueError, match="checkpoint must be a file in a folder that exists"):
            Training(checkpoint=path)


@pytest.mark.parametrize("optimizer", ["adam", "adamax", "adamw", "sgd"])
def test_every_optimizer_goes_on(optimizer, tmp_path):
    options = {"optimizer": optimizer, "eval_every": 3, "clip_norm": 1.0, "lr": 0.01}
    path = tmp_path / "run"
    Problem().train(steps=6, checkpoint=path, **options)
    resumed, whole = Problem(), Problem()
    resumed.train(steps=12, checkpoint=path, resume=True, **options)
    whole.train(steps=12, **options)
    assert torch.equal(resumed.weights(), whole.weights())
    assert resumed.calls == 6


def test_a_schedule_goes_on_after_a_break(tmp_path):
    """The linear schedule depends on the number of steps, so that a break is an interrupt."""
    options = {"steps": 12, "schedule": "linear", "eval_every": 3}
    path = tmp_path / "run"
    broken, resumed, whole = Problem(), Problem(), Problem()

    def stop():
        if broken.calls == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken.train(**options, checkpoint=path, progress=stop)
    resumed.train(**options, checkpoint=path, resume=True)
    whole.train(**options)
    assert torch.equal(resumed.weights(), whole.weights())
    assert resumed.calls == 6


def test_options_of_another_version_of_torch(tmp_path):
    """One that the file lacks is that of the run; one that the run lacks is left out."""
    path = tmp_path / "run"
    options = {"eval_every": 3, "schedule": lambda o: torch.optim.lr_scheduler.StepLR(o, 4)}
    Problem().train(steps=6, checkpoint=path, **options)
    state = take_apart(path)["state"]
    group = state["optimizer"]["param_groups"][0]
    del group["eps"], state["schedule"]["gamma"]
    group["novel"] = state["schedule"]["step"] = "word"
    group["differentiable"] = group["amsgrad"] = True
    change(path, **state)
    resumed, whole = Problem(), Problem()
    resumed.train(steps=12, checkpoint=path, resume=True, **options)
    whole.train(steps=12, **options)
    assert torch.equal(resumed.weights(), whole.weights())
