"""The logarithmic opinion pool: by hand, its weights, and the one head that is the same."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sottovoce.learning import opinion_pool
from sottovoce.learning.head import Head


def test_a_pool_of_two_by_hand():
    said = np.array([[[0.9, 0.1]], [[0.5, 0.5]]])
    # sqrt(.9 * .5) : sqrt(.1 * .5) = 3 : 1
    np.testing.assert_allclose(opinion_pool.pooled(said, np.array([0.5, 0.5])), [[0.75, 0.25]])
    np.testing.assert_allclose(opinion_pool.pooled(said, np.array([1.0, 0.0])), [[0.9, 0.1]])


def test_who_knows_gets_the_weight_and_who_misleads_gets_none():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 300)
    labels = np.eye(3)[truth]
    knows = 0.7 * labels + 0.1
    misleads = 0.7 * np.eye(3)[(truth + 1) % 3] + 0.1
    weights = opinion_pool.learnt_weights(np.stack([misleads, knows]), labels)
    np.testing.assert_allclose(weights, [0, 1], atol=1e-6)


def test_two_who_err_apart_are_better_together():
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 3, 600)
    labels = np.eye(3)[truth]

    def member() -> np.ndarray:
        heard = np.where(rng.random(600) < 0.7, truth, rng.integers(0, 3, 600))
        return 0.85 * np.eye(3)[heard] + 0.05

    said = np.stack([member(), member()])
    weights = opinion_pool.learnt_weights(said, labels)
    assert 0.3 < weights[0] < 0.7
    together = _loss(opinion_pool.pooled(said, weights), labels)
    assert together < min(_loss(each, labels) for each in said)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 5), st.integers(2, 5), st.integers(1, 30), st.integers(0, 2**32 - 1))
def test_learnt_weights_are_shares_and_no_worse_than_equal_ones(n_members: int, n_classes: int, n: int, seed: int):
    rng = np.random.default_rng(seed)
    said = rng.dirichlet(np.ones(n_classes), (n_members, n))
    labels = rng.dirichlet(np.ones(n_classes), n)
    weights = opinion_pool.learnt_weights(said, labels)
    assert weights.shape == (n_members,) and (weights >= 0).all() and weights.sum() == pytest.approx(1)
    equal = np.full(n_members, 1 / n_members)
    learnt, plain = (_loss(opinion_pool.pooled(said, w), labels) for w in (weights, equal))
    assert learnt <= plain + 1e-6


@pytest.mark.parametrize("n_layers", [None, 2])
def test_one_head_says_what_the_pool_says(n_layers: int | None):
    heads = [Head.fresh(6, 4, 3, n_layers, seed) for seed in range(3)]
    for number, head in enumerate(heads):
        if head.mix is not None:
            head.mix[0] = number  # each hears layers of its own
    shape = (6,) if n_layers is None else (n_layers, 6)
    frames = [torch.randn(t, *shape, generator=torch.Generator().manual_seed(t)) for t in (5, 9)]
    weights = np.array([0.5, 0.0, 0.5])
    said = np.stack([head.probabilities(frames).double().numpy() for head in heads])
    one = opinion_pool.merged(heads, weights)
    assert one.w1.shape == (6, 8)  # a member without weight is left out
    np.testing.assert_allclose(one.probabilities(frames), opinion_pool.pooled(said, weights), atol=1e-6)


def _loss(p: np.ndarray, labels: np.ndarray) -> float:
    return -float((labels * np.log(np.maximum(p, 1e-6))).sum(axis=1).mean())
