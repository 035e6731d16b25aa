"""Heads asked about speakers they never heard: one for each fold and seed, asked about what its fold tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sottovoce.experiment.banks import Banks
from sottovoce.judging.splits import FoldPlan
from sottovoce.learning import bank
from sottovoce.learning.bank import Course
from sottovoce.learning.head import Head
from sottovoce.speech.manifest import Utterance
from sottovoce.store.artefacts import Kept
from sottovoce.upstreams.features import Frames

OfFolds = list[list[Head]]
"""Heads by fold, one a seed."""


@dataclass(frozen=True)
class Pool:
    """Utterances with their features and soft labels `[pool, K]`."""

    utterances: Sequence[Utterance]
    kept: Sequence[Kept]
    frames: Frames
    labels: NDArray[np.float32]


def heads(banks: Banks, plan: FoldPlan, pool: Pool, on_epoch: Callable[[int], None]) -> OfFolds:
    """Heads of every fold, one a seed, trained on the pool's utterances in the fold's training part.

    None at all where a fold would have nothing to train on, as it may be with few translations.
    """
    owns = [np.isin([u.id for u in pool.utterances], fold.train) for fold in plan.folds]
    if not all(own.any() for own in owns):
        return []
    seeds = banks.training.seeds
    courses = [Course(seed, own) for own in owns for seed in seeds]
    trained = banks.heads(pool.kept, pool.frames, pool.labels, courses, on_epoch)
    return [trained[i : i + len(seeds)] for i in range(0, len(trained), len(seeds))]


def asked(
    banks: Banks, plan: FoldPlan, of_folds: OfFolds, pool: Pool, about: Sequence[Utterance]
) -> NDArray[np.float64]:
    """Probabilities `[seed, utterance, K]` of utterances of the pool, by the heads of the fold that tests them."""
    position = {u.id: i for i, u in enumerate(pool.utterances)}
    said = np.zeros((len(banks.training.seeds), len(about), pool.labels.shape[1]))
    for fold, of_fold in zip(plan.folds, of_folds, strict=True):
        tested = set(fold.test)
        here = [i for i, u in enumerate(about) if u.id in tested]
        rows = np.array([position[about[i].id] for i in here], np.int64)
        said[:, here] = bank.predict(pool.frames, rows, of_fold, device=banks.place.device)
    return said
