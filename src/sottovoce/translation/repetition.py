"""How much of a text only repeats what was just said: translation systems that lose the thread go round in circles."""

from __future__ import annotations

import re
from collections.abc import Sequence

LONGEST_PHRASE = 8
"""Words of the longest phrase whose repetition is looked for."""

FEWEST_TURNS = 3
"""A phrase said twice in a row may be meant ("no, no"); said three times it counts."""

_SPACELESS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f\u1780-\u17ff\u1000-\u109f]")
"""Scripts without spaces between words (Japanese, Chinese, Thai, Khmer, Burmese): each character counts as a word."""


def repeated_share(text: str) -> float:
    """Share of a text's words that lie in the second and later turns of a phrase said three or more times in a row.

    0 for a text without such a phrase, towards 1 for one that says nothing else. Case and punctuation do not count.
    """
    words = _words(text)
    if not words:
        return 0.0
    repeated = [False] * len(words)
    for length in range(1, min(LONGEST_PHRASE, len(words) // FEWEST_TURNS) + 1):
        start = 0
        while start + FEWEST_TURNS * length <= len(words):
            turns = _turns(words, start, length)
            if turns >= FEWEST_TURNS:
                first, last = start + length, start + turns * length
                repeated[first:last] = [True] * (last - first)
                start = last
            else:
                start += 1
    return sum(repeated) / len(words)


def _turns(words: Sequence[str], start: int, length: int) -> int:
    """How often in a row the phrase of `length` words at `start` is said."""
    phrase, turns = words[start : start + length], 1
    while words[start + turns * length : start + (turns + 1) * length] == phrase:
        turns += 1
    return turns


def _words(text: str) -> list[str]:
    words: list[str] = []
    for token in re.findall(r"\w+", text.casefold()):
        words += list(token) if _SPACELESS.search(token) else [token]
    return words
