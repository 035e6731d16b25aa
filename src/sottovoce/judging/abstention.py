"""When a model should rather say nothing: the least confidence at which a stated rate of errors can be kept.

A model answers where the probability of its likeliest class reaches a threshold, and is *unsure* elsewhere. How often
answers are wrong is measured on speakers that the predicting models never heard, and its bound holds for new speakers
of the same kind: utterances of one speaker are not independent, so the bound is over speakers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
"""Of the one-sided bound on the rate of errors."""

DEFAULT_ERROR_RATE = 0.2

COVERAGES = tuple(round(0.2 + 0.05 * step, 2) for step in range(17))
"""Shares of utterances to answer, from the least. A model that must leave four of five unsure is of no use."""


@dataclass(frozen=True)
class Step:
    """One threshold: the share of utterances that reach it, how many of these are wrong, and the bound on that rate.

    At a coverage of 1 the threshold is 0: there the promise is about every answer. `error_bound` is None with one
    speaker, who says nothing about others.
    """

    threshold: float
    coverage: float
    error: float
    error_bound: float | None


def curve(
    probabilities: NDArray[np.floating], true: NDArray[np.integer], speakers: Sequence[str], n_seeds: int = 1
) -> list[Step]:
    """Errors among the answers at rising coverage, each with the bound that choosing among them leaves intact.

    The bound of a threshold is the greater of two, each one-sided at 95 %: Student t over speakers of the ratio "wrong
    answers to answers" (its variance linearised: W. Cochran, Sampling Techniques, 1977, chapter 6), and Clopper and
    Pearson's as if utterances were independent, which few answers without an error need. Steps are tried from the
    least coverage upwards and trying ends at the first that fails (fixed-sequence testing, as in A. Angelopoulos et
    al., arXiv 2110.01052): `error_bound` is therefore the largest so far, and what is promised at 95 % stays so
    although the threshold was chosen.

    Args:
        probabilities: `[n, K]`, calibrated, of models that never heard these speakers.
        true: the column of each prediction's true class, `[n]`.
        speakers: whose each prediction is, `[n]`.
        n_seeds: how many models predicted each utterance: their predictions are no further evidence.
    """
    confidence = probabilities.max(axis=1)
    wrong = probabilities.argmax(axis=1) != true
    names, speaker = np.unique(np.asarray(speakers), return_inverse=True)
    steps: list[Step] = []
    bound = 0.0
    for threshold in _thresholds(confidence):
        answered = confidence >= threshold
        answers = np.bincount(speaker, answered, len(names))
        errors = np.bincount(speaker, answered & wrong, len(names))
        if len(names) > 1:
            bound = max(bound, _clustered(errors, answers), _independent(errors.sum(), answers.sum(), n_seeds))
        error = float(errors.sum() / answers.sum())
        least = 0.0 if answered.all() else float(threshold)
        steps.append(Step(least, float(answered.mean()), error, bound if len(names) > 1 else None))
    return steps


def chosen(steps: Sequence[Step], error_rate: float) -> Step | None:
    """The step that answers most while its errors stay within `error_rate`; None where no step can promise that."""
    kept = [step for step in steps if step.error_bound is not None and step.error_bound <= error_rate]
    return kept[-1] if kept else None


def least_error_rate(steps: Sequence[Step]) -> float | None:
    """The least rate that can be promised, in whole hundredths; None where none can."""
    return None if steps[0].error_bound is None else _hundredths(steps[0].error_bound)


def default_error_rate(steps: Sequence[Step]) -> float | None:
    """One error in five or, where that leaves more than half unsure, what answering half of the utterances allows."""
    half = next(step for step in steps if step.coverage >= 0.5)
    return None if half.error_bound is None else max(DEFAULT_ERROR_RATE, _hundredths(half.error_bound))


def _thresholds(confidence: NDArray[np.float64]) -> NDArray[np.float64]:
    """The confidences that the shares `COVERAGES` reach, falling, each once."""
    falling = np.sort(confidence)[::-1]
    places = np.ceil(np.array(COVERAGES) * confidence.size).astype(int) - 1
    return np.unique(falling[places])[::-1]


def _clustered(errors: NDArray[np.number], answers: NDArray[np.number]) -> float:
    from scipy.special import stdtrit  # here, because whoever only applies a threshold need not wait for it

    n, ratio = len(answers), errors.sum() / answers.sum()
    residuals = errors - ratio * answers
    deviation = np.sqrt(n / (n - 1) * np.square(residuals).sum()) / answers.sum()
    return float(min(1.0, ratio + stdtrit(n - 1, CONFIDENCE) * deviation))


def _independent(n_errors: float, n_answers: float, n_seeds: int) -> float:
    from scipy.special import betaincinv

    wrong, right = n_errors / n_seeds, (n_answers - n_errors) / n_seeds
    return float(betaincinv(wrong + 1, right, CONFIDENCE)) if right > 0 else 1.0


def _hundredths(rate: float) -> float:
    return float(min(1.0, np.ceil(100 * rate - 1e-9) / 100))
