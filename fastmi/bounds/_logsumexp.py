"""log-mean-exp over importance samples that arrive a chunk at a time."""

from __future__ import annotations

import math

from fastmi.bounds._arrays import Array, library


class RunningLogMeanExp:
    """Log-mean-exp of each row, held as the largest w and the sum of ``exp(w - largest)``.

    It takes two float64 numbers per row, however many weights have been added.

    Args:
        like: Float64 array of shape (n, ...), which sets the library, the device and n.
    """

    def __init__(self, like: Array) -> None:
        xp = library(like)
        first = like.reshape(len(like), -1)[:, 0]
        self.count = 0
        self.zeros = 0
        self._largest = xp.full_like(first, -math.inf)
        self._sum = xp.zeros_like(first)

    def add(self, log_weights: Array) -> None:
        """Add log weights of shape (n, K): not NaN or +inf; -inf is a weight of 0."""
        xp = library(log_weights)
        largest = xp.maximum(self._largest, xp.amax(log_weights, axis=1))
        # In rows with nothing but zero weights -inf - (-inf) would be NaN.
        shift = xp.where(largest == -math.inf, xp.zeros_like(largest), largest)
        terms = log_weights - shift[:, None]
        xp.exp(terms, out=terms)
        self._sum = self._sum * xp.exp(self._largest - shift) + terms.sum(axis=1)
        self._largest = largest
        self.count += log_weights.shape[1]
        self.zeros += int((log_weights == -math.inf).sum())

    def value(self, extra: Array | None = None) -> Array:
        """Return the log of the mean weight of each row, shape (n,).

        Args:
            extra: One more log weight per row, shape (n,), which is not kept.
        """
        xp = library(self._largest)
        count = self.count
        # In rows whose weights are all zero, log(1) + (-inf) avoids the warning of log(0).
        safe = xp.where(self._sum > 0, self._sum, xp.ones_like(self._sum))
        total = self._largest + xp.log(safe)
        if extra is not None:
            total = xp.logaddexp(total, extra)
            count += 1
        return total - math.log(count)
