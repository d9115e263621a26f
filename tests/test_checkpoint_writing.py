"""Faults while a checkpoint is written or read: what stays, and what is said."""

import errno
import fcntl
import os
import resource
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from collections import Counter, OrderedDict
from contextlib import contextmanager

import numpy as np
import pytest

from trainings import Problem

pytest.importorskip("torch")
import torch

from fastmi.nn import Training, checkpoint_files
from fastmi.nn.state_bytes import from_bytes, to_buffers

pytestmark = pytest.mark.usefixtures("one_torch_thread")

OPTIONS = {"steps": 6, "eval_every": 2}


@pytest.fixture
def path(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    return folder / "run"


def names(path):
    return sorted(one.name for one in path.parent.iterdir())


def fails(problem, error, said, **options):
    """Check that a training ends with an error, and its model at the last evaluation."""
    with pytest.raises(error, match=said) as caught:
        problem.train(**OPTIONS | options)
    assert not problem.model.training
    return caught.value


@contextmanager
def no_room(size):
    """Let no file of this process grow beyond `size` bytes, as a full disk would not."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def at_evaluation(problem, step):
    other = Problem()
    other.train(steps=step, eval_every=2)
    return torch.equal(problem.weights(), other.weights())


def test_a_full_disk_leaves_the_old_file_and_the_model(path):
    problem = Problem()
    with no_room(1000):
        error = fails(problem, OSError, "the checkpoint is not written", checkpoint=path)
    assert error.errno == errno.EFBIG
    assert error.filename == str(path)
    assert "the model is back at step 2" in str(error)
    assert names(path) == []
    assert at_evaluation(problem, 2)

    Problem().train(steps=4, eval_every=2, checkpoint=path)
    old = path.read_bytes()
    problem = Problem()
    with no_room(1000):
        fails(problem, OSError, "a file there is of an earlier one", checkpoint=path, resume=True)
    assert path.read_bytes() == old
    assert names(path) == ["run"]
    assert at_evaluation(problem, 6)
    # With room again, the training goes on.
    whole, resumed = Problem(), Problem()
    whole.train(**OPTIONS)
    resumed.train(**OPTIONS, checkpoint=path, resume=True)
    assert torch.equal(resumed.weights(), whole.weights())


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_errors_of_the_disk(number, call, path, monkeypatch):
    def fail(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(checkpoint_files.os, call, fail)
    monkeypatch.setattr(checkpoint_files.Path, call, fail, raising=False)
    problem = Problem()
    error = fails(problem, OSError, "not written, .* step 2", checkpoint=path)
    assert error.errno == number
    assert names(path) == []


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC])
def test_what_cannot_be_written_is_said_before_the_training(number, path, monkeypatch):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(checkpoint_files.os, "open", refuse)
    problem = Problem()
    initial = problem.weights()
    error = fails(problem, OSError, "not written, nothing is trained", checkpoint=path)
    assert (error.errno, error.filename) == (number, str(path))
    assert problem.calls == 0
    assert torch.equal(problem.weights(), initial)


def test_a_folder_that_is_gone(path):
    options = Training(checkpoint=path)
    path.parent.rmdir()
    problem = Problem()
    with pytest.raises(FileNotFoundError, match="the checkpoint is not written, nothing is"):
        problem.train_with(options)
    assert problem.calls == 0


def test_a_file_that_may_not_be_read_stays_an_error_of_the_system(path, monkeypatch):
    Problem().train(**OPTIONS, checkpoint=path)
    old = path.read_bytes()

    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(checkpoint_files, "open", refuse, raising=False)
    error = fails(Problem(), PermissionError, "denied", checkpoint=path, resume=True)
    assert error.filename == str(path)
    assert path.read_bytes() == old


def fifo(path):
    os.mkfifo(path)


def unix_socket(path):
    here = os.getcwd()
    os.chdir(path.parent)  # paths of sockets are short
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path.name)
    finally:
        os.chdir(here)


@pytest.mark.parametrize("resume", [True, False])
@pytest.mark.parametrize(
    "make",
    [fifo, unix_socket, lambda path: path.symlink_to("/dev/zero"), lambda path: path.mkdir()],
    ids=["pipe", "socket", "device", "folder"],
)
def test_what_is_no_regular_file(make, resume, path):
    """The options are made first, because they refuse a folder themselves."""
    options = Training(steps=3, checkpoint=path, resume=resume)
    make(path)
    kind = path.stat().st_mode
    problem = Problem()
    with pytest.raises(ValueError, match="which is no regular file") as caught:
        problem.train_with(options)
    assert "run" in str(caught.value) or "/dev/zero" in str(caught.value)
    assert problem.calls == 0
    assert path.stat().st_mode == kind


def test_a_link_stays_one(path, tmp_path):
    target = tmp_path / "elsewhere"
    path.symlink_to(target)
    Problem().train(**OPTIONS, checkpoint=path, resume=True)
    assert path.is_symlink()
    assert target.is_file()
    assert not target.is_symlink()
    assert Problem().train(**OPTIONS, checkpoint=path, resume=True).steps[-1] == 6


def test_permissions_are_those_of_any_new_file_or_of_the_old_one(path):
    Problem().train(**OPTIONS, checkpoint=path)
    (path.parent / "other").touch()
    assert path.stat().st_mode == (path.parent / "other").stat().st_mode
    path.chmod(0o640)
    Problem().train(**OPTIONS, checkpoint=path)
    assert path.stat().st_mode & 0o777 == 0o640


def test_an_interrupt_while_the_file_is_written(path, monkeypatch):
    Problem().train(steps=2, eval_every=2, checkpoint=path)
    old = path.read_bytes()

    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint_files.os, "fsync", interrupt)
    problem = Problem()
    fails(problem, KeyboardInterrupt, None, checkpoint=path, resume=True)
    assert path.read_bytes() == old
    assert names(path) == ["run"]
    assert at_evaluation(problem, 4)


def test_a_process_killed_while_it_writes(path):
    """The old checkpoint stays, and the next run removes what the killed one left."""
    script = f"""
    import os, signal, sys
    sys.path.insert(0, {os.path.dirname(__file__)!r})
    import torch
    from trainings import Problem
    torch.set_num_threads(1)
    saved, sync = [], os.fsync
    def fsync(descriptor):
        saved.append(descriptor)
        if len(saved) == 3:  # that of the file and of the folder at the first evaluation
            os.kill(os.getpid(), signal.SIGKILL)
        sync(descriptor)
    os.fsync = fsync
    Problem().train(steps=6, eval_every=2, checkpoint={str(path)!r})
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    done = subprocess.run(command, cwd=path.parent.parent, check=False, timeout=120)
    assert done.returncode == -signal.SIGKILL
    left = names(path)
    assert left[0] == "run"
    assert [one.endswith(".tmp") for one in left] == [False, True]
    resumed, whole = Problem(), Problem()
    assert resumed.train(**OPTIONS, checkpoint=path, resume=True).steps.tolist() == [2, 4, 6]
    assert resumed.calls == 4
    whole.train(**OPTIONS)
    assert torch.equal(resumed.weights(), whole.weights())
    assert names(path) == ["run"]


def test_only_what_nobody_writes_is_removed(path):
    mine = ["run.0123abcd.tmp", "run.old.tmp", "run.tmp", "run2.0123abcd.tmp", "x.0123abcd.tmp"]
    for name in [*mine, "run.ffffffff.tmp"]:
        (path.parent / name).touch()
    with open(path.parent / mine[0]) as used:
        fcntl.flock(used, fcntl.LOCK_EX)
        Problem().train(**OPTIONS, checkpoint=path)
    assert names(path) == sorted(["run", *mine])


def test_a_reader_finds_the_old_or_the_new_file(path):
    contents = [bytes([one]) * (1 << 18) for one in range(8)]
    checkpoint_files.write(path, [contents[0]])
    stop = threading.Event()

    def write():
        while not stop.is_set():
            for one in contents:
                checkpoint_files.write(path, [one])

    writers = [threading.Thread(target=write) for _ in range(2)]
    for one in writers:
        one.start()
    try:
        seen = {checkpoint_files.read(path) for _ in range(100)}
    finally:
        stop.set()
        for one in writers:
            one.join()
    assert seen <= set(contents)
    assert names(path) == ["run"]


class Odd(torch.optim.SGD):
    def state_dict(self):
        return super().state_dict() | {"odd": np.ones(3)}


def test_a_state_that_a_file_cannot_hold_is_an_error_before_the_training(path):
    problem = Problem()
    message = r"can hold tensors, .* got a ndarray in 'odd' of the state of the training"
    fails(problem, TypeError, message, checkpoint=path, optimizer=lambda p: Odd(p, lr=0.1))
    assert problem.calls == 0
    assert names(path) == []


@pytest.mark.parametrize(
    "value",
    [
        {},
        [None, True, -3, 0.1, float("inf"), "\udcff ü", (1, [2]), {1, 2}],
        {1: {"a": ()}, "b": [[]], None: {}},
        OrderedDict(x=Counter([5, 5, 7])),
        [torch.zeros(0, 3), torch.tensor(True), torch.arange(5, dtype=torch.int16)],
        [torch.randn(3, 4).T, torch.randn(2, 2).bfloat16(), torch.randn(2, dtype=torch.cfloat)],
        torch.randn(2, requires_grad=True),
    ],
    ids=repr,
)
def test_values_come_back(value):
    back = from_bytes(b"".join(to_buffers(value)), torch.device("cpu"))
    assert type(back) is type(value)
    if isinstance(value, list) and isinstance(value[0], torch.Tensor):
        for one, other in zip(back, value, strict=True):
            assert (one.dtype, one.shape) == (other.dtype, other.shape)
            assert torch.equal(one, other)
    elif isinstance(value, torch.Tensor):
        assert torch.equal(back, value)
    else:
        assert back == value


def endless():
    value = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    "value",
    [object(), 1j, b"a", np.int64(3), np.ones(2), {(1, 2): 3}, torch.eye(2).to_sparse(), endless()],
    ids=["object", "complex", "bytes", "integer", "array", "key", "sparse", "endless"],
)
def test_values_that_no_file_can_hold(value):
    with pytest.raises(TypeError):
        to_buffers({"a": [value]})


def test_tensors_go_back_to_the_device_of_the_run():
    data = b"".join(to_buffers([torch.arange(3), torch.arange(2)]))
    data = data.replace(b"[3], false", b"[3], true ")
    elsewhere, here = from_bytes(data, torch.device("meta"))
    assert (elsewhere.device.type, here.device.type) == ("meta", "cpu")
    assert here.tolist() == [0, 1]
