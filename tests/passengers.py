"""A table like that of the passengers of a ship: names, categories, gaps, zeros and a target."""

import numpy as np

#: Columns, in the order of the table.
COLUMNS = (
    "PassengerId",
    "Survived",
    "Pclass",
    "Name",
    "Sex",
    "Age",
    "SibSp",
    "Fare",
    "Cabin",
    "Embarked",
)


def passengers(n=891, seed=0):
    """Return the columns as a dictionary; None and NaN stand for what is missing.

    Survival depends on sex, class and childhood, fares on the class; the port and the number of
    siblings say next to nothing, the identifier nothing at all.
    """
    rng = np.random.default_rng(seed)
    level = rng.choice([1, 2, 3], size=n, p=[0.24, 0.21, 0.55])
    sex = np.where(rng.random(n) < 0.35, "female", "male")
    age = np.round(np.clip(rng.normal(44 - 6.0 * level, 13, n), 0.4, 80))
    log_odds = -2.0 + 2.6 * (sex == "female") - 1.0 * (level - 2) + 1.5 * (age < 12)
    survived = (rng.random(n) < 1 / (1 + np.exp(-log_odds))).astype(int)
    fare = np.round(np.exp(rng.normal(4.4 - 0.9 * (level - 1), 0.5, n)), 2)
    fare[rng.random(n) < 0.15] = 0.0
    age[rng.random(n) < 0.2] = np.nan
    cabin = [
        f"{'ABCDE'[int(d)]}{number}" if here else None
        for d, number, here in zip(
            rng.integers(0, 5, n), rng.integers(1, 130, n), rng.random(n) < 0.23, strict=True
        )
    ]
    port = [
        None if gone else str(each)
        for each, gone in zip(
            rng.choice(["S", "C", "Q"], size=n, p=[0.7, 0.2, 0.1]),
            rng.random(n) < 0.01,
            strict=True,
        )
    ]
    return {
        "PassengerId": np.arange(1, n + 1),
        "Survived": survived,
        "Pclass": level,
        "Name": [f"Passenger, Mr. {number}" for number in rng.permutation(n)],
        "Sex": sex,
        "Age": age,
        "SibSp": rng.poisson(0.5, n),
        "Fare": fare,
        "Cabin": cabin,
        "Embarked": port,
    }
