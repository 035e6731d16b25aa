"""Scores from confusion matrices are scikit-learn's, whatever classes are absent."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

from sottovoce.judging import metrics
from tests.judging.fabricated import CLASSES, predicted

answers = st.lists(st.tuples(st.sampled_from(CLASSES), st.sampled_from(CLASSES)), min_size=1, max_size=25)


@given(answers)
@settings(max_examples=100, deadline=None)
def test_scores_are_those_of_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    true, guessed = ([pair[side] for pair in pairs] for side in (0, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = {
            "ua": balanced_accuracy_score(true, guessed),
            "wa": accuracy_score(true, guessed),
            "macro_f1": f1_score(true, guessed, average="macro"),
        }
    certain = np.array([[float(name == guess) for name in CLASSES] for guess in guessed])
    assert metrics.score(true, certain, CLASSES) == pytest.approx(expected, abs=1e-12)
    confusion = np.zeros((len(CLASSES), len(CLASSES)))
    for one, other in pairs:
        confusion[CLASSES.index(one), CLASSES.index(other)] += 1
    found = {metric: metrics.scores(confusion, metric) for metric in metrics.METRICS}
    assert found == pytest.approx(expected, abs=1e-12)


def test_confusions_hold_each_speaker_and_seed_apart() -> None:
    table = predicted(n_speakers=3, seeds=(4, 7), each=10)
    speakers, seeds, counts = metrics.confusions(table)
    assert (speakers, seeds, counts.shape) == (["s0", "s1", "s2"], [4, 7], (3, 2, 4, 4))
    assert (counts.sum(axis=(2, 3)) == 10).all()
    for s, speaker in enumerate(speakers):
        for r, seed in enumerate(seeds):
            rows = [row for row in table.to_pylist() if row["speaker"] == speaker and row["seed"] == seed]
            for row in rows:
                guess = max(CLASSES, key=row.__getitem__)
                counts[s, r, CLASSES.index(row["label"]), CLASSES.index(guess)] -= 1
    assert not counts.any()


def test_an_array_of_matrices_is_scored_matrix_by_matrix() -> None:
    confusions = np.random.default_rng(0).integers(0, 9, (5, 3, 4, 4))
    for metric in metrics.METRICS:
        together = metrics.scores(confusions, metric)
        assert together.shape == (5, 3)
        for position in np.ndindex(5, 3):
            assert together[position] == pytest.approx(metrics.scores(confusions[position], metric))
        assert metrics.scores(np.zeros((4, 4)), metric) == 0
    with pytest.raises(ValueError, match="none of ua, wa, macro_f1"):
        metrics.scores(confusions, "auc")
