"""Descriptions of arguments that the bounds share, inserted into their docstrings."""

from fastmi._docs import describes_options

#: A decorator of functions: what their ``Args:`` section leaves out is taken from here.
describes_arguments = describes_options(
    x="Observations, shape (n, ...) or (n,).",
    z="Latents that generated the observations, shape (n, dz) or (n,).",
    proposal="Proposal q(z|x). None takes the prior.",
    n_importance="Number of importance samples per pair, K in the formulas, at least 1.",
    chunk="Number of importance samples of each pair that are drawn at once. None chooses. "
    "Another number draws other samples.",
    seed="Seed of all draws; any value that :func:`numpy.random.default_rng` accepts.",
    progress="True shows a bar, which needs tqdm; a function is called after each chunk.",
)
