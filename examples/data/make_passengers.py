"""Write passengers.csv: invented passengers of a ship that sank, with gaps, text and ids.

The names, numbers and fates come from a seeded generator: nobody in the file has lived, and the
file says nothing about any real ship. It has what such tables bring: ids and names that differ in
every row, text with few values, counts, ages with gaps, fares with zeros and heavy tails, a column
that is mostly empty, dates.

Run from anywhere: python examples/data/make_passengers.py
"""

import csv
import io
from pathlib import Path

import numpy as np

N = 900
FIRST = [
    "Ada",
    "Bo",
    "Cleo",
    "Dov",
    "Edda",
    "Finn",
    "Gala",
    "Hugo",
    "Iris",
    "Jory",
    "Kaia",
    "Levi",
    "Mona",
    "Nils",
    "Orla",
    "Piet",
]
LAST = [
    "Amber",
    "Brook",
    "Cliff",
    "Dale",
    "Ember",
    "Frost",
    "Grove",
    "Heath",
    "Isle",
    "Jasper",
    "Knoll",
    "Lake",
    "Moor",
    "North",
]


def passengers() -> str:
    """Return the file as text."""
    rng = np.random.default_rng(7)
    cabin_class = rng.choice([1, 2, 3], N, p=[0.24, 0.21, 0.55])
    sex = rng.choice(["female", "male"], N, p=[0.36, 0.64])
    age = np.clip(rng.normal(42 - 6 * cabin_class, 13, N), 0.5, 80).round(1)
    relatives = np.minimum(rng.poisson(0.5, N), 6)
    # Some travel for nothing; the others pay by class and family, and a few very much.
    fare = (np.exp(rng.normal(5.2 - 0.9 * cabin_class, 0.45, N)) * (1 + 0.6 * relatives)).round(2)
    fare[rng.random(N) < 0.02] = 0.0
    port = np.where(
        rng.random(N) < 0.3 * (cabin_class == 1),
        "Cove",
        rng.choice(["South", "Queens", "Cove"], N, p=[0.72, 0.1, 0.18]),
    )
    deck = np.where((cabin_class == 1) & (rng.random(N) < 0.8), rng.choice(list("ABCDE"), N), "")
    booked = np.datetime64("1898-01-01") + rng.integers(0, 100, N)
    chance = -0.7 + 3.0 * (sex == "female") - 1.8 * (cabin_class - 2) - 0.12 * (age - 30)
    survived = rng.random(N) < 1 / (1 + np.exp(-chance))
    no_age = rng.random(N) < 0.2
    no_port = rng.random(N) < 0.003
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        [
            "passenger",
            "name",
            "class",
            "sex",
            "age",
            "relatives",
            "ticket",
            "fare",
            "deck",
            "port",
            "booked",
            "survived",
        ]
    )
    for i in range(N):
        name = f"{LAST[rng.integers(len(LAST))]}, {FIRST[rng.integers(len(FIRST))]} ({i})"
        writer.writerow(
            [
                i + 1,
                name,
                cabin_class[i],
                sex[i],
                "" if no_age[i] else age[i],
                relatives[i],
                f"T{rng.integers(10**5, 10**6)}",
                fare[i],
                deck[i],
                "" if no_port[i] else port[i],
                booked[i],
                "yes" if survived[i] else "no",
            ]
        )
    return text.getvalue()


if __name__ == "__main__":
    (Path(__file__).parent / "passengers.csv").write_text(passengers(), encoding="utf-8")
