"""MASC: everything is in the folders, and a text was read three times."""

from __future__ import annotations

import pytest

from sottovoce.corpora.published.masc import CARD, prepare
from sottovoce.errors import CorpusError
from tests.conftest import tone
from tests.corpora.miniature import Miniature, facts

MINIATURE = Miniature(
    (
        "data/001/anger/phrase/1011.wav",
        "data/001/elation/utterance/2111.wav",
        "data/001/elation/utterance/2112.wav",
        "data/068/panic/utterance/2111.wav",
        "data/068/neutral/paragraph/3011.wav",
    ),
    n_utterances=4,
)


def test_folders_are_speaker_emotion_and_what_was_read(tmp_path):
    assert facts(prepare(MINIATURE.write(tmp_path / CARD.name, tone))) == {
        "001-anger-phrase-1011": ("masc-001", "angry", "phrase-101", "zh"),
        "001-elation-utterance-2111": ("masc-001", "happy", "utterance-211", "zh"),
        "001-elation-utterance-2112": ("masc-001", "happy", "utterance-211", "zh"),
        "068-panic-utterance-2111": ("masc-068", "fearful", "utterance-211", "zh"),
    }


def test_a_folder_of_no_emotion_is_named(tmp_path):
    folder = Miniature(("data/001/anger/phrase/1011.wav", "data/001/joy/phrase/1011.wav")).write(tmp_path, tone)
    with pytest.raises(CorpusError, match="joy"):
        prepare(folder)
