"""Other libraries' functions on fastmi's kernels: change the import line, keep the code.

:mod:`fastmi.compat.npeet` follows NPEET's ``npeet.entropy_estimators``,
:mod:`fastmi.compat.sklearn` the mutual information scores of
``sklearn.feature_selection``. Their conventions hold there, not fastmi's: units, noise,
clipping and argument names are the originals'.
"""
