"""From the options of one call to an estimator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import lru_cache, partial
from importlib import import_module
from typing import Any, TypeVar

from fastmi._checks import check_choice

_Estimator = TypeVar("_Estimator")


class Lazy:
    """An estimator whose module loads when it is first made: its options cost time to define.

    Args:
        module: Name of the module.
        name: Of the class in it.
    """

    def __init__(self, module: str, name: str) -> None:
        self._module = module
        self._name = name

    def load(self) -> Callable[..., Any]:
        """Return the class."""
        found: Callable[..., Any] = getattr(import_module(self._module), self._name)
        return found

    def __call__(self, **options: object) -> Any:
        """Return an estimator with these options."""
        return self.load()(**options)


def build(
    function: Callable[..., Any],
    methods: Mapping[str, Callable[..., _Estimator]],
    method: object,
    given: Mapping[str, object],
    options: Mapping[str, object],
) -> _Estimator:
    """Return the estimator called `method`, made with the options of one call.

    Args:
        function: The public function, whose keyword defaults tell what was left alone.
        methods: Estimators by name.
        method: Name of one.
        given: Values of the keywords that the function names. Those that the method lacks must
            be at their defaults.
        options: Further keywords.

    Raises:
        TypeError: An option that the method does not have.
        ValueError: Unknown `method`.
    """
    check_choice("method", method, methods)
    make = methods[str(method)]
    if isinstance(make, Lazy):
        make = make.load()
    known = _options(make)
    kept = {name: value for name, value in given.items() if name in known}
    foreign = [name for name in options if name not in known]
    defaults: dict[str, object] = getattr(function, "__kwdefaults__", {})
    if len(kept) < len(given):
        foreign += [
            name
            for name, value in given.items()
            if name not in known and not _same(value, defaults[name])
        ]
    if foreign:
        # The interpreter's own message would not list the valid names.
        named = [name for name in defaults if name in known or name == "method"]
        valid = ", ".join(named + [name for name in known if name not in defaults])
        raise TypeError(
            f"{function.__name__}() with method={method!r}: options must be among {valid}; "
            f"got {', '.join(foreign)}"
        )
    return make(**kept, **options)


@lru_cache(maxsize=64)
def _options(make: Callable[..., Any]) -> tuple[str, ...]:
    """Return the names of an estimator's options, less those that its table entry fixes."""
    fixed = make.keywords if isinstance(make, partial) else {}
    made: Any = make.func if isinstance(make, partial) else make
    return tuple(field.name for field in fields(made) if field.name not in fixed)


def _same(value: object, default: object) -> bool:
    # By type first: arrays compare elementwise, and no default is one.
    return value is default or (type(value) is type(default) and value == default)
