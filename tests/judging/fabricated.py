"""Tables of predictions made of random numbers, and confusion matrices of made-up speakers, for the tests."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sottovoce.judging import predictions

CLASSES = ("angry", "happy", "neutral", "sad")


def predicted(
    condition: str = "target-only",
    skill: float = 1.0,
    *,
    round: int = 0,
    n_speakers: int = 6,
    seeds: tuple[int, ...] = (0, 1, 2),
    each: int = 12,
    classes: tuple[str, ...] = CLASSES,
) -> pa.Table:
    """Leave-one-speaker-out predictions: the higher `skill`, the more often right. The labels are always the same."""
    rng = np.random.default_rng([*condition.encode(), round])
    blocks = []
    for speaker in range(n_speakers):
        true = np.random.default_rng(speaker).integers(0, len(classes), each)
        for seed in seeds:
            logits = rng.normal(size=(each, len(classes))) + skill * np.eye(len(classes))[true]
            exponential = np.exp(logits)
            blocks.append(
                predictions.table(
                    classes,
                    exponential / exponential.sum(axis=1, keepdims=True),
                    condition=condition,
                    round=round,
                    fold=speaker + 1,
                    seed=seed,
                    utterances=[f"s{speaker}-{n}" for n in range(each)],
                    speakers=[f"s{speaker}"] * each,
                    labels=[classes[k] for k in true],
                )
            )
    return pa.concat_tables(blocks)


BASE = np.array([[0.75, 0.15, 0.05, 0.05], [0.25, 0.6, 0.1, 0.05], [0.03, 0.07, 0.7, 0.2], [0.02, 0.03, 0.2, 0.75]])
"""What the average speaker's utterances of each class (rows) are taken for (columns)."""


def speakers(rng: np.random.Generator, n_speakers: int, n_seeds: int = 3, each: int = 50) -> NDArray[np.int64]:
    """Confusions `[speaker, seed, K, K]`, each speaker with habits of their own around `BASE` and unequal classes."""
    habits = np.stack([rng.dirichlet(8 * row, size=n_speakers) for row in BASE], axis=1)
    counts = rng.multinomial(each, [0.4, 0.3, 0.2, 0.1], size=n_speakers)
    return rng.multinomial(counts[:, None, :], habits[:, None], size=(n_speakers, n_seeds, 4))
