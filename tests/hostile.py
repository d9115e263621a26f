"""Damaged and hostile data files: a name for each kind, and how to write it.

Every entry of `FILES` is the name of a file and a function that returns what it holds. None of
them may be read: the command line answers each with one line and exit code 1.
"""

import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Callable

import numpy as np

_TABLE = np.arange(12.0).reshape(6, 2)


def npy(array: np.ndarray = _TABLE) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def npy_header(text: str, data: bytes = b"", version: int = 1) -> bytes:
    """Return an NPY file with a header of its own making."""
    header = text.encode("utf-8" if version == 3 else "latin1")
    size = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + size + header + data


def npy_of(descr: str, shape: str, data: bytes = b"", *, version: int = 1) -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}"
    return npy_header(text + "\n", data, version)


def npz(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **(arrays or {"a": _TABLE, "b": _TABLE[:, 0]}))
    return file.getvalue()


def zipped(members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def patched(raw: bytes, **fields: tuple[int, str, int]) -> bytes:
    """Return a zip file of one member with fields overwritten, in both of its headers.

    A field is an offset in the local header, a format and a value; the central directory has the
    same fields two bytes further on.
    """
    changed = bytearray(raw)
    central = raw.rindex(b"PK\x01\x02")
    for offset, form, value in fields.values():
        struct.pack_into(form, changed, offset, value)
        struct.pack_into(form, changed, central + offset + 2, value)
    return bytes(changed)


def flipped(raw: bytes, at: int) -> bytes:
    changed = bytearray(raw)
    changed[at] ^= 0xFF
    return bytes(changed)


def parquet(**columns: object) -> bytes:
    import pyarrow as pa
    from pyarrow import parquet as pq

    file = io.BytesIO()
    pq.write_table(pa.table(columns or {"a": [1.0, 2.0, 4.0], "b": [3.0, 1.0, 2.0]}), file)
    return file.getvalue()


def _bomb() -> bytes:
    """Return an NPZ file whose one array has 16 TB by its own account."""
    return patched(
        zipped({"a.npy": npy_of("'<f8'", "(2000000000000,)", b"\0" * 4096)}),
        size=(22, "<I", 0xFFFFFFF0),
    )


def _encrypted() -> bytes:
    return patched(zipped({"a.npy": npy()}), flags=(6, "<H", 1))


# What an array is written as, where only the header is of interest.
_LONG = "9" * 400


def _repeated() -> bytes:
    import warnings

    file = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w") as archive:
        warnings.simplefilter("ignore")
        for _ in range(2):
            archive.writestr("a.npy", npy())
    return file.getvalue()


def _no_columns() -> bytes:
    import pyarrow as pa
    from pyarrow import parquet as pq

    file = io.BytesIO()
    pq.write_table(pa.table({"a": [1.0, 2.0]}).select([]), file)
    return file.getvalue()


def _arrow() -> bytes:
    import pyarrow as pa

    file = io.BytesIO()
    table = pa.table({"a": [1.0, 2.0]})
    with pa.ipc.new_file(file, table.schema) as writer:
        writer.write(table)
    return file.getvalue()


def _rows_bomb() -> bytes:
    """Return a Parquet file of a few kB with 40 million equal numbers."""
    import pyarrow as pa
    from pyarrow import parquet as pq

    file = io.BytesIO()
    group = pa.table({"a": np.zeros(1_000_000, dtype=np.int8)})
    with pq.ParquetWriter(file, group.schema, compression="zstd") as writer:
        for _ in range(40):
            writer.write_table(group)
    return file.getvalue()


def _dictionary_bomb() -> bytes:
    """Return a Parquet file of a few kB: one text of 1 MB, which is in each of 100,000 rows."""
    import pyarrow as pa
    from pyarrow import parquet as pq

    indices = pa.array(np.zeros(100_000, dtype=np.int32))
    column = pa.DictionaryArray.from_arrays(indices, pa.array(["x" * 2**20]))
    file = io.BytesIO()
    pq.write_table(pa.table({"a": column}), file, compression="zstd", write_statistics=False)
    return file.getvalue()


NPY: dict[str, Callable[[], bytes]] = {
    "empty.npy": lambda: b"",
    "only_magic.npy": lambda: b"\x93NUMPY",
    "no_header.npy": lambda: b"\x93NUMPY\x01\x00\xff",
    "cut_header.npy": lambda: npy()[:40],
    "cut_data.npy": lambda: npy()[:-1],
    "garbage.npy": lambda: bytes(range(256)) * 4,
    "text.npy": lambda: b"a,b\n1,2\n3,4\n",
    "zip.npy": npz,
    "version.npy": lambda: flipped(npy(), 6),
    "huge.npy": lambda: npy_of("'<f8'", "(1000000000000, 4)", bytes(64)),
    "overflow.npy": lambda: npy_of("'<f8'", "(4294967296, 4294967296, 2)", bytes(64)),
    "wraps_to_8.npy": lambda: npy_of("'<f8'", "(2305843009213693953, 8)", bytes(64)),
    "beyond_64_bits.npy": lambda: npy_of("'<f8'", f"({_LONG},)", bytes(64)),
    "negative.npy": lambda: npy_of("'<f8'", "(-1, 8)", bytes(64)),
    "negative_twice.npy": lambda: npy_of("'<f8'", "(-2, -4)", bytes(64)),
    "float_shape.npy": lambda: npy_of("'<f8'", "(8.0,)", bytes(64)),
    "bool_shape.npy": lambda: npy_of("'<f8'", "(True,)", bytes(64)),
    "no_shape.npy": lambda: npy_of("'<f8'", "None", bytes(64)),
    "scalar.npy": lambda: npy_of("'<f8'", "()", bytes(8)),
    "no_rows.npy": lambda: npy_of("'<f8'", "(0, 3)"),
    "no_columns.npy": lambda: npy_of("'<f8'", "(3, 0)"),
    "no_columns_many_rows.npy": lambda: npy_of("'<f8'", "(1000000000000, 0)"),
    "no_rows_of_fields.npy": lambda: npy_of("[('a', '<f8'), ('t', '<U3')]", "(0,)"),
    "items_of_no_size.npy": lambda: npy_of("'<U0'", "(1000000000000,)"),
    "void_of_no_size.npy": lambda: npy_of("'|V0'", "(1000000000000,)"),
    "huge_item.npy": lambda: npy_of("('<f8', (1000000000,))", "(1,)"),
    "just_beyond_unicode.npy": lambda: npy_of("'<U1'", "(4,)", b"\x00\x00\x11\x00" * 4),
    "beyond_unicode_swapped.npy": lambda: npy_of("'>U1'", "(4,)", b"\x00\x11\x00\x00" * 4),
    "beyond_unicode.npy": lambda: npy_of("'<U1'", "(4,)", b"\xff\xff\xff\x7f" * 4),
    "objects.npy": lambda: npy(np.array([{"a": 1}, None], dtype=object)),
    "objects_in_fields.npy": lambda: npy(np.zeros(3, dtype=[("a", "f8"), ("b", "O")])),
    "objects_code.npy": lambda: npy_of("'|O'", "(1,)", b"cos\nsystem\n(S'touch pwned'\ntR."),
    "pickle.npy": lambda: b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00cos\nsystem\n.",
    "code.npy": lambda: npy_of("__import__('os').system('touch pwned')", "(8,)", bytes(64)),
    "unknown_type.npy": lambda: npy_of("'<z9'", "(8,)", bytes(64)),
    "number_as_type.npy": lambda: npy_of("7", "(8,)", bytes(64)),
    "nested.npy": lambda: npy_header("(" * 9000),
    "minus.npy": lambda: npy_header("-" * 9000),
    "many_brackets.npy": lambda: npy_header("{" + "[" * 90 + "]" * 90 + "}"),
    "open_string.npy": lambda: npy_header("{'descr': '<f8"),
    "indented.npy": lambda: npy_header("  \n   {'descr"),
    "escape.npy": lambda: npy_header("{'\\d': '\\x1b[31mred'}"),
    "nul_header.npy": lambda: npy_header("{\0}"),
    "long_header.npy": lambda: npy_header("{" + " " * 60_000 + "}"),
    "long_header_2.npy": lambda: npy_header("{" + " " * 3_000_000 + "}", version=2),
    "length_of_4_gb.npy": lambda: b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}",
    "no_utf8.npy": lambda: b"\x93NUMPY\x03\x00\x04\x00\x00\x00\xff\xfe\xfd\n",
}

