"""TESS: names, the one that departs, and AIFF under the name .wav."""

from __future__ import annotations

import pytest

from sottovoce.corpora.published.tess import prepare
from sottovoce.errors import CorpusError
from sottovoce.speech import audio
from tests.conftest import tone
from tests.corpora.miniature import Miniature, facts

MINIATURE = Miniature(
    (
        "OAF_angry/OAF_back_angry.wav",
        "OAF_neutral/OA_bite_neutral.wav",
        "YAF_pleasant_surprised/YAF_date_ps.wav",
    )
)


def test_what_the_names_say(folder):
    prepared = prepare(folder)
    assert facts(prepared) == {
        "OAF_back_angry": ("tess-OAF", "angry", "back", "en"),
        "OAF_bite_neutral": ("tess-OAF", "neutral", "bite", "en"),
        "YAF_date_ps": ("tess-YAF", "surprised", "date", "en"),
    }
    assert {u.text for u in prepared.manifest} == {f"Say the word {word}." for word in ("back", "bite", "date")}


def test_a_mended_copy_and_a_doubled_folder_count_once(folder, make_tone):
    make_tone("tess/OAF_neutral/OAF_bite_neutral.wav", duration_s=0.1)
    make_tone("tess/again/OAF_angry/OAF_back_angry.wav", duration_s=0.1)
    prepared = prepare(folder)
    assert len(prepared.manifest) == 3
    assert "2 recordings lie there more than once; each was taken once" in prepared.notes


def test_aiff_under_the_name_wav_is_read(folder):
    place = folder / "OAF_angry/OAF_back_angry.wav"
    audio.write(place.with_suffix(".aiff"), tone(duration_s=0.25), 16_000)
    place.with_suffix(".aiff").replace(place)
    assert place.read_bytes()[:4] == b"FORM"
    waveform = audio.read(prepare(folder).manifest[0].path)
    assert len(waveform) == 4_000  # 0.25 s at 16 kHz


def test_other_emotions_are_refused(folder, make_tone):
    make_tone("tess/OAF_angry/OAF_back_bored.wav", duration_s=0.1)
    with pytest.raises(CorpusError, match="OAF_back_bored"):
        prepare(folder)
