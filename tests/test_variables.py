"""What columns are taken for, which are left out and why, and which rows are kept."""

import numpy as np
import pytest

import fastmi
from fastmi._table import read_table
from fastmi.estimators.auto.kinds import kinds_of
from fastmi.statistics._variables import copies_caution, decide, read_variables
from passengers import passengers


def kinds(X, **options):
    used, _ = read_variables(X, "X", **options)
    return {variable.label: variable.kind.name for variable in used}


@pytest.fixture
def table(rng):
    n = 200
    return {
        "normal": rng.standard_normal(n),
        "rounded": np.round(rng.standard_normal(n), 1),
        "levels": rng.integers(0, 4, n),
        "counts": rng.poisson(60, n),
        "zeros": np.where(rng.random(n) < 0.5, 0.0, rng.standard_normal(n)),
        "names": rng.choice(["a", "b", "c"], n),
        "flag": rng.random(n) < 0.5,
    }


class TestKinds:
    def test_of_each_column(self, table):
        assert kinds(table) == {
            "normal": "continuous",
            "rounded": "continuous",
            "levels": "classes",
            "counts": "continuous",
            "zeros": "mixture",
            "names": "classes",
            "flag": "classes",
        }

    def test_are_those_of_auto_where_there_are_no_names(self, table):
        numbers = {name: table[name] for name in ("normal", "rounded", "levels", "counts", "zeros")}
        for name, own in kinds(numbers).items():
            block = np.asarray(numbers[name], dtype=float).reshape(-1, 1)
            assert kinds_of([block], [False])[0].name == own

    def test_missing_rows_have_no_say(self, table):
        """The value beneath a gap would be an atom."""
        table["normal"][:80] = np.nan
        assert kinds(table, missing="pairwise")["normal"] == "continuous"

    def test_codes_are_numbered_without_gaps(self, rng):
        used, _ = read_variables({"a": rng.choice([3.0, 7.5, -1.0], 60)}, "X")
        assert sorted(set(used[0].values.tolist())) == [0, 1, 2]


class TestDiscrete:
    def test_all_or_none(self, table):
        table = {name: table[name] for name in ("rounded", "levels", "names")}
        assert set(kinds(table, discrete=True).values()) == {"classes"}
        assert kinds(table, discrete=False) == {
            "rounded": "continuous",
            "levels": "continuous",
            "names": "classes",
        }

    @pytest.mark.parametrize(
        "discrete",
        [["counts"], [3], [-4], (name == "counts" for name in "abc"), "counts"],
        ids=["label", "position", "from the end", "mask", "one label"],
    )
    def test_labels_positions_and_masks(self, table, discrete):
        if not isinstance(discrete, list | str):
            discrete = np.arange(7) == 3
        found = kinds(table, discrete=discrete)
        assert found["counts"] == "classes"
        # A list says which columns are classes, all of them; names are in any case.
        assert found["levels"] == "continuous"
        assert found["names"] == "classes"

    @pytest.mark.parametrize(
        "discrete, error, message",
        [
            (["counts", "nope", "also"], ValueError, "got 'nope', 'also', which is none of the 7"),
            ([9], ValueError, "got 9, which is none of the 7 columns"),
            ([True] * 3, ValueError, "got 3 entries for 7 columns"),
            (1.5, TypeError, "got discrete=1.5"),
            ("automatic", ValueError, "got 'automatic'"),
            (None, TypeError, "got discrete=None"),
        ],
        ids=str,
    )
    def test_what_names_no_column(self, table, discrete, error, message):
        with pytest.raises(error, match=message):
            read_variables(table, "X", discrete=discrete)


