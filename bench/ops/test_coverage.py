"""Every op has a bench: a new one fails here until a test of its name times it."""

import re
from importlib import import_module
from inspect import getmembers, isfunction
from pathlib import Path
from pkgutil import iter_modules

from fastmi import neighbors, ops

# Nothing to time: one number from a cache, a table look-up, definitions, positions of weights, and
# the ways into and behind `bnaf_vector`.
NOT_TIMED = {
    "psi",
    "chosen_algorithm",
    "bnaf",
    "bnaf_cuda",
    "bnaf_host",
    "bnaf_ref",
    "on_diagonal",
    "pack",
    "packed_size",
    "unpack",
}


def functions(module):
    """Yield the names of the public functions that a module defines."""
    for name, function in getmembers(module, isfunction):
        if function.__module__ == module.__name__ and not name.startswith("_"):
            yield name


def test_every_op_is_timed():
    found = set(neighbors.__all__)
    for module in iter_modules(ops.__path__, f"{ops.__name__}."):
        found.update(functions(import_module(module.name)))
    texts = [path.read_text() for path in Path(__file__).parent.glob("test_*.py")]
    timed = [
        name for text in texts for name in re.findall(r"^def test_(\w+)\(benchmark", text, re.M)
    ]
    missing = {op for op in found - NOT_TIMED if not any(name.startswith(op) for name in timed)}
    assert not missing
    assert found >= NOT_TIMED
