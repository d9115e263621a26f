"""What users type behind the commands: types, help, and the options of a method."""

import ast
import re
from collections.abc import Mapping
from dataclasses import MISSING, fields
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from fastmi._checks import did_you_mean
from fastmi._docs import descriptions
from fastmi.cli.columns import DataError
from fastmi.cli.help import DATA, ESTIMATE, OUTPUT, SIGNIFICANCE
from fastmi.estimators import MI_METHODS
from fastmi.estimators._lookup import find
from fastmi.estimators._methods import Method

# Options of estimators that the commands have as options of their own.
_FLAGS = {"k": "--k", "noise": "--noise", "seed": "--seed", "n_jobs": "--n-jobs"}
# Docstrings mark names as :mod:`fastmi.normalize`.
_ROLE = re.compile(r":[a-z]+:`~?([^`]*)`")


# The commands show progress themselves.
_HIDDEN = {"progress"}


class Scale(str, Enum):
    """How columns are brought to a common unit."""

    NONE = "none"
    STD = "std"


class ErrorKind(str, Enum):
    """Where the error of an estimate comes from, if not from its local values."""

    HALF = "half"


class Missing(str, Enum):
    """What to do about cells without a value."""

    RAISE = "raise"
    PAIRWISE = "pairwise"
    DROP = "drop"


class Fdr(str, Enum):
    """How q-values are computed."""

    BH = "bh"
    BY = "by"


class Condition(str, Enum):
    """What is given beside a target's own past."""

    NONE = "none"
    ALL = "all"


class Form(str, Enum):
    """Forms of mutual information on a scale without a unit."""

    CORRELATION = "correlation"
    TARGET = "target"
    MIN = "min"
    MAX = "max"
    GEOMETRIC = "geometric"
    ARITHMETIC = "arithmetic"
    JOINT = "joint"


def _methods_like(incomplete: str) -> list[str]:
    return [name for name in MI_METHODS if name.startswith(incomplete)]


def columns_option(flag: str, text: str) -> Any:
    """Return the declaration of an option that names columns."""
    return typer.Option(
        flag, metavar="COLUMNS", help=text, show_default=False, rich_help_panel=DATA
    )


