"""Read CSV, TSV, Parquet, NPY and NPZ into a `Table`, from files or from standard input."""

import gzip
from io import BytesIO
from pathlib import Path

from fastmi.cli.arrays import MAGIC, read_npy, read_npz
from fastmi.cli.arrow import read_parquet
from fastmi.cli.columns import DataError, Table
from fastmi.cli.sources import (
    STDIN,
    check_file,
    check_inflated,
    contents,
    is_stream,
    most_inflated,
    read_bytes,
)
from fastmi.cli.text import read_text
from fastmi.cli.visible import reason

_DELIMITED = {".csv": "", ".tsv": "\t", ".tab": "\t", ".txt": "", ".dat": ""}
_SUFFIXES = {**dict.fromkeys(_DELIMITED, "text"), ".parquet": "parquet", ".pq": "parquet"}
_SUFFIXES |= {".npy": "npy", ".npz": "npz"}
# Standard input has no suffix; what does not begin like one of these is text. An archive without
# members begins with its end.
_MAGIC = {b"PAR1": "parquet", MAGIC: "npy", b"PK\x03\x04": "npz", b"PK\x05\x06": "npz"}
_NAMES = {"parquet": "Parquet", "npy": "NPY", "npz": "NPZ"}
_GZIP = b"\x1f\x8b"


def read_table(path: Path, *, header: bool | None = None) -> Table:
    """Read every column of a data file; the suffix says which format it is.

    Args:
        path: .csv, .tsv, .txt (any delimiter), each also with .gz behind it, .parquet, .npy or
            .npz; "-" for any of these formats on standard input; a pipe may have any name.
        header: Whether the first row of a text file holds names; None to decide by what it holds.

    Raises:
        DataError: If the file cannot be read as that format.
    """
    name = "standard input" if path == STDIN else path.name
    suffix = path.suffix.lower()
    if suffix == ".gz":
        suffix = path.with_suffix("").suffix.lower()
    try:
        if suffix not in _SUFFIXES and not is_stream(path):
            check_file(path)
            raise ValueError(
                "expected .csv, .tsv, .txt, .parquet, .npy or .npz; text may also be compressed "
                "(.csv.gz)"
            )
        raw = read_bytes(path)
        if raw.startswith(_GZIP):
            raw = _decompressed(raw)
        found = _kind_of(raw)
        kind = _SUFFIXES.get(suffix, found)
        if kind == "text" != found:
            raise ValueError(f"it is named as text and holds {_NAMES[found]}; rename it")
        if kind == "text":
            return read_text(name, raw, _DELIMITED.get(suffix, ""), header)
        if kind == "parquet":
            return Table(name, tuple(read_parquet(BytesIO(raw))))
        if kind == "npy":
            return Table(name, tuple(read_npy(BytesIO(raw), len(raw))))
        columns, groups = read_npz(BytesIO(raw), len(raw))
        return Table(name, tuple(columns), groups)
    except DataError:
        raise
    # zipfile, zlib, csv, NumPy and pyarrow raise errors of all kinds at damaged files, and some of
    # their kinds no other name than this one covers.
    except Exception as error:
        raise DataError(f"cannot read {path}: {reason(error)}") from error


def _decompressed(raw: bytes) -> bytes:
    with gzip.GzipFile(fileobj=BytesIO(raw)) as file:
        # One byte more than allowed tells a file that is too long from one that just fits.
        data = contents(file, most_inflated(len(raw)) + 1, "", stop=True)
    check_inflated(len(data), len(raw))
    return data


def _kind_of(raw: bytes) -> str:
    kind = next((kind for magic, kind in _MAGIC.items() if raw.startswith(magic)), "text")
    # PAR1 is also the name of a gene, which may head a column; Parquet ends with it as well.
    return "text" if kind == "parquet" and not raw.endswith(raw[:4]) else kind
