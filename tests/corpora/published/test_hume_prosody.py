"""Hume-Prosody: shares as votes and as measures, and mistakes in its tables."""

from __future__ import annotations

import pytest

from sottovoce.corpora import catalogue
from sottovoce.corpora.published.hume_prosody import CARD, prepare
from sottovoce.errors import CorpusError
from tests.corpora.miniature import Miniature

MINIATURE = Miniature(
    ("wav/00001.wav", "wav/00002.wav", "wav/00003.wav"),
    {
        "lab/train.csv": "filename,Anger,Boredom,Calmness,Sadness\n00001.wav,0.75,0.1,0,0.2\n00002.wav,0.1,0,0.5,0.3\n",
        "lab/devel.csv": "filename,Anger,Boredom,Calmness,Sadness\n00003.wav,0.1,0.9,0,1\n",
    },
)


def test_hume_s_shares_are_votes_and_measures(folder):
    read = {u.id: u for u in prepare(folder).manifest}
    assert {i: (u.emotion, u.speaker) for i, u in read.items()} == {
        "00001": ("angry", "hume-prosody-00001"),
        "00002": ("calm", "hume-prosody-00002"),
        "00003": ("sad", "hume-prosody-00003"),
    }
    assert read["00001"].measures == {"anger": 0.75, "boredom": 0.1, "calmness": 0.0, "sadness": 0.2}
    assert read["00001"].votes == {"angry": 0.75, "bored": 0.1, "sad": 0.2}
    everything = list(read)
    parts = [prepare(folder, part=part).manifest for part in ("train", "devel")]
    assert [[u.id for u in part] for part in parts] == [everything[:2], everything[2:]]
    wider = "filename,speaker,Fear,Anxiety,Awe\n00001.wav,7,0.25,0.5,0.6\n"
    (folder / "lab" / "train.csv").write_text(wider, encoding="utf-8")
    (one,) = prepare(folder, part="train").manifest
    assert (one.emotion, one.speaker, dict(one.votes)) == ("fearful", "hume-prosody-7", {"fearful": 0.75, "awe": 0.6})


def test_hume_s_mistakes_are_all_listed(folder):
    with pytest.raises(CorpusError, match="has no part 'test' that can be read; there are: train, devel"):
        catalogue.prepare(CARD.name, folder, part="test")
    with pytest.raises(CorpusError, match="EmoDB has no part 'train'"):
        catalogue.prepare("emodb", folder, part="train")
    wrong = "filename,Anger,Awe\n00001.wav,?,?\n00002.wav,1.5,0\n,0.5,0.5\n00003.wav,0,0\n"
    (folder / "lab" / "train.csv").write_text(wrong, encoding="utf-8")
    (folder / "lab" / "devel.csv").unlink()
    with pytest.raises(CorpusError) as caught:
        prepare(folder)
    assert len(caught.value.problems) == 5 and "lab/devel.csv is missing" in str(caught.value)
