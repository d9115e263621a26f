"""Every operation of the library that can run long.

Each row names the public functions that it stands for and has code that makes samples and a call.
Sizes are such that one core takes several seconds, where arrays of some 100 MB suffice for that.
`test_interrupts.py` holds the table to what the library offers and runs a few rows;
`faults/interrupts.py` runs all of them and writes their times.
"""

from dataclasses import dataclass

from fastmi.estimators._methods import CONTINUOUS, DISCRETE, DISCRETE_Y, METHODS


@dataclass(frozen=True)
class Operation:
    """A row of the table.

    Attributes:
        name: What the row is called.
        covers: Names of public functions, as "module.name" below fastmi, that it stands for.
        samples: Statements that make the arguments; `rng` is there, and modules of fastmi.
        call: The statement to interrupt.
    """

    name: str
    covers: tuple[str, ...]
    samples: str
    call: str


# Statements that other rows share.
_WIDE = "x, y, z, w = rng.standard_normal((4, 300_000, 6)); x += y; y += z; z += w"
_COLUMN = "x, y, z = rng.standard_normal((3, {n})); y += x; z += x"
_LABELS = "x, y, z = rng.integers(0, 3000, (3, 3_000_000, 3)); x[:, 0] = y[:, 0]"
_CLASSES = "x = rng.standard_normal((400_000, 6)); y = rng.integers(0, 5, 400_000)"
_SERIES = (
    "x, y = np.cumsum(rng.standard_normal((2, {n})), axis=1); x -= np.roll(x, 9); "
    "y = x + np.roll(y, 5) - y"
)
_CHANNEL = """
channel = bounds.Model(
    log_lik=lambda x, z: (-2 * (x - z) ** 2 - 0.5 * np.log(np.pi / 2)).sum(axis=-1),
    sample_prior=lambda m, rng: rng.standard_normal((m, 1)),
    log_prior=lambda z: -0.5 * (z**2 + np.log(2 * np.pi)).sum(axis=-1),
    grad_log_joint=lambda x, z: 4 * (x - z) - z,
    grad_log_prior=lambda z: -z,
)
proposal = bounds.Proposal(
    sample=lambda x, m, rng: x + 0.5 * rng.standard_normal((len(x), m, 1)),
    logpdf=lambda z, x: (-2 * (x - z) ** 2 - 0.5 * np.log(np.pi / 2)).sum(axis=-1),
)
z = rng.standard_normal((20_000, 1)); x = z + 0.5 * rng.standard_normal((20_000, 1))
"""

_TO_TRAIN = (
    "load('torch').set_num_threads(1); x, y, z = rng.standard_normal((3, 20_000, 3)); x += y"
)

_SAMPLES_OF = {CONTINUOUS: _WIDE, DISCRETE: _LABELS, DISCRETE_Y: _CLASSES}
# All others take x, y and z.
_ARGUMENTS = {"mi": "x, y", "kl_divergence": "x, y", "entropy": "x"}
# Methods for which the samples above are too few or too many for a run of several seconds.
_SAMPLES_OF_METHOD = {
    "lnc": "x, y, z = rng.standard_normal((3, 1_000_000, 2)); x += y",
    "gaussian": "x, y, z = rng.standard_normal((3, 1_000_000, 40)); x += y; y += z",
    "binning": _COLUMN.format(n=10_000_000),
    "auto": "x, y, z = rng.standard_normal((3, 60_000, 4)); x += y**2; y += z",
    "ksg_global": "x, y = rng.standard_normal((2, 20_000, 6)); x += y",
    "ksg_global_linf": "x, y = rng.standard_normal((2, 20_000, 20)); x += y",
}
_OPTIONS_OF_METHOD = {"lnc": ", k=20", "3h": ", k=10"}


def _of_method(method):
    arguments = _ARGUMENTS.get(method.function, "x, y, z")
    call = f"fastmi.{method.function}({arguments}, method={method.name!r}"
    samples = _SAMPLES_OF_METHOD.get(method.name, _SAMPLES_OF.get(method.takes, _WIDE))
    if method.trains:
        samples = _TO_TRAIN
    return Operation(
        f"{method.function} {method.name}",
        (method.function, f"{method.function} {method.name}"),
        samples,
        f"{call}{_OPTIONS_OF_METHOD.get(method.name, '')})",
    )


