"""The one table of methods: every estimator by the name that users type.

All that other modules need to know about a method (its class, what it takes, whether it trains a
network or runs on a GPU) is read from here, and they guess none of it. The classes are imported on
first use, which keeps ``import fastmi`` fast and free of torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from importlib import import_module
from typing import Any

from fastmi._extras import is_installed, load

CONTINUOUS = "continuous"
DISCRETE_Y = "x continuous, y discrete"
MIXED = "continuous, discrete or both"
DISCRETE = "discrete"


@dataclass(frozen=True)
class Method:
    """A row of the table.

    Attributes:
        function: Public function that takes the name, for example "mi" or "entropy".
        name: Name that users type, and that results carry.
        module: Module of the estimator below ``fastmi.estimators``; its folder says whether it
            searches neighbours or trains a network.
        estimator: Name of the class.
        summary: What the method is, in a few words.
        fixed: Options that the name fixes.
        takes: Kind of variables that the method is made for.
        gpu: Whether every long step can run on a GPU, with the other options at their defaults.
    """

    function: str
    name: str
    module: str
    estimator: str
    summary: str
    fixed: Mapping[str, object] = field(default_factory=dict)
    takes: str = CONTINUOUS
    gpu: bool = True

    @property
    def searches(self) -> bool:
        """Whether it searches neighbours; then it has the options `k`, `n_jobs` and `noise`."""
        return self.module.startswith(("neighbors.", "auto."))

    @property
    def trains(self) -> bool:
        """Whether it trains a network; then it needs torch and draws random numbers of its own."""
        return self.module.startswith("neural.")

    def takes_classes(self, position: int) -> bool:
        """Whether the argument at a position holds classes, values that are equal or not."""
        return self.takes == DISCRETE or (self.takes == DISCRETE_Y and position == 1)

    @cached_property
    def loaded(self) -> type[Any]:
        """The class, imported when first read.

        Raises:
            ImportError: It needs torch, which is not installed.
        """
        if self.trains:
            load("torch", extra="torch", needed_by=f"method={self.name!r}")
        found: type[Any] = getattr(
            import_module(f"fastmi.estimators.{self.module}"), self.estimator
        )
        return found

    @cached_property
    def options(self) -> tuple[str, ...]:
        """Names of the options that are left to users."""
        return tuple(option.name for option in fields(self.loaded) if option.name not in self.fixed)

    def make(self, **options: object) -> Any:
        """Return an estimator with these options."""
        return self.loaded(**self.fixed, **options)


METHODS = (
    Method(
        "mi", "ksg1", "neighbors.ksg", "KSG", "Kraskov et al. (2004), algorithm 1", {"variant": 1}
    ),
    Method(
        "mi", "ksg2", "neighbors.ksg", "KSG", "Kraskov et al. (2004), algorithm 2", {"variant": 2}
    ),
    Method(
        "mi",
        "ksg_global",
        "neighbors.sweep",
        "KSGSweep",
        "KSG at the best of 20 relative scales of x and y, in units of their global spread",
        {"normalize": "global"},
    ),
    Method(
        "mi",
        "ksg_global_linf",
        "neighbors.sweep",
        "KSGSweep",
        "like ksg_global, in units of their spread in the maximum norm",
        {"normalize": "global-linf"},
    ),
    Method(
        "mi",
        "ksg_relevance",
        "neighbors.relevance",
        "RelevanceKSG",
        "KSG of the directions that matter, scaled by how much they do, for many columns",
        {"normalize": "copula"},
    ),
    Method("mi", "biksg", "neighbors.biksg", "BIKSG", "bias-improved KSG, Gao et al. (2018)"),
    Method(
        "mi",
        "lnc",
        "neighbors.lnc",
        "LNC",
        "KSG corrected for strong dependence in few columns, Gao et al. (2015)",
    ),
    Method(
        "mi",
        "3h",
        "neighbors.weighted_entropy",
        "EntropySum",
        "sum of three weighted nearest-neighbour entropies",
    ),
    Method(
        "mi",
        "mixed",
        "neighbors.mixed",
        "MixedKSG",
        "nearest neighbours and atoms, Gao et al. (2017)",
        takes=MIXED,
    ),
    Method(
        "mi",
        "mesner",
        "neighbors.mesner",
        "Mesner",
        "inclusive counts, Mesner and Shalizi (2019)",
        takes=MIXED,
    ),
    Method(
        "mi",
        "ross",
        "neighbors.mixed",
        "Ross",
        "nearest neighbours within the classes of y, Ross (2014)",
        takes=DISCRETE_Y,
        gpu=False,
    ),
    Method(
        "mi", "gaussian", "gaussian", "Gaussian", "closed form on canonical correlations", gpu=False
    ),
    Method(
        "mi", "binning", "binning", "Binning", "plug-in entropies of equal-width bins", gpu=False
    ),
    Method(
        "mi",
        "discrete",
        "discrete",
        "Discrete",
        "counts of symbols, with a correction of their bias",
        takes=DISCRETE,
        gpu=False,
    ),
    Method(
        "mi",
        "ksg_eq6",
        "neighbors.ksg",
        "KSGHybrid",
        "hybrid of the KSG algorithms that some papers print, for comparison",
    ),
    Method(
        "mi",
        "mine",
        "neural.critic",
        "MINE",
        "bound of Donsker and Varadhan, gradient corrected, Belghazi et al. (2018)",
    ),
    Method("mi", "dv", "neural.critic", "DonskerVaradhan", "bound of Donsker and Varadhan"),
    Method("mi", "nwj", "neural.critic", "NWJ", "bound of Nguyen, Wainwright and Jordan"),
    Method(
        "mi",
        "infonce",
        "neural.critic",
        "InfoNCE",
        "contrastive bound, Van den Oord et al. (2018)",
    ),
    Method(
        "mi",
        "infonce-anchor",
        "neural.critic",
        "InfoNCEAnchor",
        "contrastive log ratio, not bounded by log batch, Ryu et al. (2025)",
    ),
    Method(
        "mi",
        "smile",
        "neural.critic",
        "SMILE",
        "Donsker and Varadhan with a clipped partition term, Song and Ermon (2020)",
    ),
    Method(
        "mi",
        "demi",
        "neural.critic",
        "DEMI",
        "mean log odds of a classifier of pairs, Liao et al. (2020)",
    ),
    Method(
        "mi",
        "ccmi",
        "neural.critic",
        "CCMI",
        "classifier of pairs, read by Donsker and Varadhan, Mukherjee et al. (2019)",
    ),
    Method(
        "mi",
        "doe",
        "neural.entropies",
        "DoE",
        "difference of entropies, McAllester and Stratos (2020)",
    ),
    Method(
        "mi",
        "ndoe",
        "neural.entropies",
        "NDoE",
        "difference of entropies of one flow, Ni and Lotz (2025)",
    ),
    Method("mi", "ndoe-realnvp", "neural.entropies", "NDoERealNVP", "like ndoe, with Real NVP"),
    Method(
        "mi",
        "bnaf",
        "neural.entropies",
        "SeparateBNAF",
        "difference of entropies of two separate flows",
    ),
    Method(
        "mi",
        "mienf",
        "neural.mienf",
        "MIENF",
        "flows towards a joint normal, Butakov et al. (2024)",
    ),
    Method(
        "mi",
        "auto",
        "auto.information",
        "Auto",
        "the copula and KSG of relevant directions, less their bias: for many columns",
        takes=MIXED,
        gpu=False,
    ),
    Method(
        "cmi",
        "fp",
        "neighbors.conditional",
        "ConditionalKSG",
        "conditional form of KSG algorithm 1, Frenzel and Pompe (2007)",
        {"variant": 1},
    ),
    Method(
        "cmi",
        "ksg2",
        "neighbors.conditional",
        "ConditionalKSG",
        "conditional form of KSG algorithm 2, Wibral et al. (2014)",
        {"variant": 2},
        gpu=False,
    ),
    Method(
        "cmi",
        "mesner",
        "neighbors.mesner",
        "ConditionalMesner",
        "inclusive counts, Mesner and Shalizi (2019)",
        takes=MIXED,
    ),
    Method(
        "cmi",
        "gaussian",
        "gaussian",
        "GaussianConditional",
        "closed form on canonical correlations given z",
        gpu=False,
    ),
    Method(
        "cmi",
        "binning",
        "binning",
        "BinningConditional",
        "plug-in entropies of equal-width bins",
        gpu=False,
    ),
    Method(
        "cmi",
        "discrete",
        "discrete",
        "DiscreteConditional",
        "counts of symbols, with a correction of their bias",
        takes=DISCRETE,
        gpu=False,
    ),
    Method(
        "cmi",
        "ccmi",
        "neural.critic",
        "ConditionalCCMI",
        "difference of two ccmi estimates, Mukherjee et al. (2019)",
    ),
    Method(
        "cmi",
        "auto",
        "auto.information",
        "ConditionalAuto",
        "the copula and fp, less their bias: for many columns",
        takes=MIXED,
        gpu=False,
    ),
    Method(
        "total_correlation",
        "ksg1",
        "neighbors.total_correlation",
        "TotalCorrelation",
        "Kraskov et al. (2004), algorithm 1",
        {"variant": 1},
    ),
    Method(
        "total_correlation",
        "ksg2",
        "neighbors.total_correlation",
        "TotalCorrelation",
        "Kraskov et al. (2004), algorithm 2",
        {"variant": 2},
    ),
    Method(
        "total_correlation",
        "biksg",
        "neighbors.total_correlation",
        "BITotalCorrelation",
        "bias-improved KSG, Gao et al. (2018)",
    ),
    Method(
        "total_correlation",
        "gaussian",
        "gaussian",
        "GaussianTotalCorrelation",
        "closed form on canonical correlations",
        gpu=False,
    ),
    Method(
        "total_correlation",
        "binning",
        "binning",
        "BinningTotalCorrelation",
        "plug-in entropies of equal-width bins",
        gpu=False,
    ),
    Method(
        "total_correlation",
        "discrete",
        "discrete",
        "DiscreteTotalCorrelation",
        "counts of symbols, with a correction of their bias",
        takes=DISCRETE,
        gpu=False,
    ),
    Method(
        "dual_total_correlation",
        "ksg1",
        "neighbors.multivariate",
        "DualTotalCorrelation",
        "counts within one radius, as in Kraskov et al. (2004), algorithm 1",
    ),
    Method(
        "dual_total_correlation",
        "gaussian",
        "several.gaussian",
        "GaussianDualTotalCorrelation",
        "closed form on canonical correlations",
        gpu=False,
    ),
    Method(
        "dual_total_correlation",
        "discrete",
        "several.discrete",
        "DiscreteDualTotalCorrelation",
        "counts of symbols, with a correction of their bias",
        takes=DISCRETE,
        gpu=False,
    ),
    Method(
        "o_information",
        "ksg1",
        "neighbors.multivariate",
        "OInformation",
        "counts within one radius, as in Kraskov et al. (2004), algorithm 1",
    ),
    Method(
        "o_information",
        "gaussian",
        "several.gaussian",
        "GaussianOInformation",
        "closed form on canonical correlations",
        gpu=False,
    ),
    Method(
        "o_information",
        "discrete",
        "several.discrete",
        "DiscreteOInformation",
        "counts of symbols, with a correction of their bias",
        takes=DISCRETE,
        gpu=False,
    ),
    Method(
        "s_information",
        "ksg1",
        "neighbors.multivariate",
        "SInformation",
        "counts within one radius, as in Kraskov et al. (2004), algorithm 1",
    ),
    Method(
        "s_information",
        "gaussian",
        "several.gaussian",
        "GaussianSInformation",
        "closed form on canonical correlations",
        gpu=False,
    ),
    Method(
        "s_information",
        "discrete",
        "several.discrete",
        "DiscreteSInformation",
        "counts of symbols, with a correction of their bias",
        takes=DISCRETE,
        gpu=False,
    ),
    Method(
        "kl_divergence",
        "knn",
        "neighbors.divergence",
        "KLDivergence",
        "nearest neighbours in both samples, Wang et al. (2009)",
        gpu=False,
    ),
    Method(
        "kl_divergence",
        "gaussian",
        "several.divergence",
        "GaussianKLDivergence",
        "closed form on means and covariances",
        gpu=False,
    ),
    Method(
        "kl_divergence",
        "discrete",
        "several.divergence",
        "DiscreteKLDivergence",
        "counts of symbols, with a correction of their bias",
        takes=DISCRETE,
        gpu=False,
    ),
    Method(
        "entropy",
        "kl",
        "neighbors.entropy",
        "KozachenkoLeonenko",
        "nearest neighbours, Kozachenko and Leonenko (1987)",
    ),
    Method(
        "entropy",
        "wkl",
        "neighbors.weighted_entropy",
        "WeightedKozachenkoLeonenko",
        "weighted nearest neighbours, Berrett et al. (2019)",
    ),
    Method(
        "entropy",
        "discrete",
        "discrete",
        "DiscreteEntropy",
        "counts of symbols, with a correction of their bias",
        takes=DISCRETE,
        gpu=False,
    ),
)


def methods_of(function: str) -> dict[str, Method]:
    """Return the methods of a function, for example "mi" or "entropy", by name."""
    return {row.name: row for row in METHODS if row.function == function}


def listed(function: str) -> str:
    """Return the description of the option `method` of a function, a line for each method."""
    rows = methods_of(function).values()
    lines = [f'- "{row.name}" :class:`fastmi.{row.estimator}`: {row.summary}' for row in rows]
    lines = [
        f"{line} (needs torch)" if row.trains else line
        for line, row in zip(lines, rows, strict=True)
    ]
    return "\n".join(["Name of an estimator; its options are those of the class.", *lines])


#: Methods of :func:`fastmi.mi` by name; the next ones are those of the other functions.
MI_METHODS = methods_of("mi")
CMI_METHODS = methods_of("cmi")
TOTAL_CORRELATION_METHODS = methods_of("total_correlation")
ENTROPY_METHODS = methods_of("entropy")

#: The first row of each estimator, by the name of its class.
ESTIMATORS = {row.estimator: row for row in reversed(METHODS)}

#: Names that can be imported here. ``help(fastmi)``, completion and ``from fastmi import *`` read
#: each name that a module shows, and the first that raises ImportError would end them.
IMPORTABLE = tuple(
    name for name, row in ESTIMATORS.items() if not row.trains or is_installed("torch")
)


# Names of a class, which is known by its module and its own name, each with the options that it
# fixes.
_NAMES: dict[tuple[str, str], list[tuple[str, tuple[tuple[str, object], ...]]]] = {}
for _row in METHODS:
    _NAMES.setdefault((f"fastmi.estimators.{_row.module}", _row.estimator), []).append(
        (_row.name, tuple(_row.fixed.items()))
    )


def name_of(estimator: object) -> str:
    """Return the method that `estimator` is; the name of its class where no row describes it."""
    own = type(estimator)
    for name, fixed in _NAMES.get((own.__module__, own.__name__), ()):
        for option, value in fixed:
            if getattr(estimator, option) != value:
                break
        else:
            return name
    return own.__name__
