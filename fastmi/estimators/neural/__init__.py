"""Estimators that train a network; importing one of these modules imports torch."""
