from __future__ import annotations

import numpy as np
import torch

from sottovoce.learning.losses import soft_cross_entropy

LOGITS = torch.tensor([[2.0, 0.0, -1.0], [0.5, 0.5, 0.5], [-3.0, 4.0, 1.0]])
TARGETS = torch.tensor([[0.9, 0.05, 0.05], [0.2, 0.3, 0.5], [0.0, 1.0, 0.0]])


def by_hand(rows: list[int]) -> float:
    each = []
    for z, y in zip(LOGITS.double().numpy()[rows], TARGETS.double().numpy()[rows], strict=True):
        each.append(-(y * np.log(np.exp(z) / np.exp(z).sum())).sum())
    return float(np.mean(each))


def test_it_is_the_mean_cross_entropy_of_the_utterances_that_count():
    for rows in ([0, 1, 2], [0, 2], [1]):
        weights = torch.zeros(3)
        weights[rows] = 1.0
        assert abs(float(soft_cross_entropy(LOGITS, TARGETS, weights)) - by_hand(rows)) < 1e-6


def test_each_model_has_its_own_loss_and_its_own_utterances():
    weights = torch.tensor([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
    losses = soft_cross_entropy(LOGITS.expand(3, 3, 3), TARGETS, weights)
    torch.testing.assert_close(losses, torch.tensor([by_hand([0, 1]), by_hand([2]), 0.0]))


def test_hard_labels_give_the_cross_entropy_of_torch():
    hard = torch.tensor([2, 0, 1])
    ours = soft_cross_entropy(LOGITS, torch.eye(3)[hard], torch.ones(3))
    torch.testing.assert_close(ours, torch.nn.functional.cross_entropy(LOGITS, hard))


def test_an_utterance_that_does_not_count_has_no_gradient():
    logits = LOGITS.clone().requires_grad_(True)
    soft_cross_entropy(logits, TARGETS, torch.tensor([1.0, 0.0, 1.0])).backward()
    assert logits.grad is not None
    assert torch.equal(logits.grad[1], torch.zeros(3)) and logits.grad[0].abs().min() > 0
