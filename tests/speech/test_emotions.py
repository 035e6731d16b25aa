"""Names of emotions, and votes as distributions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sottovoce.speech.emotions import FOUR_CLASSES, NAMES, canonical, count_votes, soft_label


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("Anger", "angry"),
        (" HAPPINESS ", "happy"),
        ("neutrale", "neutral"),
        ("tristezza", "sad"),
        ("dégoût", "disgusted"),
        ("de\u0301gou\u0302t", "disgusted"),
        ("Pleasant_Surprise", "surprised"),
        ("boardom", "bored"),  # EmoBox has it in two ways
        ("boredem", "bored"),
        ("Neutral state", "neutral"),
    ],
)
def test_spellings(spelling, name):
    assert canonical(spelling) == name


def test_names_are_their_own_spelling_and_nonsense_has_none():
    assert [canonical(name) for name in NAMES] == list(NAMES)
    assert canonical("W") is None
    assert canonical("") is None


def test_a_listener_has_one_vote_however_many_emotions_are_named():
    assert count_votes([["sad"], ["sad", "angry"], ["happy", "happy"], []]) == {"sad": 1.5, "angry": 0.5, "happy": 1.0}
    assert count_votes([]) == {}


def test_equation_of_the_soft_label():
    votes = {"angry": 15, "sad": 5, "bored": 7}
    assert soft_label(votes, "angry", FOUR_CLASSES, 0.1) == pytest.approx([0.9 * 0.75 + 0.025, 0.025, 0.025, 0.25])
    assert soft_label({"bored": 3}, "sad", FOUR_CLASSES, 0.0) == [0.0, 0.0, 0.0, 1.0]
    with pytest.raises(ValueError, match="none of the classes"):
        soft_label({}, "bored", FOUR_CLASSES, 0.05)
    with pytest.raises(ValueError, match="epsilon"):
        soft_label({}, "sad", FOUR_CLASSES, 1.0)


@given(
    votes=st.dictionaries(st.sampled_from(FOUR_CLASSES), st.floats(0, 1e6)),
    label=st.sampled_from(FOUR_CLASSES),
    epsilon=st.floats(0, 0.999),
)
def test_a_soft_label_is_a_distribution(votes, label, epsilon):
    distribution = soft_label(votes, label, FOUR_CLASSES, epsilon)
    assert sum(distribution) == pytest.approx(1.0)
    assert min(distribution) >= 0
