"""Losses on soft targets and on measures. Each gives one figure a model, over the utterances that count for it."""

from __future__ import annotations

import torch

TINY = 1e-8
"""Added to the denominator of a concordance: a batch in which nothing varies gives 0, and no NaN."""


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


def concordance_loss(outputs: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """`1 - CCC` over the utterances that count, averaged over the measures.

    CCC is the concordance correlation coefficient, `2 cov / (var + var + (mean - mean)^2)` (L. Lin, Biometrics 45,
    1989), by which the field trains and scores arousal, valence and dominance.

    Args:
        outputs: `[..., B, M]`.
        targets: `[..., B, M]` or `[B, M]`.
        weights: `[..., B]`: 1 where an utterance counts for that model and 0 where not.

    Returns:
        `[...]`: one loss a model; 0 where none of its utterances count.
    """
    outputs, weights = outputs.float(), weights[..., None]
    n = weights.sum(-2, keepdim=True).clamp(min=1.0)

    def mean(values: torch.Tensor) -> torch.Tensor:
        return (values * weights).sum(-2, keepdim=True) / n

    said, true = outputs - mean(outputs), targets - mean(targets)
    apart = (mean(outputs) - mean(targets)).square()
    ccc = 2 * mean(said * true) / (mean(said.square()) + mean(true.square()) + apart + TINY)
    return (1 - ccc).mean((-2, -1)) * weights.amax((-2, -1))
