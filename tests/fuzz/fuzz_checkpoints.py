"""Coverage-guided fuzzer of checkpoints: files that crash ``resume=True``, hang it or fool it.

    python tests/fuzz/fuzz_checkpoints.py 600 [FOLDER]

runs for 600 seconds. FOLDER keeps the inputs that reached new code, for the next time. The first
byte of an input says what the others are:

0   the file, as it is. It goes on only if it is the file that the run wrote, byte for byte: the
    digest lets no other through.
1   the content of a file whose digest fits, as a forger would write it.
2   the text of such a content, with the memory of the tensors of a real one behind it.
3   where in a real state to put which other value.

A run either goes on, or ends with a ValueError that begins with "checkpoint must" or "steps must";
or with the FloatingPointError of any training, for a state with parameters that are forged to be
huge. After an error the model is as it was. Anything else is a finding: the program ends and
names a file, which it reads again as `fuzz_checkpoints.py FILE`.
"""

from __future__ import annotations

import copy
import json
import os
import struct
import sys
import tempfile
import warnings
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["fastmi.nn"]):
    import torch

    import fastmi.nn
    from fastmi.nn import Training, checkpoint_files, state_bytes, train

N = 16
# Seconds after which one input counts as a hang, and the most memory that reading one may take.
HANG = 20
MEGABYTES = 4096
CPU = torch.device("cpu")
LENGTH = struct.Struct("<Q")
# What structured inputs put into a state.
VALUES = (
    None,
    True,
    -1,
    0,
    3,
    10**30,
    -0.5,
    float("nan"),
    float("inf"),
    1e300,
    "",
    "word",
    [],
    [1, 2],
    (0.5,),
    {},
    {"a": 1},
    {0: {}},
    torch.ones(()),
    torch.ones(1),
    torch.full((1, 2), 1e30),
    torch.ones(1, 2, dtype=torch.float64),
    torch.ones(0),
    torch.arange(N).flip(0),
    torch.zeros(N, dtype=torch.int64),
    torch.full((5000,), 255, dtype=torch.uint8),
)


class Loss:
    """Mean squares with a state of its own."""

    def __init__(self, model):
        self.model = model
        self.moving = fastmi.nn.MovingDV(0.1)

    def __call__(self, x, y):
        return ((self.model(x) - y) ** 2).mean()

    def state_dict(self):
        return self.moving.state_dict()

    def load_state_dict(self, state):
        self.moving.load_state_dict(state)


class Run:
    """A tiny training whose checkpoint is `path`."""

    def __init__(self, path):
        self.path = path
        generator = torch.Generator().manual_seed(0)
        self.x = torch.randn(N, 2, generator=generator)
        self.model = torch.nn.Linear(2, 1)
        with torch.no_grad():
            for one in self.model.parameters():
                one.fill_(0.25)
        self.initial = self.weights()

    def weights(self):
        return torch.cat([one.detach().flatten() for one in self.model.parameters()])

    def train(self, steps, *, resume=False):
        data = (self.x, self.x.sum(1, keepdim=True))
        options = Training(
            steps=steps,
            batch_size=8,
            eval_every=1,
            seed=0,
            patience=50,
            schedule=lambda one: torch.optim.lr_scheduler.MultiStepLR(one, [2, 4]),
            checkpoint=self.path,
            resume=resume,
        )
        loss = Loss(self.model)
        train(
            self.model,
            data,
            data,
            loss=loss,
            estimate=lambda x, y: -float(loss(x, y)),
            options=options,
        )
        return self.weights()


