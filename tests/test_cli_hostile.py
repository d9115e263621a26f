"""Files that are damaged, made to do harm or no files: one line, no estimate, no other effect."""

import io
import json
import os
import socket
import subprocess
import sys
import threading
import time
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import hostile
from command import (
    EXAMPLES,
    NAMES,
    A,
    B,
    C,
    mi_json,
    process,
    run,
    run_json,
    shell,
    write_text,
)
from fastmi.cli import process as cli_process
from fastmi.cli import sources
from fastmi.cli.app import app
from fastmi.cli.columns import DataError
from fastmi.cli.readers import read_table

# An escape sequence that colours, one that sets the title, in 8 bits as well; a forged message;
# an override of the direction of text, and what no encoding holds.
EVIL = "\x1b[31mred\x1b]0;title\x07 \x9b2J\nerror: forged\r\b\u202egnp\u2028\ud800"
MEMORY = 400_000_000


@pytest.fixture
def small_memory(tmp_path, monkeypatch):
    """Let files be read as on a machine of 400 MB, whatever this one has."""
    limit = tmp_path / "memory.max"
    limit.write_text(f"{MEMORY}\n")
    monkeypatch.setattr(sources, "_CGROUP_LIMIT", limit)


def refusal(path: str) -> str:
    """Return what the command says of a path where there is no file."""
    result = CliRunner().invoke(app, ["matrix", path])
    assert result.exit_code == 2
    return result.output


