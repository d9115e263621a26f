"""Makes an estimator from the options of one call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from fastmi._checks import check_choice, did_you_mean
from fastmi.estimators._methods import Method


def build(
    function: Callable[..., Any],
    methods: Mapping[str, Method],
    method: object,
    given: Mapping[str, object],
    options: Mapping[str, object],
) -> Any:
    """Return the estimator called `method`, made with the options of one call.

    Args:
        function: The public function; a keyword at its default counts as not given.
        methods: Methods of that function by name.
        method: Name that the user gave.
        given: Values of the keywords that the function names. Those that the method lacks must
            be at their defaults.
        options: Further keywords that the user gave.

    Raises:
        TypeError: An option that the method does not have.
        ValueError: Unknown `method`.
    """
    row = find(methods, method)
    known = row.options
    kept = {name: value for name, value in given.items() if name in known}
    foreign = [name for name in options if name not in known]
    if len(kept) < len(given):
        defaults = _defaults(function)
        foreign += [
            name
            for name, value in given.items()
            if name not in known and not _same(value, defaults[name])
        ]
    if foreign:
        named = [name for name in _defaults(function) if name in known or name == "method"]
        raise _unknown_options(function, row, foreign, named)
    return row.loaded(**row.fixed, **kept, **options)


def find(methods: Mapping[str, Method], method: object) -> Method:
    """Return the row called `method`.

    Raises:
        ValueError: There is none; the message lists the names.
    """
    if not isinstance(method, str) or method not in methods:
        check_choice("method", method, methods)
    return methods[str(method)]


def check_options(function: Callable[..., Any], row: Method, options: Iterable[str]) -> None:
    """Check the keywords that `function` passes on to a method.

    Raises:
        TypeError: One of them is not an option of the method; the message lists the options of
            `function` first.
    """
    foreign = [name for name in options if name not in row.options]
    if foreign:
        raise _unknown_options(function, row, foreign, list(_defaults(function)))


def _unknown_options(
    function: Callable[..., Any], row: Method, foreign: list[str], own: list[str]
) -> TypeError:
    # The interpreter's own TypeError would not list the valid names.
    valid = own + [name for name in row.options if name not in _defaults(function)]
    return TypeError(
        f"{function.__name__}() with method={row.name!r}: options must be among "
        f"{', '.join(valid)}; got {', '.join(foreign)}{did_you_mean(foreign[0], valid)}"
    )


def _defaults(function: Callable[..., Any]) -> dict[str, Any]:
    return getattr(function, "__kwdefaults__", None) or {}


def _same(value: object, default: object) -> bool:
    # Types come first, because arrays compare elementwise, and no default is an array.
    return value is default or (type(value) is type(default) and value == default)
