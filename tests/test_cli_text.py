"""Text files as spreadsheets and other programs write them: right columns, or a clear refusal."""

import gzip
import io
import sys
from pathlib import Path

import numpy as np
import pytest

from command import A, B, check, mi_json, run, table_of, values
from fastmi.cli.columns import DataError
from fastmi.cli.readers import read_table

NAN = float("nan")


# Numbers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, a",
    [
        ("a;b\n1,5;1\n-3;2\n,5;3\n", [1.5, -3, 0.5]),
        ("a;b\n1.234,5;1\n3;2\n-12.000,25;3\n", [1234.5, 3, -12000.25]),
        ('a,b\n"1,5",1\n"2,25",2\n3,3\n', [1.5, 2.25, 3]),
        ("a\tb\n1,5e3\t1\n2\t2\n3\t3\n", [1500, 2, 3]),
        ('a,b\n"1,234",1\n"3,456,789.5",2\n7,3\n', [1234, 3456789.5, 7]),
        ("a,b\n10%,1\n20.5 %,2\n30%,3\n", [10, 20.5, 30]),
        ("a,b\n+1,1\n+2.5,2\n.5,3\n", [1, 2.5, 0.5]),
        ("a,b\n1e3,1\n2E-3,2\n-1.,3\n", [1000, 0.002, -1]),
        ("a,b\n True ,1\nFALSE,2\ntrue,3\n", [1, 0, 1]),
        ("a,b\n1 ,1\n 2,2\n\t3,3\n", [1, 2, 3]),
        ('"a","b"\n"1","1"\n"2","2"\n"3","3"\n', [1, 2, 3]),
        ("a,b\n-999,1\n0,2\n007,3\n", [-999, 0, 7]),
        (
            "a,b\n0.1234567890123456789,1\n2.2250738585072014e-308,2\n1e-320,3\n",
            [0.1234567890123456789, 2.2250738585072014e-308, 1e-320],
        ),
        ("a,b\n1,1\n" + "2,2\n" * 3 + "2.5,3\n", [1, 2, 2, 2, 2.5]),
    ],
)
def test_notations_of_numbers(tmp_path, text, a):
    table = table_of(tmp_path, text)
    assert values(table)["a"] == a
    assert values(table)["b"] == ([1, 2, 2, 2, 3] if len(a) == 5 else [1, 2, 3])


def test_decimal_commas_do_not_make_thousands_of_other_columns(tmp_path):
    # Where commas mark decimals, points group thousands: 1.234 beside 2,5 is 1234.
    check(table_of(tmp_path, "a;b\n1.234;2,5\n5.678;3,5\n"), {"a": [1234, 5678], "b": [2.5, 3.5]})
    # A point that cannot group keeps its meaning, and the file is not what it seems.
    table = table_of(tmp_path, "a;b\n0.25;2,5\n0.125;3,5\n")
    assert values(table)["a"] == [0.25, 0.125]
    assert "decimals such as '2,5' in line 2 beside others" in table.columns[1].problem


def test_thousands_or_decimals_are_not_guessed(tmp_path):
    table = table_of(tmp_path, 'a,b\n"1,234",1\n"5,678",2\n')
    assert "'1,234' in line 2: are those thousands or decimals?" in table.columns[0].problem
    # A point elsewhere in the file tells.
    table = table_of(tmp_path, 'a,b\n"1,234",1.5\n"5,678",2\n')
    check(table, {"a": [1234, 5678], "b": [1.5, 2]})
    assert "thousands" in table.columns[0].note


@pytest.mark.parametrize(
    "mark",
    [
        *("", " ", "NA", "N/A", "n/a", "#N/A", "#DIV/0!", "<NA>", ".", "-", "--", "?"),
        *("NULL", "null", "None", "nan", "NaN", "NAN", "-nan", " NA "),
    ],
)
@pytest.mark.parametrize("place", ["first", "last"])
def test_missing_markers(tmp_path, mark, place):
    if place == "first":
        check(table_of(tmp_path, f"a,b\n1,2\n{mark},4\n5,6\n"), {"a": [1, NAN, 5], "b": [2, 4, 6]})
    else:
        check(table_of(tmp_path, f"b,a\n2,1\n4,{mark}\n6,5\n"), {"b": [2, 4, 6], "a": [1, NAN, 5]})


def test_nanoseconds_keep_their_differences(tmp_path):
    start = 1_600_000_000_000_000_001
    text = f"t,b\n{start},1\n{start + 2},2\n{start + 5},3\n"
    (t, _) = table_of(tmp_path, text).columns
    assert t.values.tolist() == [0, 2, 5]
    assert f"{start} was subtracted" in t.note
    # With a missing value, too, for which other readers turn to floats.
    (t, _) = table_of(tmp_path, text + ",4\n").columns
    np.testing.assert_array_equal(t.values, [0, 2, 5, NAN])


