"""ShEMO: F is a woman first and fear second; texts from a list apart."""

from __future__ import annotations

import json

import pytest

from sottovoce.corpora.published.shemo import CARD, prepare
from sottovoce.errors import CorpusError
from tests.conftest import tone
from tests.corpora.miniature import Miniature, facts

MINIATURE = Miniature(("female/F01F02.wav", "female/F21N05.wav", "male/M01W11.wav", "male/M36S02.wav"))


def test_what_the_names_say(tmp_path):
    assert facts(prepare(MINIATURE.write(tmp_path / CARD.name, tone))) == {
        "F01F02": ("shemo-F01", "fearful", None, "fa"),
        "F21N05": ("shemo-F21", "neutral", None, "fa"),
        "M01W11": ("shemo-M01", "surprised", None, "fa"),
        "M36S02": ("shemo-M36", "sad", None, "fa"),
    }


def test_texts_come_from_a_list_beside_the_recordings(tmp_path):
    folder = MINIATURE.write(tmp_path / CARD.name, tone)
    assert not any(u.text for u in prepare(folder).manifest)
    (tmp_path / "shemo.json").write_text(json.dumps({"F21N05": {"transcript": "سلام"}}), encoding="utf-8")
    assert {u.id: u.text for u in prepare(folder).manifest if u.text} == {"F21N05": "سلام"}
    (tmp_path / "shemo.json").write_text('["F21N05"]', encoding="utf-8")
    with pytest.raises(CorpusError, match="no list of ShEMO's texts"):
        prepare(folder)
