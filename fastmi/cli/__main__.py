"""`python -m fastmi.cli` does what the `fastmi` command does."""

from fastmi.cli import main

main()
