"""How well a timeline follows known changes of emotion: frame by frame, and at the changes themselves."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

FRAME_S = 0.1
"""Time is compared in frames of this length, at their middles."""

TOLERANCE_S = 1.0
"""A change that is said within this of a true one has found it."""

Stretch = tuple[float, float, str | None]
"""Start and end in seconds, and the emotion; None where nobody speaks."""


def frames(stretches: Sequence[Stretch], classes: Sequence[str], duration_s: float) -> NDArray[np.int64]:
    """The class of each frame, `[duration_s / FRAME_S]`; -1 where no stretch is, or nobody speaks."""
    middles_s = (np.arange(round(duration_s / FRAME_S)) + 0.5) * FRAME_S
    labels = np.full(len(middles_s), -1, np.int64)
    for start_s, end_s, emotion in stretches:
        if emotion is not None:
            labels[(middles_s >= start_s) & (middles_s < end_s)] = classes.index(emotion)
    return labels


def confusion(true: NDArray[np.int64], said: NDArray[np.int64], n_classes: int) -> NDArray[np.int64]:
    """Counts of frames `[K, K]`, rows true and columns said; frames that are -1 in either are left out."""
    both = (true >= 0) & (said >= 0)
    counts = np.zeros((n_classes, n_classes), np.int64)
    np.add.at(counts, (true[both], said[both]), 1)
    return counts


def changes(stretches: Sequence[Stretch]) -> list[float]:
    """When one emotion gives way to another, in seconds; across a pause, in its middle."""
    spoken = [stretch for stretch in stretches if stretch[2] is not None]
    return [(before[1] + after[0]) / 2 for before, after in pairwise(spoken) if before[2] != after[2]]


def found(true_s: Sequence[float], said_s: Sequence[float], tolerance_s: float = TOLERANCE_S) -> list[float]:
    """Distances in seconds of the true changes that were found from what found them, each change used once.

    The closest pair is matched first, then the closest of the others, as far as `tolerance_s`.
    """
    pairs = sorted((abs(t - s), i, j) for i, t in enumerate(true_s) for j, s in enumerate(said_s))
    used_true: set[int] = set()
    used_said: set[int] = set()
    distances = []
    for distance, i, j in pairs:
        if distance <= tolerance_s and i not in used_true and j not in used_said:
            used_true.add(i)
            used_said.add(j)
            distances.append(distance)
    return distances


def change_f1(n_true: int, n_said: int, n_found: int) -> float:
    """F1 of found changes: 1 where there was nothing to find and nothing was said."""
    return 2 * n_found / (n_true + n_said) if n_true + n_said else 1.0