def _rows(covers, *rows):
    return [Operation(name, (covers,), samples, call) for name, samples, call in rows]


ESTIMATES = [
    *(_of_method(method) for method in METHODS),
    *_rows(
        "mi",
        ("mi, one column", _COLUMN.format(n=10_000_000), "fastmi.mi(x, y)"),
        (
            "mi, tree of one column",
            _COLUMN.format(n=5_000_000),
            "fastmi.mi(x, y, algorithm='tree')",
        ),
        (
            "mi, many columns",
            "x, y = rng.standard_normal((2, 500_000, 64)); y += x",
            "fastmi.mi(x, y, algorithm='brute')",
        ),
        ("mi, euclidean", _WIDE, "fastmi.mi(x, y, metric='euclidean')"),
        ("mi, theiler", _WIDE, "fastmi.mi(x, y, theiler=1000)"),
        ("mi, ties", f"{_WIDE}; x = x.round(2); y = y.round(2)", "fastmi.mi(x, y)"),
        ("mi, copies", f"{_WIDE}; x[1::2] = x[::2]; y[1::2] = y[::2]", "fastmi.mi(x, y)"),
        (
            "mi, error",
            "x, y = rng.standard_normal((2, 300_000, 4)); y += x",
            "fastmi.mi(x, y, error='half', n_jobs=2)",
        ),
        ("mi, copula", _WIDE, "fastmi.mi(x, y, normalize='copula')"),
        ("mi, twin", _WIDE, "fastmi.mi(x, y, bias_correction='twin')"),
        (
            "mi, list of columns",
            "x = [rng.standard_normal(100).tolist() for _ in range(100_000)]; y = x",
            "fastmi.mi(x, y)",
        ),
        (
            "mi, data frame",
            "pd = load('pandas'); x, y = (pd.DataFrame(rng.standard_normal((1_000_000, 20)))"
            ".astype({0: 'f4', 1: 'Float64'}) for _ in 'xy')",
            "fastmi.mi(x, y)",
        ),
        (
            "mi, labels that are strings",
            "x, y = (rng.integers(0, 500, 3_000_000).astype(str) for _ in 'xy')",
            "fastmi.mi(x, y, method='discrete')",
        ),
    ),
    *_rows(
        "cmi",
        (
            "cmi, theiler",
            "x, y, z = rng.standard_normal((3, 60_000, 2))",
            "fastmi.cmi(x, y, z, theiler=10)",
        ),
    ),
]

NEIGHBORS = [
    *_rows("neighbors.kth_distance", ("kth_distance", _WIDE, "neighbors.kth_distance(x, 50)")),
    *_rows(
        "neighbors.kneighbors",
        ("kneighbors", _WIDE, "neighbors.kneighbors((x, y), 20)"),
        ("kneighbors, reference", _WIDE, "neighbors.kneighbors(x, 20, reference=y)"),
    ),
    *_rows(
        "neighbors.count_within",
        ("count_within", _WIDE, "neighbors.count_within(x, 1.0)"),
    ),
    *_rows(
        "neighbors.digamma",
        ("digamma", "n = rng.integers(1, 10**6, 30_000_000)", "neighbors.digamma(n)"),
    ),
]

