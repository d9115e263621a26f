"""A trained network together with what is done to the samples before it sees them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fastmi._inputs import as_blocks
from fastmi.estimators.neural.inputs import InputMap
from fastmi.estimators.neural.split import on_host
from fastmi.nn.fit import in_chunks

__all__ = ["MeanModel", "TrainedModel"]


class TrainedModel(nn.Module):
    """The pointwise information of samples, as a function that a training has found.

    It is on the CPU, wherever it was trained, and pickles with its estimate.

    Args:
        maps: What is done to the columns of each variable.
        network: Module that takes the mapped samples and returns the pointwise information (m,).
        names: Name of each variable, for messages.
        dtype: Type of the numbers that `network` takes.
    """

    def __init__(
        self,
        maps: Sequence[InputMap],
        network: nn.Module,
        names: Sequence[str],
        dtype: torch.dtype,
    ) -> None:
        super().__init__()
        self.maps = nn.ModuleList(maps)
        self.network = network
        self.names = tuple(names)
        self.dtype = dtype
        self.eval()

    def forward(self, *samples: Tensor) -> Tensor:
        """Return the pointwise information in nats, shape (m,), float64.

        Args:
            *samples: Samples of each variable, shape (m, d), as they were given to the estimator.
        """
        mapped = [
            in_chunks(lambda rows, one=one: (one(rows).to(self.dtype),), x)[0]
            for one, x in zip(self.maps, samples, strict=True)
        ]
        found: Tensor = self.network(*mapped)
        return found

    def pointwise(self, *samples: object) -> NDArray[np.float64]:
        """Return the pointwise information of samples in nats, shape (m,).

        Args:
            *samples: Samples of each variable, shape (m, d) or (m,): anything array-like, in the
                order of the estimate's arguments.

        Raises:
            TypeError: Samples of too few or too many variables, or that are not real numbers.
            ValueError: Samples of wrong shape or length, not finite, or so far from those of the
                training that the network overflows.
        """
        if len(samples) != len(self.names):
            raise TypeError(
                f"samples must be given of {', '.join(self.names)}; got {len(samples)} variables"
            )
        blocks = as_blocks([on_host(one) for one in samples], self.names)
        for block, one, name in zip(blocks, self.maps, self.names, strict=True):
            if block.shape[1] != one.dims:
                raise ValueError(
                    f"{name} must have as many columns as in the training; "
                    f"got {block.shape[1]}, not {one.dims}"
                )
        with torch.no_grad():
            found = self(*(torch.from_numpy(block.astype(np.float64)) for block in blocks))
        values = np.asarray(found.numpy(), dtype=np.float64)
        finite = np.isfinite(values)
        if not finite.all():
            raise ValueError(
                "samples must be near enough to those of the training for the network; got "
                f"{values[~finite][0]} for row {int((~finite).argmax())}"
            )
        return values


class MeanModel(TrainedModel):
    """The mean of the pointwise information that the trainings of all folds have found.

    Samples of the estimate were seen by all but one of them, so that their mean pointwise
    information is too high; ``estimate.local`` has it from the one that did not see them.

    Args:
        models: The trained model of each fold.
    """

    def __init__(self, models: Sequence[TrainedModel]) -> None:
        super().__init__((), nn.Identity(), models[0].names, models[0].dtype)
        self.models = nn.ModuleList(models)
        self.maps = models[0].maps

    def forward(self, *samples: Tensor) -> Tensor:
        """See :meth:`TrainedModel.forward`."""
        return torch.stack([model(*samples) for model in self.models]).mean(0)
