"""Which rows a surrogate of a conditional permutation test may offer to each row."""

import numpy as np


def exchange_partners(z, size):
    """Return a matrix, shape (n, n): whether row i may get the sample of row j.

    Rows whose z equals that of `size` or more rows, themselves included, exchange with all of
    these. The others exchange with whatever is as near as the `size`-th nearest row, themselves
    included: among the rows that equal them in the columns of few values if there are enough, in
    the distance of the other columns; else among all rows.
    """
    n = len(z)
    few = np.array([len(set(column)) * 10 * size <= n for column in z.T])
    partners = np.zeros((n, n), dtype=bool)
    for i in range(n):
        same = (z == z[i]).all(axis=1)
        if same.sum() >= size:
            partners[i] = same
            continue
        pool, columns = np.ones(n, dtype=bool), np.ones(len(few), dtype=bool)
        group = (z[:, few] == z[i, few]).all(axis=1)
        if few.any() and group.sum() >= size:
            pool, columns = group, ~few
        distances = np.abs(z[:, columns] - z[i, columns]).max(axis=1)
        distances[~pool] = np.inf
        partners[i] = distances <= np.sort(distances)[size - 1]
    return partners


def exchanged_order(z, size, rng):
    """Return one order by algorithm 1 of Runge (2018), for z without ties."""
    n = len(z)
    distances = np.abs(z[:, None] - z[None]).max(axis=2)
    candidates = rng.permuted(np.argsort(distances, axis=1, kind="stable")[:, :size], axis=1)
    order = np.full(n, -1)
    for i in rng.permutation(n):
        free = [j for j in candidates[i] if j not in order]
        order[i] = free[0] if free else candidates[i][-1]
    return order
