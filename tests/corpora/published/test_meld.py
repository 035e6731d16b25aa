"""MELD: names that begin anew in each part, characters, and copies without some part."""

from __future__ import annotations

import shutil

import pytest

from sottovoce.corpora.published.meld import prepare
from sottovoce.errors import CorpusError
from tests.corpora.miniature import Miniature, facts

_HEADER = "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID\n"

MINIATURE = Miniature(
    (
        "train/train_splits/dia0_utt0.wav",
        "train/train_splits/dia0_utt1.wav",
        "dev_splits_complete/dia0_utt0.wav",
        "output_repeated_splits_test/dia0_utt0.wav",
    ),
    {
        "train_sent_emo.csv": _HEADER
        + '1,"Oh, you’re here.",Phoebe Sr,joy,positive,0,0\n2,No.,Ross,anger,negative,0,1\n',
        "dev_sent_emo.csv": _HEADER + "1,What?,Joey,surprise,negative,0,0\n",
        "test_sent_emo.csv": _HEADER + "1,Hm.,Phoebe Sr.,neutral,neutral,0,0\n",
    },
)


def test_each_part_has_its_own_recordings(folder):
    prepared = prepare(folder)
    assert facts(prepared) == {
        "dev/dia0_utt0": ("meld-Joey", "surprised", None, "en"),
        "test/dia0_utt0": ("meld-Phoebe Sr.", "neutral", None, "en"),
        "train/dia0_utt0": ("meld-Phoebe Sr.", "happy", None, "en"),
        "train/dia0_utt1": ("meld-Ross", "angry", None, "en"),
    }
    paths = {u.id: u.path.removeprefix(f"{folder}/") for u in prepared.manifest}
    assert paths["dev/dia0_utt0"] == "dev_splits_complete/dia0_utt0.wav"
    assert paths["train/dia0_utt0"] == "train/train_splits/dia0_utt0.wav"
    assert prepared.manifest[2].text == "Oh, you’re here."
    assert [u.id for u in prepare(folder, "test").manifest] == ["test/dia0_utt0"]


def test_folders_of_other_names_and_copies_without_a_part(folder):
    shutil.move(folder / "dev_splits_complete", folder / "dev" / "wav")
    shutil.rmtree(folder / "output_repeated_splits_test")
    assert [u.id for u in prepare(folder).manifest] == ["dev/dia0_utt0", "train/dia0_utt0", "train/dia0_utt1"]
    with pytest.raises(CorpusError, match="no folder of recordings called output_repeated_splits_test, test"):
        prepare(folder, "test")


def test_mistakes_are_listed(folder):
    (folder / "train_sent_emo.csv").write_text(_HEADER + "1,Hm.,Ross,glee,positive,0,0\n", encoding="utf-8")
    (folder / "dev_sent_emo.csv").unlink()
    with pytest.raises(CorpusError) as caught:
        prepare(folder)
    assert len(caught.value.problems) == 2 and "train_sent_emo.csv, row 1" in str(caught.value)


def paths(prepared, folder):
    return {u.id: u.path.removeprefix(f"{folder}/") for u in prepared.manifest}


@pytest.mark.parametrize("name", ["test", "dev"])
def test_the_name_of_the_corpus_is_no_part_where_folders_below_it_are(folder, name):
    folder = folder.rename(folder.parent / name)
    assert paths(prepare(folder), folder) == {
        "dev/dia0_utt0": "dev_splits_complete/dia0_utt0.wav",
        "test/dia0_utt0": "output_repeated_splits_test/dia0_utt0.wav",
        "train/dia0_utt0": "train/train_splits/dia0_utt0.wav",
        "train/dia0_utt1": "train/train_splits/dia0_utt1.wav",
    }
    shutil.rmtree(folder / "output_repeated_splits_test")
    shutil.rmtree(folder / "dev_splits_complete")
    assert [u.id for u in prepare(folder).manifest] == ["train/dia0_utt0", "train/dia0_utt1"]


def test_a_part_by_itself_has_its_part_from_its_own_name(folder):
    place = folder / "output_repeated_splits_test"
    shutil.move(folder / "test_sent_emo.csv", place / "test_sent_emo.csv")
    assert paths(prepare(place, "test"), place) == {"test/dia0_utt0": "dia0_utt0.wav"}


def test_other_recordings_below_a_part_do_not_hide_it(folder, make_tone):
    make_tone("meld/train/other/x.wav", duration_s=0.1)
    make_tone("meld/train/again/dia0_utt0.wav", duration_s=0.1)
    found = paths(prepare(folder), folder)
    assert found["train/dia0_utt0"] == "train/train_splits/dia0_utt0.wav" and "train/dia0_utt1" in found


def test_recordings_that_were_cut_anew_are_preferred_in_test(folder, make_tone):
    for place in ("output_repeated_splits_test", "train/train_splits"):
        make_tone(f"meld/{place}/final_videos_testdia0_utt0.wav", duration_s=0.1)
    prepared = prepare(folder)
    found = paths(prepared, folder)
    assert found["test/dia0_utt0"] == "output_repeated_splits_test/final_videos_testdia0_utt0.wav"
    assert found["train/dia0_utt0"] == "train/train_splits/dia0_utt0.wav"
    assert [note for note in prepared.notes if "recordings" in note] == [
        "1 recordings have no labels that can be read, and were left out; the first: "
        "train/train_splits/final_videos_testdia0_utt0.wav",
        "1 recordings of test are those called final_videos_test..., in place of the plain ones: see the card",
    ]
    elsewhere = folder.with_name("final_videos_test")
    shutil.copytree(folder, elsewhere)
    assert [note for note in prepare(elsewhere).notes if "in place" in note] == [prepared.notes[-1]]
    (folder / "output_repeated_splits_test" / "dia0_utt0.wav").unlink()
    assert paths(prepare(folder, "test"), folder) == {"test/dia0_utt0": found["test/dia0_utt0"]}