NPZ: dict[str, Callable[[], bytes]] = {
    "empty.npz": lambda: b"",
    "garbage.npz": lambda: bytes(range(256)) * 4,
    "npy.npz": npy,
    "no_members.npz": lambda: zipped({}),
    "cut.npz": lambda: npz()[:-30],
    "cut_early.npz": lambda: npz()[:60],
    "crc.npz": lambda: flipped(zipped({"a.npy": npy()}, zipfile.ZIP_STORED), 180),
    "deflate.npz": lambda: flipped(zipped({"a.npy": npy()}), 60),
    "encrypted.npz": _encrypted,
    "compression.npz": lambda: patched(zipped({"a.npy": npy()}), method=(8, "<H", 99)),
    "deflate64.npz": lambda: patched(zipped({"a.npy": npy()}), method=(8, "<H", 9)),
    "no_array.npz": lambda: zipped({"readme.txt": b"hello"}),
    "no_array_in_npy.npz": lambda: zipped({"a.npy": b"hello"}),
    "empty_member.npz": lambda: zipped({"a.npy": b""}),
    "cut_member.npz": lambda: zipped({"a.npy": npy()[:-5]}),
    "huge_member.npz": lambda: zipped({"a.npy": npy_of("'<f8'", "(1000000000000,)", bytes(64))}),
    "bomb.npz": _bomb,
    "size_too_small.npz": lambda: patched(zipped({"a.npy": npy()}), size=(22, "<I", 100)),
    "repeated.npz": _repeated,
}

