"""Scores of a timeline against known changes, on cases that can be counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sottovoce.judging.changes import change_f1, changes, confusion, found, frames

CLASSES = ("angry", "sad")
TRUE = [(0.0, 2.0, "angry"), (2.0, 3.0, "sad"), (3.0, 4.0, "angry")]


def test_frames_are_labelled_at_their_middles():
    labels = frames([(0.0, 0.24, "angry"), (0.24, 0.5, None), (0.5, 0.75, "sad")], CLASSES, 1.0)
    assert labels.tolist() == [0, 0, -1, -1, -1, 1, 1, -1, -1, -1]


def test_confusion_counts_frames_that_both_sides_label():
    said = [(0.0, 2.5, "angry"), (2.5, 3.5, "sad"), (3.5, 4.0, None)]
    counts = confusion(frames(TRUE, CLASSES, 4.0), frames(said, CLASSES, 4.0), 2)
    assert counts.tolist() == [[20, 5], [5, 5]]


def test_changes_are_between_emotions_and_across_pauses():
    assert changes(TRUE) == [2.0, 3.0]
    assert changes([(0, 2, "angry"), (2, 3, None), (3, 4, "sad"), (4, 5, None), (5, 6, "sad")]) == [2.5]


def test_every_change_is_used_once_the_closest_first():
    assert found([2.0, 3.0], [2.6]) == [pytest.approx(0.4)]
    assert found([2.0, 3.0], [2.6, 1.5]) == [pytest.approx(0.4), pytest.approx(0.5)]
    assert found([2.0], [3.1], tolerance_s=1.0) == []


@given(st.lists(st.floats(0, 50)), st.lists(st.floats(0, 50)), st.floats(0.1, 3))
def test_no_more_is_found_than_there_is(true_s, said_s, tolerance_s):
    distances = found(true_s, said_s, tolerance_s)
    assert len(distances) <= min(len(true_s), len(said_s))
    assert all(d <= tolerance_s for d in distances)
    assert len(distances) == len(found(said_s, true_s, tolerance_s))
    assert found(true_s, true_s, tolerance_s) == [0.0] * len(true_s)


def test_f1_is_the_harmonic_mean_of_recall_and_precision():
    assert change_f1(4, 5, 3) == pytest.approx(2 / (4 / 3 + 5 / 3))
    assert change_f1(0, 0, 0) == 1.0 and change_f1(3, 0, 0) == 0.0
    assert np.isfinite(change_f1(0, 2, 0))
