"""What the command line writes is there whole or not at all, whatever stops it."""

import csv
import errno
import importlib
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from command import EXAMPLES, NAMES, process, run, run_json, shell, write_text
from fastmi.cli import output
from fastmi.cli.app import app

# A signal should end the command at once. What is busy with other tests needs more, and a command
# that goes on takes minutes.
LIMIT_S = 5.0
COMMAND = [sys.executable, "-m", "fastmi.cli"]
OLD = b"what was there before"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return write_text(tmp_path / "data" / "data.csv")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def names_in(path: Path) -> list[str]:
    if path.suffix == ".csv":
        return [row["column"] for row in csv.DictReader(path.read_text().splitlines())]
    return importlib.import_module("pyarrow.parquet").read_table(path)["column"].to_pylist()


def write_and_raise(path: Path, error: type[BaseException]) -> None:
    with output.replacing(path) as file:
        file.write(b"half")
        raise error


# Files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
def test_file_is_replaced_with_its_permissions(data, folder, name):
    (folder / name).write_bytes(OLD)
    (folder / name).chmod(0o640)
    run("matrix", data, "--out", folder / name)
    assert names_in(folder / name) == NAMES
    assert stat.S_IMODE((folder / name).stat().st_mode) == 0o640
    assert [each.name for each in folder.iterdir()] == [name]


def test_new_file_has_the_permissions_of_any(data, folder):
    (folder / "other").touch()
    run("matrix", data, "--out", folder / "out.csv")
    assert (folder / "out.csv").stat().st_mode == (folder / "other").stat().st_mode


@pytest.mark.parametrize("there", [True, False])
def test_link_stays_and_its_target_is_replaced(data, folder, tmp_path, there):
    (tmp_path / "far").mkdir()
    target = tmp_path / "far" / "target.csv"
    if there:
        target.write_bytes(OLD)
    (folder / "middle").symlink_to("../far/target.csv")
    (folder / "out.csv").symlink_to("middle")
    run("matrix", data, "--out", folder / "out.csv")
    assert (folder / "out.csv").is_symlink()
    assert names_in(target) == NAMES
    assert len([*folder.iterdir(), *target.parent.iterdir()]) == 3


@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
@pytest.mark.parametrize("call", ["fsync", "fchmod"])
def test_failure_keeps_what_was_there_and_prints_the_result(data, folder, monkeypatch, name, call):
    (folder / name).write_bytes(OLD)

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(output.os, call, full)
    result = CliRunner().invoke(app, ["matrix", str(data), "--out", str(folder / name)])
    assert result.exit_code == 1
    message = f"error: cannot write {folder / name}: No space left on device\n"
    assert result.output.endswith(message)
    assert "strongest pairs" in result.stdout
    assert (folder / name).read_bytes() == OLD
    assert [each.name for each in folder.iterdir()] == [name]


def test_disk_that_fills_up(data, folder):
    (folder / "out.csv").write_bytes(OLD)
    done = shell(f"ulimit -f 0; $FASTMI matrix {data} --out {folder / 'out.csv'}")
    assert done.returncode == 1
    assert done.stderr == f"error: cannot write {folder / 'out.csv'}: File too large\n"
    assert (folder / "out.csv").read_bytes() == OLD
    assert [each.name for each in folder.iterdir()] == ["out.csv"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, MemoryError])
def test_nothing_is_left_of_a_file_that_was_not_completed(folder, error):
    (folder / "out.csv").write_bytes(OLD)
    with pytest.raises(error):
        write_and_raise(folder / "out.csv", error)
    assert (folder / "out.csv").read_bytes() == OLD
    assert [each.name for each in folder.iterdir()] == ["out.csv"]


def test_file_and_its_name_are_on_the_disk(folder, monkeypatch):
    synced = []
    monkeypatch.setattr(output.os, "fsync", lambda file: synced.append(os.fstat(file).st_ino))
    with output.replacing(folder / "out.csv"):
        pass
    assert synced == [(folder / "out.csv").stat().st_ino, folder.stat().st_ino]


def test_private_file_is_private_while_it_is_written(folder):
    (folder / "out.csv").write_bytes(OLD)
    (folder / "out.csv").chmod(0o600)
    with output.replacing(folder / "out.csv"):
        modes = [stat.S_IMODE(each.stat().st_mode) for each in folder.iterdir()]
    assert modes == [0o600, 0o600]


def test_unwritable_target_is_refused_before_the_work(data, folder):
    (folder / "out.csv").mkdir()
    message = run("matrix", data, "--out", folder / "out.csv", fails=True)
    assert message == f"error: --out: cannot write {folder / 'out.csv'}: Is a directory\n"
    message = run("matrix", data, "--out", data / "out.csv", fails=True)
    assert "there is no folder" in message


@pytest.mark.skipif(os.getuid() == 0, reason="the superuser may write everywhere")
def test_file_and_folder_without_permission(data, folder):
    (folder / "out.csv").write_bytes(OLD)
    for locked, mode in ((folder / "out.csv", 0o400), (folder, 0o500)):
        locked.chmod(mode)
        message = run("matrix", data, "--out", folder / "out.csv", fails=True)
        assert "cannot write" in message
        assert "Permission denied" in message
        locked.chmod(0o700)
    assert (folder / "out.csv").read_bytes() == OLD


