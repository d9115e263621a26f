"""Modules of this folder and of bench/ import each other by bare names, as its scripts do."""

import sys
from pathlib import Path

sys.path += [str(Path(__file__).parent), str(Path(__file__).parents[1])]
