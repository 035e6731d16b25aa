"""Emozionalmente: what actors meant and what listeners heard."""

from __future__ import annotations

import pytest

from sottovoce.corpora.published.emozionalmente import CARD, prepare
from sottovoce.errors import CorpusError
from tests.conftest import tone
from tests.corpora.miniature import Miniature, facts

HEARD = [("1.wav", "joy")] * 3 + [("1.wav", "surprise")] * 2 + [("2.wav", "neutrality")] * 5
MINIATURE = Miniature(
    ("audio/1.wav", "audio/2.wav"),
    {
        "metadata/samples.csv": "file_name,emotion_expressed,sentence,actor\n"
        '1.wav,joy,"Senza di te, la vita è grigia",anna\n2.wav,sadness,Ieri ho comprato il pane,bea\n',
        "metadata/evaluations.csv": "file_name,emotion_recognized\n" + "".join(f"{a},{b}\n" for a, b in HEARD),
    },
)


def test_the_label_is_what_was_meant_and_votes_what_was_heard(tmp_path):
    prepared = prepare(MINIATURE.write(tmp_path / CARD.name, tone))
    assert facts(prepared) == {
        "1": ("emozionalmente-anna", "happy", "Senza di te, la vita è grigia", "it"),
        "2": ("emozionalmente-bea", "sad", "Ieri ho comprato il pane", "it"),
    }
    assert [dict(u.votes) for u in prepared.manifest] == [{"happy": 3.0, "surprised": 2.0}, {"neutral": 5.0}]


def test_without_evaluations_there_are_no_votes(tmp_path):
    folder = MINIATURE.write(tmp_path / CARD.name, tone)
    (folder / "metadata" / "evaluations.csv").unlink()
    (tmp_path / "neighbour").mkdir()
    (tmp_path / "neighbour" / "evaluations.csv").write_text("of something else\n", encoding="utf-8")
    assert not prepare(folder).manifest.has_votes
    (folder / "metadata" / "samples.csv").write_text("file_name,emotion_expressed,actor\n1.wav,gioia,anna\n")
    with pytest.raises(CorpusError, match=r"samples.csv: 'gioia' is none of anger, disgust"):
        prepare(folder)