STATISTICS = [
    *_rows(
        "statistics.permutation_test",
        *(
            (
                f"permutation_test {method}",
                "x, y = rng.standard_normal((2, 20_000, 3)); y += x",
                f"fastmi.permutation_test(x, y, method={method!r}, k=6, n_permutations=400, "
                "n_jobs=2)",
            )
            for method in ("ksg1", "ksg2", "mixed", "lnc", "biksg", "mesner", "3h")
        ),
        (
            "permutation_test ksg1, large",
            "x, y = rng.standard_normal((2, 1_000_000)); y += x",
            "fastmi.permutation_test(x, y, n_permutations=100, n_jobs=2)",
        ),
        *(
            (
                f"permutation_test {method}, sequential",
                "x, y = rng.standard_normal((2, 20_000, 3)); y += x",
                f"fastmi.permutation_test(x, y, method={method!r}, n_permutations=400, "
                "sequential=True, n_jobs=2)",
            )
            for method in ("ksg1", "mixed")
        ),
        (
            "permutation_test mixed, large",
            "x, y = rng.standard_normal((2, 100_000, 4)); y += x",
            "fastmi.permutation_test(x, y, method='mixed', n_permutations=100, n_jobs=2)",
        ),
        (
            "permutation_test, fewer surrogates than threads",
            "x, y = rng.standard_normal((2, 300_000, 4)); y += x",
            "fastmi.permutation_test(x, y, n_permutations=2, n_jobs=4)",
        ),
        (
            "permutation_test ross",
            "x = rng.standard_normal((20_000, 3)); y = rng.integers(0, 5, 20_000)",
            "fastmi.permutation_test(x, y, method='ross', n_permutations=400, n_jobs=2)",
        ),
        (
            "permutation_test gaussian",
            "x, y = rng.standard_normal((2, 50_000, 20)); y += x",
            "fastmi.permutation_test(x, y, method='gaussian', n_permutations=400, n_jobs=2)",
        ),
        (
            "permutation_test binning",
            "x, y = rng.standard_normal((2, 200_000)); y += x",
            "fastmi.permutation_test(x, y, method='binning', n_permutations=1000, n_jobs=2)",
        ),
        (
            "permutation_test discrete",
            "x, y = rng.integers(0, 30, (2, 200_000)); y += x",
            "fastmi.permutation_test(x, y, method='discrete', n_permutations=400, n_jobs=2)",
        ),
        *(
            (
                f"permutation_test, {scheme}",
                _SERIES.format(n=100_000),
                f"fastmi.permutation_test(x, y, scheme={scheme!r}, n_permutations=400, n_jobs=2)",
            )
            for scheme in ("circular", "block")
        ),
        *(
            (
                f"permutation_test, {scheme}, {method}",
                "x, y, z = rng.standard_normal((3, 20_000, 2)); x += z; y += z",
                f"fastmi.permutation_test(x, y, z, scheme={scheme!r}, method={method!r}, "
                "n_permutations=400, n_jobs=2)",
            )
            for scheme in ("local", "residual")
            for method in ("fp", "gaussian")
        ),
        (
            "permutation_test, local, large",
            "x, y, z = rng.standard_normal((3, 2_000_000)); x += z; y += z",
            "fastmi.permutation_test(x, y, z, scheme='local', n_permutations=20, n_jobs=2)",
        ),
        (
            "permutation_test, local, tied",
            "x, y, z = rng.standard_normal((3, 300_000, 2)); x += z; y += z; z = z.round(2)",
            "fastmi.permutation_test(x, y, z, scheme='local', n_permutations=20, n_jobs=2)",
        ),
        (
            "permutation_test, residual, large",
            "x, y, z = rng.standard_normal((3, 300_000, 3)); x += z; y += z",
            "fastmi.permutation_test(x, y, z, scheme='residual', n_permutations=20, n_jobs=2)",
        ),
    ),
    *_rows(
        "statistics.pairwise_mi",
        (
            "pairwise_mi",
            "X = rng.standard_normal((20_000, 100))",
            "fastmi.pairwise_mi(X, n_jobs=2, progress=lambda: None)",
        ),
        (
            "pairwise_mi, large",
            "X = rng.standard_normal((1_000_000, 10))",
            "fastmi.pairwise_mi(X, n_jobs=2)",
        ),
        (
            "pairwise_mi, ties",
            "X = rng.standard_normal((20_000, 100)).round(2)",
            "fastmi.pairwise_mi(X, n_jobs=2)",
        ),
        *(
            (
                f"pairwise_mi {method}, p-values",
                "X = rng.standard_normal((20_000, 20)); X[:, 1] += X[:, 0]",
                f"fastmi.pairwise_mi(X, method={method!r}, n_permutations=100, n_jobs=2)",
            )
            for method in ("ksg1", "ksg2", "mixed", "gaussian", "binning")
        ),
        (
            "pairwise_mi discrete, p-values",
            "X = rng.integers(0, 30, (100_000, 20))",
            "fastmi.pairwise_mi(X, method='discrete', n_permutations=100, n_jobs=2)",
        ),
        (
            "pairwise_mi, p-values, large",
            "X = rng.standard_normal((500_000, 4))",
            "fastmi.pairwise_mi(X, n_permutations=100, n_jobs=2)",
        ),
        (
            "pairwise_mi by kind",
            "X = rng.standard_normal((20_000, 100)); X[:, ::2] = X[:, ::2].round(); "
            "X[::7, 1] = np.nan",
            "fastmi.pairwise_mi(X, missing='pairwise', n_jobs=2)",
        ),
        (
            "pairwise_mi gaussian, very many columns",
            "X = rng.standard_normal((2000, 400))",
            "fastmi.pairwise_mi(X, method='gaussian', n_jobs=2)",
        ),
    ),
    *_rows(
        "statistics.rank_features",
        (
            "rank_features",
            "X = rng.standard_normal((200_000, 60)); y = rng.integers(0, 3, 200_000)",
            "fastmi.rank_features(X, y, n_jobs=2)",
        ),
        (
            "rank_features, classes",
            "X = rng.integers(0, 15, (200_000, 200)); y = rng.integers(0, 3, 200_000)",
            "fastmi.rank_features(X, y, n_jobs=2)",
        ),
        (
            "rank_features, objects",
            "X = {j: rng.integers(0, 9, 300_000).astype(str).astype(object) for j in range(30)}",
            "fastmi.rank_features(X, rng.standard_normal(300_000), n_jobs=2)",
        ),
    ),
    *_rows(
        "statistics.subsample_error",
        *(
            (
                f"subsample_error {method}",
                "x, y = rng.standard_normal((2, 300_000, 4)); y += x",
                f"fastmi.subsample_error(x, y, method={method!r}, n_jobs=2)",
            )
            for method in ("ksg1", "mixed", "gaussian")
        ),
        (
            "subsample_error, given z",
            "x, y, z = rng.standard_normal((3, 100_000, 2)); y += x",
            "fastmi.subsample_error(x, y, z, n_jobs=2)",
        ),
    ),
    *_rows(
        "statistics.size_curve",
        (
            "size_curve",
            "x, y = rng.standard_normal((2, 300_000, 4)); y += x",
            "fastmi.size_curve(x, y, n_jobs=2)",
        ),
    ),
    *_rows(
        "statistics.jackknife_error",
        (
            "jackknife_error",
            "estimate = fastmi.mi(*rng.standard_normal((2, 3_000_000)))",
            "[fastmi.jackknife_error(estimate, n_blocks=b) for b in range(20, 200)]",
        ),
    ),
    *_rows(
        "statistics.lagged_mi",
        (
            "lagged_mi",
            _SERIES.format(n=1_000_000),
            "fastmi.lagged_mi(x, y, range(-50, 50))",
        ),
        (
            "lagged_mi, theiler",
            _SERIES.format(n=50_000),
            "fastmi.lagged_mi(x, y, range(-5, 5), theiler=50)",
        ),
        *(
            (
                f"lagged_mi {method}, rotations",
                _SERIES.format(n=20_000),
                f"fastmi.lagged_mi(x, y, range(-50, 50), method={method!r}, n_permutations=200, "
                "n_jobs=2)",
            )
            for method in ("ksg1", "mixed", "binning")
        ),
    ),
    *_rows(
        "statistics.transfer_entropy",
        ("transfer_entropy", _SERIES.format(n=1_000_000), "fastmi.transfer_entropy(x, y)"),
        (
            "transfer_entropy, rotations",
            _SERIES.format(n=50_000),
            "fastmi.transfer_entropy(x, y, n_permutations=200, n_jobs=2)",
        ),
        (
            "transfer_entropy, theiler",
            _SERIES.format(n=50_000),
            "fastmi.transfer_entropy(x, y, theiler=50)",
        ),
        (
            "transfer_entropy, local",
            _SERIES.format(n=50_000),
            "fastmi.transfer_entropy(x, y, scheme='local', n_permutations=200, n_jobs=2)",
        ),
        (
            "transfer_entropy, condition",
            _SERIES.format(n=50_000),
            "fastmi.transfer_entropy(x, y, condition=np.roll(x, 7), condition_history=2, "
            "n_permutations=200, n_jobs=2)",
        ),
    ),
    *_rows(
        "statistics.transfer_entropy_network",
        *(
            (
                f"transfer_entropy_network {method}, {condition}",
                "X = np.cumsum(rng.standard_normal((20_000, 6)), axis=0); X -= np.roll(X, 9, 0)",
                f"fastmi.transfer_entropy_network(X, 3, method={method!r}, "
                f"condition={condition!r}, n_jobs=2)",
            )
            for method, condition in (("fp", "none"), ("gaussian", "all"))
        ),
    ),
]

