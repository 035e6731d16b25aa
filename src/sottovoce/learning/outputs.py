"""What the outputs of a head are: how they are trained, and what they say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from sottovoce.learning.losses import concordance_loss, soft_cross_entropy


@dataclass(frozen=True)
class Outputs:
    """A kind of outputs.

    `loss` takes outputs, targets and weights to one figure a model (see `learning.losses`); `said` takes outputs
    `[..., K]` to what the model says, of the same shape. `name` is part of the key under which heads are kept.
    """

    name: str
    loss: Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
    said: Callable[[torch.Tensor], torch.Tensor]


def _probabilities(outputs: torch.Tensor) -> torch.Tensor:
    return torch.softmax(outputs, dim=-1)


def _within_the_scale(outputs: torch.Tensor) -> torch.Tensor:
    return outputs.clamp(0.0, 1.0)


CLASSES = Outputs("classes", soft_cross_entropy, _probabilities)
"""Logits of classes, of which one is true: the model says probabilities."""

MEASURES = Outputs("measures", concordance_loss, _within_the_scale)
"""Figures on scales from 0 to 1. The loss sees them as they are; what a model says lies on the scale."""
