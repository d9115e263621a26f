"""Names of columns: what the first row of a text file is, and which column has no name."""

import pytest

from command import check, table_of, values


@pytest.mark.parametrize(
    "text, names, first",
    [
        ("0,1\n1.5,2\n3,4\n2,7\n", ["0", "1"], 1.5),
        ("0,1,2\n5,6,7\n3,4,5\n", ["0", "1", "2"], 5),
        ("2019,2020,2021\n1.5,2,3\n4,5,6\n", ["2019", "2020", "2021"], 1.5),
        ("2000;2010;2020\n1,5;2;3\n4;5;6\n", ["2000", "2010", "2020"], 1.5),
    ],
)
def test_names_made_of_numbers(tmp_path, text, names, first):
    table = table_of(tmp_path, text)
    assert list(values(table)) == names
    assert table.columns[0].values[0] == first
    assert f"the first line ({', '.join(names)}) was read as column names" in "\n".join(table.notes)
    as_data = table_of(tmp_path, text, header=False)
    assert list(values(as_data)) == [f"{j}" for j in range(len(names))]
    assert as_data.columns[0].values[0] == float(names[0])


@pytest.mark.parametrize(
    "text",
    [
        "0,1\n1,0\n0,1\n1,1\n",  # two columns of zeros and ones
        "1,2,3\n4,5,6\n",
        "2019,2020\n2018,2021\n2017,2016\n",  # two columns of years
        "1.5,2\n3,4\n",
        "NA,2\n3,4\n",
        "1,5;2,5\n3,5;4,5\n",
    ],
)
def test_numbers_in_the_first_row_are_data(tmp_path, text):
    table = table_of(tmp_path, text)
    assert len(table.columns[0].values) == text.count("\n")
    assert not any("column names" in note for note in table.notes)


@pytest.mark.parametrize(
    "text, names, note",
    [
        ("5.1,3.5,setosa\n4.9,3.0,virginica\n", ["0", "1", "2"], "--header reads it as column"),
        ("country,2019,2020\nA,1.5,2\nB,3,4\n", ["country", "2019", "2020"], ""),
        ("id,400,410,430\n1,5,6,7\n2,8,9,9\n", ["id", "400", "410", "430"], "--no-header"),
        ("id,400,410,420\n1,5,6,7\n2,8,9,9\n", ["id", "400", "410", "420"], ""),
        ("n.a.,2,3\n4,5,6\n7,8,9\n", ["n.a.", "2", "3"], "--no-header reads it as data"),
        ("city,kind\nA,u\nB,v\n", ["city", "kind"], ""),
    ],
)
def test_first_row_of_words_and_numbers(tmp_path, text, names, note):
    table = table_of(tmp_path, text)
    assert list(values(table)) == names
    assert note in "".join(table.notes)
    assert bool(table.notes) == bool(note)


@pytest.mark.parametrize(
    "text",
    [
        ",x,y\n0,1.5,2\n1,3,4\n2,2,7\n",
        ",x,y\n1,1.5,2\n2,3,4\n3,2,7\n",
        "Unnamed: 0,x,y\n0,1.5,2\n1,3,4\n2,2,7\n",
        '"x" "y"\n"1" 1.5 2\n"2" 3 4\n"3" 2 7\n',  # R leaves the name out
    ],
)
def test_unnamed_row_numbers_are_left_out(tmp_path, text):
    table = table_of(tmp_path, text, "data.txt")
    assert "numbers of the rows" in table.columns[0].problem
    assert [column.values.tolist() for column in table.columns[1:]] == [[1.5, 3, 2], [2, 4, 7]]
    assert [column.name for column in table.select(["x", "2"])] == ["x", "y"]


def test_names_of_rows_without_a_name(tmp_path):
    table = table_of(tmp_path, "x y\nu 1.5 2\nv 3 4\n", "data.txt")
    assert list(values(table)) == ["unnamed_0", "x", "y"]
    assert table.columns[0].labels.tolist() == ["u", "v"]
    assert "the first column has none" in table.notes[0]


def test_pandas_names_beside_row_numbers(tmp_path):
    table = table_of(tmp_path, ",0,1,2\n0,1.5,2,3\n1,3,4,5\n")
    assert list(values(table)) == ["unnamed_0", "0", "1", "2"]
    assert table.columns[0].problem
    assert values(table)["0"] == [1.5, 3]


def test_a_number_above_words_is_a_name(tmp_path):
    check(table_of(tmp_path, "7,8\nTrue,1\nFalse,2\n"), {"7": [1, 0], "8": [1, 2]})


def test_one_number_as_a_name_beside_row_numbers(tmp_path):
    table = table_of(tmp_path, ",2000\n0,1.5\n1,3\n2,7\n")
    assert values(table)["2000"] == [1.5, 3, 7]
    assert table.columns[0].problem


def test_unnamed_column_of_data_is_kept(tmp_path):
    check(
        table_of(tmp_path, ",x\n3.5,1\n1.5,2\n2.5,3\n"),
        {"unnamed_0": [3.5, 1.5, 2.5], "x": [1, 2, 3]},
    )
