from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sottovoce.translation.repetition import LONGEST_PHRASE, repeated_share

WORDS = st.lists(st.sampled_from(["uno", "due", "tre", "quattro"]), min_size=1, max_size=20).map(" ".join)


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("", 0),
        ("I bambini parlano vicino alla porta.", 0),
        ("No, no!", 0),  # said twice may be meant
        ("No, no, no!", 2 / 3),
        ("Vieni qui, vieni qui, vieni qui, adesso", 4 / 7),
        ("Sì. Sì. Sì. Basta, basta, basta.", 4 / 6),
        ("我们走我们走我们走", 6 / 9),  # no spaces: characters count
        ("ja ja ja ja ja ja ja ja ja ja", 9 / 10),
        ("a b a b a", 0),
    ],
)
def test_cases(text: str, share: float):
    assert repeated_share(text) == pytest.approx(share)


def test_a_phrase_may_be_long_but_not_longer_than_that():
    phrase = [f"w{n}" for n in range(LONGEST_PHRASE)]
    assert repeated_share(" ".join(phrase * 3)) == pytest.approx(2 / 3)
    assert repeated_share(" ".join([*phrase, "more"] * 3)) == 0


@given(WORDS)
def test_a_share(text: str):
    assert 0 <= repeated_share(text) < 1
    assert repeated_share(text.upper() + "!") == repeated_share(text)


@given(WORDS, st.integers(3, 6))
def test_saying_all_again_and_again_is_seen(text: str, turns: int):
    if len(text.split()) <= LONGEST_PHRASE:
        assert repeated_share(" ".join([text] * turns)) >= (turns - 1) / turns - 1e-9
