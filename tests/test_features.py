"""fastmi.rank_features: right orders on real tables, every kind of target, and what is refused."""

import pickle

import numpy as np
import pytest

import fastmi
from fastmi._symbols import as_symbols
from fastmi.estimators.discrete import Discrete
from passengers import passengers


@pytest.fixture
def table(rng):
    n = 300
    x = rng.standard_normal(n)
    return {
        "strong": x,
        "weak": x + 2 * rng.standard_normal(n),
        "noise": rng.standard_normal(n),
        "half": x > 0,
        "coin": rng.random(n) < 0.5,
        "target": x + 0.3 * rng.standard_normal(n),
    }


def quietly(function, *arguments, **options):
    """Call a function that warns of the columns that it leaves out."""
    with pytest.warns(fastmi.EstimateWarning):
        return function(*arguments, **options)


class TestTargets:
    def test_a_continuous_one(self, table):
        result = fastmi.rank_features(table, "target")
        assert result.names[:2] == ("strong", "half")
        assert set(result.names) == set(table) - {"target"}
        assert (result.target, result.target_kind) == ("target", "continuous")
        assert (np.diff(result.mi) <= 0).all()
        matrix = fastmi.pairwise_mi(table)
        for name, value in zip(result.names, result.mi, strict=True):
            # Equal values of y are ordered as those of any y.
            assert value == matrix.mi[list(table).index(name), 5]

    def test_an_array_or_a_column(self, table):
        y = table.pop("target")
        by_array = fastmi.rank_features(table, y)
        by_label = fastmi.rank_features({**table, "target": y}, "target")
        np.testing.assert_array_equal(by_array.mi, by_label.mi)
        assert by_array.target == "y"
        pandas = pytest.importorskip("pandas")
        by_column = fastmi.rank_features(pandas.DataFrame(table), pandas.Series(y, name="age"))
        np.testing.assert_array_equal(by_array.mi, by_column.mi)
        assert by_column.target == "age"

    @pytest.mark.parametrize("kind", ["strings", "booleans", "numbers", "categories"])
    def test_classes(self, table, kind):
        codes = np.digitize(table.pop("target"), [-0.5, 0.5])
        y = {
            "strings": np.array(["low", "mid", "high"])[codes],
            "booleans": codes > 0,
            "numbers": codes,
            "categories": pytest.importorskip("pandas").Categorical.from_codes(
                codes, ["low", "mid", "high"]
            ),
        }[kind]
        if kind == "categories":
            y = pytest.importorskip("pandas").Series(y)
        result = fastmi.rank_features(table, y)
        assert result.target_kind == "classes"
        assert result.names[0] == "strong"
        assert result.methods[0] == "ross"
        assert result.methods[result.names.index("half")] == "discrete"

    def test_label_of_an_array(self, rng):
        x = rng.standard_normal((60, 3))
        result = fastmi.rank_features(x, 1)
        assert set(result.names) == {0, 2}
        assert result.target == 1

    @pytest.mark.parametrize(
        "y, message",
        [
            (
                "nope",
                "y must be the label of one column of X, .*got 'nope', the label of no column",
            ),
            (7, "got 7, the label of no column"),
            (np.zeros(300), "y must be a target that varies; got 'y': constant"),
            (["same"] * 300, "y must be a target that varies; got 'y': constant"),
            ([f"row {j}" for j in range(300)], "300 different names in 300 rows"),
            (np.zeros((300, 2)), "y must be one column, shape .n,.; got 2 columns"),
            (np.arange(299.0), "got X with n=300, y with n=299"),
            (np.full(300, np.nan), "y must be a target that varies; got 'y': nothing but missing"),
        ],
        ids=str,
    )
    def test_what_is_no_target(self, table, y, message):
        with pytest.raises(ValueError, match=message):
            fastmi.rank_features(table, y)

    def test_a_label_that_repeats(self):
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame(np.random.default_rng(0).random((9, 3)), columns=["a", "b", "a"])
        with pytest.raises(ValueError, match="got 'a', the label of several columns"):
            fastmi.rank_features(frame, "a")

    def test_features_whose_labels_repeat_go_by_their_numbers_in_the_frame(self, rng):
        pandas = pytest.importorskip("pandas")
        x = rng.standard_normal(200)
        frame = pandas.DataFrame(
            np.column_stack([x, rng.standard_normal((200, 2)), x + 0.1 * rng.standard_normal(200)]),
            columns=["b", "a", "c", "a"],
        )
        result = fastmi.rank_features(frame, "b")
        assert set(result.names) == {1, 2, 3}
        assert result.names[0] == 3

    def test_a_target_alone(self, table):
        with pytest.raises(ValueError, match="must have a column beside the target"):
            fastmi.rank_features({"target": table["target"]}, "target")
        with pytest.raises(
            ValueError, match=r"at least one usable column; got none \('one': constant"
        ):
            fastmi.rank_features({"one": np.ones(300)}, table["target"])

    def test_rows_of_other_labels(self, table):
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame(table)
        moved = frame["target"].sort_values()
        with pytest.raises(ValueError, match="X and y must have the same index"):
            fastmi.rank_features(frame.drop(columns="target"), moved)


