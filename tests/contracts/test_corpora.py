"""What every reader of a corpus keeps to, shown on miniature copies."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from sottovoce.corpora import catalogue
from sottovoce.corpora.card import Prepared
from sottovoce.errors import CorpusError
from sottovoce.speech import emotions
from tests.conftest import tone
from tests.corpora.miniature import Miniature, miniatures

PUBLISHED = tuple(catalogue.corpora())
LANGUAGES = {name: each.card.language for name, each in catalogue.corpora().items()}
EMOTIONS = {*emotions.NAMES, *emotions.FINER_NAMES}
READERS = {
    **miniatures(),
    "folder": Miniature(("ann/ann_t1_angry.wav", "ann/ann_t2_joy.wav", "bob/bob_t1_sadness.wav")),
}


@pytest.fixture
def copy(tmp_path):
    """Write a miniature copy of a corpus and return its folder."""

    def write(name: str, ending: str | None = None, *, place: str = "here", backwards: bool = False) -> Path:
        return READERS[name].write(tmp_path / place / name, tone, ending, backwards=backwards)

    return write


def prepare(name: str, folder: Path) -> Prepared:
    if name == "folder":
        return catalogue.prepare(name, folder, pattern="{speaker}/{speaker}_{text_id}_{emotion}", language="en")
    return catalogue.prepare(name, folder)


def test_no_reader_is_left_out():
    assert {*PUBLISHED, "folder"} == set(READERS)


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_card_is_complete(name):
    card = catalogue.corpora()[name].card
    assert card.name == name and all(re.fullmatch("[a-z]{2}", each) for each in card.language)
    for text in (card.title, card.layout, card.licence, card.home, card.citation):
        assert text.strip()
    assert card.n_speakers is None or card.n_speakers > 0
    assert set(card.emotions) <= EMOTIONS


@pytest.mark.parametrize("name", READERS)
def test_utterances_are_whole(copy, name):
    manifest = prepare(name, copy(name)).manifest
    assert len({u.id for u in manifest}) == len(manifest) == len(READERS[name])
    for utterance in manifest:
        assert utterance.emotion in EMOTIONS and emotions.canonical(utterance.emotion) == utterance.emotion
        assert utterance.speaker == utterance.speaker.strip() != ""
        assert utterance.corpus == name
        assert name == "folder" or utterance.language is None or utterance.language in LANGUAGES[name]
        assert Path(utterance.path).is_absolute() and Path(utterance.path).is_file()
        assert not utterance.is_synthetic


@pytest.mark.parametrize("name", READERS)
def test_wav_and_flac_are_the_same_corpus(copy, name):
    wav, flac = prepare(name, copy(name)), prepare(name, copy(name, ".flac", place="there"))
    facts = [[(u.id, u.speaker, u.emotion, u.text_id) for u in each.manifest] for each in (wav, flac)]
    assert facts[0] == facts[1] and wav.notes == flac.notes


@pytest.mark.parametrize("name", READERS)
def test_neither_place_nor_order_of_writing_matters(copy, name):
    here, there = copy(name), copy(name, place="a b/ü", backwards=True)
    first, second = prepare(name, here).manifest, prepare(name, there).manifest
    assert [u.id for u in first] == [u.id for u in second]
    assert first.fingerprint() == second.fingerprint() == prepare(name, here).manifest.fingerprint()
    assert not any(str(here.parent) in field for u in first for field in (u.id, u.speaker, u.text_id or ""))


@pytest.mark.parametrize("name", READERS)
def test_the_fingerprint_follows_the_content(copy, name):
    folder = copy(name)
    before = prepare(name, folder).manifest.fingerprint()
    (folder / READERS[name].recordings[0]).unlink()
    assert prepare(name, folder).manifest.fingerprint() != before


@pytest.mark.parametrize("name", READERS)
def test_a_wrong_folder_is_refused(copy, tmp_path, make_tone, name):
    make_tone("wrong/2021 holiday.wav", duration_s=0.2)
    with pytest.raises(CorpusError) as caught:
        prepare(name, tmp_path / "wrong")
    expected = "{speaker}/{speaker}_{text_id}_{emotion}" if name == "folder" else catalogue.corpora()[name].card.layout
    assert expected in str(caught.value) and "2021 holiday.wav" in str(caught.value)
    folder = copy(name)
    shutil.rmtree(folder)
    with pytest.raises(CorpusError, match="there is no such folder"):
        prepare(name, folder)
