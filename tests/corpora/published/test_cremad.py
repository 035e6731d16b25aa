"""CREMA-D: names, intensities, and the votes of those who heard the voice alone."""

from __future__ import annotations

import pytest

from sottovoce.corpora.published.cremad import prepare
from sottovoce.errors import CorpusError
from tests.corpora.miniature import Miniature, facts

_TABULATED = """"","A","D","F","H","N","S","fileName","numResponses","agreement","emoVote"
"100004",2,0,0,6,2,0,"1001_IEO_HAP_HI",10,0.6,"H"
"107442",5,5,0,0,0,1,"1091_WSI_ANG_XX",11,0.45,"A:D"
"200004",0,0,0,10,0,0,"1001_IEO_HAP_HI",10,1,"H"
"300004",0,0,0,10,0,0,"1001_IEO_HAP_HI",10,1,"H"
"""

_RESPONSES = """"","localid","queryType","clipName","respEmo"
"1",7,1,"1001_IEO_HAP_HI","H"
"2",8,1,"1001_IEO_HAP_HI","N"
"3",9,3,"1001_IEO_HAP_HI","S"
"""

MINIATURE = Miniature(
    ("AudioWAV/1001_IEO_HAP_HI.wav", "AudioWAV/1091_WSI_ANG_XX.wav", "AudioWAV/1002_IEO_SAD_LO.wav"),
    {"processedResults/tabulatedVotes.csv": _TABULATED},
)


def test_what_the_names_say(folder):
    prepared = prepare(folder)
    assert facts(prepared) == {
        "1001_IEO_HAP_HI": ("cremad-1001", "happy", "IEO", "en"),
        "1002_IEO_SAD_LO": ("cremad-1002", "sad", "IEO", "en"),
        "1091_WSI_ANG_XX": ("cremad-1091", "angry", "WSI", "en"),
    }
    read = {u.id: dict(u.measures) for u in prepared.manifest}
    assert read == {
        "1001_IEO_HAP_HI": {"emotion_intensity": 1.0},
        "1002_IEO_SAD_LO": {"emotion_intensity": 0.0},
        "1091_WSI_ANG_XX": {},
    }


@pytest.mark.parametrize("below", ["", "AudioWAV"])
def test_votes_are_those_for_the_voice_alone(folder, below):
    prepared = prepare(folder / below)
    votes = {u.id: dict(u.votes) for u in prepared.manifest}
    assert votes == {
        "1001_IEO_HAP_HI": {"angry": 2, "happy": 6, "neutral": 2},
        "1002_IEO_SAD_LO": {},
        "1091_WSI_ANG_XX": {"angry": 5, "disgusted": 5, "sad": 1},
    }
    assert any(note.startswith("1 utterances have no listeners' votes") for note in prepared.notes)


def test_a_recording_that_was_misnamed_at_first_has_its_votes_and_counts_once(folder, make_tone):
    table = folder / "processedResults/tabulatedVotes.csv"
    table.write_text(_TABULATED + '"103234",0,0,2,0,5,3,"1040_ITH_SAD_XX",10,0.5,"N"\n', encoding="utf-8")
    for name in ("1040_ITH_SAD_X", "1040_ITH_SAD_XX"):
        make_tone(f"cremad/AudioWAV/{name}.wav", duration_s=0.1)
        found = [u for u in prepare(folder).manifest if u.speaker == "cremad-1040"]
        assert [(u.id, dict(u.votes)) for u in found] == [("1040_ITH_SAD_XX", {"fearful": 2, "neutral": 5, "sad": 3})]


def test_without_the_counts_single_answers_are_counted(folder):
    (folder / "processedResults/tabulatedVotes.csv").unlink()
    (folder.parent / "neighbour").mkdir()
    (folder.parent / "neighbour/tabulatedVotes.csv").write_text("of something else\n", encoding="utf-8")
    assert not prepare(folder).manifest.has_votes
    (folder / "finishedResponses.csv").write_text(_RESPONSES, encoding="utf-8")
    for place in (folder, folder / "AudioWAV"):
        assert dict(prepare(place).manifest[0].votes) == {"happy": 1, "neutral": 1}


def test_a_spoilt_table_of_votes_is_refused(folder):
    spoilt = _TABULATED.replace('"100004",2', '"100004",two')
    (folder / "processedResults/tabulatedVotes.csv").write_text(spoilt, encoding="utf-8")
    with pytest.raises(CorpusError, match="row 1: A is not a number: 'two'"):
        prepare(folder)
