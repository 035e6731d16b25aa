from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sottovoce.translation.repetition import (
    CHARACTERS_PER_WORD,
    FEWEST_REPEATED,
    FEWEST_TURNS,
    LONGEST_PHRASE,
    repeated_share,
)

WORDS = st.lists(st.sampled_from(["uno", "due", "tre", "quattro"]), min_size=1, max_size=20).map(" ".join)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "...",
        "I bambini parlano vicino alla porta.",
        "No, no!",
        "No, no, no!",
        "Ah ah ah ah ah!",
        "Vieni qui, vieni qui, vieni qui!",
        "Sì. Sì. Sì. Basta, basta, basta.",
        "a b a b a b a",
        "だめだめだめだめ",  # no, no, no, no
        "का की के का की के",  # words that differ in their vowel signs alone
    ],
)
def test_what_people_say(text: str):
    assert repeated_share(text) == 0


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("ja ja ja ja ja ja ja ja ja ja", 9 / 10),
        ("E poi: andiamo a casa, andiamo a casa. Andiamo a casa!", 6 / 11),
        ("Vieni qui, vieni qui, vieni qui, vieni qui, adesso", 6 / 9),
        ("no no no no no no no sì sì sì sì sì sì sì", 12 / 14),  # two runs
        ("我不知道你在说什么" * 4, 3 / 4),  # no spaces: characters count
        ("ไปกันเถอะ" * 5, 4 / 5),
        ("नहीं " * 10, 9 / 10),  # a word with vowel signs is one word
    ],
)
def test_going_round(text: str, share: float):
    assert repeated_share(text) == pytest.approx(share)


def test_a_phrase_may_be_long_but_not_longer_than_that():
    phrase = [f"w{n}" for n in range(LONGEST_PHRASE)]
    assert repeated_share(" ".join(phrase * 3)) == pytest.approx(2 / 3)
    assert repeated_share(" ".join([*phrase, "more"] * 3)) == 0
    characters = "".join(chr(0x4E00 + n) for n in range(LONGEST_PHRASE * CHARACTERS_PER_WORD))
    assert repeated_share(characters * 3) == pytest.approx(2 / 3)
    assert repeated_share((characters + "多") * 3) == 0


@pytest.mark.parametrize(("word", "fewest"), [("no ", FEWEST_REPEATED), ("不", FEWEST_REPEATED * CHARACTERS_PER_WORD)])
def test_the_shortest_run(word: str, fewest: int):
    assert repeated_share(word * fewest) == 0
    assert repeated_share(word * (fewest + 1)) == fewest / (fewest + 1)


@given(WORDS)
def test_a_share(text: str):
    assert 0 <= repeated_share(text) < 1
    assert repeated_share(text.upper() + "!") == repeated_share(text)


@given(st.text(max_size=60))
def test_any_text_has_a_share(text: str):
    assert 0 <= repeated_share(text) < 1


@given(WORDS, st.integers(FEWEST_TURNS, 9))
def test_saying_all_again_and_again_is_seen(text: str, turns: int):
    n_words = len(text.split())
    if n_words <= LONGEST_PHRASE and (turns - 1) * n_words >= FEWEST_REPEATED:
        assert repeated_share(" ".join([text] * turns)) >= (turns - 1) / turns - 1e-9
