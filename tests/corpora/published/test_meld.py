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
