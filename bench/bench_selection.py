"""MISelector beside scikit-learn, feature_engine and mrmr_selection: scores downstream, and times.

Columns are chosen inside each fold of a cross-validation, on its training rows alone, and three
models are then trained on the chosen columns: a linear one of standardised columns, 5 neighbours,
and a random forest. Every selector is called for each number of columns, in turns. Peers that are
not installed are named on stderr and left out:

    pip install feature_engine mrmr_selection
    python bench/bench_selection.py --json bench/results/selection.json
"""

from __future__ import annotations

import argparse
import statistics
import warnings
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, NamedTuple

import machine
import numpy as np
import render
import tasks
from timing import progress, timed

from fastmi.selection import MISelector

COUNTS = (2, 5, 10)
THREADS = 2


class Data(NamedTuple):
    """Samples, and whether the target is continuous."""

    name: str
    X: Any
    y: Any
    regression: bool


Selector = Callable[[Data, Any, Any, int], "list[int]"]
"""Function of the task, samples, target and number of columns that returns the chosen ones."""


def data_sets(quick: bool) -> Iterator[Data]:
    """Yield tables and their targets; the synthetic ones have columns that only copy others."""
    from sklearn import datasets

    yield Data("wine", *datasets.load_wine(return_X_y=True), False)
    yield Data("breast cancer", *datasets.load_breast_cancer(return_X_y=True), False)
    if quick:
        return
    yield Data("digits", *datasets.load_digits(return_X_y=True), False)
    shaped = {"n_samples": 1000, "n_features": 60, "n_informative": 5, "random_state": 0}
    madelon = datasets.make_classification(
        **shaped, n_redundant=10, n_repeated=5, n_clusters_per_class=8, class_sep=2.0
    )
    yield Data("like madelon", *madelon, False)
    yield Data("signs", *signs(), False)
    yield Data("diabetes", *datasets.load_diabetes(return_X_y=True), True)
    X, y = datasets.make_friedman1(1000, 30, noise=1.0, random_state=0)
    rng = np.random.default_rng(0)
    # Three noisy copies of each column that matters.
    copies = np.tile(X[:, :5], 3) + 0.05 * rng.standard_normal((len(X), 15))
    yield Data("Friedman with copies", np.hstack([X, copies]), y, True)


def signs() -> tuple[Any, Any]:
    """Return a target that two columns tell together and neither alone, a weak column and noise."""
    rng = np.random.default_rng(1)
    X = rng.standard_normal((1000, 30))
    y = ((X[:, 0] * X[:, 1] > 0) ^ (rng.random(1000) < 0.05)).astype(int)
    X[:, 2] += 0.8 * y
    X[:, 3] = X[:, 2] + 0.1 * rng.standard_normal(1000)
    return X, y


def selectors() -> dict[str, Selector]:
    """Return the selectors that are installed, by name."""
    found: dict[str, Selector] = {
        f"fastmi {criterion}": lambda data, X, y, m, criterion=criterion: (
            MISelector(
                m,
                criterion=criterion,
                target="continuous" if data.regression else "classes",
                n_jobs=THREADS,
            )
            .fit(X, y)
            .selected_.tolist()
        )
        for criterion in ("mim", "mrmr", "jmi", "cmim")
    }
    found["SelectKBest, mutual information"] = k_best
    for name, module, selector in (
        ("feature_engine MRMR, MID", "feature_engine.selection", feature_engine),
        ("mrmr_selection", "mrmr", mrmr),
    ):
        try:
            import_module(module)
        except ImportError as error:
            progress(f"left out: {name} ({error})")
        else:
            found[name] = selector
    return found


def k_best(data: Data, X: Any, y: Any, m: int) -> list[int]:
    from sklearn import feature_selection

    kind = "regression" if data.regression else "classif"
    score = getattr(feature_selection, f"mutual_info_{kind}")
    scores = score(X, y, random_state=0, n_jobs=THREADS)
    return np.argsort(-scores, kind="stable")[:m].tolist()


def feature_engine(data: Data, X: Any, y: Any, m: int) -> list[int]:
    selector = import_module("feature_engine.selection").MRMR(
        method="MID",
        max_features=m,
        discrete_features=False,
        regression=data.regression,
        random_state=0,
        n_jobs=THREADS,
    )
    frame = _frame(X)
    kept = set(frame.columns) - set(selector.fit(frame, y).features_to_drop_)
    return [int(name[1:]) for name in kept]


