"""The training loop of all neural estimators."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fastmi._cautions import is_quiet
from fastmi._estimate import History
from fastmi._extras import ProgressBar
from fastmi.nn.capture import GraphStep, wants_graph
from fastmi.nn.checkpoints import Checkpoint, restore_optimizer, restore_schedule
from fastmi.nn.identity import identify
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
    identity: Mapping[str, object] | None = None,
) -> History:
    """Train `model` in place on mini-batches of `data` and evaluate it on `held_out`.

    Each epoch goes through one random permutation, made on the device of the data; an incomplete
    last batch is left out. The last step is always evaluated. Afterwards the model is in
    evaluation mode and holds its last parameters, or those with the best score, the initial ones
    among them, if ``options.patience`` is set. After an error or an interrupt the model holds the
    parameters that the evaluations so far would keep, or the initial ones if there was none.

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
        identity: What else shapes the run, by name: plain values, of which a checkpoint that
            another run wrote has others. "data" and "held_out" among them stand for the
            fingerprints of the samples, which are taken otherwise. Names are identifiers. Of a
            loss of your own, a checkpoint knows the code, and the numbers and strings in variables
            around it, in the defaults of its parameters and in attributes of an object; name here
            what it takes from lists, dicts and tensors.

    Returns:
        The curves of the training.

    Raises:
        FloatingPointError: The loss, the estimate or the score is NaN, or the loss infinite;
            the message names the step.
        OSError: The checkpoint cannot be read or written: no folder, no permission, a full disk.
            That a file can be written there is tried before the training. After a failure in its
            course, the file is that of an earlier evaluation.
        TypeError: An argument of the wrong kind; a loss that is no tensor; a state of the
            optimizer, the schedule or the loss that a checkpoint cannot hold.
        ValueError: Tensors of different lengths; a ``batch_size`` above n; a model without
            parameters to train; ``cuda_graph=True`` for steps that cannot be captured; a
            checkpoint that is damaged, or of another run, or of more steps; a loss that is not
            scalar.
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
        # A function that makes many estimates shows one bar of its own, if any.
        progress = False if options.progress == "auto" and is_quiet() else options.progress
        try:
            model.train()
            if options.checkpoint is not None:
                functions = {"loss": loss, "estimate": estimate, "score": score}
                run.keep_checkpoint(data, held_out, functions, identity or {})
            if options.resume:
                run.load(device)
            if options.patience is not None and run.step == 0:
                run.judge_start(estimate, score, held_out)
            run.choose_step(torch.compile(loss) if options.compile else loss, as_graph, device)
            with ProgressBar(progress, options.steps - run.step, "training") as bar:
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
        self.checkpoint: Checkpoint | None = None

    def keep_checkpoint(
        self,
        data: tuple[Tensor, ...],
        held_out: tuple[Tensor, ...],
        functions: Mapping[str, object],
        others: Mapping[str, object],
    ) -> None:
        """Write checkpoints from now on; see :func:`fastmi.nn.identity.identify`."""
        identity = identify(
            self.model,
            data,
            held_out,
            functions,
            self.options,
            self.optimizer,
            self.schedule,
            others,
        )
        self.checkpoint = Checkpoint(str(self.options.checkpoint), identity)
        self.checkpoint.content(self._state())  # raises if it cannot hold it

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
        value, current = self._judge(estimate, score, held_out)
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
        if self.checkpoint is not None:
            self.checkpoint.write(self._state(), f"the model is back at step {self.best_step}")

    def judge_start(
        self,
        estimate: Callable[..., float],
        score: Callable[..., float] | None,
        held_out: tuple[Tensor, ...],
    ) -> None:
        """Let the initial parameters be the best so far, if they have a score."""
        _, current = self._judge(estimate, score, held_out)
        if not math.isnan(current):
            self.best_score = current

    def _judge(
        self,
        estimate: Callable[..., float],
        score: Callable[..., float] | None,
        held_out: tuple[Tensor, ...],
    ) -> tuple[float, float]:
        """Return the estimate and the score of the parameters as they are."""
        self.model.eval()
        with torch.no_grad():
            value = float(estimate(*held_out))
            current = -value if score is None else float(score(*held_out))
        self.model.train()
        return value, current

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

    def _state(self) -> dict[str, Any]:
        """Return what a checkpoint holds."""
        return {
            "model": dict(self.model.state_dict()),
            "kept": self.kept,
            "optimizer": self.optimizer.state_dict(),
            "schedule": None if self.schedule is None else self.schedule.state_dict(),
            "loss": None if self.loss_state is None else self.loss_state.state_dict(),
            "generator": self.generator.get_state(),
            "random": _random_states(self.order.device),
            "order": self.order,
            "position": self.position,
            "step": self.step,
            "steps": self.steps,
            "train": self.train,
            "validation": self.validation,
            "best_score": self.best_score,
            "best_step": self.best_step,
            "waited": self.waited,
            "seconds": self.seconds_before + perf_counter() - self.start,
        }

    def load(self, device: torch.device) -> None:
        """Set the state to that of the checkpoint, if there is one."""
        if self.checkpoint is None:
            return
        saved = self.checkpoint.read(self._state(), self.options, device)
        if saved is None:
            return
        try:
            restore_optimizer(self.optimizer, saved["optimizer"], self.options)
            if self.schedule is not None:
                restore_schedule(self.schedule, saved["schedule"])
            if self.loss_state is not None:
                self.loss_state.load_state_dict(saved["loss"])
            self.model.load_state_dict(saved["model"])
            self.generator.set_state(saved["generator"])
            _set_random_states(saved["random"], device)
        except Exception as error:  # which type depends on whose method reads its part
            raise self.checkpoint.refuse(error) from error
        for name in (
            "kept",
            "order",
            "position",
            "step",
            "steps",
            "train",
            "validation",
            "best_score",
            "best_step",
            "waited",
        ):
            setattr(self, name, saved[name])
        self.seconds_before = saved["seconds"]

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


def _copy(state: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.detach().clone() if isinstance(value, Tensor) else value
        for name, value in state.items()
    }