def in_terminal(monkeypatch, *arguments: object, encoding: str = "utf-8") -> tuple[int, str, str]:
    """Run the command on streams of an encoding, as its process does; return code and output."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding) for _ in range(2)]
    with monkeypatch.context() as patch:
        patch.setattr(sys, "argv", ["fastmi", *map(str, arguments)])
        patch.setattr(sys, "stdout", streams[0])
        patch.setattr(sys, "stderr", streams[1])
        code = cli_process.run(app)
    for stream in streams:
        stream.flush()
    out, err = (stream.buffer.getvalue().decode(encoding) for stream in streams)
    return code, out, err


def is_shown_safely(text: str) -> bool:
    hidden = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    return not any(each != "\n" and unicodedata.category(each) in hidden for each in text)


# Contents ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", hostile.FILES)
def test_file_is_refused_in_one_line(tmp_path, monkeypatch, small_memory, name):
    monkeypatch.setattr(sources, "_HARMLESS", 2**24)
    monkeypatch.chdir(tmp_path)
    path = tmp_path / name
    path.write_bytes(hostile.FILES[name]())
    message = run("matrix", path, fails=True)
    assert message.startswith("error: ")
    assert message.count("\n") == 1
    assert len(message) < 700 + len(str(path))
    assert name in message or name in hostile.READABLE
    assert {each.name for each in tmp_path.iterdir()} == {name, "memory.max"}


@pytest.mark.parametrize(
    "name, reason",
    [
        ("zip.npy", "it is no NPY file"),
        ("huge.npy", "it is cut off: an array of shape (1000000000000, 4) and type float64 has"),
        ("negative_twice.npy", "its shape is (-2, -4)"),
        ("items_of_no_size.npy", "takes more than half of the memory"),
        ("nested.npy", "its header cannot be read"),
        ("long_header.npy", "its header has 60002 bytes; at most 10000 are read"),
        ("just_beyond_unicode.npy", "characters that Unicode does not have"),
        ("beyond_unicode_swapped.npy", "characters that Unicode does not have"),
        ("beyond_unicode.npy", "characters that Unicode does not have"),
        ("objects_code.npy", "it holds Python objects, which are not loaded"),
        ("crc.npz", "array 'a': Bad CRC-32"),
        ("encrypted.npz", "array 'a': it is encrypted"),
        ("compression.npz", "array 'a': That compression method is not supported"),
        ("no_array.npz", "it holds no arrays"),
        ("no_array_in_npy.npz", "array 'a': it is no NPY file"),
        ("bomb.npz", "more than 16.8 MB when unpacked"),
        ("bomb.csv.gz", "more than 16.8 MB when unpacked"),
        ("parquet.csv", "it is named as text and holds Parquet; rename it"),
        ("columns.csv", "has more than 25,000 cells"),
        ("dictionary_bomb.parquet", "its texts take more than half of the memory"),
        ("rows_bomb.parquet", "40,000,000 rows of 1 columns take more than half of the memory"),
    ],
)
def test_reason(tmp_path, monkeypatch, small_memory, name, reason):
    monkeypatch.setattr(sources, "_HARMLESS", 2**24)
    (tmp_path / name).write_bytes(hostile.FILES[name]())
    with pytest.raises(DataError) as error:
        read_table(tmp_path / name)
    assert reason in str(error.value)


def test_archive_whose_sizes_lie_is_not_unpacked_beyond_them(tmp_path):
    # 20 MB of zeros that are said to be 128 bytes.
    content = hostile.npy(np.zeros(2_500_000))
    lying = hostile.patched(hostile.zipped({"a.npy": content}), size=(22, "<I", len(hostile.npy())))
    (tmp_path / "data.npz").write_bytes(lying)
    with pytest.raises(DataError, match="array 'a': Bad CRC-32"):
        read_table(tmp_path / "data.npz")


def test_csv_may_begin_with_what_parquet_begins_with(tmp_path):
    # PAR1 is a gene.
    (tmp_path / "data.csv").write_text("PAR1,b\n1,2\n3,5\n")
    assert [each.name for each in read_table(tmp_path / "data.csv").columns] == ["PAR1", "b"]
    arguments = ["mi", "-", "--x", "PAR1", "--y", "b", "--k", "1"]
    result = CliRunner().invoke(app, arguments, input="PAR1,b\n1,2\n3,5\n4,9\n")
    assert result.exit_code == 0, result.output


def test_many_comments_take_no_time(tmp_path):
    lines = ["# comment"] * 50_000 + ["a,b", "1,2", "3,4"]
    (tmp_path / "data.csv").write_text("\n".join(lines))
    begin = time.process_time()
    assert len(read_table(tmp_path / "data.csv").columns) == 2
    assert time.process_time() - begin < 5  # in proportion to the square of the lines: a minute


def test_many_columns_of_large_numbers_are_read_once_more_in_all(tmp_path, monkeypatch):
    from fastmi.cli import text

    reads = []
    read = text._read_csv
    monkeypatch.setattr(text, "_read_csv", lambda *args, **kw: reads.append(1) or read(*args, **kw))
    row = ",".join(["1e20", "1.5", f"{2**60 + 1}", "9" * 400, "0" * 5000 + f"{2**60}"] * 20)
    (tmp_path / "data.csv").write_text(f"{row}\n{row.replace('1.5', '2.5')}\n")
    columns = read_table(tmp_path / "data.csv").columns
    assert len(reads) == 2
    assert [bool(column.problem) for column in columns[:2]] == [False, False]
    assert columns[0].values[0] == 1e20


def test_names_that_are_longer_than_the_file(tmp_path):
    (tmp_path / "data.csv").write_text("1")
    message = run("mi", tmp_path / "data.csv", "--x", "temperature", "--y", "0", fails=True)
    assert "no column 'temperature' in data.csv" in message


@pytest.mark.parametrize("digits", ["9" * 5000, "1" + "0" * 400])
def test_whole_numbers_of_any_length(tmp_path, digits):
    (tmp_path / "data.csv").write_text(f"a,b\n1.5,2\n{digits},4\n")
    message = run("mi", tmp_path / "data.csv", "--x", "a", "--y", "b", fails=True)
    assert "column 'a' is infinite in row 1 (line 3 of data.csv)" in message


# What is no file ------------------------------------------------------------------------------


def test_device_is_no_file():
    for device in ("/dev/zero", "/dev/urandom"):
        assert refusal(device) == f"error: cannot read {device}: it is a device\n"


def test_standard_input_that_is_endless_empty_or_closed(monkeypatch):
    for device, problem in [
        ("/dev/zero", "cannot read standard input: it is a device"),
        (os.devnull, "standard input is empty"),
    ]:
        with open(device) as stream, monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", stream)
            with pytest.raises(DataError, match=problem):
                read_table(sources.STDIN)
    done = shell("$FASTMI matrix - <&-")
    assert (done.returncode, done.stderr) == (1, "error: standard input is closed\n")


def test_standard_input_is_read_up_to_a_limit(small_memory, monkeypatch):
    monkeypatch.setattr(sources, "most_bytes", lambda: 3_000_000)
    result = CliRunner().invoke(app, ["matrix", "-"], input=b"1,2\n" * 1_000_000)
    assert result.exit_code == 1
    assert "standard input has more than 3 MB, which is half of the memory" in result.output


def test_pipe_without_a_writer(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "PATIENCE", 0.1)
    os.mkfifo(tmp_path / "pipe.csv")
    message = run("matrix", tmp_path / "pipe.csv", fails=True)
    assert message.startswith(f"error: nothing writes into the pipe {tmp_path}")
    assert message.count("\n") == 1


@pytest.mark.parametrize("name", ["pipe.csv", "pipe"])
def test_pipe_with_a_writer_that_takes_its_time(tmp_path, name):
    write_text(tmp_path / "data.csv")
    os.mkfifo(tmp_path / name)

    def write() -> None:
        time.sleep(0.1)
        with (tmp_path / name).open("wb") as pipe:
            time.sleep(0.1)
            pipe.write((tmp_path / "data.csv").read_bytes())

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    assert mi_json(tmp_path / name) == mi_json(tmp_path / "data.csv")
    writer.join(60)


def test_process_substitution(tmp_path):
    path = write_text(tmp_path / "data.csv")
    done = shell(f"$FASTMI matrix <(cat {path}) --json")
    assert json.loads(done.stdout)["columns"] == NAMES


def test_socket_folder_and_dangling_link(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the address of a socket is short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.csv")
        assert refusal("socket.csv") == "error: cannot read socket.csv: it is a socket\n"
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "link.csv").symlink_to("nowhere")
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    for name, problem in [
        ("folder.csv", "it is a folder"),
        (".", "it is a folder"),
        ("link.csv", "there is no such file"),
        ("nothing", "there is no such file"),
    ]:
        assert refusal(name) == f"error: cannot read {name}: {problem}\n"
    for name, problem in [
        ("loop.csv", "Too many levels of symbolic links"),
        ("x" * 300, "File name too long"),
    ]:
        assert run("matrix", name, fails=True) == f"error: cannot read {name}: {problem}\n"


@pytest.mark.skipif(os.getuid() == 0, reason="the superuser may read everything")
def test_file_without_permission(tmp_path):
    path = write_text(tmp_path / "data.csv")
    path.chmod(0)
    assert run("matrix", path, fails=True) == f"error: cannot read {path}: Permission denied\n"


def test_size_is_checked_before_reading(tmp_path, small_memory):
    with (tmp_path / "data.csv").open("wb") as file:
        file.truncate(10**13)
    message = run("matrix", tmp_path / "data.csv", fails=True)
    assert "data.csv has more than 200 MB, which is half of the memory" in message


@pytest.mark.parametrize("change", [b"5,6\n", None])
def test_file_that_changes_while_it_is_read(tmp_path, monkeypatch, change):
    path = write_text(tmp_path / "data.csv")
    read = sources.contents

    def slowly(*args, **options):
        raw = read(*args, **options)
        with path.open("ab") as file:
            file.write(change) if change else file.truncate(10)
        return raw

    monkeypatch.setattr(sources, "contents", slowly)
    message = run("matrix", path, fails=True)
    assert message == f"error: {path} changed while it was read; wait until it is complete\n"


def test_memory_is_bounded_by_the_limit_of_the_process(tmp_path):
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (2**32, 2**32))\n"
        "from fastmi.cli.sources import most_bytes; print(most_bytes())"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=True, capture_output=True, cwd=EXAMPLES)
    assert int(done.stdout) <= 2**31


# The terminal ---------------------------------------------------------------------------------


def evil_csv(folder: Path) -> Path:
    rows = zip(A.tolist(), B.tolist(), C.tolist(), strict=True)
    name = EVIL.replace("\ud800", "").replace("\r", "")
    lines = [f'"{name}",b,c,t', *(f'{a},{b},{c},"{name}"' for a, b, c in rows)]
    (folder / "data.csv").write_text("\n".join(lines), encoding="utf-8")
    return folder / "data.csv"


def evil_npz(folder: Path) -> Path:
    # There are no lone surrogates in the names of an archive, but in the cells of a column.
    path = folder / "data.npz"
    key = EVIL.replace("\ud800", "")
    path.write_bytes(
        hostile.zipped(
            {
                f"{key}.npy": hostile.npy(A),
                "b.npy": hostile.npy(B),
                "t.npy": hostile.npy(np.full(len(A), EVIL)),
            }
        )
    )
    return path


@pytest.mark.parametrize("write", [evil_csv, evil_npz])
@pytest.mark.parametrize(
    "arguments",
    [
        ["matrix"],
        ["matrix", "--json"],
        ["matrix", "--method", "ksg1"],
        ["rank", "--target", "b"],
        ["rank", "--target", "0"],
        ["rank", "--target", "b", "--json"],
        ["rank", "--target", "t"],
        ["rank", "--target", f"b{EVIL}"],
        ["test", "--x", "0", "--y", "b", "--permutations", "19"],
        ["lag", "--x", "0", "--y", "b", "--max-lag", "1"],
        ["te", "--max-lag", "1", "--permutations", "19"],
        ["te", "--max-lag", "1", "--permutations", "19", "--json"],
        ["mi", "--x", "0", "--y", "b"],
        ["mi", "--x", "0", "--y", "b", "--json"],
        ["mi", "--x", "t", "--y", "b"],
        ["mi", "--x", "0,b", "--y", "0"],
        ["mi", "--x", "nothing", "--y", "b"],
        ["mi", "--x", "0", "--y", "b", "--k", f"3{EVIL}"],
        ["mi", "--x", "0", "--y", "b", "-o", f"{EVIL}=1"],
        ["mi", "--x", "0", "--y", "b", "--method", EVIL],
    ],
)
def test_nothing_is_shown_that_a_terminal_would_obey(tmp_path, write, arguments):
    path = write(tmp_path)
    command, *options = arguments
    options = [each.replace("\ud800", "") for each in options]
    result = CliRunner().invoke(app, [command, str(path), *options])
    assert isinstance(result.exception, SystemExit | None)
    assert is_shown_safely(result.output)
    assert not any(line.startswith("error: forged") for line in result.output.splitlines())


def test_json_holds_names_as_they_are(tmp_path):
    names = run_json("matrix", evil_csv(tmp_path))["columns"]
    # White space at the ends of a name is dropped, and U+2028 is one.
    assert names[0] == EVIL.replace("\ud800", "").replace("\r", "").rstrip("\u2028")


def test_names_of_files_are_shown_safely(tmp_path, monkeypatch):
    name = os.fsencode(tmp_path) + b"/\x1b[31m\xff.csv"
    os.rename(os.fsencode(write_text(tmp_path / "data.csv")), name)
    done = process("mi", name, "--x", "a", "--y", "z", encoding="utf-8")
    json_text = in_terminal(monkeypatch, "mi", os.fsdecode(name), "--x", "a", "--y", "b", "--json")
    for text in (done.stdout + done.stderr, "".join(json_text[1:])):
        assert "Traceback" not in text
        assert is_shown_safely(text)
        assert r"\udcff" in text
    missing = "error: cannot read nothing\\x1b[31m.csv: there is no such file\n"
    assert refusal("nothing\x1b[31m.csv") == missing
    code, _, errors = in_terminal(monkeypatch, "mi", tmp_path, "--x\x1b[31m")
    assert code == 2
    assert r"No such option: --x\x1b[31m" in errors


def test_long_names_are_cut(tmp_path):
    (tmp_path / "data.csv").write_text(f"{'x' * 10**6},b\n1,u\n2,v\n")
    message = run("mi", tmp_path / "data.csv", "--x", "0", "--y", "nothing", fails=True)
    assert len(message) < 12_000
    assert len(run("mi", tmp_path / "data.csv", "--x", "0", "--y", "b", fails=True)) < 12_000


def test_terminal_of_another_encoding(tmp_path, monkeypatch):
    text = write_text(tmp_path / "data.csv").read_text().replace("a", "中é", 1)
    (tmp_path / "data.csv").write_text(text, encoding="utf-8")
    code, out, errors = in_terminal(monkeypatch, "matrix", tmp_path / "data.csv", encoding="ascii")
    assert (code, errors) == (0, "")
    assert r"\u4e2d\xe9" in out
    _, out, _ = in_terminal(
        monkeypatch, "matrix", tmp_path / "data.csv", "--json", encoding="ascii"
    )
    assert json.loads(out)["columns"][0] == "中é"
