"""Spearman's rank correlation, by which emotion shares are scored, with the speaker as the unit of its interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sottovoce.judging.certainty import Statistic, interval_method, interval_of


def score(
    true: NDArray[np.float64], said: NDArray[np.float64], targets: Sequence[str], speakers: Sequence[str]
) -> dict[str, Any]:
    """Spearman's rho of each target and their mean, averaged over seeds, each with its 95 % interval for new speakers.

    Args:
        true: what listeners heard, `[utterance, target]`.
        said: predictions, `[seed, utterance, target]`.
        targets: their names.
        speakers: whose each utterance is.

    Returns:
        `rho`, `rho_ci95` (None with one speaker), `by_target` with the same of each, `n_utterances`, `n_speakers` and
        `interval_method`. A target that is the same for all utterances, or said to be, has a rho of 0.
    """
    names, speaker = np.unique(np.asarray(speakers), return_inverse=True)
    n = len(names)

    def rated(columns: Sequence[int]) -> dict[str, Any]:
        pairs = [(true[:, t], each[:, t]) for each in said for t in columns]
        statistic = _mean_rho(pairs, speaker)
        rho = float(statistic(np.ones((1, n)))[0])
        return {"rho": rho, "rho_ci95": interval_of(statistic, n, (-1.0, 1.0))}

    return {
        **rated(range(len(targets))),
        "by_target": {name: rated([t]) for t, name in enumerate(targets)},
        "n_utterances": len(speaker),
        "n_speakers": n,
        "interval_method": interval_method(n),
    }


def _mean_rho(pairs: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]], speaker: NDArray[np.intp]) -> Statistic:
    """The mean of Spearman's rho over pairs, as a function of how often each speaker counts."""
    order = [tuple(np.unique(column, return_inverse=True)[1] for column in pair) for pair in pairs]

    def statistic(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.array([np.mean([_rho(a, b, each[speaker]) for a, b in order]) for each in weights], np.float64)

    return statistic


def _rho(a: NDArray[np.intp], b: NDArray[np.intp], weights: NDArray[np.float64]) -> float:
    """Pearson's correlation of mid-ranks under `weights`: Spearman's rho if each utterance stood there so often."""
    first, second = (_ranks(each, weights) for each in (a, b))
    first, second = (each - np.average(each, weights=weights) for each in (first, second))
    spread = np.sqrt((weights @ first**2) * (weights @ second**2))
    return float(weights @ (first * second) / spread) if spread > 0 else 0.0


def _ranks(order: NDArray[np.intp], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    counts = np.bincount(order, weights)
    return (np.cumsum(counts) - counts / 2)[order]