TEXT: dict[str, Callable[[], bytes]] = {
    "empty.csv": lambda: b"",
    "blank.csv": lambda: b"\n \n\n",
    "nul.csv": lambda: b"a,b\n1,2\n3,\x004\n",
    "nul_only.csv": lambda: bytes(4096),
    "no_encoding.csv": lambda: b"a,b\n1,\x81\n\x8d,\x90\n",
    "broken_utf16.csv": lambda: b"\xff\xfea\0,\0b\0\n\0\x00\xd8,\0",
    "odd_utf16.csv": lambda: b"\xff\xfea\0,\0b\0\n\0001",
    "quote.csv": lambda: b'a,b\n1,"2\n3,4\n',
    "ragged.csv": lambda: b"a,b\n1,2\n1,2,3\n",
    "sep_quote.csv": lambda: b'sep="\na"b\n1"2\n',
    "million_columns_ragged.csv": lambda: b"1,2\n" + b"1," * 2_000_000 + b"\n",
    "columns.csv": lambda: b"1," * 3_000_000 + b"1\n" + b"2," * 3_000_000 + b"2\n",
    "parquet.csv": parquet,
    "npy.csv": npy,
    "npz.csv": npz,
    "cut.csv.gz": lambda: gzip.compress(b"a,b\n" + b"1,2\n3,5\n" * 999)[:-12],
    "crc.csv.gz": lambda: flipped(gzip.compress(b"a,b\n1,2\n3,5\n"), -6),
    "only_magic.csv.gz": lambda: b"\x1f\x8b",
    "method.csv.gz": lambda: b"\x1f\x8b\x07\0\0\0\0\0\0\0aaaaaaaaaaaaa",
    "deflate.csv.gz": lambda: flipped(gzip.compress(b"a,b\n1,2\n3,5\n"), 12),
    "twice.csv.gz": lambda: gzip.compress(gzip.compress(b"a,b\n1,2\n3,5\n")),
    "zlib.csv.gz": lambda: zlib.compress(b"a,b\n1,2\n3,5\n"),
    "bomb.csv.gz": lambda: gzip.compress(b"1," * 2**20, 9) * 20,
}

PARQUET: dict[str, Callable[[], bytes]] = {
    "empty.parquet": lambda: b"",
    "only_magic.parquet": lambda: b"PAR1",
    "both_magics.parquet": lambda: b"PAR1PAR1",
    "footer_length.parquet": lambda: b"PAR1" + bytes(16) + b"\xff\xff\xff\x7fPAR1",
    "cut.parquet": lambda: parquet()[:-5],
    "cut_pages.parquet": lambda: parquet()[:4] + parquet()[40:],
    "page.parquet": lambda: flipped(parquet(), 5),
    "footer.parquet": lambda: flipped(parquet(), -20),
    "text.parquet": lambda: b"a,b\n1,2\n",
    "no_rows.parquet": lambda: parquet(a=np.empty(0)),
    "no_columns.parquet": _no_columns,
    "arrow.parquet": _arrow,
    "dictionary_bomb.parquet": _dictionary_bomb,
    "rows_bomb.parquet": _rows_bomb,
}

# What is wrong with these is only that they hold too few samples or columns for an estimate.
READABLE = ("footer.parquet",)
FILES = {**NPY, **NPZ, **TEXT, **PARQUET}
