"""Graphs found by causal-learn's and pgmpy's PC with fastmi's test of independence and their own.

Random graphs of 10 variables with two neighbours on average, from three laws: linear with Gaussian
noise; sums of tanh and squares; and the same with every third variable cut into two to four
classes. The structural Hamming distance counts the pairs of variables that are joined or directed
otherwise than in the pattern of the true graph. `--tests` measures levels and powers of the tests
by themselves. Needs causal-learn and pgmpy.

    python bench/bench_graphs.py --out bench/results/graphs.json
    python bench/bench_graphs.py --tests --out bench/results/graph_tests.json
"""

import argparse
import json
import statistics
import time
import warnings
from pathlib import Path

import numpy as np
from machine import describe

from fastmi.compat import causallearn

VARIABLES, DEGREE, ALPHA = 10, 2.0, 0.05


def random_dag(rng):
    """Return the matrix of a graph: [i, j] says whether i is a cause of j, and then i < j."""
    share = DEGREE / (VARIABLES - 1)
    return np.triu(rng.random((VARIABLES, VARIABLES)) < share, 1)


def draw(dag, law, n, rng):
    """Return samples, shape (n, VARIABLES), and the columns that hold classes."""
    x = np.empty((n, VARIABLES))
    classes = [j for j in range(VARIABLES) if law == "mixed" and j % 3 == 1]
    for j in range(VARIABLES):
        value = rng.standard_normal(n)
        for i in np.flatnonzero(dag[:, j]):
            weight = rng.uniform(0.5, 1.5) * rng.choice([-1, 1])
            cause = (x[:, i] - x[:, i].mean()) / (x[:, i].std() or 1.0)
            if law == "linear":
                value += weight * cause
            else:
                curved = np.tanh(2 * cause) if rng.random() < 0.5 else cause**2 - 1
                value += 1.2 * weight * curved
        if j in classes:
            cuts = np.quantile(value, np.arange(1, 2 + j % 3) / (2 + j % 3))
            value = np.searchsorted(cuts, value).astype(float)
        x[:, j] = value
    return x, classes


def pattern(dag):
    """Return the matrix of the pattern (CPDAG) of a graph, by causal-learn."""
    from causallearn.graph.Dag import Dag
    from causallearn.graph.GraphNode import GraphNode
    from causallearn.utils.DAG2CPDAG import dag2cpdag

    nodes = [GraphNode(f"X{j + 1}") for j in range(VARIABLES)]
    graph = Dag(nodes)
    for i, j in zip(*np.nonzero(dag), strict=True):
        graph.add_directed_edge(nodes[i], nodes[j])
    return dag2cpdag(graph).graph


def marks(matrix):
    """Return what joins each pair in causal-learn's matrix: nothing, a line, or an arrow."""
    return {
        (i, j): (int(matrix[i, j]), int(matrix[j, i])) for j in range(VARIABLES) for i in range(j)
    }


def distance(found, truth):
    """Return the structural Hamming distance and that of the skeletons."""
    a, b = marks(found), marks(truth)
    pairs = a.keys()
    return (
        sum(a[pair] != b[pair] for pair in pairs),
        sum((a[pair] == (0, 0)) != (b[pair] == (0, 0)) for pair in pairs),
    )


def by_causal_learn(data, test, options):
    from causallearn.search.ConstraintBased.PC import pc

    return pc(data, ALPHA, indep_test=test, show_progress=False, **options).G.graph


def by_pgmpy(data, test, classes):
    import pandas as pd
    from pgmpy.estimators import PC

    from fastmi.compat.pgmpy import IndependenceTest

    frame = pd.DataFrame({f"X{j}": data[:, j] for j in range(VARIABLES)})
    for j in classes:
        frame[f"X{j}"] = pd.Categorical(frame[f"X{j}"].map(lambda value: f"class {value:.0f}"))
    ci_test = IndependenceTest(frame, n_jobs=1) if test == "fastmi" else test
    graph = PC(frame).estimate(
        ci_test=ci_test, significance_level=ALPHA, show_progress=False, n_jobs=1
    )
    found = np.zeros((VARIABLES, VARIABLES))
    for a, b in graph.edges():
        i, j = int(a[1:]), int(b[1:])
        both = graph.has_edge(b, a)
        found[i, j], found[j, i] = (-1, -1) if both else (-1, 1)
    return found