Data = Annotated[
    Path,
    typer.Argument(
        metavar="DATA",
        # Whether it is there is said in one line, when it is opened.
        readable=False,
        help="CSV, TSV, TXT (also .gz), Parquet, NPY or NPZ file with samples in rows; - reads "
        "standard input.",
    ),
]
Header = Annotated[
    bool | None,
    typer.Option(
        "--header/--no-header",
        help="Whether the first row of a text file holds names.  [default: by what it holds]",
        show_default=False,
        rich_help_panel=DATA,
    ),
]
DropMissing = Annotated[
    bool,
    typer.Option("--drop-missing", help="Leave out rows that lack a value.", rich_help_panel=DATA),
]
MissingValues = Annotated[
    Missing | None,
    typer.Option(
        "--missing",
        help="What to do about cells without a value: refuse them (raise), take for each pair the "
        "rows that both columns have (pairwise), or only rows without gaps (drop, or "
        "--drop-missing).  [default: raise]",
        show_default=False,
        rich_help_panel=DATA,
    ),
]
Discrete = Annotated[
    list[str] | None,
    typer.Option(
        "--discrete",
        metavar="COLUMNS",
        help="Which columns of numbers are classes: these and no others, all, or none. Text is "
        "classes whatever this says.  [default: by what the columns hold]",
        show_default=False,
        rich_help_panel=DATA,
    ),
]
MethodName = Annotated[
    str,
    typer.Option(
        "--method",
        metavar="NAME",
        autocompletion=_methods_like,
        help="Estimator; `fastmi methods` lists them.",
        rich_help_panel=ESTIMATE,
    ),
]
MethodByPair = Annotated[
    str | None,
    typer.Option(
        "--method",
        metavar="NAME",
        autocompletion=_methods_like,
        help="One estimator for every pair; `fastmi methods` lists them.  [default: for each pair "
        "the one that suits its two columns; columns of numbers are taken by their ranks]",
        show_default=False,
        rich_help_panel=ESTIMATE,
    ),
]
MethodOfTest = Annotated[
    str | None,
    typer.Option(
        "--method",
        metavar="NAME",
        autocompletion=_methods_like,
        help="Estimator; `fastmi methods` lists them.  [default: by what the columns hold]",
        show_default=False,
        rich_help_panel=ESTIMATE,
    ),
]
MethodOfTransfer = Annotated[
    str | None,
    typer.Option(
        "--method",
        metavar="NAME",
        help="Estimator of conditional information: fp (neighbours), gaussian and others.  "
        "[default: fp]",
        show_default=False,
        rich_help_panel=ESTIMATE,
    ),
]
Given = Annotated[
    Condition | None,
    typer.Option(
        "--condition",
        help="all: give the past of all other series, which leaves direct links; --method gaussian "
        "sees more in so many columns.  [default: none]",
        show_default=False,
        rich_help_panel=ESTIMATE,
    ),
]
MethodOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        "-o",
        metavar="NAME=VALUE",
        help="Option of the method, such as normalize=local; may be repeated. "
        "`fastmi methods NAME` lists them.",
        show_default=False,
        rich_help_panel=ESTIMATE,
    ),
]
Neighbours = Annotated[
    int | None,
    typer.Option(
        "--k",
        metavar="N",
        help="Neighbours.  [default: 3]",
        show_default=False,
        rich_help_panel=ESTIMATE,
    ),
]
Scaling = Annotated[
    Scale,
    typer.Option(
        help="std: divide each column by its standard deviation first.", rich_help_panel=ESTIMATE
    ),
]
ScalingOfMethod = Annotated[
    Scale | None,
    typer.Option(
        help="For a --method that is named. std: divide each column by its standard deviation "
        "first.  [default: std]",
        show_default=False,
        rich_help_panel=ESTIMATE,
    ),
]
Noise = Annotated[
    float | None,
    typer.Option(
        metavar="SIZE",
        help="Uniform noise against ties, relative to each column's spread.  "
        "[default: that of the method]",
        show_default=False,
        rich_help_panel=ESTIMATE,
    ),
]
Normalized = Annotated[
    Form | None,
    typer.Option(
        "--normalized",
        metavar="FORM",
        help="Show a form between 0 and 1 as well. correlation: that of normal variables with this "
        "information; target: the share of what there is to know of the target; min, max, "
        "geometric, arithmetic and joint divide by the smaller, larger, mean or joint entropy of "
        "two columns of classes.",
        show_default=False,
        rich_help_panel=ESTIMATE,
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Seed of what is random.  [default: none]",
        show_default=False,
        rich_help_panel=ESTIMATE,
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        "--n-jobs",
        "--jobs",
        metavar="N",
        help="Threads.  [default: all usable cores]",
        show_default=False,
        rich_help_panel=ESTIMATE,
    ),
]
ErrorBar = Annotated[
    ErrorKind | None,
    typer.Option(
        "--error",
        help="half: error bars from 40 random halves of the samples, which takes as long as 40 "
        "estimates from half of them.  [default: from the local values, too small]",
        show_default=False,
        rich_help_panel=ESTIMATE,
    ),
]
Permutations = Annotated[
    str | None,
    typer.Option(
        "--permutations",
        metavar="N",
        help="P-values from N random orders of the rows. auto: as many as a decision about all "
        "pairs needs.  [default: no p-values]",
        show_default=False,
        rich_help_panel=SIGNIFICANCE,
    ),
]
Scheme = Annotated[
    str | None,
    typer.Option(
        "--scheme",
        metavar="NAME",
        help="How the rows of X are reordered: shuffle, circular or block (for series), local or "
        "residual (with --given).  [default: shuffle; with --given local, or residual where rows "
        "hardly resemble each other]",
        show_default=False,
        rich_help_panel=SIGNIFICANCE,
    ),
]
BlockLength = Annotated[
    int | None,
    typer.Option(
        "--block-length",
        metavar="N",
        help="Rows that --scheme block keeps together.",
        show_default=False,
        rich_help_panel=SIGNIFICANCE,
    ),
]
CountOfTest = Annotated[
    str,
    typer.Option(
        "--permutations",
        metavar="N",
        help="How many random orders of the rows to compare with.",
        rich_help_panel=SIGNIFICANCE,
    ),
]
Rotations = Annotated[
    str | None,
    typer.Option(
        "--permutations",
        metavar="N",
        help="P-values from N rotations of a series, which keep its autocorrelation; 200 is "
        "usual.  [default: no p-values]",
        show_default=False,
        rich_help_panel=SIGNIFICANCE,
    ),
]
PermutationsOfTransfer = Annotated[
    str,
    typer.Option(
        "--permutations",
        metavar="N",
        help="How many rotations of a source to compare with. auto: as many as a decision about "
        "all pairs needs; 0: no p-values.",
        rich_help_panel=SIGNIFICANCE,
    ),
]
FalseDiscoveries = Annotated[
    Fdr,
    typer.Option(
        "--fdr",
        help="q-values, which bound the share of false discoveries, by Benjamini and Hochberg "
        "(bh), or by Benjamini and Yekutieli whatever the dependence of the tests (by).",
        rich_help_panel=SIGNIFICANCE,
    ),
]
Corrected = Annotated[
    bool,
    typer.Option(
        "--corrected",
        help="P-values against the largest of all pairs as well, at which any false discovery is "
        "rare.",
        rich_help_panel=SIGNIFICANCE,
    ),
]
Top = Annotated[
    int,
    typer.Option("--top", min=0, metavar="N", help="How many to list.", rich_help_panel=OUTPUT),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="FILE",
        readable=False,
        help="Write the result to FILE.csv or FILE.parquet.",
        show_default=False,
        rich_help_panel=OUTPUT,
    ),
]
Plot = Annotated[
    Path | None,
    typer.Option(
        "--plot",
        metavar="FILE",
        readable=False,
        help="Draw the result into FILE.png, FILE.svg or FILE.pdf.",
        show_default=False,
        rich_help_panel=OUTPUT,
    ),
]
Bits = Annotated[
    bool,
    typer.Option("--bits", help="Report bits instead of nats.", rich_help_panel=OUTPUT),
]
Json = Annotated[
    bool,
    typer.Option("--json", help="Print JSON instead of tables.", rich_help_panel=OUTPUT),
]


