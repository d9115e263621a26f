"""Quantities beyond mutual information and entropy, in closed form and from counts."""
