"""Rank the features of the diabetes data by their information about disease progression.

Run from anywhere: python examples/feature_ranking.py
"""

from pathlib import Path

import numpy as np

import fastmi

DATA = Path(__file__).parent / "data" / "diabetes.csv"

# Any table does: a data frame, a dictionary of columns, or this array with names. Whole numbers,
# ties and units need no care: each column gets the estimator that suits it.
table = np.genfromtxt(DATA, delimiter=",", names=True)
ranking = fastmi.rank_features(table, "progression", seed=0)
print(ranking)

best = ranking.top(3)
print(f"\nMost is told by {', '.join(best.names)}; in bits: {np.round(best.mi / np.log(2), 2)}")
