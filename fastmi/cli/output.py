"""Writes a file whole or not at all: what stood there before is lost only to the new content."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EACCES, EISDIR
from pathlib import Path
from typing import BinaryIO

from fastmi import _replacing

_MOST_LINKS = 40
# What is being written, for a signal that ends the process without further notice.
_unfinished: set[Path] = set()


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Yield a file to write, which takes the place of `path` when it is complete and on the disk.

    The new file has the permissions of the old one, and its owner where that is allowed. A link
    stays, and the file that it points to is replaced. A pipe, a device and what stands for a
    descriptor of the process, such as /dev/stdout, are written to as they are.

    Raises:
        OSError: It cannot be written. The file that was there is there still.
    """
    target = _followed(path)
    if _is_stream(target):
        with _open_stream(target) as file:
            yield file
        return
    check_replaceable(path)
    part = target.with_name(f".fastmi-{secrets.token_hex(8)}.part")
    _unfinished.add(part)
    try:
        with _replacing.replacing(target, part) as file:
            yield file
    finally:
        _unfinished.discard(part)


def discard_unfinished() -> None:
    """Remove the files that are being written."""
    for part in tuple(_unfinished):
        with suppress(OSError):
            part.unlink()


def check_replaceable(path: Path) -> None:
    """Raise OSError if :func:`replacing` could not begin."""
    target = _followed(path)
    if _is_stream(target):
        return
    if target.is_dir():
        raise IsADirectoryError(EISDIR, os.strerror(EISDIR), str(path))
    for each in (target.parent, target):
        if each.exists() and not os.access(each, os.W_OK):
            raise PermissionError(EACCES, os.strerror(EACCES), str(each))


def _followed(path: Path) -> Path:
    """Return what a path means behind its links, but for those to descriptors of a process."""
    for _ in range(_MOST_LINKS):
        if _names_descriptor(path) or not path.is_symlink():
            break
        path = path.parent / path.readlink()
    return path.parent.resolve() / path.name


def _names_descriptor(path: Path) -> bool:
    folder = path.parent.resolve()
    return folder.name == "fd" and folder.parts[:2] == ("/", "proc")


def _is_stream(target: Path) -> bool:
    """Return whether a file must be written to as it is, because others have it open."""
    if _names_descriptor(target):
        return True
    return target.exists() and not (target.is_file() or target.is_dir())


def _open_stream(target: Path) -> BinaryIO:
    if target.parent == Path(f"/proc/{os.getpid()}/fd"):
        # To open it anew would empty a file that standard output goes to.
        return open(os.dup(int(target.name)), "wb")
    return target.open("wb")
