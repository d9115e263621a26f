"""Reads a data file, a pipe or standard input into memory, of which it takes a bounded part."""

import os
import resource
import stat
import sys
import time
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Protocol

from fastmi.cli.columns import DataError, NoFileError

STDIN = Path("-")
# Seconds that a pipe may be without a program at its other end.
PATIENCE = 3.0
_PAUSE = 0.02
_CHUNK = 2**20
# Numbers that shrink to a 200th are nearly all the same; below this size they may.
_HARMLESS = 2**30
_MOST_SHRUNK = 200
_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISCHR, "a device"),
)


class Readable(Protocol):
    """What has a method `read`, as files have."""

    def read(self, size: int, /) -> bytes | None:
        """Return at most `size` bytes, none of them at the end."""


def is_stream(path: Path) -> bool:
    """Return whether `path` is a pipe or standard input, whose name need not tell its format."""
    return path == STDIN or path.is_fifo() or path.parts[:2] == ("/", "dev")


def read_bytes(path: Path) -> bytes:
    """Return what a file, a pipe or standard input holds.

    Raises:
        NoFileError: It is not there, or a folder, a socket or a device.
        DataError: Nothing writes into the pipe, the file changes while it is read, or it would
            take more than half of the memory.
        OSError: It cannot be opened or read.
    """
    if path == STDIN:
        return _read_stdin()
    check_file(path)
    # Opening a pipe that nobody writes to would wait for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    with open(descriptor, "rb", buffering=0) as file:
        status = os.fstat(descriptor)
        _check_kind(status, str(path))
        if stat.S_ISFIFO(status.st_mode):
            first = _first_part(descriptor, path)
            os.set_blocking(descriptor, True)
            return contents(file, most_bytes(), str(path), first)
        if status.st_size > most_bytes():
            raise DataError(_too_large(str(path), most_bytes()))
        # Files of the system have no size. One that a program goes on writing to has no end.
        most = status.st_size or most_bytes()
        raw = contents(file, most, str(path), stop=True)
        _check_same(status, os.fstat(descriptor), len(raw), path)
    return raw


def check_file(path: Path) -> None:
    """Raise NoFileError if there is nothing, or nothing that a program can read to its end."""
    try:
        status = path.stat()
    except FileNotFoundError as error:
        raise NoFileError(f"cannot read {path}: there is no such file") from error
    _check_kind(status, str(path))


def contents(
    file: Readable, most: int, name: str, first: bytes = b"", *, stop: bool = False
) -> bytes:
    """Return `first` and what `file` holds.

    Args:
        file: It is read to its end.
        most: Number of bytes.
        name: Name of the file, for messages.
        first: What was read of it before.
        stop: Leave off after `most` bytes.

    Raises:
        DataError: It holds more than `most` bytes.
    """
    parts = BytesIO()
    parts.write(first)
    limit = most if stop else most + 1
    while (room := limit - parts.tell()) > 0 and (part := file.read(min(_CHUNK, room))):
        parts.write(part)
    if parts.tell() > most:
        raise DataError(_too_large(name, most))
    return parts.getvalue()


def most_bytes() -> int:
    """Return half of the memory that this process may use, because data are also converted."""
    limits = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft != resource.RLIM_INFINITY:
        limits.append(soft)
    # Only containers have this file, and where there is no limit, "max" stands in it.
    with suppress(OSError, ValueError):
        limits.append(int(_CGROUP_LIMIT.read_text(encoding="ascii")))
    return min(limits) // 2


def most_inflated(compressed: int) -> int:
    """Return the most bytes that so many compressed ones may become."""
    return min(most_bytes(), max(_HARMLESS, _MOST_SHRUNK * compressed))


def check_inflated(size: int, compressed: int) -> None:
    """Raise ValueError if compressed data grow so much that they only fill the memory."""
    most = most_inflated(compressed)
    if size > most:
        raise ValueError(
            f"it has {_amount(compressed)} and would have more than {_amount(most)} when unpacked, "
            "which is more than this command unpacks"
        )


def _read_stdin() -> bytes:
    if sys.stdin is None:
        raise DataError("standard input is closed")
    file = sys.stdin.buffer
    # Tests put memory in the place of a file.
    with suppress(OSError):
        descriptor = file.fileno()
        status = os.fstat(descriptor)
        null = os.stat(os.devnull).st_rdev
        if not (os.isatty(descriptor) or status.st_rdev == null):
            _check_kind(status, "standard input")
    return contents(file, most_bytes(), "standard input")


def _check_kind(status: os.stat_result, name: str) -> None:
    for test, kind in _KINDS:
        if test(status.st_mode):
            raise NoFileError(f"cannot read {name}: it is {kind}")


def _first_part(descriptor: int, path: Path) -> bytes:
    """Return what a pipe holds, b"" if its writer has not written yet."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        # Without a writer the pipe is at its end; with one that is silent, reading would wait.
        try:
            part = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            return b""
        if part:
            return part
        time.sleep(_PAUSE)
    raise DataError(
        f"nothing writes into the pipe {path}; start the program that does, or send its output to "
        "standard input, which - reads"
    )


def _check_same(before: os.stat_result, after: os.stat_result, length: int, path: Path) -> None:
    """Raise DataError if a file was written to while it was read: its last row may be cut."""
    same = before.st_size == after.st_size and before.st_mtime_ns == after.st_mtime_ns
    if not same or (before.st_size and length != before.st_size):
        raise DataError(f"{path} changed while it was read; wait until it is complete")


def _too_large(name: str, most: int) -> str:
    return f"{name} has more than {_amount(most)}, which is half of the memory"


def _amount(count: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} GB"
