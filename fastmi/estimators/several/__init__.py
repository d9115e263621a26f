"""Sums of entropies of several variables beyond the total correlation, without neighbours."""
