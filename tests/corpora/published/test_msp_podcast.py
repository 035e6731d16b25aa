"""MSP-Podcast: its tables as the releases have them, raters' ballots, unknown speakers and parts."""

from __future__ import annotations

import json

import pytest

from sottovoce.corpora import catalogue
from sottovoce.corpora.published.msp_podcast import CARD, prepare
from sottovoce.errors import CorpusError
from tests.corpora.miniature import Miniature, facts

A, B, C = (f"MSP-PODCAST_{n}.wav" for n in ("0001_0008", "0001_0009", "0002_0001"))

_CONSENSUS = f"""FileName,EmoClass,EmoAct,EmoVal,EmoDom,SpkrID,Gender,Split_Set
{A},N,2.4,4.0,2.8,30,Male,Train
{B},X,3.5,3.0,3.5,Unknown,Unknown,Train
{C},C,5.0,2.0,5.5,7,Female,Development
"""

_DETAILED = f"""FileName,EmoDetail
{A},"WORKER00000001; Other-confused; Concerned,Confused; A:3.000000; V:3.000000; D:4.000000;"
{A},"WORKER00000018; Neutral; Neutral; A:1.000000; V:4.000000; D:2.000000;"
{A},"WORKER00000021; Neutral; ; A:3.000000; V:4.000000; D:2.000000;"
{B},"WORKER00000001; Surprise; Surprise; A:3.000000; V:3.000000; D:4.000000;"
{B},"WORKER00000018; Fear; Fear,Sad; A:1.000000; V:4.000000; D:2.000000;"
"""

MINIATURE = Miniature(
    tuple(f"Audios/{name}" for name in (A, B, C)),
    {
        "Labels/labels_consensus.csv": _CONSENSUS,
        "Labels/labels_detailed.csv": _DETAILED,
        "Previous_releases_information/previous_releases_info/v1.10/Labels/labels_consensus.csv": "FileName\n",
        "Previous_releases_information/previous_releases_info/v1.8/Labels/labels_concensus.csv": "FileName\n",
        "Transcripts/MSP-PODCAST_0001_0008.txt": "Well, maybe.\n",
    },
)


def test_label_speaker_text_and_attributes(folder):
    prepared = prepare(folder)
    assert facts(prepared) == {
        "MSP-PODCAST_0001_0008": ("msp-podcast-30", "neutral", None, "en"),
        "MSP-PODCAST_0001_0009": ("msp-podcast-unknown-0001", "other", None, "en"),
        "MSP-PODCAST_0002_0001": ("msp-podcast-7", "contempt", None, "en"),
    }
    assert [u.text for u in prepared.manifest] == ["Well, maybe.", None, None]
    assert dict(prepared.manifest[0].measures) == {"valence": 4.0, "arousal": 2.4, "dominance": 2.8}


def test_each_rater_has_one_ballot(folder):
    prepared = prepare(folder)
    votes = [dict(u.votes) for u in prepared.manifest]
    assert votes == [{"other": 1, "neutral": 2}, {"surprised": 1, "fearful": 1}, {}]
    assert any(note.startswith("1 utterances have no raters' votes") for note in prepared.notes)


def test_a_column_for_the_primary_emotion_and_json_say_the_same(folder):
    expected = [(u.id, u.emotion, u.speaker, dict(u.votes), dict(u.measures)) for u in prepare(folder).manifest]
    labels = folder / "Labels"
    columns = f"FileName,Workers,EmoClass_Major\n{A},1,Other-confused\n{A},2,Neutral\n{A},3,Neutral\n{B},1,Surprise\n"
    (labels / "labels_detailed.csv").write_text(columns + f"{B},2,Fear\n", encoding="utf-8")
    assert [(u.id, u.emotion, u.speaker, dict(u.votes), dict(u.measures)) for u in prepare(folder).manifest] == expected
    for table in labels.iterdir():
        table.unlink()
    header, *rows = (line.split(",") for line in _CONSENSUS.splitlines())
    consensus = {row[0]: dict(zip(header[1:], row[1:], strict=True)) for row in rows}
    detailed = {A: ["Other-confused", "Neutral", "Neutral"], B: ["Surprise", "Fear"]}
    answers = {name: {f"W{i}": {"EmoClass_Major": s} for i, s in enumerate(said)} for name, said in detailed.items()}
    (labels / "labels_concensus.json").write_text(json.dumps(consensus), encoding="utf-8")
    (labels / "labels_detailed.json").write_text(json.dumps(answers), encoding="utf-8")
    for earlier in folder.glob("Previous*/*/*/*/*"):
        earlier.unlink()
    assert [(u.id, u.emotion, u.speaker, dict(u.votes), dict(u.measures)) for u in prepare(folder).manifest] == expected


