"""The catalogue of readers, the counts of copies, and the real corpora."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sottovoce.corpora import catalogue
from sottovoce.errors import CorpusError
from tests.conftest import tone
from tests.corpora.miniature import miniatures

HERE = ("emodb", "emovo", "ravdess", "urdu")
"""Corpora that lie beside the project."""


@pytest.mark.parametrize("name", miniatures())
def test_a_partial_copy_is_read_and_noted(tmp_path, name):
    prepared = catalogue.prepare(name, miniatures()[name].write(tmp_path / name, tone))
    card = catalogue.corpora()[name].card
    expected = f"{card.title} has {card.n_utterances} utterances; this copy has {len(miniatures()[name])}"
    assert card.n_utterances is None or expected in prepared.notes


@pytest.mark.parametrize("name", catalogue.corpora())
def test_cards_add_up(name):
    card = catalogue.corpora()[name].card
    assert card.name == name
    assert not card.emotions or card.n_utterances is None or sum(card.emotions.values()) == card.n_utterances
    assert json.loads(json.dumps(card.to_dict()))["licence"]


def test_the_documents_list_every_reader_with_its_counts():
    page = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
    for name, corpus in catalogue.corpora().items():
        card = corpus.card
        counts = ["?" if n is None else f"{n:,}" for n in (card.n_utterances, card.n_speakers)]
        assert " | ".join([f"| `{name}`", " ".join(card.language), *counts]) + " |\n" in page


def test_unknown_corpora_and_misplaced_options(tmp_path):
    with pytest.raises(CorpusError, match=r"there are: .*emodb, .*emovo, .*ravdess, .*urdu, folder"):
        catalogue.prepare("emobd", tmp_path)
    with pytest.raises(CorpusError, match="belong to the corpus 'folder'"):
        catalogue.prepare("emodb", tmp_path, language="de")
    with pytest.raises(CorpusError, match="needs a pattern"):
        catalogue.prepare("folder", tmp_path)


@pytest.mark.real
@pytest.mark.parametrize("name", HERE)
def test_the_real_corpus_is_what_its_card_says(real_corpora: Path, name):
    prepared = catalogue.prepare(name, real_corpora / name)
    assert prepared.notes == ()
    assert prepared.manifest.has_votes == (name == "emodb")
    if name == "emodb":  # what was published was recognised by at least 80 %
        assert min(u.votes[u.emotion] for u in prepared.manifest) == pytest.approx(16)


@pytest.mark.parametrize(
    ("typed", "meant"), [("IEMOCAP", "iemocap"), ("crema-d", "cremad"), ("MSP_Podcast", "msp-podcast")]
)
def test_a_name_that_is_nearly_one_is_asked_about(tmp_path: Path, typed: str, meant: str):
    with pytest.raises(CorpusError, match=rf"\(did you mean {meant}\?\); there are: aesdd"):
        catalogue.prepare(typed, tmp_path)


def test_a_name_that_is_like_none(tmp_path: Path):
    with pytest.raises(CorpusError, match="no reader for a corpus 'xyz'; there are"):
        catalogue.prepare("xyz", tmp_path)
