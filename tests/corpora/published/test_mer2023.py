"""MER2023: sounds under the names of videos, valence in three of four parts."""

from __future__ import annotations

import pytest

from sottovoce.corpora import catalogue
from sottovoce.corpora.published.mer2023 import CARD, prepare
from sottovoce.errors import CorpusError
from tests.conftest import tone
from tests.corpora.miniature import Miniature, facts

MINIATURE = Miniature(
    (
        "mer2023train/train/sample_00000001.wav",
        "test1/sample_00000002.wav",
        "mer2023train/test3/samplenew_00000003.wav",
    ),
    {
        "mer2023train/train-label.csv": "name,discrete,valence\nsample_00000001,worried,-1.5\n",
        "test-labels/test1-label.csv": "name,discrete,valence\nsample_00000002,happy,2\nsample_00000001,sad,0\n",
        "test-labels/test3-label.csv": "name,discrete\nsamplenew_00000003,surprise\n",
    },
)


def test_what_the_tables_say(tmp_path):
    folder = MINIATURE.write(tmp_path / CARD.name, tone)
    prepared = prepare(folder)
    assert facts(prepared) == {
        "sample_00000001": ("mer2023-sample_00000001", "worry", None, "zh"),
        "sample_00000002": ("mer2023-sample_00000002", "happy", None, "zh"),
        "samplenew_00000003": ("mer2023-samplenew_00000003", "surprised", None, "zh"),
    }
    assert [dict(u.measures) for u in prepared.manifest] == [{"valence": -1.5}, {"valence": 2.0}, {}]
    assert [u.id for u in catalogue.prepare(CARD.name, folder, part="test3").manifest] == ["samplenew_00000003"]
    with pytest.raises(CorpusError, match=r"test2-label\.csv is missing"):
        prepare(folder, part="test2")
