"""eNTERFACE'05: the subject of the folder, and names that depart."""

from __future__ import annotations

import pytest

from sottovoce.corpora.published.enterface import CARD, prepare
from sottovoce.errors import CorpusError
from tests.corpora.miniature import Miniature, facts

MINIATURE = Miniature(
    (
        "subject 1/anger/sentence 1/s1_an_1.wav",
        "subject 11/fear/sentence 4/s12_fe_4.wav",
        "subject 12/fear/sentence 4/s12_fe_4.wav",
        "subject 6/sadness/s6_sa.wav",
        "subject 3/happiness/sentence 2/s_3_ha_2.wav",
        "subject 16/surprise/sentence 3/s16_su_3avi.wav",
    )
)


def test_what_folders_and_names_say(folder):
    assert facts(prepare(folder)) == {
        "s11_fe_4": ("enterface-11", "fearful", "fe4", "en"),
        "s12_fe_4": ("enterface-12", "fearful", "fe4", "en"),
        "s16_su_3": ("enterface-16", "surprised", "su3", "en"),
        "s1_an_1": ("enterface-1", "angry", "an1", "en"),
        "s3_ha_2": ("enterface-3", "happy", "ha2", "en"),
        "s6_sa": ("enterface-6", "sad", None, "en"),
    }


def test_folders_may_be_named_without_blanks(folder):
    expected = facts(prepare(folder))
    for place in sorted(folder.glob("subject *")):
        place.rename(folder / place.name.replace(" ", "-"))
    assert facts(prepare(folder)) == expected


def test_the_whole_has_subject_12(folder):
    assert (CARD.n_speakers, CARD.n_utterances, sum(CARD.emotions.values())) == (44, 1293, 1293)


def test_other_names_are_refused(folder, make_tone):
    for wrong in ("s1_xx_1", "s1_an_6", "intro"):
        make_tone(f"enterface/subject 1/anger/{wrong}.wav", duration_s=0.1)
    with pytest.raises(CorpusError) as caught:
        prepare(folder)
    assert len(caught.value.problems) == 3
