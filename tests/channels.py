"""Linear Gaussian models in closed form, as models and proposals of fastmi.bounds."""

from fastmi import bounds
from reference.bounds import LinearGaussian

SCALAR = LinearGaussian(1.0, 0.25)
WIDE = LinearGaussian([[1.0, 0.3], [0.2, -0.8], [0.5, 0.4]], [0.3, 0.5, 0.8])


def model_of(truth):
    return bounds.Model(
        log_lik=truth.log_lik,
        log_prior=truth.log_prior,
        sample_prior=lambda m, rng: rng.standard_normal((m, truth.dz)),
        sample_joint=lambda n, rng: truth.pairs(n, int(rng.integers(1000))),
        grad_log_joint=truth.grad_log_joint,
        grad_log_prior=lambda z: -z,
    )


def proposal_of(truth, inflation=1.0):
    sample, logpdf, grad = truth.posterior(inflation)
    return bounds.Proposal(sample=sample, logpdf=logpdf, grad_logpdf=grad)
