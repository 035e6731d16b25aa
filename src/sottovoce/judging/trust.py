"""How far a model's word can be relied on: everything that its out-of-fold predictions say of it, in one place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from sottovoce.judging import abstention, calibration
from sottovoce.judging import predictions as table_of
from sottovoce.judging.abstention import Step
from sottovoce.judging.calibration import Bin


@dataclass(frozen=True)
class Trust:
    """What is known of predictions for speakers that the predicting models never heard.

    `temperature` is fitted on all of them, or 1 where `helps` is false: each speaker at the temperature of the others
    has no smaller log loss than as it is. `before` and `after` show their reliability as they are, and at the
    temperature of the others. `steps` are thresholds on the confidence at `temperature`.
    """

    temperature: float
    helps: bool
    before: list[Bin]
    after: list[Bin]
    steps: list[Step]
    n_utterances: int
    n_speakers: int


def trust_of(predictions: pa.Table, *, new_speakers: bool = True) -> Trust:
    """Fit and check the calibration and the rule of abstention of a model's predictions, or of what folds chose.

    Args:
        predictions: one an utterance and seed, of all folds: see `choosing.as_chosen`.
        new_speakers: whether the models never heard those whom they predict; if not, no rate of errors is bounded.
    """
    classes, speakers = table_of.classes_of(predictions), predictions["speaker"].to_pylist()
    said = table_of.probabilities(predictions)
    true = np.array([classes.index(label) for label in predictions["label"].to_pylist()])
    others = calibration.cross_fitted(said, true, speakers)
    helps = calibration.log_loss(others, true, 1.0) < calibration.log_loss(said, true, 1.0)
    temperature = calibration.fitted_temperature(said, true) if helps else 1.0
    n_seeds = len(set(predictions["seed"].to_pylist()))
    steps = abstention.curve(calibration.scaled(said, temperature), true, speakers, n_seeds)
    return Trust(
        temperature,
        helps,
        calibration.reliability(said, true),
        calibration.reliability(others, true),
        steps if new_speakers else _unbounded(steps),
        len(set(predictions["utterance"].to_pylist())),
        len(set(speakers)),
    )


def _unbounded(steps: Sequence[Step]) -> list[Step]:
    return [replace(step, error_bound=None) for step in steps]
