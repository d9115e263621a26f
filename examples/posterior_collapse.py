"""Measure how much of its latents a VAE uses, by bounds where the usual KL term misleads.

Four autoencoders of handwritten digits differ in the weight of the KL term. The usual measure of
collapse is the mean KL divergence of encoder and prior, but that describes the encoder on real
images. The information that the decoder transmits, I(X; Z) of the model itself, is bounded from
both sides here; a collapsed model transmits none, whatever its encoder says.

Run from anywhere: python examples/posterior_collapse.py   (needs torch and scikit-learn)
"""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.distributions import Bernoulli, Independent, Normal, kl_divergence

from fastmi import bounds
from fastmi.nn import Training, train

LATENTS = 6


class VAE(nn.Module):
    """Autoencoder of binary images of 64 pixels, with one hidden layer each way."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 96), nn.SiLU(), nn.Linear(96, 2 * LATENTS))
        self.decoder = nn.Sequential(nn.Linear(LATENTS, 96), nn.SiLU(), nn.Linear(96, 64))

    def posterior(self, x: torch.Tensor) -> Independent:
        """Return q(z|x), the encoder."""
        mean, log_scale = self.encoder(x).chunk(2, dim=-1)
        return Independent(Normal(mean, log_scale.clamp(-5, 3).exp()), 1)

    def likelihood(self, z: torch.Tensor) -> Independent:
        """Return p(x|z), the decoder."""
        return Independent(Bernoulli(logits=self.decoder(z)), 1)

    def terms(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the mean of log p(x|z) and of KL(q(z|x) || p(z)), in nats."""
        posterior = self.posterior(x)
        fit = self.likelihood(posterior.rsample()).log_prob(x)
        return fit.mean(), kl_divergence(posterior, PRIOR).mean()


PRIOR = Independent(Normal(torch.zeros(LATENTS), torch.ones(LATENTS)), 1)


def trained(images: torch.Tensor, held_out: torch.Tensor, weight: float) -> VAE:
    """Train an autoencoder by the ELBO with a weight on its KL term."""
    torch.manual_seed(0)
    vae = VAE()

    def objective(x: torch.Tensor) -> torch.Tensor:
        fit, divergence = vae.terms(x)
        return fit - weight * divergence

    train(
        vae,
        (images,),
        (held_out,),
        loss=lambda x: -objective(x),
        estimate=lambda x: float(objective(x)),
        options=Training(steps=1500, batch_size=128, lr=3e-3, seed=0),
    )
    return vae.requires_grad_(False)


def main() -> None:
    """Print one line per weight."""
    torch.set_num_threads(1)  # in networks this small threads only wait for each other
    images = torch.tensor(load_digits().data > 7, dtype=torch.float32)
    images = images[torch.randperm(len(images), generator=torch.Generator().manual_seed(0))]
    print("KL weight    ELBO  mean KL   I(X; Z) of the model   gap, learned   gap, encoder")
    for weight in (0.5, 1.0, 3.0, 8.0):
        vae = trained(images[:1500], images[1500:], weight)
        fit, divergence = vae.terms(images[1500:])
        model = bounds.Model.from_distributions(PRIOR, vae.likelihood)
        x, z = model.sample(500, seed=1)
        encoder = bounds.Proposal.from_distribution(vae.posterior)
        # The encoder, trained on real images, may fit those that the model generates less well.
        learned = bounds.learn_proposal(
            *model.sample(8000, seed=2),
            training=Training(steps=1500, batch_size=256, lr=2e-3, patience=10, seed=0),
        )
        found = [
            bounds.sandwich(model, x, z, proposal=q, n_importance=256, seed=3)
            for q in (encoder, learned)
        ]
        low, high = found[1].interval()
        print(
            f"{weight:9} {fit - divergence:7.2f} {divergence:8.2f}   {low:5.2f} to {high:4.2f} nats"
            f"  {found[1].gap:14.3f} {found[0].gap:14.3f}"
        )


if __name__ == "__main__":
    main()
