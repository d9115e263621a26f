"""Add up the JUnit files of a CI run and print one closing line.

Usage: count_tests.py FOLDER
"""

import sys
import xml.etree.ElementTree as ET
from pathlib import Path


def main(folder: Path) -> None:
    """Print "tests: N passed, N failed, N skipped" over every junit-*.xml of `folder`."""
    passed = failed = skipped = 0
    for path in sorted(folder.glob("junit-*.xml")):
        for case in ET.parse(path).iter("testcase"):
            if case.find("failure") is not None or case.find("error") is not None:
                failed += 1
            elif case.find("skipped") is not None:
                skipped += 1
            else:
                passed += 1
    print(f"tests: {passed} passed, {failed} failed, {skipped} skipped")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
