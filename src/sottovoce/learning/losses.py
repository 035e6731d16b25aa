"""Losses on soft targets."""

from __future__ import annotations

import torch


def soft_cross_entropy(logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Cross-entropy against distributions, averaged over the utterances that count.

    Args:
        logits: `[..., B, K]`.
        targets: distributions `[..., B, K]` or `[B, K]`, rows summing to 1.
        weights: `[..., B]`: 1 where an utterance counts for that model and 0 where not.

    Returns:
        `[...]`: one loss a model; 0 where none of its utterances count.
    """
    each = -(targets * torch.log_softmax(logits.float(), dim=-1)).sum(-1)
    return (each * weights).sum(-1) / weights.sum(-1).clamp(min=1.0)
