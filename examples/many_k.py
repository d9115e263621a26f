"""Estimate for many k in one call: agreement across k is the sign of a good estimate.

Estimates with a small k scatter, those with a large k are biased.

Run from anywhere: python examples/many_k.py
"""

from pathlib import Path

import numpy as np

import fastmi

DATA = Path(__file__).parent / "data" / "wine.csv"

table = np.genfromtxt(DATA, delimiter=",", names=True)
flavanoids = table["flavanoids"]
phenols = np.column_stack([table["total_phenols"], table["proanthocyanins"]])

print("I(flavanoids ; total phenols, proanthocyanins)")
for estimate in fastmi.mi(flavanoids, phenols, k=[1, 2, 3, 5, 10, 15]):
    print(f"k = {estimate.k:>2}   {estimate:.3f} ± {estimate.stderr:.3f} nats")