def mrmr(data: Data, X: Any, y: Any, m: int) -> list[int]:
    kind = "regression" if data.regression else "classif"
    pandas = import_module("pandas")
    choose = getattr(import_module("mrmr"), f"mrmr_{kind}")
    chosen = choose(_frame(X), pandas.Series(y), K=m, n_jobs=THREADS, show_progress=False)
    return [int(name[1:]) for name in chosen]


def _frame(X: Any) -> Any:
    return import_module("pandas").DataFrame(X, columns=[f"x{j}" for j in range(X.shape[1])])


def models(data: Data) -> list[Any]:
    """Return models of three kinds, not trained."""
    from sklearn import ensemble, linear_model, neighbors
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    trees = {"n_estimators": 100, "random_state": 0, "n_jobs": THREADS}
    if data.regression:
        return [
            make_pipeline(StandardScaler(), linear_model.Ridge()),
            make_pipeline(StandardScaler(), neighbors.KNeighborsRegressor()),
            ensemble.RandomForestRegressor(**trees),
        ]
    return [
        make_pipeline(StandardScaler(), linear_model.LogisticRegression(max_iter=1000)),
        make_pipeline(StandardScaler(), neighbors.KNeighborsClassifier()),
        ensemble.RandomForestClassifier(**trees),
    ]


def folds(data: Data, repeats: int) -> list[tuple[Any, Any]]:
    """Return the training and the test rows of each fold."""
    from sklearn import model_selection

    kind = "RepeatedKFold" if data.regression else "RepeatedStratifiedKFold"
    splitter = getattr(model_selection, kind)(n_splits=5, n_repeats=repeats, random_state=0)
    return list(splitter.split(data.X, data.y))


def measure(data: Data, repeats: int) -> list[dict[str, Any]]:
    """Return one row for each selector and number of columns."""
    scores: dict[tuple[str, int], list[list[float]]] = {}
    seconds: dict[tuple[str, int], list[float]] = {}
    offered = selectors()
    # The first call of each imports what it needs.
    for selector in offered.values():
        selector(data, data.X, data.y, 2)
    for number, (train, test) in enumerate(folds(data, repeats)):
        X, y = data.X[train], data.y[train]

        def score(chosen: list[int], X=X, y=y, test=test) -> list[float]:
            tested = data.X[test][:, chosen]
            return [
                model.fit(X[:, chosen], y).score(tested, data.y[test]) for model in models(data)
            ]

        every = list(range(data.X.shape[1]))
        scores.setdefault(("all columns", len(every)), []).append(score(every))
        turn = offered if number % 2 == 0 else dict(reversed(offered.items()))
        for name, selector in turn.items():
            for m in COUNTS:
                chosen, spent = timed(lambda s=selector, m=m, X=X, y=y: s(data, X, y, m))
                scores.setdefault((name, m), []).append(score(chosen))
                seconds.setdefault((name, m), []).append(spent)
    rows = []
    for (name, m), found in scores.items():
        by_model = np.array(found)
        spent = seconds.get((name, m))
        rows.append(
            {
                "data": data.name,
                "n": len(data.X),
                "columns": data.X.shape[1],
                "score": "R2" if data.regression else "accuracy",
                "selector": name,
                "kept": m,
                "by_model": by_model.mean(axis=0).tolist(),
                "mean": float(by_model.mean()),
                # Of the mean over folds, as if these were independent.
                "stderr": float(by_model.mean(axis=1).std(ddof=1) / len(by_model) ** 0.5),
                "seconds": statistics.median(spent) if spent else None,
            }
        )
    return rows


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    tasks.add_arguments(parser, "two data sets, five folds")
    parser.add_argument("--repeats", type=int, default=2, help="times that rows are split by five")
    parser.add_argument("--data", nargs="+", metavar="NAME", help="only these data sets")
    arguments = parser.parse_args(argv)
    rows = []
    # Some peers warn on threads of their own, where a filter of this one does not reach.
    warnings.simplefilter("ignore")
    for data in data_sets(arguments.quick):
        if arguments.data and data.name not in arguments.data:
            continue
        progress(data.name)
        rows += measure(data, 1 if arguments.quick else arguments.repeats)
    result = {"bench": "selection", "machine": machine.describe(THREADS), "rows": rows}
    render.report(result, arguments.json)


if __name__ == "__main__":
    main()
