"""How far to rely on a model: a temperature is taken where it helps speakers who were left out of its fitting."""

from __future__ import annotations

import numpy as np
import pytest

from sottovoce.judging import calibration, predictions
from sottovoce.judging.trust import trust_of
from tests.judging.test_calibration import drawn

CLASSES = ("angry", "happy", "neutral", "sad")


def table(said: np.ndarray, true: np.ndarray, n_speakers: int):
    """One seed and fold; speakers take turns."""
    names = [f"u{i}" for i in range(len(true))]
    labels = [CLASSES[k] for k in true]
    speakers = [f"s{i % n_speakers}" for i in range(len(true))]
    where = {"condition": "target-only", "round": 0, "fold": 1, "seed": 0}
    return predictions.table(CLASSES, said, utterances=names, speakers=speakers, labels=labels, **where)


def test_a_model_that_is_too_sure_is_cooled():
    said, true = drawn(1000, 3.0)
    trust = trust_of(table(said, true, 5))
    assert trust.helps and trust.temperature == pytest.approx(3, rel=0.2)
    assert calibration.calibration_error(trust.after) < calibration.calibration_error(trust.before)


def test_what_helps_nobody_who_was_left_out_is_not_done():
    """One speaker is too sure, one too timid: what is fitted on either makes the other worse."""
    bold, timid = drawn(400, 3.0, 1), drawn(400, 1 / 3, 2)
    said, true = (np.stack(pair, axis=1).reshape(800, *pair[0].shape[1:]) for pair in zip(bold, timid, strict=True))
    assert abs(np.log(calibration.fitted_temperature(said, true))) > 0.05, "all together would have moved it"
    trust = trust_of(table(said, true, 2))
    assert not trust.helps and trust.temperature == 1


def test_with_one_speaker_nobody_can_be_left_out():
    said, true = drawn(200, 3.0)
    assert trust_of(table(said, true, 1)).temperature == 1
