"""nEMO: blanks before the speakers, texts from the table."""

from __future__ import annotations

import pytest

from sottovoce.corpora.published.nemo import CARD, prepare
from sottovoce.errors import CorpusError
from tests.conftest import tone
from tests.corpora.miniature import Miniature, facts

HEADER = "file_id\temotion\traw_text\tnormalized_text\tspeaker_id\tgender\tage\n"
MINIATURE = Miniature(
    ("samples/WR0_surprised_64.wav", "samples/EB0_happiness_13.wav"),
    {
        "data.tsv": HEADER
        + "WR0_surprised_64.wav\tsurprised\tUcho wykrywa dźwięki.\tucho wykrywa dźwięki\t        WR0\tmale\t23\n"
        + "EB0_happiness_13.wav\thappiness\tInteresuje mnie historia.\tinteresuje mnie\t        EB0\tfemale\t27\n"
    },
)


def test_what_the_table_says(tmp_path):
    prepared = prepare(MINIATURE.write(tmp_path / CARD.name, tone))
    assert facts(prepared) == {
        "WR0_surprised_64": ("nemo-WR0", "surprised", "64", "pl"),
        "EB0_happiness_13": ("nemo-EB0", "happy", "13", "pl"),
    }
    assert {u.text for u in prepared.manifest} == {"Ucho wykrywa dźwięki.", "Interesuje mnie historia."}


def test_an_unknown_emotion_is_named(tmp_path):
    folder = MINIATURE.write(tmp_path / CARD.name, tone)
    (folder / "data.tsv").write_text(HEADER + "WR0_x_64.wav\tx\ta\ta\tWR0\tmale\t23\n", encoding="utf-8")
    with pytest.raises(CorpusError, match="'x' is no emotion that we know"):
        prepare(folder)