class TestLeftOut:
    def reasons(self, X, **options):
        return read_variables(X, "X", **options)[1]

    def test_constants_and_nothing(self, rng):
        x = rng.standard_normal(50)
        gappy = np.where(x > 0, 1.0, np.nan)
        found = self.reasons(
            {"x": x, "one": np.ones(50), "same": ["a"] * 50, "none": [None] * 50, "gappy": gappy},
            missing="pairwise",
        )
        assert found == {
            "one": "constant",
            "same": "constant",
            "none": "nothing but missing values",
            "gappy": "constant where it is not missing",
        }

    def test_names_of_rows(self, rng):
        n = 60
        found = self.reasons(
            {
                "each": [f"n{j}" for j in range(n)],
                "nearly": [f"n{j // 2 + 10 * (j % 2)}" for j in range(n)],
                "pairs": [f"n{j // 2}" for j in range(n)],
                "numerals": [f"{j}.5" for j in range(n)],
                "x": rng.standard_normal(n),
            }
        )
        assert found["each"].startswith("60 different names in 60 rows")
        assert "look like numbers: convert them" in found["numerals"]
        assert set(found) == {"each", "nearly", "numerals"}

    def test_numbers_of_the_rows(self, rng):
        """In a table that is sorted by its target they would come first."""
        n = 50
        found = self.reasons(
            {
                "from 0": np.arange(n),
                "from 1": np.arange(1.0, n + 1),
                "years": 1970 + np.arange(n),
                "gap": np.r_[0 : n - 1, n],
                "shuffled": rng.permutation(n),
            }
        )
        assert set(found) == {"from 0", "from 1"}
        assert found["from 1"].startswith("counts the rows from 1")
        assert self.reasons({"few": np.arange(19)}) == {}

    def test_problems(self, rng):
        x = rng.standard_normal(30)
        found = self.reasons(
            {"x": x, "inf": np.where(x > 1, np.inf, x), "lists": [[1], [1, 2]] * 15}
        )
        assert "infinite" in found["inf"]
        assert "list" in found["lists"]

    def test_a_warning_names_them(self, rng):
        x = rng.standard_normal((30, 3))
        x[:, 1] = 2.0
        with pytest.warns(fastmi.EstimateWarning, match=r"1 of 3 columns are left out: 1 \(consta"):
            fastmi.pairwise_mi(x)


class TestMissing:
    def test_raise_names_the_worst_and_the_choices(self):
        with pytest.raises(ValueError, match="missing values") as caught:
            read_variables(passengers(), "X")
        text = str(caught.value)
        age = passengers()["Age"]
        count, first = int(np.isnan(age).sum()), int(np.isnan(age).argmax())
        assert f"{count} in 'Age'" in text
        assert f"the first of 'Age' in row {first}" in text
        assert "in 'Embarked'" in text
        assert "Cabin" not in text  # it is left out whatever is missing
        assert "missing='pairwise'" in text
        assert "missing='drop'" in text

    def test_pairwise_keeps_the_gaps(self):
        used, left_out = read_variables(passengers(), "X", missing="pairwise")
        by_label = {variable.label: variable for variable in used}
        assert by_label["Age"].missing.sum() == np.isnan(passengers()["Age"]).sum()
        assert by_label["Sex"].missing is None
        assert set(left_out) == {"PassengerId", "Name", "Cabin"}

    def test_drop_keeps_complete_rows_and_says_how_many(self):
        table = passengers()
        (found,), cautions = decide(
            [read_table(table, "X")], ["X"], discrete="auto", missing="drop"
        )
        complete = ~np.isnan(table["Age"]) & np.array(
            [port is not None for port in table["Embarked"]]
        )
        ages = next(variable for variable in found.used if variable.label == "Age")
        np.testing.assert_array_equal(ages.values, table["Age"][complete])
        assert [caution.kind for caution in cautions] == ["dropped"]
        assert f"leaves {complete.sum()} of 891 rows" in cautions[0]

    def test_drop_looks_again_at_what_is_left(self):
        n = 40
        a = np.arange(n, dtype=float)
        a[: n // 2] = np.nan
        b = np.where(np.arange(n) < n // 2, np.arange(n), 7.0)
        (found,), _ = decide(
            [read_table({"a": a, "b": b}, "X")], ["X"], discrete="auto", missing="drop"
        )
        assert found.left_out == {"b": "in the rows that are complete, constant"}

    def test_drop_needs_rows(self):
        a, b = np.full((2, 20), np.nan)
        a[:9], b[10:] = range(9), range(10)
        with pytest.raises(ValueError, match="must leave rows to use; got 0 of 20"):
            read_variables({"a": a, "b": b}, "X", missing="drop")

    def test_an_unknown_choice(self):
        with pytest.raises(ValueError, match="missing must be one of 'raise', 'pairwise', 'drop'"):
            read_variables({"a": [1, 2]}, "X", missing="ignore")


class TestCopies:
    def caution(self, table):
        found, _ = decide([read_table(table, "X")], ["X"], discrete="auto", missing="pairwise")
        return copies_caution(found)

    def test_repeated_records_are_named(self, rng):
        x = rng.standard_normal((100, 3))
        repeated = np.vstack([x, x[:20]])
        table = {
            "a": repeated[:, 0],
            "b": repeated[:, 1],
            "c": np.where(repeated[:, 2] > 0, "u", "v"),
        }
        (caution,) = self.caution(table)
        assert caution.kind == "copies"
        assert caution.startswith("40 of 120 rows")

    def test_rounded_readings_and_classes_are_none(self, rng):
        assert (
            self.caution({"a": np.round(rng.standard_normal(500), 1), "b": rng.integers(0, 3, 500)})
            == []
        )
        assert self.caution({"a": rng.integers(0, 2, 500), "b": rng.integers(0, 3, 500)}) == []
