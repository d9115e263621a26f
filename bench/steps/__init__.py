"""Training steps that a bench compares: fastmi's, the same in plain torch, other libraries'.

They have no common signature `mi(x, y, k)` as the libraries in `peers` have: what is compared is
one update of a network, on a batch that is given.
"""
