"""JL-Corpus: primary and secondary emotions."""

from __future__ import annotations

import pytest

from sottovoce.corpora.published.jl_corpus import prepare
from sottovoce.errors import CorpusError
from tests.corpora.miniature import Miniature, facts

MINIATURE = Miniature(
    (
        "JL(wav+txt)/female1_angry_10a_1.wav",
        "JL(wav+txt)/male2_excited_1b_2.wav",
        "JL(wav+txt)/male2_apologetic_15b_2.wav",
    )
)


def test_what_the_names_say(folder):
    assert facts(prepare(folder)) == {
        "female1_angry_10a_1": ("jl-corpus-female1", "angry", "10a", "en"),
        "male2_apologetic_15b_2": ("jl-corpus-male2", "apology", "15b", "en"),
        "male2_excited_1b_2": ("jl-corpus-male2", "happy", "1b", "en"),
    }


def test_other_emotions_are_refused(folder, make_tone):
    make_tone("jl-corpus/female1_bored_10a_1.wav", duration_s=0.1)
    with pytest.raises(CorpusError, match="female1_bored_10a_1"):
        prepare(folder)
