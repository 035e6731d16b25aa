"""EmoDB: names, sentences, and recognition rates that become votes."""

from __future__ import annotations

import pytest

from sottovoce.corpora.published.emodb import prepare
from sottovoce.errors import CorpusError
from tests.corpora.miniature import Miniature, facts

MINIATURE = Miniature(
    ("wav/03a01Fa.wav", "wav/03a05Wb.wav", "wav/16b10N.wav"),
    {
        "erkennung.txt": """Nr.\tSatz\terkannt\tnatuerlich
1\xa0\xa0\t03a01Fa.wav\t90,00\xa0\xa0\xa0\t75,00\xa0
2\xa0\xa0\t03a05Wb.wav\t85,71\xa0\xa0\xa0\t60,00\xa0
"""
    },
    encoding="latin-1",
)


def test_what_the_names_say(folder):
    prepared = prepare(folder)
    assert facts(prepared) == {
        "03a01Fa": ("emodb-03", "happy", "a01", "de"),
        "03a05Wb": ("emodb-03", "angry", "a05", "de"),
        "16b10N": ("emodb-16", "neutral", "b10", "de"),
    }
    assert prepared.manifest[0].text == "Der Lappen liegt auf dem Eisschrank."
    assert not prepared.manifest[0].measures


def test_every_unreadable_name_is_listed(folder, make_tone):
    for wrong in ("03a01Xa", "03a03Fa", "3a01Fa", "03a01Fa copy"):
        make_tone(f"emodb/wav/{wrong}.wav", duration_s=0.3)
    with pytest.raises(CorpusError) as caught:
        prepare(folder)
    assert len(caught.value.problems) == 4
    assert "4 of 7 names" in str(caught.value)


def test_recognition_rates_become_votes(folder):
    prepared = prepare(folder)
    by_id = {u.id: u for u in prepared.manifest}
    assert by_id["03a01Fa"].votes["happy"] == pytest.approx(18)
    assert by_id["03a05Wb"].votes["angry"] == pytest.approx(20 * 0.8571)
    assert sum(by_id["03a05Wb"].votes.values()) == pytest.approx(20)
    assert len({round(n, 9) for e, n in by_id["03a05Wb"].votes.items() if e != "angry"}) == 1
    assert not by_id["16b10N"].votes
    assert any(note.startswith("1 utterances have no listeners' votes") for note in prepared.notes)


def test_from_the_wav_folder_the_rates_beside_it_are_found(folder):
    assert prepare(folder / "wav").manifest.has_votes
    (folder / "erkennung.txt").unlink()
    assert not prepare(folder / "wav").manifest.has_votes


def test_the_rates_are_found_one_folder_deeper(folder):
    (folder / "download").mkdir()
    for name in ("wav", "erkennung.txt"):
        (folder / name).rename(folder / "download" / name)
    assert prepare(folder).manifest.has_votes


@pytest.mark.parametrize("below", ["", "wav"])
def test_without_them_the_confidence_of_another_packing_is_read(folder, below):
    expected = [dict(u.votes) for u in prepare(folder).manifest]
    (folder / "erkennung.txt").unlink()
    rows = "file,emotion,emotion.confidence\nwav/03a01Fa.wav,happiness,0.9\nwav/03a05Wb.wav,anger,0.8571\n"
    (folder / "db.emotion.csv").write_text(rows, encoding="utf-8")
    assert [dict(u.votes) for u in prepare(folder / below).manifest] == expected
    (folder / "db.emotion.csv").write_text(rows.replace("0.9", "many"), encoding="utf-8")
    with pytest.raises(CorpusError, match=r"emotion\.confidence is not a number: 'many'"):
        prepare(folder)
    (folder / "db.emotion.csv").write_text(rows.replace("0.9", "90"), encoding="utf-8")
    with pytest.raises(CorpusError, match=r"03a01Fa: emotion\.confidence is 90\.0, not from 0 to 1"):
        prepare(folder)
