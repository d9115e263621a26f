"""Checkpoints under kill -9 at random moments and on a disk that is full.

    python tests/faults/checkpoints.py [ROUNDS] [FOLDER]

In each of ROUNDS rounds (40) a process trains and writes checkpoints as fast as it can, and is
killed after a random time. The next one must go on from the file, or begin anew if none was written
yet. After the last round the training is brought to its end: the parameters must be those of a run
that nobody killed, to the last bit, and no file may be left beside the checkpoint.

Then the same trainings write to FOLDER, a small file system that this program fills; it is made of
1 MB in memory where the user may do so (root), and left out otherwise. A full disk must end the
training with OSError and leave the checkpoint of before, from which the run goes on with room.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

STEPS = 3000
TRAINING = """
import sys
sys.path.insert(0, sys.argv[1])
import torch
from trainings import Problem
torch.set_num_threads(1)
problem = Problem()
path = None if sys.argv[2] == "-" else sys.argv[2]
options = dict(checkpoint=path, resume=True) if path else {}
print("ready", flush=True)
history = problem.train(steps=int(sys.argv[3]), eval_every=5, lr=1e-3, **options)
print(problem.weights().double().tolist(), flush=True)
"""
COMMAND = [sys.executable, "-c", TRAINING, str(Path(__file__).parents[1])]


def start(path, steps=STEPS):
    """Start a training and wait until it begins."""
    process = subprocess.Popen(
        [*COMMAND, str(path), str(steps)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tempfile.gettempdir(),
    )
    assert process.stdout.readline() == "ready\n", process.stderr.read()
    return process


def finish(path, steps=STEPS):
    """Return what a training that nobody disturbs prints."""
    out, said = start(path, steps).communicate()
    return out or said


def kill_at_random(rounds, folder):
    path, rng = folder / "run", random.Random(0)
    whole = finish("-")
    left = during = 0
    for _ in range(rounds):
        process = start(path)
        time.sleep(rng.uniform(0.0, 0.5))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        left += len([*folder.glob("*.tmp")])
        during += path.exists()
    resumed = finish(path)
    names = [one.name for one in folder.iterdir()]
    print(f"{rounds} rounds, {during} with a checkpoint, {left} files left beside it by the killed")
    assert resumed == whole, f"the run ended in another way:\n{resumed}\n{whole}"
    assert names == ["run"], names


@contextmanager
def small_disk(folder):
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def fill(folder):
    path = folder / "run"
    whole = finish("-", 60)
    finish(path, 30)
    old = path.read_bytes()
    ballast = folder / "ballast"
    with open(ballast, "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(512))
        except OSError as error:
            print(f"the disk is full: {error.strerror}")
    said = finish(path, 60)
    assert "OSError: [Errno 28]" in said, said
    assert "the checkpoint is not written" in said, said
    assert path.read_bytes() == old
    assert sorted(one.name for one in folder.iterdir()) == ["ballast", "run"]
    ballast.unlink()
    assert finish(path, 60) == whole


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if len(sys.argv) > 2:
            fill(Path(sys.argv[2]))
        elif os.geteuid() == 0:
            with small_disk(folder / "small") as small:
                fill(small)
        else:
            print("a full disk: left out, give the folder of a small file system")
        killed = folder / "killed"
        killed.mkdir()
        kill_at_random(rounds, killed)
    print("all is well")


if __name__ == "__main__":
    main()
