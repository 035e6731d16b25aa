"""IEMOCAP: turns, who speaks in them, what evaluators heard, and dialogues that cannot be read."""

from __future__ import annotations

import pytest

from sottovoce.corpora.published.iemocap import prepare
from sottovoce.errors import CorpusError
from tests.corpora.miniature import Miniature, facts

_EVALUATION = """% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]

[6.2901 - 8.2357]\tSes01F_impro01_F000\tfru\t[2.5000, 3.0000, 4.5000]
C-E2:\tFrustration;\t()
C-E3:\tFrustration; Anger;\t()
C-E4:\tNeutral state;\t()
C-F1:\tSadness;\t(curious)
A-E3:\tval 3; act 2; dom  2;\t()

[10.0100 - 11.3925]\tSes01F_impro01_M000\txxx\t[3, 2, 2]
C-E2:\tHappiness; Excited;\t()
C-E3:\tGlee;\t(amused; puzzled)
C-E4:\t\t()
"""

MINIATURE = Miniature(
    tuple(f"Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_{turn}.wav" for turn in ("F000", "M000")),
    {
        "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt": _EVALUATION,
        "Session1/dialog/EmoEvaluation/._Ses01F_impro01.txt": "\x00",
        "Session1/dialog/EmoEvaluation/Attribute/Ses01F_impro01_e3_atr.txt": "Ses01F_impro01_F000 :act 4; :val 3;",
        "Session1/dialog/transcriptions/Ses01F_impro01.txt": (
            "Ses01F_impro01_F000 [006.2901-008.2357]: Excuse me.\nSes01F_impro01_MXX0 [008.5-009.0]: Hm.\n"
        ),
    },
    encoding="latin-1",
)


def test_turns_and_who_speaks_in_them(folder):
    prepared = prepare(folder)
    assert facts(prepared) == {
        "Ses01F_impro01_F000": ("iemocap-Ses01F", "frustration", None, "en"),
        "Ses01F_impro01_M000": ("iemocap-Ses01M", "other", None, "en"),
    }
    first, second = prepared.manifest
    assert (first.text, second.text) == ("Excuse me.", None)
    assert dict(first.measures) == {"valence": 2.5, "arousal": 3.0, "dominance": 4.5}
    assert facts(prepare(folder / "Session1")) == facts(prepared)


def test_no_word_is_said_of_whole_dialogues(folder, make_tone):
    expected = prepare(folder)
    for place in ("dialog/wav/Ses01F_impro01.wav", "sentences/wav/Ses01F_impro02/Ses01F_impro02_F000.wav"):
        make_tone(f"iemocap/Session1/{place}", duration_s=0.1)
    prepared = prepare(folder)
    assert facts(prepared) == facts(expected)
    (unlabelled,) = set(prepared.notes) - set(expected.notes)
    assert unlabelled.startswith("1 recordings have no labels") and unlabelled.endswith("Ses01F_impro02_F000.wav")


def test_sessions_behind_links_are_read(folder):
    for place in ("dialog", "sentences"):
        (folder / "Session1" / place).rename(folder.parent / place)
        (folder / "Session1" / place).symlink_to(folder.parent / place, target_is_directory=True)
    assert len(prepare(folder).manifest) == len(MINIATURE)


def test_evaluators_have_a_ballot_each_and_actors_none(folder):
    first, second = prepare(folder).manifest
    assert dict(first.votes) == {"frustration": 1.5, "angry": 0.5, "neutral": 1}
    assert dict(second.votes) == {"happy": 1, "other": 1}


def test_dialogues_that_cannot_be_read_are_listed(folder):
    table = folder / "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt"
    table.write_text(_EVALUATION.replace("\tfru\t", "\tfury\t").replace("[3, 2, 2]", "[3, 2]"), encoding="latin-1")
    with pytest.raises(CorpusError) as caught:
        prepare(folder)
    assert len(caught.value.problems) == 2 and "Ses01F_impro01_F000\tfury" in str(caught.value)
