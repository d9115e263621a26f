"""Learn a three-dimensional code of digits that keeps the information two disturbed views share.

Each view of an image has its own random background, far stronger than the strokes. An encoder is
trained without labels to give the codes of two views much mutual information, with InfoNCE as the
loss. What the views do not share does not help it; principal components keep the background, since
it varies most.

Run from anywhere: python examples/representation_learning.py   (needs scikit-learn, torch)
"""

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier

import fastmi
from fastmi import nn

torch.manual_seed(0)
torch.set_num_threads(1)  # networks this small are fastest on one thread
rng = np.random.default_rng(0)

images, labels = load_digits(return_X_y=True)
order = rng.permutation(len(images))
images, labels = images[order] / 16.0, labels[order]
PARTS = {"train": slice(0, 1400), "test": slice(1400, None)}

row, column = np.indices((8, 8)).reshape(2, 64) / 7.0 - 0.5
background = np.stack([np.ones(64), row, column])


def view() -> torch.Tensor:
    """Return every image on a random tilted plane of its own."""
    strength = rng.normal(scale=3.0, size=(len(images), 3))
    return torch.from_numpy(images + strength @ background).float()


class Twins(torch.nn.Module):
    """The encoder, and the critic that compares two codes."""

    def __init__(self) -> None:
        super().__init__()
        self.encode = nn.MLP(64, (256,), 3)
        self.critic = nn.Separable(3, 3, (64,), 16)

    def forward(self, one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """Score every view with every other view."""
        return self.critic.matrix(self.encode(one), self.encode(other))


model = Twins()
# Each image has sixteen pairs of views, so that the encoder cannot learn the backgrounds by heart.
pairs = [(view(), view()) for _ in range(16)]
data = tuple(torch.cat([pair[i][PARTS["train"]] for pair in pairs]) for i in range(2))
held_out = tuple(block[PARTS["test"]] for block in pairs[0])

history = nn.train(
    model,
    data,
    held_out,
    loss=lambda *batch: -nn.infonce(model(*batch)),
    estimate=lambda *samples: float(nn.infonce(model(*samples))),
    options=nn.Training(steps=1200, batch_size=256, lr=2e-3, patience=15, seed=0),
)
print(
    f"I(code of one view ; code of the other) >= {max(history.validation):.2f} nats on "
    f"{len(held_out[0])} unseen images, after {history.best_step} steps ({history.seconds:.0f} s)\n"
)

seen = {part: pairs[0][0][rows] for part, rows in PARTS.items()}
digit = {part: labels[rows] for part, rows in PARTS.items()}
pca = PCA(3).fit(seen["train"].numpy())
with torch.no_grad():
    codes = {part: model.encode(views).numpy() for part, views in seen.items()}
components = {part: pca.transform(views.numpy()) for part, views in seen.items()}

print(f"{'':24}{'I(features ; digit)':>22}{'digits recognised':>20}")
for name, features in (("learned without labels", codes), ("principal components", components)):
    information = fastmi.mi(features["test"], digit["test"], method="ross", normalize="local")
    neighbours = KNeighborsClassifier(5).fit(features["train"], digit["train"])
    recognised = neighbours.score(features["test"], digit["test"])
    print(f"{name:24}{information:>17.2f} nats{recognised:>19.0%}")
