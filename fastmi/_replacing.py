"""Replaces a file at once, so that a failure at any time leaves the old content or the new one."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


@contextmanager
def replacing(target: Path, beside: Path) -> Iterator[BinaryIO]:
    """Yield a file to write, which takes the place of `target` when it is complete and on the disk.

    It has the permissions of the old file, and its owner where that is allowed. As long as its
    writer lives, it is locked: one that is not is a leftover of a process that was killed.

    Args:
        target: What to replace, if it is there. It is no link.
        beside: Name of the file until then, in the same folder. It is removed after a failure.

    Raises:
        OSError: It cannot be written. The file that was there is there still.
    """
    old = None
    with suppress(FileNotFoundError):
        old = target.stat()
    try:
        # What replaces a private file is private from the beginning.
        with open(create(beside, 0o666 if old is None else 0o600), "wb") as file:
            yield file
            file.flush()
            if old is not None:
                _take_over(file.fileno(), old)
            os.fsync(file.fileno())
            # Inside the block, because closing the file ends the lock.
            beside.replace(target)
    finally:
        with suppress(OSError):
            beside.unlink()
    _sync_folder(target.parent)


def create(path: Path, mode: int = 0o666) -> int:
    """Make a new file, locked as long as its writer lives, and return its descriptor."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with suppress(OSError):  # some network file systems know no locks
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return descriptor


def _take_over(descriptor: int, old: os.stat_result) -> None:
    """Give an open file the owner and the permissions of another."""
    # Only the superuser may give files away.
    with suppress(PermissionError):
        os.fchown(descriptor, old.st_uid, old.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(old.st_mode))


def _sync_folder(folder: Path) -> None:
    """Make the new name in the folder last, where the file system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