class Fuzzer:
    """What one input is tried with.

    Args:
        folder: A folder for the checkpoint; best in memory.
    """

    def __init__(self, folder):
        self.path = Path(folder) / "run"
        Run(self.path).train(3)
        self.good = self.path.read_bytes()
        self.after = Run(self.path).train(4, resume=True)
        self.path.write_bytes(self.good)
        self.content = checkpoint_files.read(self.path)
        (length,) = LENGTH.unpack_from(self.content)
        self.text = self.content[LENGTH.size : LENGTH.size + length]
        self.memory = self.content[LENGTH.size + length :]
        self.tried = 0

    def seeds(self):
        """Return real inputs of each kind to start from."""
        edits = [bytes([3, i, j, k]) for i in range(0, 64, 4) for j in range(6) for k in (0, 9, 18)]
        parts = json.loads(self.text)
        return [b"\0" + self.good, b"\1" + self.content, b"\2" + self.text, *edits] + [
            b"\2" + json.dumps(["dict", *(one for one in parts[1:] if one is not part)]).encode()
            for part in parts[1:]
        ]

    def write(self, data):
        """Write the file that an input describes."""
        how, rest = (data[0] % 4 if data else 0), data[1:]
        if how == 0:
            self.path.write_bytes(rest)
        elif how == 1:
            checkpoint_files.write(self.path, [rest])
        elif how == 2:
            checkpoint_files.write(self.path, [LENGTH.pack(len(rest)), rest, self.memory])
        else:
            saved = state_bytes.from_bytes(self.content, CPU)
            edit(saved, atheris.FuzzedDataProvider(rest))
            checkpoint_files.write(self.path, state_bytes.to_buffers(saved))
        return how

    def __call__(self, data):
        """Try one input."""
        self.tried += 1
        how = self.write(data)
        is_good = self.path.read_bytes() == self.good
        run = Run(self.path)
        try:
            after = run.train(4, resume=True)
        except ValueError as error:
            if not str(error).startswith(("checkpoint must", "steps must")):
                raise
            assert not is_good, "the real checkpoint is refused"
            assert torch.equal(run.weights(), run.initial), "the model was changed"
        except FloatingPointError:
            assert how != 0, "a damaged file was read"
        else:
            assert how != 0 or is_good, "a damaged file was read"
            assert not is_good or torch.equal(after, self.after), "it went on in another way"
        assert not run.model.training, "the model was left in training"
        assert [one.name for one in self.path.parent.iterdir()] == ["run"], "files are left over"


def edit(value, choices):
    """Change one place or more, deep in nested dicts and lists, to other values."""
    for _ in range(choices.ConsumeIntInRange(1, 3)):
        where, key = value, choices.PickValueInList(["run", "state", "state", "state"])
        for _ in range(6):
            inner = where[key]
            if not isinstance(inner, dict | list) or not inner:
                break
            where = inner
            key = choices.PickValueInList(
                [*(where if isinstance(where, dict) else range(len(where)))]
            )
            if choices.ConsumeIntInRange(0, 7) == 0:
                break
        what = choices.ConsumeIntInRange(0, len(VALUES) + 2)
        if what < len(VALUES):
            where[key] = copy.deepcopy(VALUES[what])
        elif what == len(VALUES):
            del where[key]
        elif isinstance(where, dict):
            where[f"{key} more"] = where[key]
        if "run" not in value or not isinstance(value.get("state"), dict | list):
            return


def main():
    torch.set_num_threads(1)
    warnings.simplefilter("error")
    with tempfile.TemporaryDirectory(
        dir="/dev/shm" if os.path.isdir("/dev/shm") else None
    ) as folder:
        checkpoints = Path(folder) / "checkpoints"
        checkpoints.mkdir()
        fuzzer = Fuzzer(checkpoints)
        first = sys.argv[1] if len(sys.argv) > 1 else "60"
        options = [first]
        if first.isdigit():
            corpus = Path(sys.argv[2] if len(sys.argv) > 2 else Path(folder) / "corpus")
            corpus.mkdir(exist_ok=True)
            for number, seed in enumerate(fuzzer.seeds()):
                (corpus / f"seed{number}").write_bytes(seed)
            options = [f"-max_total_time={first}", f"-max_len={2 * len(fuzzer.good)}", str(corpus)]
        limits = [f"-timeout={HANG}", f"-rss_limit_mb={MEGABYTES}"]
        atheris.Setup([sys.argv[0], *limits, *options], fuzzer)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
