"""How sure a score is, with the speaker as the unit.

The utterances of one speaker are not independent, so intervals that resample utterances are far too narrow.
A statistic here is a function of *speaker weights*: how often each speaker counts. Weights of one give the reported
score, a zero leaves a speaker out (jackknife), and random counts are a cluster bootstrap. Scores are always those of
the pooled test predictions, averaged over seeds, so that an interval belongs to the number it stands beside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sottovoce.judging import metrics

CONFIDENCE = 0.95
FEW_SPEAKERS = 12
"""Up to here: Student t, and every sign flip enumerated. Above: cluster bootstrap, and random flips."""

RESAMPLES = 2_000
RANDOM_FLIPS = 10_000

Statistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Speaker weights `[resample, speaker]` to the value of a score `[resample]`."""

Score = Callable[[NDArray[np.floating]], NDArray[np.float64]]
"""What adds up over speakers, such as confusion matrices, `[..., *shape]`, to a score `[...]`."""


@dataclass(frozen=True)
class Comparison:
    """Condition `a` minus condition `b` on the same speakers: `ci95` is None with one speaker; `p` is two-sided."""

    delta: float
    ci95: tuple[float, float] | None
    p: float
    n_speakers: int


def interval_method(n_speakers: int) -> str:
    """The name of the method that `interval` uses for this many speakers."""
    if n_speakers < 2:
        return "none: one speaker"
    return "Student t over speakers" if n_speakers <= FEW_SPEAKERS else "cluster bootstrap over speakers"


def interval(confusions: NDArray[np.number], metric: str, seed: int = 0) -> tuple[float, float] | None:
    """95 % interval of a condition's pooled, seed-averaged score, for new speakers of the same kind.

    Args:
        confusions: counts `[speaker, seed, K, K]`, as `metrics.confusions` gives them.
        metric: one of `metrics.METRICS`.
        seed: of the bootstrap.

    Returns:
        Bounds within [0, 1]; None with one speaker, who says nothing about others.
    """
    return interval_of(pooled(confusions, _score(metric)), len(confusions), (0.0, 1.0), seed)


def compare(a: NDArray[np.number], b: NDArray[np.number], metric: str, seed: int = 0) -> Comparison:
    """Paired comparison of two conditions; confusions `[speaker, seed, K, K]` of the same speakers and seeds."""
    return compare_by(_score(metric), a, b, (0.0, 1.0), seed)


def compare_by(
    score: Score, a: NDArray[np.number], b: NDArray[np.number], bounds: tuple[float, float], seed: int = 0
) -> Comparison:
    """Paired comparison by any score, which lies within `bounds`, of sums `[speaker, seed, *shape]`."""
    pooled_a, pooled_b = pooled(a, score), pooled(b, score)
    widest = bounds[1] - bounds[0]

    def delta(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return pooled_a(weights) - pooled_b(weights)

    observed = float(delta(np.ones((1, len(a))))[0])
    ends = interval_of(delta, len(a), (-widest, widest), seed)
    return Comparison(observed, ends, _sign_flip_p(score, a, b, seed), len(a))


def smallest_p(n_speakers: int) -> float:
    """The least two-sided p that the sign-flip test can give with this many speakers."""
    return 2.0 / 2**n_speakers if n_speakers <= FEW_SPEAKERS else 1.0 / (RANDOM_FLIPS + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted for their number, in the order given (S. Holm, Scand. J. Statist. 6, 1979)."""
    adjusted, floor = [0.0] * len(p_values), 0.0
    for rank, position in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        floor = max(floor, min(1.0, (len(p_values) - rank) * p_values[position]))
        adjusted[position] = floor
    return adjusted


def _score(metric: str) -> Score:
    return partial(metrics.scores, metric=metric)


def pooled(sums: NDArray[np.number], score: Score) -> Statistic:
    """The seed-averaged score of all speakers together, from `[speaker, seed, *shape]`."""
    flat = sums.reshape(len(sums), -1).astype(np.float64)

    def statistic(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return score((weights @ flat).reshape(-1, *sums.shape[1:])).mean(axis=-1)

    return statistic


def interval_of(
    statistic: Statistic, n_speakers: int, bounds: tuple[float, float], seed: int = 0
) -> tuple[float, float] | None:
    """95 % interval of any statistic of speaker weights, cut at `bounds`; None with one speaker."""
    if n_speakers < 2:
        return None
    limits = _student(statistic, n_speakers) if n_speakers <= FEW_SPEAKERS else _bootstrap(statistic, n_speakers, seed)
    low, high = np.clip(limits, *bounds)
    return float(low), float(high)


def _student(statistic: Statistic, n: int) -> NDArray[np.float64]:
    """Score +- t s / sqrt(n), s the deviation of the jackknife pseudo-values `n S - (n - 1) S_without_speaker`.

    For a plain mean over speakers the pseudo-values are the speakers' own scores (J. Tukey, 1958): Student's interval.
    For scores that are no such mean (macro F1, unequal counts) it stays centred on the reported score.
    """
    whole = statistic(np.ones((1, n)))
    pseudo = n * whole - (n - 1) * statistic(1.0 - np.eye(n))
    half = stats.t.ppf((1 + CONFIDENCE) / 2, n - 1) * pseudo.std(ddof=1) / np.sqrt(n)
    return whole + np.array([-half, half])


def _bootstrap(statistic: Statistic, n: int, seed: int) -> NDArray[np.float64]:
    """Percentiles of the score over speakers drawn with replacement, all utterances of a speaker together."""
    weights = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=RESAMPLES).astype(np.float64)
    return np.quantile(statistic(weights), [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])


def _sign_flip_p(score: Score, a: NDArray[np.number], b: NDArray[np.number], seed: int) -> float:
    """How often conditions swapped at random within speakers differ as much as observed, in either direction.

    Swapping a speaker flips the sign of that speaker's difference. Under the null hypothesis that the two conditions
    are interchangeable the test is exact for any score, whatever the number of speakers.
    """
    n = len(a)
    both = np.concatenate([a, b])
    if n <= FEW_SPEAKERS:
        keep = ((np.arange(2**n)[:, None] >> np.arange(n)) & 1).astype(np.float64)
    else:
        keep = np.random.default_rng(seed).integers(0, 2, (RANDOM_FLIPS, n)).astype(np.float64)
    statistic = pooled(both, score)

    def delta(keep: NDArray[np.float64]) -> NDArray[np.float64]:
        return statistic(np.hstack([keep, 1 - keep])) - statistic(np.hstack([1 - keep, keep]))

    observed = np.abs(delta(np.ones((1, n))))
    as_far = int(np.count_nonzero(np.abs(delta(keep)) >= observed - 1e-12))
    return as_far / len(keep) if n <= FEW_SPEAKERS else (as_far + 1) / (len(keep) + 1)
