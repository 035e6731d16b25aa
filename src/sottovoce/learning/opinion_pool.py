"""Several heads as one: the logarithmic opinion pool, and weights for it that are learnt on speakers nobody trained on.

`p(k) ~ prod_c p_c(k) ** w_c` with `w_c >= 0` and `sum w_c = 1` (C. Genest and J. Zidek, Statistical Science 1, 1986;
weights by likelihood: T. Heskes, NeurIPS 10, 1998). What averages logits of heads that read the same frames is itself
a head, with all their hidden units and mixes of layers: nothing that uses a head needs to know of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize

from sottovoce.learning.head import Head

_NONE = 1e-4
"""A weight below is what the solver leaves of none: its member is no part of the pool."""

_LEAST = 1e-6
"""Probabilities below are taken for this, so that no single certain mistake decides a weight."""


def pooled(said: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The pool's probabilities `[n, K]` of what its members say, `[C, n, K]`, under weights `[C]`."""
    return _pooled(_logarithms(said), weights)


def learnt_weights(said: NDArray[np.float64], labels: NDArray[np.floating]) -> NDArray[np.float64]:
    """The weights under which the pool has the least cross-entropy: a convex problem, solved from equal weights.

    Args:
        said: what each member says of utterances of speakers it did not train on, `[C, n, K]`.
        labels: distributions `[n, K]`.

    Returns:
        `[C]`, not negative, summing to 1.
    """
    logarithms = _logarithms(said)

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        p = _pooled(logarithms, weights)
        gradient = np.einsum("cnk,nk->c", logarithms, p - labels) / len(labels)
        return -float((labels * np.log(np.maximum(p, _LEAST))).sum(axis=-1).mean()), gradient

    n = len(said)
    one = {"type": "eq", "fun": lambda w: w.sum() - 1, "jac": lambda w: np.ones(n)}
    found = minimize(loss, np.full(n, 1 / n), jac=True, bounds=[(0, None)] * n, constraints=[one], method="SLSQP")
    weights = np.where(found.x < _NONE, 0.0, found.x)
    return weights / weights.sum()


def merged(heads: Sequence[Head], weights: NDArray[np.float64]) -> Head:
    """One head whose logits are the weighted sum of the members': the pool, but for the floor under probabilities.

    The members have equally many hidden units; all of them mix layers, or none.
    """
    taken = [(head, float(w)) for head, w in zip(heads, weights, strict=True) if w > 0]
    mixes = [head.mix for head, _ in taken if head.mix is not None]
    return Head(
        torch.cat([head.w1 for head, _ in taken], dim=1),
        torch.cat([head.b1 for head, _ in taken]),
        torch.cat([w * head.w2 for head, w in taken]),
        torch.stack([w * head.b2 for head, w in taken]).sum(dim=0),
        torch.stack(mixes) if mixes else None,
    )


def _pooled(logarithms: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    logits = np.tensordot(weights, logarithms, 1)
    odds = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return odds / odds.sum(axis=-1, keepdims=True)


def _logarithms(said: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.log(np.maximum(said, _LEAST))
