"""EmoBox's lists are matched to a manifest, and nothing goes missing unseen."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from sottovoce.errors import SplitError
from sottovoce.judging import emobox_lists, splits
from sottovoce.speech.manifest import Manifest, Utterance


def publish(folder: Path, number: int, **sides: list[str]) -> None:
    """Write lists as EmoBox does; recordings are given by their path in the corpus."""
    for side, recordings in sides.items():
        path = folder / f"fold_{number}" / f"tiny_{side}_fold_{number}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [
            {"key": f"tiny-{Path(recording).stem}", "dataset": "tiny", "wav": f"downloads/tiny/{recording}"}
            for recording in recordings
        ]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def corpus(*recordings: str) -> Manifest:
    """Recordings `SPEAKER/EMOTION/NAME.wav`, kept elsewhere and in another format, with ids of their own."""
    return Manifest(
        tuple(
            Utterance(f"id{n}", f"/my/tiny/{recording[:-4]}.flac", *recording.split("/")[:2], "tiny")
            for n, recording in enumerate(recordings)
        )
    )


FOUR = ("a/sad/a1.wav", "a/happy/a2.wav", "b/sad/b1.wav", "b/happy/b2.wav")


def test_disjoint_lists_make_a_disjoint_plan(tmp_path: Path) -> None:
    publish(tmp_path, 1, train=list(FOUR[:2]), test=list(FOUR[2:]))
    publish(tmp_path, 2, train=list(FOUR[2:]), test=list(FOUR[:2]))
    plan = splits.make_plan(corpus(*FOUR), "emobox", emobox_folder=tmp_path)
    assert [(fold.number, fold.train, fold.test) for fold in plan.folds] == [
        (1, ("id0", "id1"), ("id2", "id3")),
        (2, ("id2", "id3"), ("id0", "id1")),
    ]
    assert not plan.speaker_dependent
    assert plan.proof()["every_utterance_tested_once"]


@pytest.mark.parametrize(("name", "corpus_name"), [("tiny", "tiny"), ("tinycorpus", "Tiny-Corpus")])
def test_the_folder_above_has_the_data_set_of_the_corpus(tmp_path: Path, name: str, corpus_name: str) -> None:
    publish(tmp_path / name, 1, train=list(FOUR[:2]), test=list(FOUR[2:]))
    publish(tmp_path / "other", 1, train=["x.wav"], test=["y.wav"])
    manifest = Manifest(tuple(replace(utterance, corpus=corpus_name) for utterance in corpus(*FOUR)))
    plan = splits.emobox(manifest, tmp_path)
    assert plan.folds[0].test == ("id2", "id3") and plan == splits.emobox(manifest, tmp_path / name)
    with pytest.raises(SplitError, match=r"or EmoBox/data where it has a data set named as"):
        splits.emobox(Manifest(tuple(replace(utterance, corpus="third") for utterance in corpus(*FOUR))), tmp_path)


def test_lists_that_share_speakers_are_flagged_and_admit_none_of_their_speech(tmp_path: Path) -> None:
    publish(tmp_path, 1, train=[FOUR[0], FOUR[2]], test=[FOUR[1], FOUR[3]])
    manifest = corpus(*FOUR)
    with pytest.raises(SplitError, match="'happy'"):
        splits.emobox(manifest, tmp_path)
    more = (*FOUR, "a/happy/a3.wav")
    publish(tmp_path, 1, train=[FOUR[0], FOUR[2], more[4]], test=[FOUR[1], FOUR[3]])
    plan = splits.emobox(corpus(*more), tmp_path)
    assert plan.speaker_dependent
    assert plan.proof()["folds"][0]["shared_speakers"] == ["tiny/a", "tiny/b"]
    translated = Utterance("new", "new.wav", "a", "sad", "tiny", translated_from="id0")
    assert not plan.admits(plan.folds[0], translated)


def test_lists_with_a_recording_on_both_sides_are_refused(tmp_path: Path) -> None:
    publish(tmp_path, 1, train=[*FOUR[:2], FOUR[2]], test=list(FOUR[2:]))
    with pytest.raises(SplitError, match=r"fold 1 has 1 utterance\(s\) on both sides"):
        splits.emobox(corpus(*FOUR), tmp_path)


def test_entries_that_the_manifest_lacks_are_listed_and_validation_lists_train_nobody(tmp_path: Path) -> None:
    publish(tmp_path, 1, train=[*FOUR[:2], "c/fear/c1.wav"], test=list(FOUR[2:]), valid=["a/sad/a9.wav"])
    plan = splits.emobox(corpus(*FOUR, "a/sad/a9.wav"), tmp_path)
    assert plan.not_in_manifest == ("tiny-c1",)
    assert plan.proof()["not_in_manifest"] == ["tiny-c1"]
    assert plan.folds[0].train == ("id0", "id1")
    assert splits.FoldPlan.read(plan.write(tmp_path / "folds.json")) == plan


def test_folders_decide_between_recordings_of_one_name(tmp_path: Path) -> None:
    same = ("a/sad/1.wav", "a/happy/1.wav", "b/sad/1.wav", "b/happy/1.wav")
    publish(tmp_path, 1, train=list(same[:2]), test=list(same[2:]))
    assert splits.emobox(corpus(*same), tmp_path).folds[0].test == ("id2", "id3")
    # Without b, the entries of b must not be taken for recordings of a.
    publish(tmp_path, 1, train=list(same[:1]), test=[same[1], *same[2:]])
    with pytest.raises(SplitError, match="1 speaker"):
        splits.emobox(corpus(*same[:2]), tmp_path)
    publish(tmp_path, 1, train=[*same[:2], "c/sad/1.wav", "c/happy/1.wav"], test=list(same[2:]))
    plan = splits.emobox(corpus(*same), tmp_path)
    assert plan.folds[0].train == ("id0", "id1")
    assert plan.not_in_manifest == ("tiny-1",)


def test_every_utterance_that_is_unlisted_or_ambiguous_is_named(tmp_path: Path) -> None:
    publish(tmp_path, 1, train=list(FOUR[:2]), test=list(FOUR[2:]))
    manifest = corpus(*FOUR, "a/sad/a7.wav", "b/sad/b7.wav")
    with pytest.raises(SplitError) as caught:
        splits.emobox(manifest, tmp_path)
    assert "'id4'" in str(caught.value) and "'id5'" in str(caught.value)
    cuts = [Utterance(f"cut{n}", "/my/a1.flac", "a", "sad", "tiny", start_s=float(n)) for n in range(2)]
    with pytest.raises(SplitError, match="'tiny-a1' may mean cut0 or cut1"):
        splits.emobox(Manifest((*corpus(*FOUR)[1:], *cuts)), tmp_path)  # type: ignore[arg-type]


def test_a_key_that_is_an_id_comes_first(tmp_path: Path) -> None:
    publish(tmp_path, 1, train=list(FOUR[:2]), test=list(FOUR[2:]))
    manifest = Manifest(
        tuple(
            Utterance(name, "/my/one_long_recording.flac", name[0], emotion, "tiny", start_s=float(n))
            for n, (name, emotion) in enumerate([("a1", "sad"), ("a2", "happy"), ("b1", "sad"), ("b2", "happy")])
        )
    )
    assert splits.emobox(manifest, tmp_path).folds[0].test == ("b1", "b2")


def test_a_folder_without_lists_or_with_broken_ones_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SplitError, match="EmoBox/data/emodb"):
        splits.emobox(corpus(*FOUR), tmp_path)
    publish(tmp_path, 1, train=list(FOUR[:2]))
    with pytest.raises(SplitError, match="fold 1 has no test list"):
        splits.emobox(corpus(*FOUR), tmp_path)
    publish(tmp_path, 1, test=list(FOUR[2:]))
    with (tmp_path / "fold_1" / "tiny_test_fold_1.jsonl").open("a") as lines:
        lines.write('not json\n{"key": "tiny-x"}\n')
    with pytest.raises(SplitError, match=r"(?s)line 3.*line 4"):
        splits.emobox(corpus(*FOUR), tmp_path)


def test_lists_that_are_written_are_read_as_the_same_folds(tmp_path: Path) -> None:
    manifest = corpus(*FOUR)
    plan = splits.make_plan(manifest, "leave-one-speaker-out")
    folder = tmp_path / "tiny"
    folder.mkdir()
    with pytest.raises(SplitError, match=r"tiny\.jsonl cannot be read"):
        emobox_lists.write(folder, plan)
    lines = [{"key": f"tiny-{u.id}", "wav": u.path} for u in manifest]
    (folder / "tiny.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    emobox_lists.write(folder, plan)
    read = splits.emobox(manifest, folder)
    assert [(f.train, f.test) for f in read.folds] == [(f.train, f.test) for f in plan.folds]
    (folder / "tiny.jsonl").write_text(json.dumps(lines[0]) + "\n")
    with pytest.raises(SplitError, match="3 utterances of the folds are not in"):
        emobox_lists.write(folder, plan)
