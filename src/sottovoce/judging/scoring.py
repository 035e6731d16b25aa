"""How predictions are scored: by classes where they are of emotions, by agreement where they are of measures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sottovoce.judging import agreement, metrics
from sottovoce.judging import predictions as table_of

Sums = NDArray[Any]
"""What scores are computed from, `[speaker, seed, *shape]`: it adds up over speakers and folds."""


@dataclass(frozen=True)
class Scoring:
    """Everything that differs between the two.

    `metrics` have intervals and are compared; `main` of them is the one to choose by; all lie within `bounds`. `sums`
    gives speakers, seeds and `Sums` of one condition and round; `scores` a metric of what was summed, `[..., *shape]`
    to `[...]`; `score` all metrics of one seed's rows; `of_speakers` how many utterances each speaker has and the
    metrics of each; `further` what else `results.json` says of a condition.
    """

    metrics: tuple[str, ...]
    main: str
    bounds: tuple[float, float]
    sums: Callable[[pa.Table], tuple[list[str], list[int], Sums]]
    scores: Callable[[Sums, str], NDArray[np.float64]]
    score: Callable[[pa.Table], dict[str, float]]
    of_speakers: Callable[[Sums], tuple[NDArray[np.int64], dict[str, list[float | None]]]]
    further: Callable[[pa.Table, Sums], dict[str, Any]]


def scoring_of(predictions: pa.Table) -> Scoring:
    """The one that is right for these predictions."""
    return MEASURES if table_of.is_of_measures(predictions) else EMOTIONS


def _score_of_classes(rows: pa.Table) -> dict[str, float]:
    return metrics.score(rows["label"].to_pylist(), table_of.probabilities(rows), table_of.classes_of(rows))


def _classes_of_speakers(counts: Sums) -> tuple[NDArray[np.int64], dict[str, list[float | None]]]:
    own = {metric: metrics.scores(counts, metric).mean(axis=-1).tolist() for metric in metrics.METRICS}
    return counts.sum(axis=(1, 2, 3)) // counts.shape[1], own


def _by_measure(rows: pa.Table, whole: Sums) -> dict[str, Any]:
    return {"by_measure": agreement.by_measure(table_of.measures_of(rows), whole)}


EMOTIONS = Scoring(
    metrics.METRICS,
    "macro_f1",
    (0.0, 1.0),
    metrics.confusions,
    metrics.scores,
    _score_of_classes,
    _classes_of_speakers,
    lambda rows, counts: {},
)
MEASURES = Scoring(
    ("ccc",),
    "ccc",
    agreement.BOUNDS,
    agreement.sums,
    agreement.scores,
    agreement.score,
    agreement.of_speakers,
    _by_measure,
)
