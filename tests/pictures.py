"""Results of the kinds that :mod:`fastmi.plot` draws, made by hand, and looks at what was drawn."""

from types import SimpleNamespace

import numpy as np
import pytest

import fastmi


def drawn(ax):
    """Draw the whole figure, in which what is wrong with text shows, and return the Axes."""
    ax.figure.canvas.draw()
    return ax


def pairs_of(values, labels=None, **fields):
    """Return a result like that of pairwise_mi, with data frames if there are labels."""
    names = ("mi", "normalized", "p_value", "q_value", "p_corrected")
    found = {"mi": values, **dict.fromkeys(names[1:]), **fields}
    if labels is not None:
        pd = pytest.importorskip("pandas")
        rows, columns = labels if isinstance(labels, tuple) else (labels, labels)
        found = {
            name: None if each is None else pd.DataFrame(each, index=rows, columns=columns)
            for name, each in found.items()
        }
    return SimpleNamespace(**found)


def blocks(rng, count, groups):
    """Return a matrix with information inside groups alone, and the group of each column."""
    group = rng.permutation(np.arange(count) % groups)
    values = np.where(group[:, None] == group, 0.5, 0.01) + 0.005 * rng.random((count, count))
    values = (values + values.T) / 2
    np.fill_diagonal(values, np.nan)
    return values, group


def ranking(mi, **fields):
    mi = np.array(mi, dtype=float)
    found = {
        "names": tuple(f"f{j}" for j in range(len(mi))),
        "mi": mi,
        "stderr": np.full(len(mi), 0.01),
        "kinds": ("continuous",) * len(mi),
        "target": "y",
        "normalized": None,
        "p_value": None,
        "q_value": None,
        "p_corrected": None,
    }
    return SimpleNamespace(**{**found, **fields})


def lagged(lags, mi, band=0.1, p=1.0, **fields):
    estimates = tuple(
        fastmi.Estimate.__new__(
            fastmi.Estimate,
            value,
            k=3,
            n=9,
            dims=(1, 1),
            method="ksg1",
            stderr=0.02,
            local=np.zeros(9),
        )
        for value in mi
    )
    found = {
        "lags": np.array(lags),
        "estimates": estimates,
        "p_corrected": np.broadcast_to(p, len(lags)),
        "band": np.broadcast_to(band, len(lags)),
    }
    return SimpleNamespace(**{**found, **fields})


def links_of(count, links, names=None, lag=1, te=0.3):
    q = np.full((count, count), 0.8)
    values = np.full((count, count), 0.01)
    for place, (source, target) in enumerate(links):
        q[source, target] = 0.001
        values[source, target] = te + 0.01 * place
    np.fill_diagonal(q, np.nan)
    np.fill_diagonal(values, np.nan)
    return SimpleNamespace(
        names=tuple(names or (f"v{j}" for j in range(count))),
        te=values,
        lag=np.full((count, count), lag),
        p_value=q / 10,
        q_value=q,
    )


def permuted(estimate, null, p=0.01):
    return SimpleNamespace(estimate=estimate, null=np.array(null, dtype=float), p_value=p)


def texts(ax):
    return [text.get_text() for text in ax.texts]


def colour_bar(ax):
    (bar,) = (other for other in ax.figure.axes if other is not ax)
    return bar
