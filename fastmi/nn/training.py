"""The training loop of all neural estimators."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fastmi._cautions import is_quiet
from fastmi._estimate import History
from fastmi._extras import ProgressBar
from fastmi.nn.capture import GraphStep, wants_graph
from fastmi.nn.optimizers import make_optimizer, make_schedule
from fastmi.nn.options import Training

__all__ = ["Training", "train"]


def train(
    model: nn.Module,
    data: tuple[Tensor, ...],
    held_out: tuple[Tensor, ...],
    *,
    loss: Callable[..., Tensor | tuple[Tensor, Tensor]],
    estimate: Callable[..., float],
    score: Callable[..., float] | None = None,
    options: Training,
    generator: torch.Generator | None = None,
) -> History:
    """Train `model` in place on mini-batches of `data` and evaluate it on `held_out`.

    Each epoch goes through one random permutation, made on the device of the data; an incomplete
    last batch is left out. The last step is always evaluated. Afterwards the model is in
    evaluation mode and holds its last parameters, or those with the best score if
    ``options.patience`` is set. After an error or an interrupt the model holds the parameters
    that the evaluations so far would keep, or the initial ones if there was none.

    On a CPU the result is reproducible bit for bit for one seed and one number of threads.
    torch's global random state is left as it was.

    Args:
        model: The module to train, on the device of the data.
        data: Tensors with n rows each.
        held_out: Tensors for `estimate` and `score`.
        loss: Function ``loss(*batch)`` that returns a scalar to minimise, or a pair of it and the
            running estimate in nats if that is not minus the loss. The state of an object with
            ``state_dict`` and ``load_state_dict`` is saved in the checkpoint.
        estimate: Function ``estimate(*held_out)`` that returns nats. It is called without
            gradients and in evaluation mode.
        score: Function ``score(*held_out)``, called likewise, of which a lower value is better;
            None for minus the estimate.
        options: All other options.
        generator: Generator of the permutations, on the device of the data; None to make one
            from ``options.seed``.

    Returns:
        The curves of the training.

    Raises:
        FloatingPointError: The loss, the estimate or the score is NaN, or the loss infinite;
            the message names the step.
        TypeError: An argument of the wrong kind; a loss that is no tensor.
        ValueError: Tensors of different lengths; a ``batch_size`` above n; a model without
            parameters to train; ``cuda_graph=True`` for steps that cannot be captured; a file
            that is no checkpoint, or one of another run; a loss that is not scalar.
    """
    _check_arguments(model, data, loss, options)
    n = len(data[0])
    if options.batch_size > n:
        raise ValueError(
            f"batch_size must be at most the number of training samples; "
            f"got batch_size={options.batch_size}, n={n}"
        )
    device = data[0].device
    as_graph = wants_graph(loss, options, device)
    with _own_random_state(device, options.seed, generator) as seed:
        if generator is None:
            generator = torch.Generator(device).manual_seed(seed)
        run = _Run(model, loss, options, generator, n)
        if options.resume and Path(str(options.checkpoint)).exists():
            run.load(device)
        run.choose_step(torch.compile(loss) if options.compile else loss, as_graph, device)
        # A function that makes many estimates shows one bar of its own, if any.
        progress = False if options.progress == "auto" and is_quiet() else options.progress
        with ProgressBar(progress, options.steps - run.step, "training") as bar:
            try:
                while run.step < options.steps and not run.out_of_patience():
                    run.update(data)
                    bar.advance()
                    if run.evaluation_due():
                        run.evaluate(estimate, score, held_out)
                        bar.show(nats=f"{run.validation[-1]:.3f}")
            finally:
                model.load_state_dict(run.kept)
                model.eval()
    return run.history()


class _Run:
    """The state of one training, which is what a checkpoint holds."""

    def __init__(
        self,
        model: nn.Module,
        loss: Callable[..., Tensor | tuple[Tensor, Tensor]],
        options: Training,
        generator: torch.Generator,
        n: int,
    ) -> None:
        self.start = perf_counter()
        self.model = model
        self.options = options
        self.generator = generator
        self.loss_state: Any = loss if hasattr(loss, "load_state_dict") else None
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        if not self.parameters:
            raise ValueError("model must have at least one parameter that requires a gradient")
        self.optimizer = make_optimizer(self.parameters, options)
        self.schedule = make_schedule(self.optimizer, options)
        self.eval_every = options.eval_every or max(options.steps // 50, 1)
        self.step = 0
        self.order = self._permutation(n)
        self.position = 0
        # One scalar tensor per step since the last evaluation; reading them waits for the device.
        self.losses: list[Tensor] = []
        self.running: list[Tensor] = []
        self.steps: list[int] = []
        self.train: list[float] = []
        self.validation: list[float] = []
        self.best_score = math.inf
        self.best_step = 0
        self.waited = 0
        self.seconds_before = 0.0
        self.kept = _copy(model.state_dict())
        model.train()

    def choose_step(
        self,
        loss: Callable[..., Tensor | tuple[Tensor, Tensor]],
        as_graph: bool,
        device: torch.device,
    ) -> None:
        """Set how a step is taken: at once, or as the replay of a CUDA graph."""

        def step(batch: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
            return self._descend(loss, batch)

        self.take_step = GraphStep(step, device) if as_graph else step
        self.as_graph = as_graph

    def update(self, data: tuple[Tensor, ...]) -> None:
        """Take one step."""
        size = self.options.batch_size
        if self.position + size > len(self.order):
            self.order = self._permutation(len(self.order))
            self.position = 0
        rows = self.order[self.position : self.position + size]
        self.position += size
        value, running = self.take_step(tuple(tensor.index_select(0, rows) for tensor in data))
        if self.schedule is not None:
            self.schedule.step()
        self.step += 1
        self.losses.append(value)
        self.running.append(running)

    def _descend(
        self, loss: Callable[..., Tensor | tuple[Tensor, Tensor]], batch: tuple[Tensor, ...]
    ) -> tuple[Tensor, Tensor]:
        """Move the parameters; return the loss and the running estimate."""
        result = loss(*batch)
        value, running = result if isinstance(result, tuple) else (result, None)
        if not isinstance(value, Tensor):
            raise TypeError(f"loss must return a tensor; got {type(value).__name__}")
        if value.dim() != 0:
            raise ValueError(f"loss must return a scalar; got shape {tuple(value.shape)}")
        self.optimizer.zero_grad(set_to_none=True)
        value.backward()  # type: ignore[no-untyped-call]
        if self.options.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(self.parameters, self.options.clip_norm)
        self.optimizer.step()
        detached = value.detach()
        return detached, -detached if running is None else running.detach()

    def evaluation_due(self) -> bool:
        return self.step % self.eval_every == 0 or self.step == self.options.steps

    def evaluate(
        self,
        estimate: Callable[..., float],
        score: Callable[..., float] | None,
        held_out: tuple[Tensor, ...],
    ) -> None:
        """Add a point to the curves; keep the parameters if their score is the best so far."""
        losses = torch.stack(self.losses).double().cpu().numpy()
        bad = np.flatnonzero(~np.isfinite(losses))
        if bad.size:
            step = self.step - len(losses) + int(bad[0]) + 1
            raise FloatingPointError(
                f"the loss is {losses[bad[0]]} at step {step} of {self.options.steps}; the model "
                f"is back at step {self.best_step}: lower lr, set clip_norm, or rescale the data"
            )
        self.model.eval()
        with torch.no_grad():
            value = float(estimate(*held_out))
            current = -value if score is None else float(score(*held_out))
        self.model.train()
        if math.isnan(value) or math.isnan(current):
            name = "estimate" if math.isnan(value) else "score"
            raise FloatingPointError(
                f"the {name} on held-out data is nan at step {self.step} of "
                f"{self.options.steps}; the model is back at step {self.best_step}: lower lr, set "
                "clip_norm, or rescale the data"
            )
        self.steps.append(self.step)
        self.train.append(float(torch.stack(self.running).double().mean()))
        self.validation.append(value)
        self.losses.clear()
        self.running.clear()
        better = current < self.best_score
        self.waited = 0 if better else self.waited + 1
        if better or self.options.patience is None:
            self.best_score = current
            self.best_step = self.step
            self.kept = _copy(self.model.state_dict())
        if self.options.checkpoint is not None:
            self.save()

    def out_of_patience(self) -> bool:
        return self.options.patience is not None and self.waited >= self.options.patience

    def history(self) -> History:
        return History(
            steps=np.array(self.steps, dtype=np.int64),
            train=np.array(self.train, dtype=np.float64),
            validation=np.array(self.validation, dtype=np.float64),
            best_step=self.best_step,
            stopped="patience" if self.out_of_patience() else "steps",
            seconds=self.seconds_before + perf_counter() - self.start,
            cuda_graph=self.as_graph,
        )

    def save(self) -> None:
        """Write the checkpoint, first to a file beside it, so that a crash leaves the old one."""
        path = Path(str(self.options.checkpoint))
        beside = path.with_name(path.name + ".tmp")
        torch.save(
            {
                "run": self._identity(),
                "model": self.model.state_dict(),
                "kept": self.kept,
                "optimizer": self.optimizer.state_dict(),
                "schedule": None if self.schedule is None else self.schedule.state_dict(),
                "loss": None if self.loss_state is None else self.loss_state.state_dict(),
                "generator": self.generator.get_state(),
                "random": _random_states(self.order.device),
                "order": self.order,
                "position": self.position,
                "step": self.step,
                "curves": (self.steps, self.train, self.validation),
                "best": (self.best_score, self.best_step, self.waited),
                "seconds": self.seconds_before + perf_counter() - self.start,
            },
            beside,
        )
        beside.replace(path)

    def load(self, device: torch.device) -> None:
        """Set the state to that of the checkpoint."""
        path = Path(str(self.options.checkpoint))
        saved = _read_checkpoint(path, device)
        for name, ours in self._identity().items():
            theirs = saved["run"][name]
            if ours != theirs:
                raise ValueError(
                    f"checkpoint must be of the same run; got {name}={theirs!r} in "
                    f"{str(path)!r}, {name}={ours!r} now"
                )
        try:
            self.model.load_state_dict(saved["model"])
        except RuntimeError as error:
            raise ValueError(
                f"checkpoint must be of the same model; got {str(path)!r}: {error}"
            ) from error
        self.kept = saved["kept"]
        self.optimizer.load_state_dict(saved["optimizer"])
        if self.schedule is not None:
            self.schedule.load_state_dict(saved["schedule"])
        if self.loss_state is not None and saved["loss"] is not None:
            self.loss_state.load_state_dict(saved["loss"])
        self.generator.set_state(saved["generator"].cpu())
        _set_random_states(saved["random"], device)
        self.order = saved["order"]
        self.position = saved["position"]
        self.step = saved["step"]
        self.steps, self.train, self.validation = map(list, saved["curves"])
        self.best_score, self.best_step, self.waited = saved["best"]
        self.seconds_before = saved["seconds"]

    def _identity(self) -> dict[str, Any]:
        """Return what a checkpoint must share with the run that goes on from it."""
        options = self.options
        return {
            "n": len(self.order),
            "device": self.order.device.type,
            "batch_size": options.batch_size,
            "seed": options.seed,
            "optimizer": type(self.optimizer).__name__,
            "lr": options.lr,
            "schedule": None if self.schedule is None else type(self.schedule).__name__,
        }

    def _permutation(self, n: int) -> Tensor:
        return torch.randperm(n, generator=self.generator, device=self.generator.device)


@contextmanager
def _own_random_state(
    device: torch.device, seed: int | None, generator: torch.Generator | None
) -> Iterator[int]:
    """Seed torch's global generators for a block and restore them after it; yield the seed."""
    if seed is None:
        seed = torch.Generator().seed() if generator is None else generator.initial_seed()
    before = _random_states(device)
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)
    try:
        yield seed
    finally:
        _set_random_states(before, device)


