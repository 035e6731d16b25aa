"""Temperatures: a known one is found again, none is fitted on whoever it is applied to, ECE against a plain count."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax

from sottovoce.judging import calibration


def drawn(n: int, temperature: float, seed: int = 0, k: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities that are too sure by `temperature`, and classes drawn from the true ones."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (n, k))
    true = np.array([rng.choice(k, p=p) for p in softmax(logits, axis=1)])
    return softmax(logits * temperature, axis=1), true


@settings(max_examples=15, deadline=None)
@given(st.floats(0.3, 4.0), st.integers(0, 1000))
def test_a_known_temperature_is_found_again(temperature: float, seed: int):
    said, true = drawn(4000, temperature, seed)
    assert calibration.fitted_temperature(said, true) == pytest.approx(temperature, rel=0.1)


@given(st.floats(0.5, 10), st.integers(0, 100))
def test_scaling_keeps_the_order_and_sums_to_one(temperature: float, seed: int):
    said, _ = drawn(20, 1.0, seed)
    scaled = calibration.scaled(said, temperature)
    assert (scaled.argmax(1) == said.argmax(1)).all()
    assert scaled.sum(1) == pytest.approx(np.ones(20))
    assert calibration.scaled(scaled, 1 / temperature) == pytest.approx(said, abs=1e-6)


def test_a_probability_of_zero_stays_finite():
    sure = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert np.isfinite(calibration.scaled(sure, 0.05)).all()
    assert calibration.fitted_temperature(sure, np.array([0, 1])) < 1
    assert calibration.fitted_temperature(sure, np.array([1, 0])) == pytest.approx(calibration.HOTTEST, rel=0.01)
    with pytest.raises(ValueError, match="no predictions"):
        calibration.fitted_temperature(np.zeros((0, 2)), np.zeros(0, int))


def test_each_speaker_is_scaled_by_the_others_alone():
    said, true = drawn(300, 2.0)
    speakers = [f"s{i % 3}" for i in range(300)]
    before = calibration.cross_fitted(said, true, speakers)
    own = np.array(speakers) == "s1"
    mixed = true.copy()
    mixed[own] = (true[own] + 1) % 4  # whatever this speaker's labels are, their probabilities stay
    after = calibration.cross_fitted(said, mixed, speakers)
    assert (after[own] == before[own]).all() and (after[~own] != before[~own]).any()
    others = calibration.fitted_temperature(said[~own], true[~own])
    assert before[own] == pytest.approx(calibration.scaled(said[own], others))


def test_one_speaker_and_many():
    said, true = drawn(60, 2.0)
    assert (calibration.cross_fitted(said, true, ["a"] * 60) == said).all()
    apart = calibration.cross_fitted(said, true, [f"s{i}" for i in range(60)])
    assert len({round(float(t), 9) for t in np.log(apart[:, 0] / apart[:, 1]) / np.log(said[:, 0] / said[:, 1])}) <= (
        calibration.PARTS
    )


def test_calibration_helps_new_speakers():
    """Too sure by 2.5: the error of held-out speakers falls to what 2,000 draws leave by chance."""
    said, true = drawn(2000, 2.5)
    speakers = [f"s{i % 10}" for i in range(2000)]
    after = calibration.cross_fitted(said, true, speakers)
    before, fitted = (calibration.calibration_error(calibration.reliability(p, true)) for p in (said, after))
    assert before > 0.12 and fitted < 0.03


@given(st.integers(1, 60), st.integers(0, 10_000))
def test_ece_is_the_plain_count(n: int, seed: int):
    said, true = drawn(n, 1.5, seed)
    bins = calibration.reliability(said, true)
    assert sum(each.n for each in bins) == n
    expected = 0.0
    for low in np.arange(10) / 10:
        own = [i for i in range(n) if low <= said[i].max() < low + 0.1 or (low == 0.9 and said[i].max() == 1.0)]
        if own:
            right = np.mean([said[i].argmax() == true[i] for i in own])
            expected += len(own) / n * abs(np.mean([said[i].max() for i in own]) - right)
    assert calibration.calibration_error(bins) == pytest.approx(expected, abs=1e-9)
