"""Read CSV, TSV, Parquet, NPY and NPZ into a `Table`, from files or from standard input."""

import gzip
import sys
import zipfile
import zlib
from io import BytesIO
from pathlib import Path

from fastmi.cli.arrays import read_npy, read_npz
from fastmi.cli.arrow import read_parquet
from fastmi.cli.columns import DataError, Table
from fastmi.cli.text import read_text

STDIN = Path("-")
_DELIMITED = {".csv": "", ".tsv": "\t", ".tab": "\t", ".txt": "", ".dat": ""}
_SUFFIXES = {**dict.fromkeys(_DELIMITED, "text"), ".parquet": "parquet", ".pq": "parquet"}
_SUFFIXES |= {".npy": "npy", ".npz": "npz"}
# Standard input has no suffix; what does not begin like one of these is text.
_MAGIC = {b"PAR1": "parquet", b"\x93NUMPY": "npy", b"PK\x03\x04": "npz"}
_GZIP = b"\x1f\x8b"


def read_table(path: Path, *, header: bool | None = None) -> Table:
    """Read every column of a data file; the suffix says which format it is.

    Args:
        path: .csv, .tsv, .txt (any delimiter), each also with .gz behind it, .parquet, .npy or
            .npz; "-" for any of these formats on standard input.
        header: Whether the first row of a text file holds names; None to decide by what it holds.

    Raises:
        DataError: If the file cannot be read as that format.
    """
    name = "standard input" if path == STDIN else path.name
    suffix = path.suffix.lower()
    if suffix == ".gz":
        suffix = path.with_suffix("").suffix.lower()
    if path != STDIN and suffix not in _SUFFIXES:
        raise DataError(
            f"cannot read {path}: expected .csv, .tsv, .txt, .parquet, .npy or .npz; text may "
            "also be compressed (.csv.gz)"
        )
    try:
        raw = sys.stdin.buffer.read() if path == STDIN else path.read_bytes()
        if raw.startswith(_GZIP):
            raw = gzip.decompress(raw)
        kind = _SUFFIXES.get(suffix) or _kind_of(raw)
        if kind == "text":
            return read_text(name, raw, _DELIMITED.get(suffix, ""), header)
        if kind == "parquet":
            return Table(name, tuple(read_parquet(BytesIO(raw))))
        if kind == "npy":
            return Table(name, tuple(read_npy(BytesIO(raw))))
        columns, groups = read_npz(BytesIO(raw))
        return Table(name, tuple(columns), groups)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"cannot read {path}: {error}") from error


def _kind_of(raw: bytes) -> str:
    return next((kind for magic, kind in _MAGIC.items() if raw.startswith(magic)), "text")
