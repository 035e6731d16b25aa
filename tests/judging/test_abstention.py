"""The rule of abstention: what it promises holds in a simulation of speakers with habits of their own."""

from __future__ import annotations

import numpy as np
import pytest

from sottovoce.judging import abstention
from sottovoce.judging.abstention import Step

RATE = 0.35


def utterances(rng: np.random.Generator, n_speakers: int, each: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Confident in what is often right; how often depends on the speaker too. Probabilities, classes, speakers."""
    confidence = rng.uniform(0.3, 1.0, (n_speakers, each))
    habit = rng.normal(0.0, 0.7, (n_speakers, 1))
    right = rng.random((n_speakers, each)) < 1 / (1 + np.exp(-(6 * (confidence - 0.62) + habit)))
    said = np.stack([confidence, *[(1 - confidence) / 3] * 3], axis=-1).reshape(-1, 4)
    return said, np.where(right, 0, 1).ravel(), np.repeat(np.arange(n_speakers).astype(str), each)


def test_the_promise_holds_for_new_speakers():
    """In at most about 5 % of repetitions does the threshold let more errors through than were promised."""
    rng = np.random.default_rng(1)
    said, true, _ = utterances(rng, 3000, 50)
    confidence, wrong = said.max(1), true != 0
    broken = answered = 0
    for _ in range(400):
        step = abstention.chosen(abstention.curve(*utterances(rng, 8, 40)), RATE)
        if step is not None:
            answered += 1
            broken += wrong[confidence >= step.threshold].mean() > RATE
    assert answered > 200  # a rule that never answers keeps any promise
    assert broken / 400 < 0.07


def test_with_utterances_taken_for_independent_it_would_not_hold():
    """Why the bound is over speakers: in the same simulation a bound over utterances breaks far more often."""
    rng = np.random.default_rng(1)
    said, true, _ = utterances(rng, 3000, 50)
    confidence, wrong = said.max(1), true != 0
    broken = 0
    for _ in range(200):
        own, classes, _ = utterances(rng, 8, 40)
        alone = np.arange(len(own)).astype(str)
        step = abstention.chosen(abstention.curve(own, classes, alone), RATE)
        broken += step is not None and wrong[confidence >= step.threshold].mean() > RATE
    assert broken / 200 > 0.09


def test_the_curve_says_what_a_plain_count_says():
    said, true, speakers = utterances(np.random.default_rng(0), 6, 30)
    steps = abstention.curve(said, true, speakers)
    assert [s.coverage for s in steps] == pytest.approx(abstention.COVERAGES, abs=0.01)
    for step in steps:
        own = said.max(1) >= step.threshold
        assert step.coverage == own.mean() and step.error == pytest.approx((true != 0)[own].mean())
        assert step.error_bound is not None and step.error_bound > step.error
    bounds = [s.error_bound for s in steps]
    assert bounds == sorted(bounds, key=float)
    assert steps[-1].coverage == 1.0 and steps[-1].threshold == 0


def test_no_error_among_few_answers_is_no_promise_of_none():
    said = np.tile([0.9, 0.1], (20, 1))
    steps = abstention.curve(said, np.zeros(20, int), list("abcd") * 5)
    assert len(steps) == 1  # equal confidences are one threshold
    assert steps[0].error == 0 and steps[0].error_bound == pytest.approx(1 - 0.05 ** (1 / 20))  # Clopper and Pearson
    three_seeds = abstention.curve(np.tile(said, (3, 1)), np.zeros(60, int), list("abcd") * 15, n_seeds=3)
    assert three_seeds[0].error_bound == pytest.approx(steps[0].error_bound)


def test_one_speaker_promises_nothing():
    said, true, _ = utterances(np.random.default_rng(0), 6, 30)
    steps = abstention.curve(said, true, ["only"] * len(true))
    assert {s.error_bound for s in steps} == {None}
    assert abstention.chosen(steps, 1.0) is None
    assert abstention.least_error_rate(steps) is None and abstention.default_error_rate(steps) is None


def test_choosing():
    steps = [Step(0.9, 0.2, 0.05, 0.101), Step(0.7, 0.5, 0.1, 0.23), Step(0.3, 1.0, 0.3, 0.45)]
    assert abstention.chosen(steps, 0.1) is None and abstention.least_error_rate(steps) == 0.11
    assert abstention.chosen(steps, 0.11) == steps[0] and abstention.chosen(steps, 0.9) == steps[2]
    assert abstention.default_error_rate(steps) == 0.23
    assert abstention.default_error_rate([Step(0.9, 0.2, 0.0, 0.1), Step(0.7, 0.6, 0.0, 0.15)]) == 0.2
