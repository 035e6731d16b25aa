"""Tables beside recordings: where both are found, and what is said of those that do not match."""

from __future__ import annotations

import pytest

from sottovoce.corpora.card import CorpusCard
from sottovoce.corpora.tables import find_tables, nearest, prepare_from_tables, read_table, refuse
from sottovoce.errors import CorpusError
from sottovoce.speech.manifest import Utterance

CARD = CorpusCard(
    name="toy",
    title="Toy",
    language=("en",),
    n_utterances=3,
    n_speakers=None,
    emotions={},
    layout="audio/train/1.wav, labels.csv",
    licence="none",
    home="nowhere",
    citation="nobody",
)


def says(path: str, **more: str) -> Utterance:
    return Utterance(**{"id": path, "path": path, "speaker": "ann", "emotion": "sad"} | more)


def test_the_nearest_table_is_found_at_any_depth(tmp_path):
    for place in ("a/b/Labels.csv", "a/labels.csv", "a/c/speakers.csv"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text("x\n", encoding="utf-8")
    found = find_tables(tmp_path, CARD, ["labels.csv", "speakers.csv", "parts.csv"])
    assert found == {"labels.csv": tmp_path / "a/labels.csv", "speakers.csv": tmp_path / "a/c/speakers.csv"}
    with pytest.raises(CorpusError, match=r"does not look like Toy. Expected: audio/train/1.wav, labels.csv"):
        find_tables(tmp_path, CARD, ["parts.csv"])
    with pytest.raises(CorpusError, match="there is no such folder"):
        find_tables(tmp_path / "absent", CARD, ["parts.csv"])


def test_tables_behind_links_are_found_and_those_of_neighbours_are_not(tmp_path):
    for place in ("disk/labels.csv", "neighbour/labels.csv", "corpus/audio/1.wav"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text("x\n", encoding="utf-8")
    folder = tmp_path / "corpus"
    assert nearest(folder, "labels.csv") is None
    assert nearest(folder, "labels.csv", tmp_path, tmp_path / "neighbour") == tmp_path / "neighbour/labels.csv"
    (folder / "linked").symlink_to(tmp_path / "disk", target_is_directory=True)
    assert nearest(folder, "labels.csv", tmp_path / "neighbour") == folder / "linked/labels.csv"
    assert find_tables(folder, CARD, ["labels.csv"]) == {"labels.csv": folder / "linked/labels.csv"}


def test_cells_are_stripped_and_columns_are_asked_for(tmp_path):
    table = tmp_path / "labels.tsv"
    table.write_text('\ufeffname\temotion\n1 \t "sad, or so"\n2\n', encoding="utf-8")
    assert read_table(table, ["name"], delimiter="\t") == [
        {"name": "1", "emotion": "sad, or so"},
        {"name": "2", "emotion": ""},
    ]
    with pytest.raises(CorpusError, match=r"column\(s\) speaker are missing; it has: name, emotion"):
        read_table(table, ["name", "speaker"], delimiter="\t")
    with pytest.raises(CorpusError, match=r"2 problem\(s\)") as caught:
        read_table(table, ["name"], numbers=["name", "emotion"], delimiter="\t")
    assert list(caught.value.problems) == [
        "row 1: emotion is not a number: 'sad, or so'",
        "row 2: emotion is not a number: ''",
    ]
    table.write_bytes(b"name\n\xff\n")
    with pytest.raises(CorpusError, match="cannot be read as a table"):
        read_table(table, ["name"])


def test_recordings_are_found_by_the_end_of_their_paths(tmp_path, make_tone):
    for place in ("train/dia0.wav", "test/dia0.wav", "test/v1.2.flac", "TEST/x/Dia1.WAV"):
        make_tone(place, duration_s=0.1)
    prepared = prepare_from_tables(tmp_path, CARD, [says("test/dia0.mp4"), says("v1.2"), says("dia1", language="de")])
    assert {u.id: str(u.path) for u in prepared.manifest} == {
        "dia1": str(tmp_path / "TEST/x/Dia1.WAV"),
        "test/dia0.mp4": str(tmp_path / "test/dia0.wav"),
        "v1.2": str(tmp_path / "test/v1.2.flac"),
    }
    assert [(u.speaker, u.corpus, u.language) for u in prepared.manifest] == [
        ("toy-ann", "toy", "de"),
        ("toy-ann", "toy", "en"),
        ("toy-ann", "toy", "en"),
    ]
    assert prepared.notes == (
        "1 recordings have no labels that can be read, and were left out; the first: train/dia0.wav",
    )


def test_what_does_not_match_is_noted(tmp_path, make_tone, monkeypatch):
    for place in ("a/1.wav", "b/1.flac", "b/2.wav"):
        make_tone(place, duration_s=0.1)
    monkeypatch.chdir(tmp_path.parent)
    assert prepare_from_tables(tmp_path.name, CARD, [says("1"), says("3")]).notes == (
        "Toy has 3 utterances; this copy has 1",
        "1 recordings have labels and are not there; the first: 3",
        "1 recordings have no labels that can be read, and were left out; the first: b/2.wav",
        "1 recordings lie there more than once; each was taken once; the first: 1",
    )
    assert prepare_from_tables(tmp_path, CARD, [says("2")], whole=False).notes == ()
    with pytest.raises(CorpusError, match="none of the 1 recordings that the tables of Toy name lies below it"):
        prepare_from_tables(tmp_path, CARD, [says("c/1")])


def test_problems_are_refused_together():
    refuse("here", [])
    with pytest.raises(CorpusError, match=r"2 problem\(s\)"):
        refuse("here", ["row 1: no speaker", "row 2: no name"])
