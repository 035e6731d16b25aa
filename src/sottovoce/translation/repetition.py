"""How much of a text only repeats what was just said: translation systems that lose the thread go round in circles."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

LONGEST_PHRASE = 8
"""Words of the longest phrase whose repetition is looked for."""

FEWEST_TURNS = 3
"""A phrase said twice in a row is common speech."""

FEWEST_REPEATED = 6
"""Words that a run adds beyond its first turn before it counts.

Emotional speech repeats short cries ("No, no, no!", "ha ha ha"), and a filter that dropped them would drop emotions.
A decoder that goes round does so until its length limit: one word seven times, or three words three times, are the
least that count.
"""

CHARACTERS_PER_WORD = 2
"""In scripts without spaces, where the two limits on words count so many characters for each."""

_SPACELESS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0eff\u1780-\u17ff\u1000-\u109f]")
"""Scripts without spaces between words: Japanese, Chinese, Thai, Lao, Khmer, Burmese."""


def repeated_share(text: str) -> float:
    """Share of a text's words that lie in the second and later turns of a phrase said three or more times in a row.

    Runs that add fewer than `FEWEST_REPEATED` words do not count. 0 for a text without a run, towards 1 for one that
    says nothing else. Case and punctuation do not matter; in scripts without spaces characters stand for words.
    """
    words = _words(text)
    scale = CHARACTERS_PER_WORD if _SPACELESS.search(text) else 1
    repeated = [False] * len(words)
    for length in range(1, min(LONGEST_PHRASE * scale, len(words) // FEWEST_TURNS) + 1):
        start = 0
        while start + FEWEST_TURNS * length <= len(words):
            turns = _turns(words, start, length)
            first, last = start + length, start + turns * length
            if turns >= FEWEST_TURNS and last - first >= FEWEST_REPEATED * scale:
                repeated[first:last] = [True] * (last - first)
                start = last
            else:
                start += 1
    return sum(repeated) / len(words) if words else 0.0


def _turns(words: Sequence[str], start: int, length: int) -> int:
    """How often in a row the phrase of `length` words at `start` is said."""
    phrase, turns = words[start : start + length], 1
    while words[start + turns * length : start + (turns + 1) * length] == phrase:
        turns += 1
    return turns


def _words(text: str) -> list[str]:
    """Words, or characters of a script without spaces; marks, such as vowel signs, stay with what they stand on."""
    words: list[str] = []
    inside = False
    for character in text.casefold():
        kind = unicodedata.category(character)[0]
        if kind == "M" and inside:
            words[-1] += character
        elif kind in "LN":
            if inside and not _SPACELESS.match(character) and not _SPACELESS.match(words[-1]):
                words[-1] += character
            else:
                words.append(character)
            inside = True
        else:
            inside = False
    return words