def speakers(folder):
    return [u.speaker.removeprefix("msp-podcast-") for u in prepare(folder).manifest]


@pytest.mark.parametrize("place", ["", "Labels", "Information"])
def test_the_speakers_own_file_names_those_that_the_labels_do_not(folder, place):
    lines = "Speaker_30; Male\n\nMSP-PODCAST_0001_0009.wav;12\nMSP-PODCAST_0002_0001.wav;8\n"
    (folder / place).mkdir(exist_ok=True)
    (folder / place / "Speaker_ids.txt").write_text(lines, encoding="utf-8")
    assert speakers(folder) == ["30", "12", "7"]


def test_speakers_of_another_release_are_not_asked(folder):
    (folder.parent / "release-1.6").mkdir()
    for place in (folder.parent / "release-1.6", folder / "Previous_releases_information"):
        (place / "Speaker_ids.txt").write_text("MSP-PODCAST_0001_0009.wav;99\n", encoding="utf-8")
    (folder / "Speaker_ids.txt").write_text("MSP-PODCAST_0001_0009.wav;12\n", encoding="utf-8")
    assert speakers(folder) == ["30", "12", "7"]
    (folder / "Previous_releases_information" / "Speaker_ids.txt").unlink()
    (folder / "Speaker_ids.txt").unlink()
    assert speakers(folder) == ["30", "unknown-0001", "7"]


def test_rows_without_a_class_are_left_out_and_counted(folder):
    (folder / "Labels/labels_consensus.csv").write_text(_CONSENSUS.replace(",X,", ",,"), encoding="utf-8")
    prepared = prepare(folder, "train")
    assert [u.id for u in prepared.manifest] == ["MSP-PODCAST_0001_0008"]
    assert "1 rows have no class in labels_consensus.csv, and were left out" in prepared.notes
    assert not prepare(folder, "development").notes[1:]


@pytest.mark.parametrize("line", ["{set}; {name}", "{name};{set}"])
def test_partitions_of_their_own_are_asked_where_the_labels_have_none(folder, line):
    labels = folder / "Labels" / "labels_consensus.csv"
    rows = [row.rpartition(",")[0] for row in _CONSENSUS.splitlines()]
    labels.write_text("\n".join(rows) + "\n")
    sets = {A: "Train", B: "Validation", C: "Test1"}
    lines = [line.format(set=part, name=name) for name, part in sets.items()]
    (folder / "Partitions.txt").write_text("\n".join(["", *lines, "a line; of something else"]) + "\n")
    found = {part: [u.id for u in prepare(folder, part).manifest] for part in ("train", "development", "test1")}
    assert found == {
        "train": ["MSP-PODCAST_0001_0008"],
        "development": ["MSP-PODCAST_0001_0009"],
        "test1": ["MSP-PODCAST_0002_0001"],
    }


def test_parts(folder):
    assert [len(prepare(folder, part).manifest) for part in ("train", "development")] == [2, 1]
    older = _CONSENSUS.replace("Development", "Validation")
    (folder / "Labels/labels_consensus.csv").write_text(older, encoding="utf-8")
    assert [u.id for u in catalogue.prepare(CARD.name, folder, part="development").manifest] == [C.removesuffix(".wav")]
    with pytest.raises(CorpusError, match="no recording of the part 'test1'"):
        prepare(folder, "test1")


def test_mistakes_are_listed(folder):
    (folder / "Labels/labels_consensus.csv").write_text(_CONSENSUS.replace(",N,", ",Q,"), encoding="utf-8")
    with pytest.raises(CorpusError, match="MSP-PODCAST_0001_0008 has the unknown class 'Q'"):
        prepare(folder)
    (folder / "Labels/labels_detailed.csv").write_text(f"FileName,EmoDetail\n{A},Neutral\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"labels_detailed\.csv, row 1"):
        prepare(folder)
