"""Estimators that search nearest neighbours and count within radii."""
