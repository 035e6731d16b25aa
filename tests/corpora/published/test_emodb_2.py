"""EmoDB 2.0: confidence as votes, naturalness, parts, and laryngograms that are not taken for speech."""

from __future__ import annotations

import pytest

from sottovoce.corpora import catalogue
from sottovoce.corpora.published.emodb_2 import CARD, prepare
from sottovoce.errors import CorpusError
from tests.corpora.miniature import Miniature, facts

_HEADER = "file,emotion,emotion.confidence,emotion.naturalness\n"
_TRAIN = "wav/03a01Fa.wav,happiness,0.9,0.75\n"
_AMBIGUOUS = "wav/08b09Wc.wav,anger,0.4,\n"

MINIATURE = Miniature(
    ("wav/03a01Fa.wav", "wav/08b09Wc.wav"),
    {
        "db.emotion.csv": _HEADER + _TRAIN + _AMBIGUOUS,
        "db.emotion.categories.train.gold_standard.csv": _HEADER + _TRAIN,
        "db.emotion.categories.ambiguous.csv": _HEADER + _AMBIGUOUS,
    },
)


def test_labels_votes_and_naturalness(folder):
    prepared = prepare(folder)
    assert facts(prepared) == {
        "03a01Fa": ("emodb-2-03", "happy", "a01", "de"),
        "08b09Wc": ("emodb-2-08", "angry", "b09", "de"),
    }
    clear, unclear = prepared.manifest
    assert clear.votes["happy"] == pytest.approx(18) and clear.votes["sad"] == pytest.approx(2 / 6)
    assert unclear.votes["angry"] == pytest.approx(8) and unclear.votes["sad"] == pytest.approx(12 / 6)
    assert dict(clear.measures) == {"naturalness": 0.75} and not unclear.measures


def test_parts(folder):
    assert [u.id for u in prepare(folder, "ambiguous").manifest] == ["08b09Wc"]
    assert [u.id for u in catalogue.prepare(CARD.name, folder, part="train").manifest] == ["03a01Fa"]
    with pytest.raises(CorpusError, match="does not look like"):
        prepare(folder, "test")


def test_the_labels_of_a_part_are_those_of_the_whole(folder):
    doubtful = "wav/08b09Wc.wav,neutral,0.9,0.1\n"
    (folder / "db.emotion.categories.ambiguous.csv").write_text(_HEADER + doubtful, encoding="utf-8")
    assert prepare(folder, "ambiguous").manifest[0] == prepare(folder).manifest[1]


def test_laryngograms_are_no_speech(folder, make_tone):
    make_tone(f"{CARD.name}/laryngo/03a01Fa.wav", duration_s=0.1)
    prepared = prepare(folder)
    assert {u.path.removeprefix(f"{folder}/") for u in prepared.manifest} == set(MINIATURE.recordings)
    assert not any("labels" in note for note in prepared.notes)
    with pytest.raises(CorpusError, match="sottovoce prepare emodb-2"):
        catalogue.prepare("emodb", folder)
    with pytest.raises(CorpusError, match="sottovoce prepare emodb-2"):
        catalogue.prepare("emodb", folder.parent)


def test_rows_that_contradict_the_names_are_listed(folder):
    wrong = _HEADER + "wav/03a01Fa.wav,anger,0.9,0.5\nwav/08b09Wc.wav,anger,1.4,0.5\nwav/x.wav,anger,0.9,0.5\n"
    (folder / "db.emotion.csv").write_text(wrong, encoding="utf-8")
    with pytest.raises(CorpusError) as caught:
        prepare(folder)
    assert len(caught.value.problems) == 3
