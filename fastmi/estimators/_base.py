"""The base of all estimators: how their options are read, replaced and described."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, TypeVar, get_origin

from fastmi._checks import did_you_mean
from fastmi._docs import complete
from fastmi.estimators._methods import name_of

_Own = TypeVar("_Own", bound="Estimator")


class Estimator:
    """Base of the estimators, which are frozen dataclasses: their fields are their options.

    A docstring describes the options that its class adds; those of the base classes are
    inserted after them.
    """

    def __init_subclass__(cls) -> None:
        if cls.__doc__ is None:  # python -OO
            return
        bases = [base.__doc__ or "" for base in cls.__mro__[1:]]
        cls.__doc__ = complete(cls.__doc__, _option_names(cls), bases)

    @property
    def method(self) -> str:
        """Name under which :func:`fastmi.mi` and its siblings know this estimator."""
        return name_of(self)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the options by name, as scikit-learn's estimators do.

        Args:
            deep: Without effect, because no option is an estimator with options of its own.
        """
        del deep
        own: Any = self
        return {option.name: getattr(self, option.name) for option in fields(own)}

    def set_params(self: _Own, **params: Any) -> _Own:
        """Replace options in place and return the estimator, as scikit-learn's estimators do.

        All options are checked before any is replaced. This is the one way to change an
        estimator, whose fields are read-only otherwise.

        Raises:
            TypeError: An option of the wrong type.
            ValueError: An option that the estimator does not have, or a value out of range.
        """
        own: Any = self
        names = self.get_params()
        for name in params:
            if name not in names:
                raise ValueError(
                    f"{type(self).__name__} has no option {name!r}; valid options are "
                    f"{', '.join(names)}{did_you_mean(name, names)}"
                )
        changed = replace(own, **params)
        for name in names:
            object.__setattr__(self, name, getattr(changed, name))
        return self


def _option_names(cls: type) -> list[str]:
    """Return the fields of a dataclass in the making, its own before the inherited ones."""
    names: dict[str, None] = {}
    for base in cls.__mro__:
        for name, kind in vars(base).get("__annotations__", {}).items():
            text = kind if isinstance(kind, str) else str(get_origin(kind) or kind)
            if not name.startswith("_") and "ClassVar" not in text:
                names[name] = None
    return list(names)
