"""Damages data files until a reader of the command line crashes, hangs or takes what is no data.

    python tests/fuzz/fuzz_readers.py [--seconds 60] [--corpus DIR] [--keep DIR] [FILE ...]

atheris (libFuzzer) changes files so that new lines of the readers run. Such a file may become a
table, or a `DataError` of one line that a terminal can show. Everything else is a finding: another
error, an error inside of fastmi that it did not raise itself, 10 seconds for one file, 3 GB.
A finding is written to --keep and ends the run with an exit code other than 0. With FILEs, as
findings are, only these are read.

The first byte of a case says which kind of file the rest is; see `KINDS`.
"""

import argparse
import gzip
import os
import sys
import tempfile
import traceback
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import atheris

# The folder with what the tests share.
sys.path.insert(0, str(Path(__file__).parent.parent))

with atheris.instrument_imports(include=["fastmi.cli", "zipfile", "gzip", "numpy.lib"]):
    import hostile
    from fastmi.cli import sources
    from fastmi.cli.columns import DataError
    from fastmi.cli.notes import left_out, notes_on, shape_notes, usable_columns
    from fastmi.cli.readers import read_table
    from fastmi.cli.render import shortened
    from fastmi.cli.samples import as_samples
    from fastmi.cli.visible import visible

_MEMORY = 300_000_000
_MOST_SECONDS = 10
_MOST_MB = 3000
# Libraries raise these at damaged files; the readers themselves never do on purpose.
_MISTAKES = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NameError,
    RecursionError,
    TypeError,
)


def _in_archive(content: bytes) -> bytes:
    """Return an archive with a sound checksum, so that its member is looked at."""
    return hostile.zipped({"a.npy": content}, zipfile.ZIP_STORED)


def _compressed(content: bytes) -> bytes:
    return gzip.compress(content, 1)


def _as_it_is(content: bytes) -> bytes:
    return content


# Name of the file, and what is done to the bytes of a case before they are written to it.
KINDS: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("data.npy", _as_it_is),
    ("data.npz", _as_it_is),
    ("data.npz", _in_archive),
    ("data.csv", _as_it_is),
    ("data.tsv", _as_it_is),
    ("data.csv.gz", _as_it_is),
    ("data.csv.gz", _compressed),
    ("data.parquet", _as_it_is),
]


class Finding(Exception):
    """What a reader must not do."""


def read(case: bytes, folder: Path) -> None:
    """Read a case as the commands do.

    Raises:
        Finding: With what happened.
    """
    name, change = KINDS[case[0] % len(KINDS)]
    path = folder / name
    path.write_bytes(change(case[1:]))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _use(path)
    except DataError as error:
        _check_message(error)
        _check_cause(error.__cause__)
    except MemoryError:
        return
    except Exception as error:  # whatever it is, users would see its traceback
        raise Finding("an error that is no DataError") from error
    finally:
        path.unlink()


def _read(case: bytes, folder: Path) -> None:
    try:
        if case:
            read(case, folder)
    except Finding:
        # libFuzzer shows only the last of a chain of errors.
        traceback.print_exc()
        raise


def _use(path: Path) -> None:
    table = read_table(path)
    usable = usable_columns(table, classes=True)
    numbers = usable_columns(table, classes=False)
    shown = [*table.notes, *left_out(table, classes=False), *notes_on(usable), *shape_notes(table)]
    for line in [*shown, shortened([column.name for column in table.columns])]:
        visible(line).encode()
    table.select(["0", "0:1"])
    for chosen, classes in ((numbers, ()), (usable, range(len(usable)))):
        if chosen:
            blocks = [[column] for column in chosen]
            as_samples(table, blocks, drop_missing=True, scale="none", classes=classes)


def _check_message(error: DataError) -> None:
    for line in error.lines:
        text = visible(line)
        text.encode()
        if not line or "\n" in text or "Traceback" in text:
            raise Finding(f"a message that is not one line: {text!r}") from error


def _check_cause(cause: BaseException | None) -> None:
    """Raise Finding if an error comes from a mistake of the readers, and not from a library."""
    if cause is None or isinstance(cause, DataError | MemoryError):
        return
    *_, (frame, _) = traceback.walk_tb(cause.__traceback__)
    inside = "fastmi" in Path(frame.f_code.co_filename).parts
    if isinstance(cause, SystemError) or (inside and isinstance(cause, _MISTAKES)):
        raise Finding("a mistake of the readers") from cause


def seeds() -> list[bytes]:
    """Return the cases that the tests have, and sound files of each kind."""
    found = []
    for name, make in hostile.FILES.items():
        content = make()
        kinds = [i for i, (file, _) in enumerate(KINDS) if name.endswith(file.partition(".")[2])]
        if len(content) < 2**16:
            found += [bytes([kind]) + content for kind in kinds]
    npy = [hostile.npy(), hostile.npy_of("[('a', '<f4'), ('b', '|S3')]", "(2,)", bytes(14))]
    found += [bytes([kind]) + content for content in npy for kind in (0, 2)]
    texts = [
        b"a,b\n1,2\n3,4\n",
        b"# a b\n1.5 2e3\n3,5 NA\n",
        b'"x; y";z\n1,5;"2"\n-1.234,5;12%\n',
        b"sep=;\nid;2019-01-02;true\n1;9007199254740993;#N/A\n",
        b"\xef\xbb\xbfa\tb\r\n1\t\xe92\r\n",
        "a,b\n1,é\n".encode("utf-16"),
    ]
    found += [bytes([kind]) + content for content in texts for kind in (3, 4, 6)]
    parquet = [
        hostile.parquet(),
        hostile.parquet(
            a=["u", "v", None, "u"], b=[[1], [2], None, []], c=[True, None, False, True]
        ),
        hostile.parquet(a=[1, 2**60, None], b=[b"1", b"x", None]),
    ]
    return found + [bytes([7]) + content for content in parquet]


def main() -> None:
    """Read the command line and fuzz."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=60, help="how long (default 60)")
    parser.add_argument("--corpus", type=Path, help="folder of cases to begin with and to add to")
    parser.add_argument("--keep", type=Path, default=Path(), help="folder for findings")
    parser.add_argument("--seed", type=int, default=1, help="seed of the changes (default 1)")
    parser.add_argument("files", type=Path, nargs="*", help="cases to read once")
    options = parser.parse_args()
    # Files in memory: a case takes a millisecond.
    memory = Path("/dev/shm")
    scratch = tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None)
    folder = Path(scratch.name)
    sources.most_bytes = lambda: _MEMORY
    for file in options.files:
        read(file.read_bytes(), folder)
    if options.files:
        return
    corpus = options.corpus or folder / "corpus"
    corpus.mkdir(exist_ok=True)
    for number, case in enumerate(seeds()):
        (corpus / f"seed-{number:03}").write_bytes(case)
    flags = [
        f"-max_total_time={options.seconds}",
        f"-timeout={_MOST_SECONDS}",
        f"-rss_limit_mb={_MOST_MB}",
        f"-artifact_prefix={options.keep}{os.sep}",
        f"-seed={options.seed}",
        "-max_len=20000",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *flags, str(corpus)], lambda case: _read(case, folder))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
