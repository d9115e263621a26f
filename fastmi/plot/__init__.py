"""Pictures of results, drawn with matplotlib: ``pip install 'fastmi[plot]'``.

Results draw themselves with ``result.plot()``, which calls the function of this module that is made
for them and passes its options on. Each function draws into the `ax` it is given, or into a new
figure of pyplot whose size fits what it shows, and returns the Axes. A new figure is one of pyplot,
because notebooks and :func:`matplotlib.pyplot.show` show no others; whoever draws many pictures
in a program closes each with ``pyplot.close(ax.figure)``, or passes `ax` of a figure of their own.
Nothing else of matplotlib's state changes.

Colours can be told apart by people who are colour-blind, and in print without colours.
"""

from __future__ import annotations

from fastmi.plot._bars import features
from fastmi.plot._curves import size_curve, sweep, training
from fastmi.plot._lags import lags
from fastmi.plot._matrix import matrix
from fastmi.plot._network import network
from fastmi.plot._null import null

__all__ = ["features", "lags", "matrix", "network", "null", "size_curve", "sweep", "training"]
