"""Dusha: answers of annotators as votes, ties, and both kinds of table."""

from __future__ import annotations

import json

import pytest

from sottovoce.corpora import catalogue
from sottovoce.corpora.published.dusha import CARD, prepare
from sottovoce.errors import CorpusError
from tests.conftest import tone
from tests.corpora.miniature import Miniature, facts

COLUMNS = ("hash_id", "audio_path", "annotator_emo", "source_id", "annotator_id", "speaker_text")


def rows(clip: str, source: str, *answers: str) -> list[dict[str, str]]:
    return [
        dict(zip(COLUMNS, (clip, f"wavs/{clip}.wav", said, source, f"w{i}", 'она сказала "да"'), strict=True))
        for i, said in enumerate(answers)
    ]


TRAIN = rows("aa", "7", "positive", "positive", "neutral") + rows("bb", "8", "sad", "angry")
TEST = rows("cc", "9", "other", "sad", "sad")
MINIATURE = Miniature(
    ("crowd_train/wavs/aa.wav", "crowd_train/wavs/bb.wav", "crowd_test/wavs/cc.wav"),
    {
        "crowd_train/raw_crowd_train.jsonl": "".join(json.dumps(row) + "\n" for row in TRAIN),
        "crowd_test/raw_crowd_test.tsv": "\n".join("\t".join(each) for each in (COLUMNS, *(r.values() for r in TEST))),
    },
)


def test_answers_are_votes_and_a_tie_is_no_agreement(tmp_path):
    folder = MINIATURE.write(tmp_path / CARD.name, tone)
    prepared = prepare(folder)
    assert facts(prepared) == {
        "aa": ("dusha-7", "happy", None, "ru"),
        "bb": ("dusha-8", "other", None, "ru"),
        "cc": ("dusha-9", "sad", None, "ru"),
    }
    assert [dict(u.votes) for u in prepared.manifest] == [
        {"happy": 2.0, "neutral": 1.0},
        {"sad": 1.0, "angry": 1.0},
        {"other": 1.0, "sad": 2.0},
    ]
    assert {u.text for u in prepared.manifest} == {'она сказала "да"'}
    assert [u.id for u in catalogue.prepare(CARD.name, folder, part="crowd_test").manifest] == ["cc"]


def test_problems_are_counted_by_kind(tmp_path):
    folder = MINIATURE.write(tmp_path / CARD.name, tone)
    wrong = rows("aa", "7", "glad", "glad") + rows("aa", "", "sad")
    lines = "".join(json.dumps(row) + "\n" for row in wrong)
    (folder / "crowd_train" / "raw_crowd_train.jsonl").write_text(lines, encoding="utf-8")
    with pytest.raises(CorpusError) as caught:
        prepare(folder)
    assert list(caught.value.problems) == [
        "crowd_train: 'glad' is none of angry, neutral, other, positive, sad (2 rows)",
        "crowd_train: without source_id (1 rows)",
    ]
    (folder / "crowd_train" / "raw_crowd_train.jsonl").write_text("{", encoding="utf-8")
    with pytest.raises(CorpusError, match="cannot be read as jsonl"):
        prepare(folder)
