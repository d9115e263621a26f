"""Selects the columns of a table that tell most about a target: transformers of scikit-learn.

    >>> from fastmi.selection import MISelector  # doctest: +SKIP

The module needs scikit-learn: ``pip install 'fastmi[sklearn]'``.
"""

from fastmi._extras import load as _load

_load("sklearn", extra="sklearn", needed_by="fastmi.selection")

from fastmi.selection._selector import MISelector  # noqa: E402

__all__ = ["MISelector"]
