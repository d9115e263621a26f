"""One file per kernel: typed functions over the compiled module.

Arguments are taken as checked: blocks (:mod:`fastmi._blocks`) of one dtype and device, finite,
and ``1 <= k < n``. What users pass goes through :mod:`fastmi._inputs` first. The modules for the
CPU and for GPUs offer the same functions, so that nothing here asks where a block lies. Results
are NumPy arrays wherever the work was done, and the name of the search that ran stands beside
them.
"""
