"""Write docs/methods.md from the table of methods; `--check` only compares."""

import sys
from pathlib import Path

from fastmi.estimators import METHODS

PAGE = Path(__file__).with_name("methods.md")
HEAD = """# Methods

The values of `method=` for each function. [index.md](index.md) defines the methods;
[neural.md](neural.md) and [flow-estimators.md](flow-estimators.md) define those that train
networks. The help of each class lists its options, for example `help(fastmi.KSG)`. "yes" under GPU
means that every long step has CUDA kernels; none of these has run on a device yet, see
[gpu.md](gpu.md).

`python docs/render_methods.py` writes this page from the table in `fastmi/estimators/_methods.py`.
"""
# The heading of each function, in the order of the page.
FUNCTIONS = {
    "mi": "Mutual information: `fastmi.mi(x, y, method=...)`",
    "cmi": "Conditional mutual information: `fastmi.cmi(x, y, z, method=...)`",
    "total_correlation": "Total correlation: `fastmi.total_correlation(x, y, z, ..., method=...)`",
    "dual_total_correlation": "Dual total correlation: "
    "`fastmi.dual_total_correlation(x, y, z, ..., method=...)`",
    "o_information": "O-information: `fastmi.o_information(x, y, z, ..., method=...)`",
    "s_information": "S-information: `fastmi.s_information(x, y, z, ..., method=...)`",
    "kl_divergence": "Divergence of two samples: `fastmi.kl_divergence(x, x_other, method=...)`",
    "entropy": "Entropy: `fastmi.entropy(x, method=...)`",
}


def page() -> str:
    """Return the text of the page."""
    parts = [HEAD]
    for function, title in FUNCTIONS.items():
        rows = [row for row in METHODS if row.function == function]
        parts.append(
            f"\n## {title}\n\nThe default is `{rows[0].name}`.\n\n"
            "| method | class | what it is | variables | needs | GPU |\n"
            "| --- | --- | --- | --- | --- | --- |\n"
        )
        parts += [
            f"| `{row.name}` | `{row.estimator}` | {row.summary} | {row.takes} | "
            f"{'torch' if row.trains else ''} | {'yes' if row.gpu else ''} |\n"
            for row in rows
        ]
    return "".join(parts)


if __name__ == "__main__":
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(page(), encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != page():
        sys.exit(f"{PAGE.name} is out of date: run python docs/render_methods.py")
