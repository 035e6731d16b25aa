"""Oréau: two versions side by side, sentences that belong to one emotion, an accent written in two ways."""

from __future__ import annotations

import unicodedata

import pytest

from sottovoce.corpora.published.oreau import CARD, prepare
from tests.conftest import tone
from tests.corpora.miniature import Miniature, facts

MINIATURE = Miniature(
    (
        "OréauFR_02/f/sessj/10a02Ja.wav",
        "OréauFR_02/m/sessc/36a02Ca.wav",
        "OréauFR_02/m/sesss/07z03Sa.wav",
    )
)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_the_second_version_is_read(tmp_path, form):
    names = (unicodedata.normalize(form, name) for name in (*MINIATURE.recordings, "OréauFR_01/m/sessn/25a09Na.wav"))
    assert facts(prepare(Miniature(tuple(names)).write(tmp_path / CARD.name, tone))) == {
        "07z03Sa": ("oreau-07", "surprised", "Sz03", "fr"),
        "10a02Ja": ("oreau-10", "happy", "Ja02", "fr"),
        "36a02Ca": ("oreau-36", "angry", "Ca02", "fr"),
    }


def test_the_first_alone_is_read_as_well(tmp_path):
    Miniature(("m/sessn/25a09Na.wav",)).write(tmp_path / "OréauFR_01", tone)
    assert facts(prepare(tmp_path)) == {"25a09Na": ("oreau-25", "neutral", "Na09", "fr")}