def measured(law, n, host, test, seeds):
    rows = []
    for seed in range(seeds):
        rng = np.random.default_rng([seed, 11])
        dag = random_dag(rng)
        data, classes = draw(dag, law, n, rng)
        start = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if host == "causal-learn":
                own = {"n_jobs": 1} if test == "fastmi" else {}
                if test == "fastmi":
                    own["discrete"] = classes
                found = by_causal_learn(data, test, own)
            else:
                found = by_pgmpy(data, test, classes)
        seconds = time.perf_counter() - start
        shd, skeleton = distance(found, pattern(dag))
        rows.append({"shd": shd, "skeleton": skeleton, "seconds": seconds})
    middle = {key: statistics.median(row[key] for row in rows) for key in rows[0]}
    mean = {f"mean_{key}": statistics.fmean(row[key] for row in rows) for key in rows[0]}
    return {"law": law, "n": n, "host": host, "test": test, "seeds": seeds, **middle, **mean}


def triple(name, rng, n):
    """Return x, y and z; x and y are independent given z in cases that start with "null"."""
    z, a, b = rng.standard_normal((3, n))
    x = z + a
    return {
        "null linear": (x, z + b, z),
        "null curved": (np.tanh(2 * z) + 0.3 * a, z**2 + 0.5 * b, z),
        "null post-nonlinear": (np.exp(x), np.tanh(z + b), z),
        "null classes of x": ((x > 0).astype(float), z + b, z),
        "linear": (x, z + 0.3 * x + b, z),
        "square": (x, z + 0.3 * x**2 + b, z),
        "post-nonlinear": (np.exp(x), np.tanh(z + 0.4 * x + b) ** 3, z),
        "product": (x, z + 0.7 * x * b, z),
    }[name]


def rejected(name, n, test, trials):
    from causallearn.utils.cit import CIT

    p, start = [], time.perf_counter()
    for seed in range(trials):
        data = np.column_stack(triple(name, np.random.default_rng([seed, 12]), n))
        options = {"n_jobs": 1, "seed": seed} if test == "fastmi" else {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            p.append(CIT(data, test, **options)(0, 1, (2,)))
    seconds = (time.perf_counter() - start) / trials
    rates = {f"at {level}": float(np.mean(np.array(p) <= level)) for level in (0.01, 0.05, 0.1)}
    return {"case": name, "n": n, "test": test, "trials": trials, **rates, "seconds": seconds}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--sizes", type=int, nargs="+", default=[300, 1000])
    parser.add_argument("--kci-most", type=int, default=300, help="largest n for kci")
    parser.add_argument("--tests", action="store_true", help="level and power of single tests")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    causallearn.register()

    rows = []
    if options.tests:
        cases = ("null linear", "null curved", "null post-nonlinear", "null classes of x")
        cases += ("linear", "square", "post-nonlinear", "product")
        for n in options.sizes:
            for case in cases:
                for test in ("fastmi", "fisherz", *(["kci"] if n <= options.kci_most else [])):
                    rows.append(rejected(case, n, test, options.trials))
                    print(rows[-1], flush=True)
    else:
        for n in options.sizes:
            for law in ("linear", "curved", "mixed"):
                kci = [("causal-learn", "kci")] if n <= options.kci_most else []
                own = "pillai" if law == "mixed" else "pearsonr"
                for host, test in (
                    ("causal-learn", "fastmi"),
                    ("causal-learn", "fisherz"),
                    *kci,
                    ("pgmpy", "fastmi"),
                    ("pgmpy", own),
                ):
                    rows.append(measured(law, n, host, test, options.seeds))
                    print(rows[-1], flush=True)
    if options.out:
        options.out.write_text(json.dumps({"machine": describe(), "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
