"""The package as installed: what importing it costs and pulls in, its layers, its extras."""

import ast
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

import fastmi
from fastmi import _docs
from fastmi.estimators import METHODS

PACKAGE = Path(fastmi.__file__).parent

PROJECT = Path(__file__).parents[1]


def layers():
    """Return the layers in pyproject.toml from the top, each a set of first names below fastmi."""
    tomllib = pytest.importorskip("tomllib", reason="Python 3.10 has no reader of TOML")
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    rows = project["tool"]["importlinter"]["contracts"][0]["layers"]
    return [{name.strip("( )").removeprefix("fastmi.") for name in row.split(":")} for row in rows]


@pytest.fixture
def python(tmp_path):
    """A function that runs a program in a fresh interpreter, away from the source tree."""

    def run(program, status=0):
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "COLUMNS": "200"},
        )
        assert done.returncode == status, done.stderr
        return done.stdout if status == 0 else done.stderr

    return run


def test_import_brings_numpy_alone(python):
    """Other packages, even if installed, load only when a feature needs them."""
    program = """
import sys, numpy
before = set(sys.modules)
import fastmi
fastmi.mi([i**0.5 for i in range(9)], [(4 * i % 9) ** 0.5 for i in range(9)])
print(*sorted({name.partition(".")[0] for name in set(sys.modules) - before}))
"""
    brought = set(python(program).split())
    outside = brought - set(sys.stdlib_module_names) - {"fastmi"}
    # An editable install loads its own finder.
    assert {name for name in outside if "editable" not in name} <= {"numpy"}


def test_import_time(python, record_property):
    """The time is that beyond NumPy's own import, best of five."""
    program = """
import time, numpy
start = time.perf_counter()
import fastmi
print(time.perf_counter() - start)
"""
    seconds = min(float(python(program)) for _ in range(5))
    record_property("import_ms", 1e3 * seconds)
    assert seconds < 0.150


def test_docstrings_cost_what_they_lack(monkeypatch):
    """Filling paragraphs is what takes time: each function fills those that it shows, once."""
    filled = []
    monkeypatch.setattr(_docs, "_filled", lambda name, _: filled.append(name) or f"    {name}: F.")
    text = _docs.complete("Do.\n\nArgs:\n    k: Own.\n", ["x", "k", "metric"])
    assert text.splitlines() == ["Do.", "", "Args:", "    k: Own.", "    metric: F."]
    assert filled == ["metric"]


def test_names():
    torch = importlib.util.find_spec("torch")
    trained = {row.estimator for row in METHODS if row.trains}
    for name in {*fastmi.__all__, "nn", *trained}:
        if torch is None and (name == "nn" or name in trained):
            with pytest.raises(ImportError, match=r"needs torch: .*fastmi\[torch\]"):
                getattr(fastmi, name)
        else:
            assert getattr(fastmi, name) is not None
    with pytest.raises(AttributeError, match="module 'fastmi' has no attribute 'nope'"):
        fastmi.nope  # noqa: B018


def test_tab_shows_what_exists_and_nothing_else(python):
    shown = set(dir(fastmi))
    assert shown == set(fastmi.__all__)
    assert {"permutation_test", "pairwise_mi", "datasets", "bounds"} <= shown
    assert {"PairwiseMI", "PermutationTest", "SubsampleError"} <= shown
    trained = {"nn", *(row.estimator for row in METHODS if row.trains)}
    assert {row.estimator for row in METHODS} - trained <= shown
    assert trained & shown == (trained if importlib.util.find_spec("torch") else set())
    assert set(fastmi.statistics.__all__) <= shown
    assert len(fastmi.__all__) == len(shown)
    private = {name for name in vars(fastmi) if not name.startswith("_")}
    # Modules that others have imported are attributes of the package, whatever their names.
    assert private - shown <= {"api", "cli", "selection"}
    printed = python("import fastmi; print(fastmi.compat.sklearn.__name__, *dir(fastmi.compat))")
    doors = [name for name in ("causallearn", "dowhy", "pgmpy") if importlib.util.find_spec(name)]
    assert printed.split() == ["fastmi.compat.sklearn", *sorted(["npeet", "sklearn", *doors])]


def test_without_torch_names_can_be_completed_explained_and_imported(python):
    """Each of the three reads all names that the module shows, and an ImportError ends it."""
    program = """
import sys
sys.modules["torch"] = None
import pydoc, rlcompleter
import fastmi
print(rlcompleter.Completer({"fastmi": fastmi}).complete("fastmi.KS", 0))
print("permutation_test(" in pydoc.render_doc(fastmi, renderer=pydoc.plaintext))
print("class KSG(" in pydoc.render_doc(fastmi.estimators, renderer=pydoc.plaintext))
from fastmi import *
from fastmi.estimators import *
print(KSG.__name__, "MINE" in globals(), "nn" in globals())
"""
    assert python(program).split() == ["fastmi.KSG(", "True", "True", "KSG", "False", "False"]


def test_version_is_that_of_the_distribution():
    from importlib.metadata import version

    assert fastmi.__version__ == version("fastmi")


def test_is_typed():
    assert (PACKAGE / "py.typed").exists()


def imports(path):
    """Return the first component of the name of each fastmi module that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        parts = [name.split(".") for name in names]
        found |= {p[1] for p in parts if p[0] == "fastmi" and len(p) > 1}
    return found


def test_layers_import_downward():
    rows = [*layers(), {"_cpu", "_cuda"}]
    rank = {name: level for level, names in enumerate(rows) for name in names}
    known = {path.stem for path in PACKAGE.iterdir() if path.suffix in {"", ".py"}}
    assert known - {"__init__", "__pycache__"} <= rank.keys()
    files = [path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py"]
    assert files
    for path in files:
        own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        for name in imports(path) & rank.keys():
            assert rank[name] >= rank[own], f"{path} imports fastmi.{name} from a layer above"
            if name in {"_cpu", "_cuda"}:
                assert own == "_backend", f"{path}: only _backend loads compiled modules"


def test_the_lowest_layer_stands_alone():
    lowest = layers()[-1]
    assert lowest
    assert not any(imports(PACKAGE / f"{name}.py") for name in lowest)
    # Estimates share the tables of results, and load what draws them when they draw themselves.
    assert imports(PACKAGE / "_estimate.py") <= {*lowest, "_results", "plot"}


def test_unbuilt_package_says_what_to_do(python):
    said = python("import sys; sys.modules['fastmi._cpu'] = None; import fastmi", status=1)
    assert "did you build it?" in said
    assert "pip install -e ." in said


def test_command_line_without_its_extra_names_it(python):
    said = python(
        "import sys; sys.modules['typer'] = None; import fastmi.cli; fastmi.cli.main()", status=1
    )
    assert "pip install 'fastmi[cli]'" in said
    assert "Traceback" not in said


def test_config_explains_a_wrong_simd_level(monkeypatch):
    monkeypatch.setenv("FASTMI_SIMD_LEVEL", "sse9")
    assert "sse9" in fastmi.config()["simd_level"]