def parse_permutations(text: str | None, *, auto: bool) -> int | str:
    """Return the number behind ``--permutations``, or "auto" where the command knows it."""
    if text is None:
        return 0
    if auto and text.strip().lower() == "auto":
        return "auto"
    try:
        count = int(text)
    except ValueError:
        count = -1
    if count < 0:
        kinds = "a whole number or auto" if auto else "a whole number"
        raise DataError(f"--permutations must be {kinds}; got {text!r}")
    return count


def missing_of(missing: Missing | None, *, drop_missing: bool) -> str:
    """Return what ``--missing`` and ``--drop-missing`` together ask for."""
    if drop_missing and missing not in (None, Missing.DROP):
        raise DataError(f"--drop-missing and --missing {missing.value} contradict each other")
    if drop_missing:
        return Missing.DROP.value
    return (missing or Missing.RAISE).value


def parse_ks(text: str | None) -> int | list[int] | None:
    """Return the number or the numbers of neighbours in the text behind ``--k``."""
    if text is None:
        return None
    try:
        ks = [int(part) for part in text.split(",")]
    except ValueError:
        raise DataError(f"--k must be whole numbers such as 3 or 3,5; got {text!r}") from None
    return ks[0] if len(ks) == 1 else ks


def parse_options(
    method: str, texts: list[str] | None, methods: Mapping[str, Method] = MI_METHODS
) -> dict[str, Any]:
    """Return the options in texts such as "normalize=local", as Python values.

    Raises:
        DataError: One of them is no option of the method, or has a flag of its own.
    """
    options: dict[str, Any] = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if not equals:
            raise DataError(f"--option must be NAME=VALUE, such as normalize=local; got {text!r}")
        if name in _FLAGS:
            raise DataError(f"--option {name}: use {_FLAGS[name]}")
        row = find(methods, method)
        valid = [known for known in row.options if known not in {*_FLAGS, *_HIDDEN}]
        if name not in valid:
            raise DataError(
                f"--option: method {method} has no option {name!r}{did_you_mean(name, valid)}",
                f"its options: {', '.join(valid)}",
            )
        kinds = {field.name: str(field.type) for field in fields(row.loaded)}
        options[name] = _as_value(value.strip(), kinds[name])
    return options


def _as_value(text: str, annotation: str) -> Any:
    """Return what the text of an option with this annotation means.

    That is a number, list or other value as Python writes it, or else the text itself. "none" is
    None, and "true" and "false" are booleans, where the option can be such a value: for others
    they are names.
    """
    if annotation == "str":
        return text
    word = text.lower()
    if word == "none" and "None" in annotation:
        return None
    if word in {"true", "false"} and "bool" in annotation:
        return word == "true"
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def option_rows(method: Method) -> list[tuple[str, str, str]]:
    """Return name, default and description of every option of a method."""
    texts = descriptions(method.loaded.__doc__ or "")
    rows = []
    for field in fields(method.loaded):
        if field.name in {*method.fixed, *_HIDDEN}:
            continue
        default = field.default if field.default_factory is MISSING else field.default_factory()
        name = _FLAGS.get(field.name, f"-o {field.name}=")
        text = _ROLE.sub(r"\1", texts.get(field.name, "")).replace("``", "")
        rows.append((name, "none" if default is None else str(default), text))
    return rows
