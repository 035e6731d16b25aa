"""BanglaSER: names like RAVDESS's that mean something else."""

from __future__ import annotations

import pytest

from sottovoce.corpora.published import ravdess
from sottovoce.corpora.published.banglaser import CARD, prepare
from sottovoce.errors import CorpusError
from tests.conftest import tone
from tests.corpora.miniature import Miniature, facts

MINIATURE = Miniature(
    ("BanglaSER/Actor 1/03-01-03-02-02-03-01.wav", "BanglaSER/Actor 34/03-01-05-01-01-01-34.wav"),
)


def test_what_the_names_say(tmp_path):
    prepared = prepare(MINIATURE.write(tmp_path / CARD.name, tone))
    assert facts(prepared) == {
        "03-01-03-02-02-03-01": ("banglaser-01", "angry", "02", "bn"),
        "03-01-05-01-01-01-34": ("banglaser-34", "neutral", "01", "bn"),
    }
    assert not any(u.measures for u in prepared.manifest)  # intensity says no more than the emotion


def test_neither_is_taken_for_ravdess(tmp_path):
    with pytest.raises(CorpusError, match="03-01-03-02-02-03-01"):
        ravdess.prepare(MINIATURE.write(tmp_path / CARD.name, tone))
