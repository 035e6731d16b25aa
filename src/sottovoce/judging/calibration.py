"""Whether a probability means what it says: temperature scaling and its reliability.

A temperature T divides the logits (C. Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, section 4.2):
it changes how sure a model sounds and never what it says. It is fitted by maximum likelihood on predictions for
speakers that the predicting model never heard.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HOTTEST = 20.0
"""Temperatures are sought from 1/20 to 20: for predictions that are all right, or mere chance, there is no best one."""

PARTS = 20
"""Where there are more speakers than this, they are left out in so many groups."""

N_BINS = 10

_SMALLEST = 1e-12
"""What a probability that was rounded to zero is taken for."""


@dataclass(frozen=True)
class Bin:
    """Predictions of like confidence: how many, how sure they are on average, and which share of them is right."""

    n: int
    confidence: float
    accuracy: float


def scaled(probabilities: NDArray[np.floating], temperature: float) -> NDArray[np.float64]:
    """Probabilities `[n, K]` with their logits divided by `temperature`: above 1 less sure, below 1 surer."""
    return np.exp(_log_softmax(_logs(probabilities) / temperature))


def log_loss(probabilities: NDArray[np.floating], true: NDArray[np.integer], temperature: float) -> float:
    """Mean over predictions of `-log p(true class)` in nats, at a temperature. `true` holds columns, `[n]`."""
    logs = _log_softmax(_logs(probabilities) / temperature)
    return -float(np.mean(logs[np.arange(len(true)), true]))


def fitted_temperature(probabilities: NDArray[np.floating], true: NDArray[np.integer]) -> float:
    """The temperature under which the true classes are likeliest.

    Args:
        probabilities: `[n, K]`, of models that never heard these speakers.
        true: the column of each prediction's true class, `[n]`.

    Raises:
        ValueError: there are no predictions.
    """
    from scipy.optimize import minimize_scalar  # half a second that applying a temperature need not wait for

    if not len(true):
        raise ValueError("a temperature cannot be fitted on no predictions")
    # The likelihood is concave in 1 / T, so that the one optimum within the bounds is found.
    found = minimize_scalar(
        lambda log_t: log_loss(probabilities, true, float(np.exp(log_t))),
        bounds=(-np.log(HOTTEST), np.log(HOTTEST)),
        method="bounded",
        options={"xatol": 1e-4},
    )
    return float(np.exp(found.x))  # type: ignore[union-attr]


def cross_fitted(
    probabilities: NDArray[np.floating], true: NDArray[np.integer], speakers: Sequence[str]
) -> NDArray[np.float64]:
    """Every speaker's predictions at the temperature fitted on the other speakers': what calibration does for new ones.

    With one speaker there is nobody to fit on, and the probabilities come back as they are.
    """
    names, speaker = np.unique(np.asarray(speakers), return_inverse=True)
    if len(names) < 2:
        return np.asarray(probabilities, np.float64)
    made = np.empty(np.shape(probabilities))
    for group in np.array_split(np.arange(len(names)), min(len(names), PARTS)):
        own = np.isin(speaker, group)
        made[own] = scaled(probabilities[own], fitted_temperature(probabilities[~own], true[~own]))
    return made


def reliability(probabilities: NDArray[np.floating], true: NDArray[np.integer]) -> list[Bin]:
    """Predictions by the confidence of their likeliest class, in `N_BINS` bins of equal width; none is empty."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == true
    place = np.minimum((confidence * N_BINS).astype(int), N_BINS - 1)
    return [
        Bin(int(own.sum()), float(confidence[own].mean()), float(right[own].mean()))
        for own in (place == number for number in range(N_BINS))
        if own.any()
    ]


def calibration_error(bins: Sequence[Bin]) -> float:
    """Expected calibration error (ECE): mean distance of confidence from accuracy over predictions (Guo, eq. 3)."""
    n = sum(each.n for each in bins)
    return sum(each.n * abs(each.confidence - each.accuracy) for each in bins) / n


def _log_softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of rows. (SciPy has one, whose import takes longer than predicting an utterance.)"""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def _logs(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.log(np.maximum(np.asarray(probabilities, np.float64), _SMALLEST))
