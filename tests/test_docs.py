"""The examples of README.md and docs/ run as they are printed, and every method is described."""

import importlib
import inspect
import re
import runpy
import warnings
from pathlib import Path

import pytest

import fastmi
from fastmi.estimators import METHODS

ROOT = Path(__file__).parents[1]
FENCE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
PAGES = [
    pytest.param("README.md"),
    pytest.param("docs/bounds.md"),
    pytest.param("docs/plots.md"),
    pytest.param("docs/selection.md"),
    pytest.param("docs/tables.md"),
    pytest.param("docs/which-number.md"),
    pytest.param("docs/flows.md"),
    pytest.param("docs/neural.md", marks=pytest.mark.slow),
    pytest.param("docs/flow-estimators.md", marks=pytest.mark.slow),
    pytest.param("docs/gpu.md"),
]
# The examples of docs/doors.md after the first, which makes samples, run where their packages are.
DOORS = {"causallearn": 1, "pgmpy": 2, "dowhy": 3}


def examples(page):
    """Return the examples of a page, each after empty lines, so that line numbers agree."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = FENCE.finditer(text)
    return ["\n" * text.count("\n", 0, at.start(1)) + at.group(1) for at in found]


@pytest.mark.parametrize("page", PAGES)
def test_examples_run(page, tmp_path, monkeypatch):
    if page in ("docs/selection.md", "docs/tables.md"):
        pytest.importorskip("pandas")
        if page == "docs/selection.md":
            pytest.importorskip("sklearn")
    elif page == "docs/plots.md":
        pytest.importorskip("matplotlib").use("agg")
        pytest.importorskip("pandas")
    elif page not in ("README.md", "docs/which-number.md"):
        torch = pytest.importorskip("torch")
    if page == "docs/gpu.md" and not torch.cuda.is_available():
        pytest.skip("no GPU for torch")
    if page == "docs/neural.md":
        pytest.importorskip("tqdm")
        pytest.importorskip("matplotlib").use("agg")
    monkeypatch.chdir(tmp_path)
    names = {}
    for code in examples(page):
        exec(compile(code, page, "exec"), names)
    if page == "docs/plots.md":
        importlib.import_module("matplotlib.pyplot").close("all")
        assert (tmp_path / "both.pdf").stat().st_size > 1000


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("package", DOORS)
def test_examples_of_doors_run(package):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip(package)
        pytest.importorskip("pandas")
    names = {}
    found = examples("docs/doors.md")
    for number in (0, DOORS[package]):
        exec(compile(found[number], "docs/doors.md", "exec"), names)
    if package == "causallearn":
        assert names["graph"].G.get_num_edges() == 4
    if package == "pgmpy":
        assert {("c", "d"), ("g", "d")} <= set(names["found"].edges())
    if package == "dowhy":
        found = {key.name: value for key, value in names["summary"].items()}
        assert (found["N_TESTS"] > 0, found["N_VIOLATIONS"]) == (True, 0)


def test_no_page_with_examples_is_left_out():
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    with_examples = {str(page.relative_to(ROOT)) for page in pages if examples(page)}
    assert with_examples == {page.values[0] for page in PAGES} | {"docs/doors.md"}


def test_what_the_first_example_prints():
    first = examples("README.md")[0]
    call, printed = first.strip().splitlines()[-2:]
    names = {}
    exec(first, names)
    assert f"# {eval(call, names)!r}" == printed


def test_the_page_of_methods_is_that_of_the_table():
    page = runpy.run_path(str(ROOT / "docs" / "render_methods.py"))["page"]()
    assert (ROOT / "docs" / "methods.md").read_text(encoding="utf-8") == page
    for function in {row.function for row in METHODS}:
        default = inspect.signature(getattr(fastmi, function)).parameters["method"].default
        # None stands for the first method where the arguments are numbers.
        assert default in (None, next(row.name for row in METHODS if row.function == function))


def test_every_method_is_defined():
    pages = ("index.md", "neural.md", "flow-estimators.md")
    text = "".join((ROOT / "docs" / page).read_text(encoding="utf-8") for page in pages)
    quoted = set(re.findall(r'"([a-z0-9_-]+)"|`([a-z0-9_-]+)`', text))
    named = {name for pair in quoted for name in pair}
    assert {row.name for row in METHODS} <= named
