"""Estimators that train a network, in torch.

Python runs this file before any module of the package, so that a missing torch is an error
that names the extra; ``import fastmi`` imports none of them.
"""

from fastmi._extras import load

load("torch", extra="torch", needed_by="fastmi.estimators.neural")
