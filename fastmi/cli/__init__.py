"""Command line of fastmi; needs the extra `fastmi[cli]` (typer and rich)."""

import sys

from fastmi.cli.signals import end_at_signals


def main() -> None:
    """Run the `fastmi` command; without typer or rich, say which extra to install."""
    try:
        from fastmi.cli.app import app
        from fastmi.cli.process import run
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(130)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"click", "rich", "typer"}:
            raise
        sys.exit(
            f"fastmi: the command line needs typer and rich, and {error.name} is not installed.\n"
            "Install both with:  pip install 'fastmi[cli]'"
        )
    end_at_signals()
    sys.exit(run(app))