@pytest.mark.parametrize(
    "cells, message",
    [
        ([2, 1_600_000_000_000_000_001], "float64 cannot tell apart"),
        ([99999999999999999999, 2], "beyond 64 bits"),
        ([1_600_000_000_000_000_001, 2.5], "beside fractions"),
    ],
)
def test_whole_numbers_that_would_be_rounded_are_refused(tmp_path, cells, message):
    (a, b) = table_of(tmp_path, f"a,b\n{cells[0]},1\n{cells[1]},2\n").columns
    assert message in a.problem
    assert b.values.tolist() == [1, 2]


def test_large_numbers_that_are_exact_or_no_whole_numbers(tmp_path):
    check(table_of(tmp_path, "a,b\n1e20,1\n2.5e300,2\n"), {"a": [1e20, 2.5e300], "b": [1, 2]})
    check(
        table_of(tmp_path, "a\n-6569006524307393.0\n0.5\n9007199254740994\n"),
        {"a": [-6569006524307393, 0.5, 9007199254740994]},
    )


@pytest.mark.parametrize(
    "cells, problem",
    [
        (["2019-01-01", "2019-01-02"], "dates ('2019-01-01' in line 2)"),
        (["2019-01-01 00:00:01", "2019-01-02 00:00:02"], "dates ('2019-01-01 00:00:01' in line 2)"),
        (["31/12/2019", "01/01/2020"], "dates ('31/12/2019' in line 2)"),
        (["31.12.2019", "01.01.2020"], "dates ('31.12.2019' in line 2)"),
        (["12:30:00", "12:31:00"], "times ('12:30:00' in line 2)"),
        (["u", "v"], "text ('u' in line 2)"),
        (["1", "oops"], "text in 1 of 2 cells ('oops' in line 3)"),
        (["1_000", "2_000"], "text ('1_000' in line 2)"),
        (["u%", "v%"], "text ('u%' in line 2)"),
    ],
)
def test_columns_without_numbers(tmp_path, cells, problem):
    (a, b) = table_of(tmp_path, f"a,b\n{cells[0]},1\n{cells[1]},2\n").columns
    assert a.problem == problem
    assert b.values.tolist() == [1, 2]


def test_odd_cell_among_decimal_commas_is_named(tmp_path):
    (a, _) = table_of(tmp_path, "a;b\n1,5;1\nk.A.;2\n2,5;3\n").columns
    assert a.problem == "text in 1 of 3 cells ('k.A.' in line 3)"


# Layout --------------------------------------------------------------------------------------

PLAIN = {"a": [1, 3], "b": [2, 4]}


@pytest.mark.parametrize(
    "content, name",
    [
        ("a,b\n1,2\n3,4", "data.csv"),
        ("a,b\r\n1,2\r\n3,4\r\n", "data.csv"),
        ("a,b\r1,2\r3,4\r", "data.csv"),
        ("a,b\n\n1,2\n   \n\n3,4\n\n", "data.csv"),
        ("a , b\n 1 , 2\n 3 , 4\n", "data.csv"),
        ("a;b\n1;2\n3;4\n", "data.csv"),
        ("a|b\n1|2\n3|4\n", "data.csv"),
        ("sep=;\na;b\n1;2\n3;4\n", "data.csv"),
        ("a\tb\n1\t2\n3\t4\n", "data.tsv"),
        ("a   b\n1   2\n 3  4\n", "data.txt"),
        ('"a" "b"\n1 2\n3 4\n', "data.txt"),
        ("# a b\n1 2\n3 4\n", "data.txt"),  # numpy.savetxt
        ("# made by X, in 2019\na,b\n1,2\n# half\n3,4\n", "data.csv"),
        (b"\xef\xbb\xbfa,b\n1,2\n3,4\n", "data.csv"),
        ("a,b\n1,2\n3,4\n".encode("utf-16"), "data.csv"),
        (b"\xfe\xff" + "a,b\n1,2\n3,4\n".encode("utf-16-be"), "data.csv"),
        (gzip.compress(b"a,b\n1,2\n3,4\n"), "data.csv.gz"),
        (gzip.compress(b"a\tb\n1\t2\n3\t4\n"), "DATA.TSV.GZ"),
    ],
)
def test_layouts(tmp_path, content, name):
    check(table_of(tmp_path, content, name), PLAIN)


def test_cells_that_start_like_comments(tmp_path):
    (colour, x) = table_of(tmp_path, "colour,x\n#ff0000,1\n#00ff00,2\n").columns
    assert colour.labels.tolist() == ["#ff0000", "#00ff00"]
    assert x.values.tolist() == [1, 2]
    table = table_of(tmp_path, "a,b\n1,2\n#5,6\n#N/A,3\n")
    check(table, {"a": [1, NAN], "b": [2, 3]})
    assert table.notes == ("one line that starts with # left out as comments",)


def test_space_aligned_decimal_commas(tmp_path):
    check(
        table_of(tmp_path, "a b\n1,5 2,5\n3,5  4\n", "data.txt"), {"a": [1.5, 3.5], "b": [2.5, 4]}
    )


