"""Rank the features of the diabetes data by their information about disease progression.

Run from anywhere: python examples/feature_ranking.py
"""

from pathlib import Path

import numpy as np

import fastmi

DATA = Path(__file__).parent / "data" / "diabetes.csv"

table = np.genfromtxt(DATA, delimiter=",", names=True)
target = table["progression"] / table["progression"].std()

# Features and target are scaled to unit deviation, because KSG compares distances in one with
# distances in the other. A trace of noise breaks ties, because age, sex and others are whole
# numbers, and KSG assumes that all points differ.
estimates = {
    name: fastmi.mi(table[name] / table[name].std(), target, noise=1e-10, seed=0)
    for name in table.dtype.names
    if name != "progression"
}

print("feature   MI with progression, bits")
for name, estimate in sorted(estimates.items(), key=lambda item: -item[1]):
    print(f"{name:<8} {estimate.bits:7.3f}  {'#' * round(100 * max(0.0, estimate.bits))}")
