"""The methods of fastmi by what they estimate; no other file here reads its tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastmi import estimators
from fastmi.estimators._lookup import Lazy

TABLES = {
    "mi": estimators.MI_METHODS,
    "cmi": estimators.CMI_METHODS,
    "total_correlation": estimators.TOTAL_CORRELATION_METHODS,
    "entropy": estimators.ENTROPY_METHODS,
}


@dataclass(frozen=True)
class Entry:
    """One row of a table.

    Attributes:
        quantity: A function of fastmi: "mi", "cmi", "total_correlation" or "entropy".
        name: What its option `method` is called.
    """

    quantity: str
    name: str

    @property
    def trains(self) -> bool:
        """Whether the method trains a network, and so needs torch."""
        return isinstance(TABLES[self.quantity][self.name], Lazy)

    def make(self, **options: Any) -> Any:
        """Return the estimator."""
        return TABLES[self.quantity][self.name](**options)


ENTRIES = tuple(Entry(quantity, name) for quantity, table in TABLES.items() for name in table)
