"""Bounds for models with known densities, from all log weights at once."""

from itertools import pairwise

import numpy as np


def gaussian_logpdf(x, mean, variance):
    """log N(x; mean, variance), summed over the last axis."""
    return (-0.5 * np.log(2 * np.pi * variance) - 0.5 * (x - mean) ** 2 / variance).sum(axis=-1)


def log_mean_exp(log_weights):
    """Log of the mean weight of each row, scaled by its largest weight."""
    largest = log_weights.max(axis=1, keepdims=True)
    largest = np.where(np.isfinite(largest), largest, 0.0)
    with np.errstate(divide="ignore"):
        return largest[:, 0] + np.log(np.exp(log_weights - largest).mean(axis=1))


def multisample(own, own_weight, log_weights):
    """Terms of ML(K) or SL(K), and of SU(K), shape (n,).

    own: log rho(x, z_0) - log p(z_0), shape (n,); own_weight: log w_0, shape (n,);
    log_weights: log w_k, shape (n, K).
    """
    lower = own - log_mean_exp(np.column_stack([own_weight, log_weights]))
    return lower, own - log_mean_exp(log_weights) if log_weights.shape[1] else None


def annealed(log_ratio, move, start, betas):
    """log w of one chain from `start` in the direction of `betas`, which may fall.

    log_ratio(z) is log p(x, z) - log q(z|x). move(z, beta) leaves f_beta invariant.
    """
    z, total = start, 0.0
    for here, there in pairwise(betas):
        total = total + abs(there - here) * log_ratio(z)
        if there not in (0.0, 1.0):
            z = move(z, there)
    return total


class LinearGaussian:
    """z ~ N(0, I), x = A z + e, e ~ N(0, diag(noise)), with everything in closed form."""

    def __init__(self, a, noise):
        self.a = np.atleast_2d(np.asarray(a, dtype=float))
        self.noise = np.atleast_1d(np.asarray(noise, dtype=float))
        self.dx, self.dz = self.a.shape
        self.signal = self.a.T @ (self.a / self.noise[:, None])
        self.covariance = np.linalg.inv(np.eye(self.dz) + self.signal)
        # The posterior mean is gain @ x.
        self.gain = self.covariance @ (self.a.T / self.noise)

    @property
    def mi(self):
        return 0.5 * np.linalg.slogdet(np.eye(self.dz) + self.signal)[1]

    @property
    def lautum(self):
        return np.trace(self.signal) - self.mi

    def pairs(self, n, seed):
        rng = np.random.default_rng([7, seed])
        z = rng.standard_normal((n, self.dz))
        return z @ self.a.T + np.sqrt(self.noise) * rng.standard_normal((n, self.dx)), z

    def log_lik(self, x, z):
        return gaussian_logpdf(x, z @ self.a.T, self.noise)

    def log_prior(self, z):
        return gaussian_logpdf(z, 0.0, 1.0)

    def grad_log_joint(self, x, z):
        return -z + (x - z @ self.a.T) / self.noise @ self.a

    def log_evidence(self, x):
        """log p(x) of x (n, dx)."""
        total = self.a @ self.a.T + np.diag(self.noise)
        square = np.einsum("ni,ij,nj->n", x, np.linalg.inv(total), x)
        return -0.5 * (square + np.linalg.slogdet(2 * np.pi * total)[1])

    def posterior(self, inflation=1.0, beta=1.0):
        """(sample(x, K, rng), logpdf(z, x), grad(z, x)) of the posterior with inflated variance.

        With `beta` < 1 they are those of the normalised p(z) p(x|z)^beta.
        """
        covariance = inflation * np.linalg.inv(np.eye(self.dz) + beta * self.signal)
        gain = beta * np.linalg.inv(np.eye(self.dz) + beta * self.signal) @ (self.a.T / self.noise)
        root = np.linalg.cholesky(covariance)
        precision = np.linalg.inv(covariance)
        constant = -0.5 * np.linalg.slogdet(2 * np.pi * covariance)[1]

        def sample(x, count, rng):
            return x @ gain.T + rng.standard_normal((len(x), count, self.dz)) @ root.T

        def logpdf(z, x):
            d = z - x @ gain.T
            return constant - 0.5 * np.einsum("nki,ij,nkj->nk", d, precision, d)

        def grad(z, x):
            return -(z - x @ gain.T) @ precision

        return sample, logpdf, grad
