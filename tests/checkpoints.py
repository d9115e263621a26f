"""Checkpoints taken apart and put together again, with a digest that fits."""

import pytest

pytest.importorskip("torch")
import torch

from fastmi.nn import checkpoint_files
from fastmi.nn.state_bytes import from_bytes, to_buffers

CPU = torch.device("cpu")


def take_apart(path):
    """Return what is in a checkpoint: `run`, a JSON text, and `state`, a dict."""
    return from_bytes(checkpoint_files.read(path), CPU)


def put_together(path, saved):
    checkpoint_files.write(path, to_buffers(saved))


def change(path, **parts):
    """Replace parts of the state in a checkpoint."""
    saved = take_apart(path)
    saved["state"] |= parts
    put_together(path, saved)
