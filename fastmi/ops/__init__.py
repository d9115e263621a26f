"""One file per kernel: typed functions over the compiled module.

Arguments are taken as checked: C-contiguous float32 or float64 arrays of shape (n, d), or
:class:`fastmi._device_array.DeviceArray`, one dtype and device for all, finite, and
``1 <= k < n``. What users pass goes through :mod:`fastmi._inputs` first. Results are NumPy
arrays wherever the work was done.
"""
