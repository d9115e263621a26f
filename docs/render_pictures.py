"""Draw docs/pictures, the pictures of the documentation, from examples/data."""

import io
from pathlib import Path

import matplotlib
import pandas as pd
from PIL import Image

import fastmi

HERE = Path(__file__).parent
# Small enough for a page, in pixels an inch.
RESOLUTION = 80


def main():
    """Draw both pictures of wine."""
    matplotlib.use("agg")
    wine = pd.read_csv(HERE.parent / "examples" / "data" / "wine.csv")
    ranked = fastmi.rank_features(wine, "cultivar", n_permutations="auto", seed=0)
    pairs = fastmi.pairwise_mi(wine, n_permutations="auto", seed=0)
    for name, result in (("wine-ranking", ranked), ("wine-matrix", pairs)):
        file = HERE / "pictures" / f"{name}.png"
        content = io.BytesIO()
        result.plot().figure.savefig(content, dpi=RESOLUTION, bbox_inches="tight")
        # A quarter of the size of a picture in all colours.
        Image.open(content).convert("RGB").quantize(128).save(file, optimize=True)


if __name__ == "__main__":
    main()