def _random_states(device: torch.device) -> list[Tensor]:
    states = [torch.get_rng_state()]
    if device.type == "cuda":
        states.append(torch.cuda.get_rng_state(device))
    return states


def _set_random_states(states: list[Tensor], device: torch.device) -> None:
    torch.set_rng_state(states[0].cpu())
    if device.type == "cuda" and len(states) > 1:
        torch.cuda.set_rng_state(states[1].cpu(), device)


def _check_arguments(model: object, data: object, loss: object, options: object) -> None:
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module; got {type(model).__name__}")
    if not isinstance(options, Training):
        raise TypeError(f"options must be a fastmi.nn.Training; got {type(options).__name__}")
    if not callable(loss):
        raise TypeError(f"loss must be a function of a batch; got {type(loss).__name__}")
    if not isinstance(data, tuple | list):
        raise TypeError(f"data must be a tuple of tensors; got {type(data).__name__}")
    kinds = [type(tensor).__name__ for tensor in data if not isinstance(tensor, Tensor)]
    if kinds or not data:
        raise TypeError(f"data must be a tuple of tensors; got {kinds[0] if kinds else 'none'}")
    lengths = [len(tensor) for tensor in data]
    if len(set(lengths)) > 1:
        raise ValueError(f"data must be tensors of the same number of rows; got {lengths}")


def _read_checkpoint(path: Path, device: torch.device) -> dict[str, Any]:
    try:
        saved: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
        saved["run"]
    except OSError:
        raise
    except Exception as error:  # which type torch raises depends on the bytes it reads
        raise ValueError(
            f"checkpoint must be a file that an earlier run wrote; got {str(path)!r}, which "
            f"cannot be read as one ({type(error).__name__})"
        ) from error
    return saved


def _copy(state: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.detach().clone() if isinstance(value, Tensor) else value
        for name, value in state.items()
    }