# Streams --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
def test_pipe_is_written_to(data, folder, name):
    os.mkfifo(folder / name)
    found = []
    read = (folder / name).read_bytes
    reader = threading.Thread(target=lambda: found.append(read()), daemon=True)
    reader.start()
    run("matrix", data, "--out", folder / name)
    reader.join(60)
    assert (folder / name).is_fifo()
    (folder / f"copy-{name}").write_bytes(found[0])
    assert names_in(folder / f"copy-{name}") == NAMES


def test_link_to_standard_output(data, folder):
    # This is a link as well, to a descriptor of the process.
    (folder / "out.csv").symlink_to("/dev/stdout")
    with (folder / "shown").open("wb") as shown:
        shown.write(b"before\n")
        shown.flush()
        options = {"capture_output": False, "stdout": shown}
        done = process("matrix", data, "--out", folder / "out.csv", "--top", 0, **options)
    assert done.returncode == 0
    lines = (folder / "shown").read_text().splitlines()
    assert lines[:2] == ["before", "column,a,b,c"]
    assert lines[5].startswith("MI in nats")
    assert sorted(each.name for each in folder.iterdir()) == ["out.csv", "shown"]


def test_full_device(data, folder):
    (folder / "out.csv").symlink_to("/dev/full")
    message = run("matrix", data, "--out", folder / "out.csv", fails=True)
    assert message.endswith(f"cannot write {folder / 'out.csv'}: No space left on device\n")


@pytest.mark.parametrize("arguments", ["info --json", "info"])
def test_full_standard_output(arguments):
    done = shell(f"$FASTMI {arguments} > /dev/full")
    assert done.returncode == 1
    assert done.stderr == "error: cannot write to standard output: No space left on device\n"


def test_standard_output_that_is_closed():
    for redirection, message in [
        (">&-", "error: standard output is closed; >/dev/null throws results away\n"),
        ("| true; exit ${PIPESTATUS[0]}", ""),
    ]:
        done = shell(f"$FASTMI info --json {redirection}")
        assert (done.returncode, done.stderr) == (1, message)


def test_full_standard_error():
    done = shell("$FASTMI methods nothing 2> /dev/full")
    assert (done.returncode, done.stdout) == (1, "")


# Signals --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wide(tmp_path_factory) -> Path:
    """Return a file whose matrix takes minutes, in one call of the library for each pair."""
    path = tmp_path_factory.mktemp("wide") / "wide.npy"
    np.save(path, np.random.default_rng(0).normal(size=(20_000, 60)))
    return path


def handles(pid: int, number: int) -> bool:
    """Return whether a process has a handler of its own for a signal."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (caught,) = (line.split()[1] for line in lines if line.startswith("SigCgt"))
    return bool(int(caught, 16) >> (number - 1) & 1)


def stopped_after(arguments: list[object], number: int) -> tuple[float, int, str]:
    """Start the command, send a signal once it works, return the seconds that it takes to end."""
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=EXAMPLES,
    )
    # Python itself handles no SIGTERM; the command does from its beginning on.
    end = time.monotonic() + 60
    while not handles(process.pid, signal.SIGTERM) and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(1)
    assert process.poll() is None
    begin = time.monotonic()
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    return time.monotonic() - begin, process.returncode, errors


@pytest.mark.parametrize(
    "number, line",
    [(signal.SIGINT, "interrupted\n"), (signal.SIGTERM, "terminated\n")],
)
def test_signal_ends_a_matrix_at_once(wide, folder, number, line):
    arguments = ["matrix", wide, "--n-jobs", 2, "--out", folder / "out.csv"]
    seconds, code, errors = stopped_after(arguments, number)
    assert (code, errors) == (128 + number, line)
    assert seconds < LIMIT_S
    assert not [*folder.iterdir()]


def test_signal_ends_reading_at_once(tmp_path, folder):
    os.mkfifo(tmp_path / "pipe.csv")
    with open(os.open(tmp_path / "pipe.csv", os.O_RDWR), "wb") as pipe:
        pipe.write(b"a,b\n1,2\n")
        pipe.flush()
        arguments = ["matrix", tmp_path / "pipe.csv"]
        seconds, code, errors = stopped_after(arguments, signal.SIGINT)
    assert (code, errors) == (130, "interrupted\n")
    assert seconds < LIMIT_S


@pytest.mark.parametrize(
    "number, code, line, left",
    [
        (signal.SIGINT, 130, "interrupted\n", 1),
        # Nobody can tidy up after this one.
        (signal.SIGKILL, -signal.SIGKILL, "", 2),
    ],
)
def test_signal_while_writing_leaves_the_old_file(folder, number, code, line, left):
    (folder / "out.csv").write_bytes(OLD)
    program = f"""
import time
from pathlib import Path
from fastmi.cli.output import replacing
from fastmi.cli.signals import end_at_signals
end_at_signals()
with replacing(Path({str(folder / "out.csv")!r})) as file:
    file.write(b"half")
    file.flush()
    print("written", flush=True)
    time.sleep(60)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=EXAMPLES,
    )
    assert process.stdout.readline() == "written\n"
    assert len([*folder.iterdir()]) == 2
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (code, line)
    assert (folder / "out.csv").read_bytes() == OLD
    assert len([*folder.iterdir()]) == left


def test_signal_that_a_shell_ignores_stays_ignored(data):
    done = shell("trap '' INT; $FASTMI info --json & sleep 0.3; kill -INT $!; wait $!")
    assert done.returncode == 0
    assert run_json("info")["version"] in done.stdout