class TestLeaks:
    """The target among the features, by its own or by other names, leads the ranking."""

    def test_numbers(self, table):
        with pytest.warns(fastmi.EstimateWarning, match="it is the target 'y' itself"):
            result = fastmi.rank_features(table, np.array(table["target"]))
        assert result.warnings["target"][0].kind == "target"
        assert set(result.warnings) == {"target"}

    def test_classes_by_other_names(self, rng):
        code = rng.integers(0, 3, 90)
        table = {"code": code, "x": rng.standard_normal(90), "coarse": code // 2}
        y = np.array(["u", "v", "w"])[code]
        with pytest.warns(fastmi.EstimateWarning, match="or names the same classes"):
            result = fastmi.rank_features(table, y)
        assert set(result.warnings) == {"code"}
        # What has gaps is looked at where both are known.
        gappy = np.where(rng.random(90) < 0.3, None, y)
        with pytest.warns(fastmi.EstimateWarning, match="or names the same classes"):
            assert "code" in fastmi.rank_features(table, gappy, missing="pairwise").warnings


class TestTables:
    """Real tables, and one like a well-known one with gaps and names."""

    def test_diabetes_does_not_lead_with_sex(self):
        """Two classes have at most ln 2 nats; taken as numbers with ties they had .93."""
        data = pytest.importorskip("sklearn.datasets").load_diabetes(as_frame=True)
        result = fastmi.rank_features(data.frame, "target")
        assert set(result.names[:2]) == {"bmi", "s5"}
        at = result.names.index("sex")
        assert result.kinds[at] == "classes"
        assert abs(result.mi[at]) < 3 * result.stderr[at]

    def test_wine_with_its_names(self):
        datasets = pytest.importorskip("sklearn.datasets")
        pandas = pytest.importorskip("pandas")
        data = datasets.load_wine(as_frame=True)
        y = pandas.Series(data.target_names[data.target], name="cultivar")
        result = fastmi.rank_features(data.data, y, normalized="target")
        assert result.names[0] == "flavanoids"
        assert result.names[-1] == "ash"
        entropy = Discrete(correction="chance").entropy_of(as_symbols(y, "y")[0])
        assert entropy == pytest.approx(float(fastmi.entropy(y, method="discrete")), rel=0.01)
        np.testing.assert_allclose(result.normalized, result.mi / entropy)
        assert (result.normalized < 1).all()
        assert result == fastmi.rank_features(
            data.data, data.target.rename("cultivar"), normalized="target"
        )

    def test_breast_cancer(self):
        data = pytest.importorskip("sklearn.datasets").load_breast_cancer(as_frame=True)
        result = fastmi.rank_features(data.frame, "target")
        assert set(result.names[:3]) <= {
            "worst perimeter",
            "worst area",
            "worst radius",
            "worst concave points",
            "mean concave points",
        }
        other = pytest.importorskip("sklearn.feature_selection").mutual_info_classif(
            data.data, data.target, random_state=0
        )
        theirs = dict(zip(data.feature_names, other, strict=True))
        for name, value, error in zip(result.names, result.mi, result.stderr, strict=True):
            assert value == pytest.approx(theirs[name], abs=max(3 * error, 0.03))

    @pytest.mark.parametrize("library", ["dictionary", "pandas", "polars"])
    def test_passengers(self, library):
        data = passengers()
        if library != "dictionary":
            data = pytest.importorskip(library).DataFrame(data)
        with pytest.warns(fastmi.EstimateWarning, match=r"'PassengerId' \(counts the rows from 1"):
            result = fastmi.rank_features(data, "Survived", missing="pairwise")
        assert set(result.left_out) == {"PassengerId", "Name", "Cabin"}
        assert result.names[0] == "Sex"
        assert set(result.names[1:3]) == {"Pclass", "Fare"}
        kinds = dict(zip(result.names, result.kinds, strict=True))
        assert (kinds["Sex"], kinds["Fare"], kinds["Age"]) == ("classes", "mixture", "continuous")
        n = dict(zip(result.names, result.n, strict=True))
        assert n["Age"] == np.isfinite(passengers()["Age"]).sum()
        assert n["Sex"] == 891
        at = {name: j for j, name in enumerate(result.names)}
        for nothing in ("SibSp", "Embarked"):
            assert abs(result.mi[at[nothing]]) < 0.03
        # Truth by the law that made the table, a hundred times its size.
        large = passengers(100_000, seed=1)
        truth = float(fastmi.mi(large["Sex"], large["Survived"], method="discrete"))
        assert result.mi[at["Sex"]] == pytest.approx(truth, abs=3 * result.stderr[at["Sex"]])

    def test_passengers_with_gaps_are_refused_unless_told(self):
        with pytest.raises(ValueError, match=r"'Age'.*missing='pairwise'.*missing='drop'"):
            fastmi.rank_features(passengers(), "Survived")
        result = quietly(fastmi.rank_features, passengers(), "Survived", missing="drop")
        assert set(result.n) == {result.n[0]}
        assert result.n[0] < 891


class TestOptions:
    def test_gaps_in_the_target(self, table):
        y = table.pop("target").copy()
        y[:100] = np.nan
        result = fastmi.rank_features(table, y, missing="pairwise")
        assert set(result.n.tolist()) == {200}
        shorter = fastmi.rank_features({name: x[100:] for name, x in table.items()}, y[100:])
        np.testing.assert_array_equal(result.mi, shorter.mi)

    def test_features_with_too_few_rows_come_last(self, table):
        table["gaps"] = np.where(np.arange(300) < 5, table["strong"], np.nan)
        result = quietly(fastmi.rank_features, table, "target", missing="pairwise")
        assert result.names[-1] == "gaps"
        assert np.isnan(result.mi[-1])
        assert "few_samples" in str(result)

    def test_discrete(self, rng):
        """Whole numbers from 0 to 24 are quantities unless it is said that they are names."""
        code = rng.integers(0, 25, 500)
        hidden = rng.permutation(25)[code] % 2
        table = {"code": code, "hidden": hidden}
        as_numbers = fastmi.rank_features(table, "hidden")
        as_names = fastmi.rank_features(table, "hidden", discrete=["code"])
        assert as_numbers.kinds == ("continuous",)
        assert as_names.kinds == ("classes",)
        assert as_names.mi[0] == pytest.approx(np.log(2), abs=0.05)

    @pytest.mark.parametrize("discrete", [[1], [-2], [False, True, False], ["code"]], ids=str)
    def test_discrete_counts_the_target_where_it_is_a_column(self, rng, discrete):
        table = {
            "target": rng.standard_normal(300),
            "code": rng.integers(0, 25, 300),
            "other": rng.integers(0, 25, 300),
        }
        result = fastmi.rank_features(table, "target", discrete=discrete)
        kinds = dict(zip(result.names, result.kinds, strict=True))
        assert kinds == {"code": "classes", "other": "continuous"}

    @pytest.mark.parametrize(
        "discrete, kind",
        [(["code"], "classes"), ([True, False], "continuous"), ([1], "classes")],
        ids=str,
    )
    def test_discrete_leaves_the_target_to_its_values_unless_it_says_so(self, rng, discrete, kind):
        table = {"code": rng.integers(0, 25, 300), "target": rng.integers(0, 2, 300)}
        result = fastmi.rank_features(table, "target", discrete=discrete)
        assert result.target_kind == kind

    def test_several_k_and_threads(self, table, threads):
        several = fastmi.rank_features(table, "target", k=[3, 8], n_jobs=threads)
        assert [result.k for result in several] == [3, 8]
        for result in several:
            assert result == fastmi.rank_features(table, "target", k=result.k, n_jobs=1)

    def test_normalized_where_it_has_no_meaning(self, table):
        result = quietly(fastmi.rank_features, table, "target", normalized="target")
        assert np.isnan(result.normalized).all()

    @pytest.mark.parametrize(
        "options, error, message",
        [
            ({"k": 300}, ValueError, "k must be in"),
            ({"missing": "no"}, ValueError, "missing must be one of"),
            ({"normalized": "no"}, ValueError, "normalized must be one of .*'target'"),
            ({"n_jobs": 0}, ValueError, "n_jobs"),
            ({"noise": -1.0}, ValueError, "noise must be"),
            ({"seed": "a"}, TypeError, "seed must suit"),
        ],
        ids=str,
    )
    def test_wrong_options(self, table, options, error, message):
        with pytest.raises(error, match=message):
            fastmi.rank_features(table, "target", **options)

    def test_progress(self, table):
        calls = []
        fastmi.rank_features(table, "target", progress=lambda: calls.append(1))
        assert len(calls) == 5


class TestResult:
    def test_tidy_rows(self, table):
        result = fastmi.rank_features(table, "target")
        rows = result.to_dict()["rows"]
        assert list(rows[0]) == ["feature", "mi", "stderr", "kind", "method", "n", "warnings"]
        assert [row["feature"] for row in rows] == list(result.names)
        assert result.to_dict()["target"] == "target"
        assert len(result) == 5
        text = str(result)
        assert "information with target (continuous) in nats" in text
        assert "strong" in text.splitlines()[2]
        assert "<table>" in result._repr_html_()

    def test_top(self, table):
        result = fastmi.rank_features(table, "target")
        top = result.top(2)
        assert top.names == result.names[:2]
        assert len(top.mi) == len(top.kinds) == len(top) == 2
        assert len(result.top(99)) == 5

    def test_pickle_equality_and_frames(self, table):
        result = fastmi.rank_features(table, "target")
        assert pickle.loads(pickle.dumps(result)) == result
        assert result != fastmi.rank_features(table, "target", k=4)
        for library in ("pandas", "polars"):
            frame = pytest.importorskip(library).DataFrame(table)
            tidy = fastmi.rank_features(frame, "target").to_frame()
            assert type(tidy).__module__.startswith(library)
            assert list(tidy["mi"]) == result.mi.tolist()

    def test_warnings_are_issued_once_for_each_kind(self, rng):
        """Columns with the same fault make one warning with their number."""
        with pytest.warns(fastmi.EstimateWarning) as caught:
            fastmi.rank_features(
                {"x": rng.standard_normal(16), "y": rng.standard_normal(16)},
                rng.standard_normal(16),
            )
        texts = [str(each.message) for each in caught]
        assert len(texts) == len(set(texts)) == 1
        assert texts[0].startswith("2 of 2 features, for example")
