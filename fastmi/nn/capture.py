"""A training step as one CUDA graph.

With small batches, launching the kernels of a step costs a GPU more time than running them; a
graph is launched once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from fastmi.nn.optimizers import capture_obstacle
from fastmi.nn.options import Training

__all__: list[str] = []

# Number of steps before the capture, as in torch's documentation: libraries and autograd allocate
# memory in the first ones.
_WARM_UP = 3

Batch = tuple[Tensor, ...]
#: A function that takes one step on a batch and returns the loss and the running estimate,
#: both detached.
Step = Callable[[Batch], tuple[Tensor, Tensor]]


def wants_graph(loss: Callable[..., Any], options: Training, device: torch.device) -> bool:
    """Return whether to capture the steps of a training, see ``Training.cuda_graph``.

    Raises:
        ValueError: ``cuda_graph`` is True, but the steps cannot be captured.
    """
    if options.cuda_graph is False:
        return False
    obstacle = _obstacle(options, device)
    if options.cuda_graph is None:
        # For a bound method, ask the object it belongs to.
        owner = getattr(loss, "__self__", loss)
        return not obstacle and bool(getattr(owner, "capturable", False))
    if obstacle:
        raise ValueError(f"cuda_graph=True cannot be met: {obstacle}")
    return True


def _obstacle(options: Training, device: torch.device) -> str:
    """Return what prevents the capture of any step, "" if nothing does."""
    if device.type != "cuda":
        return f"the data is on {device}"
    if options.compile:
        return "compile=True"
    return capture_obstacle(options)


class GraphStep:
    """A step of training that is captured after a few calls and replayed from then on.

    Every call takes exactly one step, the one that captures included. All batches must have the
    same shapes and types. No call waits for the device.

    Args:
        step: The step to take; it must not read anything back from the device.
        device: The GPU that the batches are on.
    """

    def __init__(self, step: Step, device: torch.device) -> None:
        self._step = step
        self._recorder = _Recorder(device)
        self._calls = 0
        self._batch: Batch = ()
        self._result: Batch = ()

    def __call__(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Take a step; see :data:`Step`."""
        self._calls += 1
        if self._calls <= _WARM_UP:
            return self._recorder.run(lambda: self._step(batch))
        if not self._batch:
            self._batch = tuple(tensor.clone() for tensor in batch)
            self._result = self._recorder.record(lambda: self._step(self._batch))
        for own, given in zip(self._batch, batch, strict=True):
            own.copy_(given)
        self._recorder.replay()
        # The next replay overwrites the results, so that the caller gets copies.
        loss, running = (tensor.clone() for tensor in self._result)
        return loss, running


class _Recorder:
    """A CUDA graph and the stream on which it is captured."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._graph: Any = None

    def run(self, work: Callable[[], tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
        """Do `work` at once, on the stream of the capture.

        Autograd runs a backward pass on the stream of its forward pass, so the steps before the
        capture have to run there as well.
        """
        with torch.cuda.device(self._device):
            self._stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(self._stream):
                result = work()
            torch.cuda.current_stream().wait_stream(self._stream)
        return result

    def record(self, work: Callable[[], tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
        """Capture `work` without doing it; return the tensors that a replay writes to."""
        self._graph = torch.cuda.CUDAGraph()
        with (
            torch.cuda.device(self._device),
            torch.cuda.graph(self._graph, stream=self._stream),
        ):
            return work()

    def replay(self) -> None:
        """Do the captured work on the current stream."""
        with torch.cuda.device(self._device):
            self._graph.replay()
