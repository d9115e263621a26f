"""Estimate for many k in one call: agreement across k is the sign of a good estimate.

Estimates with a small k scatter, those with a large k are biased. A trace of noise separates equal
readings; without `noise` they get the same trace, and a warning.

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
for estimate in fastmi.mi(flavanoids, phenols, k=[1, 2, 3, 5, 10, 15], noise=1e-10, seed=0):
    print(f"k = {estimate.k:>2}   {estimate:.3f} ± {estimate.stderr:.3f} nats")
