"""The file of a checkpoint: whole or refused, and replaced at once or not at all.

It begins with a mark, the version of the format and the length of what follows, and a digest of
all the rest, so that no change of it goes unnoticed.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import stat
import struct
from collections.abc import Sequence
from contextlib import suppress
from glob import escape
from pathlib import Path
from typing import Any

from fastmi._replacing import create, replacing

__all__ = ["prepare", "read", "write"]

# With line ends of all kinds, which a transfer as text would change.
_MARK = b"\x89fastmi run\r\n\x1a\n\0"
_VERSION = 1
_HEAD = struct.Struct("<16sIQ")
_DIGEST = 32
_BEGIN = _HEAD.size + _DIGEST
_PIECE = 1 << 24
# Number of random bytes in the name of a file beside the checkpoint.
_RANDOM = 4


def prepare(path: Path) -> None:
    """Make sure that `path` can be written, and remove what a killed process left beside it.

    Raises:
        OSError: It cannot be written.
        ValueError: There is something other than a file, such as a device.
    """
    with suppress(FileNotFoundError):
        _check_regular(path)
    for leftover in path.parent.glob(f"{escape(path.name)}.{'[0-9a-f]' * 2 * _RANDOM}.tmp"):
        _remove_unless_in_use(leftover)
    beside = _beside(path)
    try:
        os.close(create(beside))
    finally:
        beside.unlink(missing_ok=True)


def write(path: Path, content: Sequence[Any]) -> None:
    """Replace the file by one that holds the bytes of the buffers `content`.

    It is written to a file beside it first, so that whoever reads `path`, at any time and also
    after a crash, finds the old content or the new one.

    Raises:
        OSError: It cannot be written; the old file is as it was, and nothing is left beside it.
    """
    pieces = [piece for buffer in content for piece in _pieces(buffer)]
    head = _HEAD.pack(_MARK, _VERSION, sum(map(len, pieces)))
    with replacing(path, _beside(path)) as file:
        file.write(head + _digest(head, pieces))
        for piece in pieces:
            file.write(piece)


def read(path: Path) -> bytes:
    """Return the content of the file.

    Raises:
        FileNotFoundError: There is none.
        OSError: It cannot be read.
        ValueError: It is damaged, or not such a file.
    """
    # Before the file is opened, because opening a named pipe waits for somebody to write.
    _check_regular(path)
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        begin = file.read(_BEGIN)
        if begin[: len(_MARK)] != _MARK[: len(begin)] or not begin:
            raise ValueError("is no checkpoint of fastmi")
        if len(begin) < _BEGIN:
            raise ValueError(f"is damaged: it ends after {len(begin)} bytes")
        _, version, length = _HEAD.unpack_from(begin)
        # Checked before anything of this length is read.
        if size != _BEGIN + length:
            raise ValueError(f"is damaged: it has {size} bytes and says {_BEGIN + length}")
        content = file.read(length)
    if _digest(begin[: _HEAD.size], _pieces(content)) != begin[_HEAD.size :]:
        raise ValueError("is damaged: its checksum does not fit its content")
    if version != _VERSION:
        raise ValueError(f"is of version {version} of the format, not {_VERSION}")
    return content


def _check_regular(path: Path) -> None:
    if not stat.S_ISREG(path.stat().st_mode):
        raise ValueError("is no regular file")


def _pieces(buffer: Any) -> list[memoryview]:
    """Return the parts of a buffer that are written at once, after which an interrupt is heard."""
    view = memoryview(buffer)
    return [view[start : start + _PIECE] for start in range(0, len(view), _PIECE)]


def _digest(head: bytes, pieces: list[memoryview]) -> bytes:
    digest = hashlib.blake2b(head, digest_size=_DIGEST)
    for piece in pieces:
        digest.update(piece)
    return digest.digest()


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.{secrets.token_hex(_RANDOM)}.tmp")


def _remove_unless_in_use(beside: Path) -> None:
    """Remove a file beside a checkpoint unless a live process holds its lock."""
    with suppress(OSError):
        descriptor = os.open(beside, os.O_RDONLY | os.O_NONBLOCK)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            beside.unlink()
        finally:
            os.close(descriptor)
