"""Functions of other libraries on fastmi's kernels: change the import line, keep the code.

:mod:`fastmi.compat.npeet` has the functions of NPEET's ``npeet.entropy_estimators``,
:mod:`fastmi.compat.sklearn` the mutual information scores of ``sklearn.feature_selection``. Both
keep the conventions of the original: its units, noise, clipping and argument names.

:mod:`fastmi.compat.causallearn`, :mod:`fastmi.compat.pgmpy` and :mod:`fastmi.compat.dowhy` are
tests of conditional independence for the packages of these names.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING

from fastmi._extras import is_installed as _is_installed

if _TYPE_CHECKING:
    from fastmi.compat import causallearn, dowhy, npeet, pgmpy, sklearn  # noqa: F401

__all__ = ["npeet", "sklearn"]

# Modules of the same name as the package that they are for, and cannot be imported without.
_DOORS = ("causallearn", "dowhy", "pgmpy")


def __getattr__(name: str) -> object:
    if name in __all__ or name in _DOORS:
        return _import_module(f"fastmi.compat.{name}")
    raise AttributeError(f"module 'fastmi.compat' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, *filter(_is_installed, _DOORS)])