BOUNDS = [
    *_rows(
        "bounds.sandwich",
        ("sandwich", _CHANNEL, "bounds.sandwich(channel, x, z, n_importance=20_000, seed=0)"),
    ),
    *_rows(
        "bounds.multisample_lower",
        (
            "multisample_lower",
            _CHANNEL,
            "bounds.multisample_lower(channel, x, z, n_importance=20_000, seed=0)",
        ),
    ),
    *_rows(
        "bounds.multisample_upper",
        (
            "multisample_upper",
            _CHANNEL,
            "bounds.multisample_upper(channel, x, z, n_importance=20_000, seed=0)",
        ),
    ),
    *_rows(
        "bounds.contrastive",
        (
            "contrastive",
            _CHANNEL,
            "bounds.contrastive(x, z, critic=channel.log_lik, sample_prior=channel.sample_prior, "
            "n_importance=20_000, seed=0)",
        ),
    ),
    *_rows(
        "bounds.ais",
        ("ais, HMC", _CHANNEL, "bounds.ais(channel, x, z, n_importance=16, seed=0)"),
        (
            "ais, random walk",
            _CHANNEL,
            "bounds.ais(channel, x, z, kernel=bounds.RandomWalk(), n_importance=16, seed=0)",
        ),
    ),
    *_rows(
        "bounds.tune",
        ("tune", _CHANNEL, "bounds.tune(channel, x, z, tolerance=1e-9, seed=0)"),
    ),
    *(
        row
        for name in ("lautum_lower", "lautum_upper", "lautum_sandwich")
        for row in _rows(
            f"bounds.{name}",
            (
                name,
                _CHANNEL,
                f"bounds.{name}(channel, x, z, proposal=proposal, n_importance=20_000, seed=0)",
            ),
        )
    ),
]