def test_quotes(tmp_path):
    text = '"a, x",t,b\n1,"p,q",2\n3,"u\nv ""w""",4\n5, "r, s",6\n'
    (a, t, b) = table_of(tmp_path, text).columns
    assert a.name == "a, x"
    assert a.values.tolist() == [1, 3, 5]
    assert b.values.tolist() == [2, 4, 6]
    assert t.labels.tolist() == ["p,q", 'u\nv "w"', "r, s"]
    assert t.problem == "text ('p,q' in line 2)"


def test_latin_1_is_read_with_a_note(tmp_path):
    table = table_of(tmp_path, "größe,b\n1,2\n3,4\n".encode("latin-1"))
    check(table, {"größe": [1, 3], "b": [2, 4]})
    assert "read as Windows-1252" in table.notes[0]


def test_trailing_delimiters_make_an_empty_column(tmp_path):
    for text in ("a,b,\n1,2,\n3,4,\n", "a,b\n1,2,\n3,4,\n"):
        table = table_of(tmp_path, text)
        check(table, {"a": [1, 3], "b": [2, 4], "unnamed_2": [NAN, NAN]})
        assert table.columns[2].is_empty


def test_one_column(tmp_path):
    check(table_of(tmp_path, "a\n1\n3\n2\n"), {"a": [1, 3, 2]})
    check(table_of(tmp_path, "1\n3\n2\n"), {"0": [1, 3, 2]})


def test_very_long_cell(tmp_path):
    text = 't,a\n"' + "x" * 300_000 + '",1\nu,2\n'
    (t, a) = table_of(tmp_path, text).columns
    assert a.values.tolist() == [1, 2]
    assert len(t.problem) < 80


def test_very_many_columns(tmp_path):
    rows = np.random.default_rng(0).normal(size=(3, 5000))
    names = ",".join(f"c{j}" for j in range(rows.shape[1]))
    text = "\n".join([names, *(",".join(map(repr, row)) for row in rows.tolist())])
    table = table_of(tmp_path, text)
    assert len(table.columns) == rows.shape[1]
    np.testing.assert_array_equal(table.columns[-1].values, rows[:, -1])
    message = run("matrix", tmp_path / "data.csv", fails=True)
    assert "5000 columns make 12,497,500 pairs" in message
    assert len(message) < 400


@pytest.mark.parametrize(
    "content, message",
    [
        ("", "data.csv is empty"),
        (" \n\n", "data.csv is empty"),
        ("a,b\n", "data.csv has column names and no rows"),
        ("a,b\n1,2\n1,2,3\n", "line 3 of data.csv has 3 fields; expected 2, as in line 1"),
        ("a,b\n1.5,2,3\n4,5,6\n", "line 2 of data.csv has 3 fields; expected 2, as in line 1"),
        ("a,b,c\n1,2,3\n\n1,2\n4,5,6\n", "line 4 of data.csv has 2 fields; expected 3, as in line"),
        ('a,b\n"x\ny",2\n1\n', "line 4 of data.csv has 1 fields; expected 2, as in line 1"),
        ("a,a\n1,2\n", "more than one column called 'a'"),
        (b"a,b\n1,2\n3\x00,4\n", "line 3 of data.csv holds a NUL byte"),
        ("a,b\n1,2\n3,4\n".encode("utf-16-le"), "holds a NUL byte"),
        (b"a,b\n1,\x81\n", "is no text in UTF-8, UTF-16 or Windows-1252"),
        ('a,t\n1,"x\n2,y\n3,z\n', 'a quote (") that opens in line 2 of data.csv is not closed'),
    ],
)
def test_files_that_are_refused(tmp_path, content, message):
    with pytest.raises(DataError) as error:
        table_of(tmp_path, content)
    assert message in str(error.value)


def test_compressed_file_that_is_cut_short(tmp_path):
    with pytest.raises(DataError, match="cannot read"):
        table_of(tmp_path, gzip.compress(b"a,b\n1,2\n3,4\n")[:-9], "data.csv.gz")


@pytest.mark.parametrize("kind", ["csv", "npy"])
def test_standard_input(monkeypatch, kind):
    if kind == "csv":
        rows = zip(A.tolist(), B.tolist(), strict=True)
        raw = "\n".join(["a,b", *(f"{a!r},{b!r}" for a, b in rows)]).encode()
    else:
        file = io.BytesIO()
        np.save(file, np.column_stack([A, B]))
        raw = file.getvalue()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))
    table = read_table(Path("-"))
    np.testing.assert_array_equal(table.columns[1].values, B)
    assert table.source == "standard input"


def test_semicolons_and_decimal_commas_give_the_value_of_points(tmp_path):
    rows = [f"{a!r};{b!r}".replace(".", ",") for a, b in zip(A.tolist(), B.tolist(), strict=True)]
    (tmp_path / "comma.csv").write_text("\n".join(["a;b", *rows]))
    (tmp_path / "point.csv").write_text("\n".join(["a;b", *rows]).replace(",", "."))
    assert mi_json(tmp_path / "comma.csv") == mi_json(tmp_path / "point.csv")
