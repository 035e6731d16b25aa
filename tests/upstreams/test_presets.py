"""Presets: what a recipe makes of them, and what is known of each."""

from __future__ import annotations

import re

import pytest
from pydantic import ValidationError

from sottovoce.corpora import catalogue as corpora
from sottovoce.recipe import PRESETS, Upstream
from sottovoce.upstreams import catalogue
from sottovoce.upstreams.card import contaminated
from sottovoce.upstreams.known import EMOBOX, UNKNOWN, facts_of


def test_a_preset_is_a_name_weights_and_a_revision() -> None:
    chosen = Upstream.model_validate({"preset": "wavlm-large"})
    assert (chosen.name, chosen.weights) == ("ssl", "microsoft/wavlm-large")
    assert chosen.revision == "e4e472c491084b2c6fb9736099130aa805159c62"
    assert Upstream.model_validate(chosen.model_dump()) == chosen, "what a run writes reads back the same"


def test_weights_of_ones_own_are_a_copy_of_the_preset() -> None:
    chosen = Upstream.model_validate({"preset": "xls-r-300m", "weights": "/models/xlsr", "layer": 12})
    assert (chosen.name, chosen.weights, chosen.revision) == ("ssl", "/models/xlsr", None)
    assert chosen.known_as == "facebook/wav2vec2-xls-r-300m" and chosen.layer == 12
    assert Upstream.model_validate(chosen.model_dump()) == chosen


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"preset": "wavlm-huge"}, "there is no preset 'wavlm-huge'; there are whisper-base, whisper-small"),
        ({"preset": "wavlm-large", "name": "whisper"}, "preset 'wavlm-large' is an upstream 'ssl', not 'whisper'"),
        ({"name": "emotion2vec"}, "upstream 'emotion2vec' needs `weights`"),
        ({"name": "mfcc"}, "Input should be 'logmel'"),
    ],
)
def test_what_does_not_fit_is_refused(given: dict, said: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(said)):
        Upstream.model_validate(given)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_known(name: str) -> None:
    entry = catalogue.upstreams()[name]
    assert facts_of(entry.weights) != UNKNOWN and re.fullmatch("[0-9a-f]{40}", entry.revision or "")
    assert entry.dimension and entry.n_layers and entry.licence and entry.trained_on


def test_contaminated_cells_are_found_however_a_corpus_is_spelled() -> None:
    assert len(EMOBOX) == 32
    unread = [name for name in EMOBOX if not contaminated([name], corpora.corpora())]
    assert not unread, "a corpus that emotion2vec+ heard goes by another name here"
    heard = facts_of("emotion2vec/emotion2vec_plus_large").trained_on
    ours = ["ravdess", "emodb", "crema_d", "jl-corpus", "turev_db", "msp_podcast", "dusha", "emodb_2"]
    assert contaminated(heard, ours) == [
        "crema_d",
        "emodb",
        "emodb_2",
        "jl-corpus",
        "msp_podcast",
        "ravdess",
        "turev_db",
    ]
    assert contaminated(facts_of("openai/whisper-base").trained_on, ours) == []
