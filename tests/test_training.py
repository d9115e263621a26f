"""The training loop: what it keeps, stops at, repeats and resumes; and the curves it draws."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from fastmi.nn import Training, train  # noqa: E402

N = 512


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Problem:
    """Least squares with a known answer; the loss is the mean square, the score likewise."""

    def __init__(self, seed=0, dropout=0.0):
        generator = torch.Generator().manual_seed(seed)
        x = torch.randn(N, 3, generator=generator)
        self.truth = torch.tensor([[1.0, -2.0, 0.5]])
        self.data = (x, x @ self.truth.T)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.model = torch.nn.Sequential(torch.nn.Linear(3, 1), torch.nn.Dropout(dropout))
        self.calls = 0

    def loss(self, x, y):
        self.calls += 1
        return ((self.model(x) - y) ** 2).mean()

    def estimate(self, x, y):
        assert not torch.is_grad_enabled()
        assert not self.model.training
        return -float(((self.model(x) - y) ** 2).mean())

    def train(self, **options):
        options = {"steps": 100, "batch_size": 64, "lr": 0.05, "seed": 1} | options
        return train(
            self.model,
            self.data,
            self.data,
            loss=self.loss,
            estimate=self.estimate,
            options=Training(**options),
        )

    def weights(self):
        return torch.cat([p.detach().flatten() for p in self.model.parameters()])


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


def test_the_last_step_is_evaluated_even_between_evaluations():
    assert Problem().train(steps=25, eval_every=10).steps.tolist() == [10, 20, 25]


def test_patience_stops_and_keeps_the_best():
    problem = Problem()
    scores = iter([3.0, 1.0, 2.0, 2.5, 2.0, 0.0])
    seen = []

    def score(x, y):
        seen.append(problem.weights())
        return next(scores)

    history = train(
        problem.model,
        problem.data,
        problem.data,
        loss=problem.loss,
        estimate=problem.estimate,
        score=score,
        options=Training(steps=100, batch_size=64, eval_every=5, patience=3, seed=0),
    )
    assert history.stopped == "patience"
    assert history.steps.tolist() == [5, 10, 15, 20, 25]
    assert history.best_step == 10
    assert torch.equal(problem.weights(), seen[1])


def test_without_patience_the_last_parameters_stay():
    problem = Problem()
    scores = iter([1.0, 2.0, 3.0])
    history = train(
        problem.model,
        problem.data,
        problem.data,
        loss=problem.loss,
        estimate=problem.estimate,
        score=lambda *_: next(scores),
        options=Training(steps=15, batch_size=64, eval_every=5, seed=0),
    )
    assert history.best_step == 15


def test_a_pair_of_loss_and_running_estimate():
    problem = Problem()
    history = train(
        problem.model,
        problem.data,
        problem.data,
        loss=lambda x, y: (problem.loss(x, y), torch.tensor(7.0)),
        estimate=problem.estimate,
        options=Training(steps=4, batch_size=64, eval_every=2),
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
        train(
            problem.model,
            problem.data,
            problem.data,
            loss=loss,
            estimate=estimate,
            options=Training(steps=100, batch_size=64, eval_every=10),
        )
    assert torch.equal(problem.weights(), good[10])
    assert not problem.model.training


def test_an_estimate_that_is_nan_is_an_error():
    problem = Problem()
    with pytest.raises(FloatingPointError, match="held-out data is nan at step 2"):
        train(
            problem.model,
            problem.data,
            problem.data,
            loss=problem.loss,
            estimate=lambda *_: float("nan"),
            options=Training(steps=100, batch_size=64),
        )


def test_an_interrupt_leaves_the_model_at_its_last_evaluation():
    problem = Problem()
    initial = problem.weights()

    def loss(x, y):
        if problem.calls == 13:
            raise KeyboardInterrupt
        return problem.loss(x, y)

    with pytest.raises(KeyboardInterrupt):
        train(
            problem.model,
            problem.data,
            problem.data,
            loss=loss,
            estimate=problem.estimate,
            options=Training(steps=100, batch_size=64, eval_every=5),
        )
    assert torch.isfinite(problem.weights()).all()
    assert not torch.equal(problem.weights(), initial)


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
        history = train(
            problem.model,
            problem.data,
            problem.data,
            loss=StatefulLoss(problem),
            estimate=problem.estimate,
            options=Training(
                steps=steps,
                batch_size=100,
                eval_every=7,
                seed=3,
                schedule=lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.99),
                **options,
            ),
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


def test_clipping_bounds_the_step():
    problem = Problem()
    before = problem.weights()
    problem.train(steps=1, optimizer="sgd", lr=1.0, clip_norm=0.01)
    assert float((problem.weights() - before).norm()) == pytest.approx(0.01, rel=1e-3)


def test_progress_is_called_once_a_step():
    calls = []
    Problem().train(steps=12, progress=lambda: calls.append(None))
    assert len(calls) == 12


def test_batch_larger_than_the_data():
    with pytest.raises(ValueError, match=r"batch_size must be at most .* batch_size=513, n=512"):
        Problem().train(batch_size=513)


def test_a_loss_of_wrong_shape():
    problem = Problem()
    with pytest.raises(ValueError, match=r"loss must return a scalar; got shape \(64, 1\)"):
        train(
            problem.model,
            problem.data,
            problem.data,
            loss=lambda x, _: problem.model(x),
            estimate=problem.estimate,
            options=Training(batch_size=64),
        )


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


def test_a_score_that_is_nan_is_an_error():
    problem = Problem()
    with pytest.raises(FloatingPointError, match="the score on held-out data is nan at step 10 "):
        train(
            problem.model,
            problem.data,
            problem.data,
            loss=problem.loss,
            estimate=problem.estimate,
            score=lambda *_: float("nan"),
            options=Training(steps=100, batch_size=64, eval_every=10, patience=3, seed=0),
        )


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
