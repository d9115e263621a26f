"""One file per kernel: typed functions over the compiled module.

Arguments must have been checked: blocks (:mod:`fastmi._blocks`) of one dtype and device, finite,
and ``1 <= k < n``; :mod:`fastmi._inputs` does that to what users pass. The modules for the CPU and
for GPUs offer the same functions, so that nothing here depends on where a block lies. Results are
NumPy arrays wherever the work was done, and include the name of the search that ran.
"""
