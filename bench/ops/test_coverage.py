"""Every op has a bench: a new one fails here until a test of its name times it."""

import ast
from pathlib import Path

from fastmi import neighbors, ops

# Nothing to time: one number from a cache, a choice, the short form of `coincidences`, changes of
# unit, definitions, positions of weights, and the ways into and behind `bnaf_vector`.
NOT_TIMED = {
    "nothing_repeats",
    "psi",
    "sorts_pairs",
    "held_radii",
    "rescaled",
    "shifted",
    "bnaf",
    "bnaf_cuda",
    "bnaf_host",
    "bnaf_ref",
    "on_diagonal",
    "pack",
    "packed_size",
    "unpack",
}


def functions(folder, pattern):
    """Return the public functions in the files of a folder; read, since some need torch."""
    trees = [ast.parse(path.read_text()) for path in Path(folder).glob(pattern)]
    found = [each for tree in trees for each in tree.body if isinstance(each, ast.FunctionDef)]
    return {function.name for function in found if not function.name.startswith("_")}


def test_every_op_is_timed():
    found = functions(*ops.__path__, "*.py") | set(neighbors.__all__)
    tests = functions(Path(__file__).parent, "test_*.py")
    untimed = {op for op in found if not any(name.startswith(f"test_{op}") for name in tests)}
    assert untimed <= NOT_TIMED
    assert found >= NOT_TIMED