TRAININGS = [
    *_rows(
        "bounds.learn_proposal",
        ("learn_proposal", f"{_TO_TRAIN}", "bounds.learn_proposal(x, z)"),
    ),
]

DATASETS = [
    *(
        Operation(
            f"{law.partition('(')[0]}.sample",
            (f"datasets.{law.partition('(')[0].partition('.')[0]}",),
            f"law = datasets.{law}",
            f"law.sample({n})",
        )
        for law, n in (
            ("CorrelatedGaussian.from_mi(1.0, d=20)", 5_000_000),
            ("SparseGaussian.from_mi(1.0, d=20)", 5_000_000),
            ("AdditiveNoise.from_mi(1.0, d=20)", 5_000_000),
            ("Gaussian(np.eye(100), 50)", 1_000_000),
            ("BumpImages.from_mi(1.0)", 400_000),
            ("RectangleImages.from_mi(1.0)", 400_000),
            ("Mapped(datasets.CorrelatedGaussian(0.5), 'cube', 'half-cube')", 20_000_000),
            ("Student.from_mi(1.0, nu=3, d=20)", 5_000_000),
            ("CorrelatedUniform.from_mi(1.0, d=20)", 2_000_000),
            ("SmoothedUniform.from_mi(1.0, d=20)", 5_000_000),
            ("DiscretePlusUniform(5)", 20_000_000),
            ("GammaExponential.from_mi(1.0)", 20_000_000),
            ("ZeroInflatedPoisson.from_mi(0.2)", 20_000_000),
            ("Product([datasets.CorrelatedGaussian(0.5)] * 20)", 5_000_000),
        )
    ),
    *_rows(
        "datasets.transforms",
        (
            "random_mix",
            "x = rng.standard_normal((1_000_000, 60))",
            "datasets.transforms.random_mix(x, seed=0)",
        ),
    ),
]

