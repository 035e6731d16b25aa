from __future__ import annotations

import numpy as np
import pytest
import torch

from sottovoce.learning.losses import concordance_loss, soft_cross_entropy

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


def plain_ccc(said: np.ndarray, true: np.ndarray) -> float:
    return 2 * np.cov(said, true, bias=True)[0, 1] / (said.var() + true.var() + (said.mean() - true.mean()) ** 2)


def test_concordance_is_that_of_each_models_own_utterances():
    rng = np.random.default_rng(0)
    said, true, weights = rng.random((3, 8, 2)), rng.random((8, 2)), rng.integers(0, 2, (3, 8))
    weights[:, :3] = 1
    found = concordance_loss(*(torch.tensor(each, dtype=torch.float32) for each in (said, true, weights)))
    for model in range(3):
        own = weights[model] == 1
        expected = np.mean([1 - plain_ccc(said[model, own, m], true[own, m]) for m in range(2)])
        assert float(found[model]) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("weights", [[1.0, 1.0, 1.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
def test_a_batch_in_which_nothing_varies_gives_no_nan(weights):
    said = torch.full((3, 1), 0.5, requires_grad=True)
    loss = concordance_loss(said, torch.full((3, 1), 0.5), torch.tensor(weights))
    loss.backward()
    assert float(loss.detach()) == float(max(weights)) and torch.isfinite(said.grad).all()


def test_other_utterances_change_neither_loss_nor_gradient():
    true, weights = torch.tensor([[0.1], [0.7], [0.3]]), torch.tensor([1.0, 1.0, 0.0])
    outcomes = []
    for stranger in (0.0, 100.0):
        said = torch.tensor([[0.2], [0.4], [stranger]], requires_grad=True)
        loss = concordance_loss(said, true, weights)
        loss.backward()
        outcomes.append((float(loss.detach()), said.grad.ravel().tolist()))
    assert outcomes[0][0] == pytest.approx(outcomes[1][0], abs=1e-7)
    assert outcomes[0][1] == pytest.approx(outcomes[1][1], abs=1e-7) and outcomes[0][1][2] == 0
