"""The packages that fastmi's tests plug into, and the versions they are tested with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version


@dataclass(frozen=True)
class Host:
    """A package and its supported versions.

    Attributes:
        package: Name to install.
        extra: The extra of fastmi that installs it, and the name of the module for it.
        first: First version that is supported.
        end: First version that is not supported any more.
    """

    package: str
    extra: str
    first: tuple[int, ...]
    end: tuple[int, ...]

    def check(self) -> None:
        """Raise ImportError unless the package is installed in a supported version."""
        needed = f"fastmi.compat.{self.extra} needs {self.package}"
        install = f"pip install 'fastmi[{self.extra}]'"
        try:
            found = version(self.package)
        except PackageNotFoundError as error:
            raise ImportError(f"{needed}: {install}") from error
        if not self.first <= _numbers(found) < self.end:
            first, end = (".".join(map(str, each)) for each in (self.first, self.end))
            raise ImportError(
                f"{needed} in version {first} or newer, below {end}; got {self.package} {found}: "
                f"{install}"
            )


def _numbers(text: str) -> tuple[int, ...]:
    """Return the release numbers of a version, without what marks it as a preview."""
    found = re.match(r"(?:\d+!)?(\d+(?:\.\d+)*)", text)
    return tuple(map(int, found[1].split("."))) if found else ()


CAUSAL_LEARN = Host("causal-learn", "causallearn", (0, 1, 4, 2), (0, 1, 5))
PGMPY = Host("pgmpy", "pgmpy", (1, 1), (1, 2))
DOWHY = Host("dowhy", "dowhy", (0, 12), (0, 15))