COMPAT = [
    *(
        Operation(f"npeet.{name}", (f"compat.npeet.{name}",), samples, f"npeet.{call}")
        for name, samples, call in (
            ("entropy", _WIDE, "entropy(x)"),
            ("centropy", _WIDE, "centropy(x, y)"),
            ("tc", _WIDE, "tc(x)"),
            ("ctc", _WIDE, "ctc(x, y)"),
            ("corex", _WIDE, "corex(x, y)"),
            ("mi", _WIDE, "mi(x, y)"),
            ("mi", "x, y = rng.standard_normal((2, 200_000, 2)); y += x", "mi(x, y, alpha=0.25)"),
            ("cmi", _WIDE, "cmi(x, y, z)"),
            ("kldiv", _WIDE, "kldiv(x, y)"),
            ("micd", _CLASSES, "micd(x, y[:, None])"),
            ("midc", _CLASSES, "midc(y[:, None], x)"),
            ("centropycd", _CLASSES, "centropycd(x, y[:, None])"),
            ("centropydc", _CLASSES, "centropydc(y[:, None], x)"),
            ("ctcdc", _CLASSES, "ctcdc(y[:, None], x)"),
            ("ctccd", _CLASSES, "ctccd(x, y[:, None])"),
            ("corexcd", _CLASSES, "corexcd(x, y[:, None])"),
            ("corexdc", _CLASSES, "corexdc(y[:, None], x)"),
            ("entropyd", _LABELS, "entropyd(x)"),
            ("midd", _LABELS, "midd(x, y)"),
            ("cmidd", _LABELS, "cmidd(x, y, z)"),
            ("centropyd", _LABELS, "centropyd(x, y)"),
            ("tcd", _LABELS, "tcd(x)"),
            ("ctcd", _LABELS, "ctcd(x, y)"),
            ("corexd", _LABELS, "corexd(x, y)"),
            (
                "shuffle_test",
                "x, y = rng.standard_normal((2, 20_000, 2)).tolist()",
                "shuffle_test(npeet.mi, x, y, ns=400)",
            ),
        )
    ),
    *(
        Operation(
            f"sklearn.{name}, {kind}",
            (f"compat.sklearn.{name}",),
            # Loaded before the call: within an import Python can drop an interrupt.
            f"sklearn = load('fastmi.compat.sklearn'); load('sklearn.preprocessing'); {samples}",
            f"sklearn.{name}(X, y, n_jobs=2{options})",
        )
        for name, kind, samples, options in (
            (
                "mutual_info_regression",
                "many columns",
                "X = rng.standard_normal((10_000, 4000)); y = X[:, 0] + X[:, 1]",
                "",
            ),
            (
                "mutual_info_regression",
                "many rows",
                "X = rng.standard_normal((1_000_000, 30)); y = X[:, 0] + X[:, 1]",
                "",
            ),
            (
                "mutual_info_classif",
                "many columns",
                "X = rng.standard_normal((10_000, 4000)); y = rng.integers(0, 5, 10_000)",
                "",
            ),
            (
                "mutual_info_classif",
                "many rows",
                "X = rng.standard_normal((1_000_000, 30)); y = rng.integers(0, 5, 1_000_000)",
                "",
            ),
            (
                "mutual_info_classif",
                "discrete",
                "X = rng.integers(0, 300, (1_000_000, 30)); y = rng.integers(0, 5, 1_000_000)",
                ", discrete_features=True",
            ),
        )
    ),
]

NORMALIZE = [
    row
    for name in ("local", "global_", "global_linf", "global_corrected", "rank", "copula")
    for row in _rows(
        f"normalize.{name}",
        (
            f"normalize.{name}",
            "x = rng.standard_normal((1_000_000, 20))",
            f"fastmi.normalize.{name}(x)",
        ),
    )
]

SELECTION = [
    Operation(
        f"MISelector {criterion}, {kind}",
        ("selection.MISelector",),
        f"selection = load('fastmi.selection'); {samples}",
        f"selection.MISelector(50, criterion={criterion!r}, n_jobs=2).fit(X, y)",
    )
    for criterion, kind, samples in (
        (
            "mrmr",
            "many columns",
            "X = rng.standard_normal((10_000, 1000)); y = X[:, 0] + X[:, 1]",
        ),
        (
            "cmim",
            "many rows",
            "X = rng.standard_normal((300_000, 10)); y = rng.integers(0, 5, 300_000)",
        ),
        (
            "jmi",
            "classes",
            "X = rng.integers(0, 30, (100_000, 60)); y = rng.integers(0, 5, 100_000)",
        ),
    )
]

_GROUPS = (
    ESTIMATES,
    NEIGHBORS,
    STATISTICS,
    BOUNDS,
    TRAININGS,
    DATASETS,
    COMPAT,
    NORMALIZE,
    SELECTION,
)
OPERATIONS = {row.name: row for group in _GROUPS for row in group}
