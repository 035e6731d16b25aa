"""M3ED: ballots that name several emotions, and letters that are other people in every dialogue."""

from __future__ import annotations

import json

import pytest

from sottovoce.corpora import catalogue
from sottovoce.corpora.published.m3ed import CARD, prepare
from sottovoce.errors import CorpusError
from tests.conftest import tone
from tests.corpora.miniature import Miniature, facts


def entry(speaker: str, main: str, *annotators: str) -> dict:
    emotions = {f"EmoAnnotator{i}": said for i, said in enumerate(annotators, 1)}
    return {"Speaker": speaker, "Text": "嗯", "EmoAnnotation": emotions | {"final_main_emo": main}}


ANNOTATION = {
    "anjia": {
        "anjia_1": {
            "SpeakerInfo": {"A": {"Name": "房似锦"}, "B": {"Name": "朱闪闪"}},
            "Dialog": {
                "anjia_1_1": entry("A", "Sad", "Sad,Anger", "Sad", "Neutral"),
                "anjia_1_2": entry("B", "Happy", "Happy", "Happy", "Happy"),
            },
        },
        "anjia_2": {
            "SpeakerInfo": {"A": {"Name": "朱闪闪"}},
            "Dialog": {"anjia_2_1": entry("A", "Surprise", "Surprise", "Fear, Surprise", "")},
        },
    }
}
MINIATURE = Miniature(
    tuple(f"modality_speech/{name}.wav" for name in ("A_anjia_1_1", "B_anjia_1_2", "A_anjia_2_1")),
    {"annotation.json": json.dumps(ANNOTATION, ensure_ascii=False)},
)


def test_what_the_annotation_says(tmp_path):
    prepared = prepare(MINIATURE.write(tmp_path / CARD.name, tone))
    assert facts(prepared) == {
        "anjia_1_1": ("m3ed-anjia_房似锦", "sad", None, "zh"),
        "anjia_1_2": ("m3ed-anjia_朱闪闪", "happy", None, "zh"),
        "anjia_2_1": ("m3ed-anjia_朱闪闪", "surprised", None, "zh"),
    }
    assert [dict(u.votes) for u in prepared.manifest] == [
        {"sad": 1.5, "angry": 0.5, "neutral": 1.0},
        {"happy": 3.0},
        {"surprised": 1.5, "fearful": 0.5},
    ]


def test_parts_are_told_by_the_series(tmp_path):
    folder = MINIATURE.write(tmp_path / CARD.name, tone)
    renamed = json.dumps({"huanlesong": ANNOTATION["anjia"]}, ensure_ascii=False)
    assert len(catalogue.prepare(CARD.name, folder, part="train").manifest) == 3
    (folder / "annotation.json").write_text(renamed, encoding="utf-8")
    prepared = catalogue.prepare(CARD.name, folder, part="test")
    assert prepared.manifest[0].speaker == "m3ed-huanlesong_房似锦" and not prepared.notes
    for part in ("train", "val"):
        with pytest.raises(CorpusError, match=f"no utterance of the part '{part}'"):
            prepare(folder, part)


@pytest.mark.parametrize("wrong", ["[]", "{", '{"a": {"a_1": {}}}', json.dumps(ANNOTATION).replace("Sad,", "Glad,")])
def test_a_wrong_annotation_is_refused(tmp_path, wrong):
    folder = MINIATURE.write(tmp_path / CARD.name, tone)
    (folder / "annotation.json").write_text(wrong, encoding="utf-8")
    with pytest.raises(CorpusError, match=r"annotation\.json"):
        prepare(folder)
