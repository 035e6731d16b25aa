"""EMNS: its table, levels as intensities, and rows that are not complete."""

from __future__ import annotations

import pytest

from sottovoce.corpora.published.emns import CARD, prepare
from sottovoce.errors import CorpusError
from tests.corpora.miniature import Miniature, facts

_TABLE = """id|user_id|utterance|description|emotion|date_created|status|gender|age|level|audio_recording
390|3|All "it" acts.|said {user_id}|Excited|2022-07-16|Complete|Female|20s|3|wavs/recorded_audio_wC6dAsG.webm
427|3|Perhaps.|said|Sarcastic|2022-07-16|Complete|Female|20s|10|wavs/recorded_audio_NiFbKKy.webm
958|3|The room.|said|Sad|2022-08-02|Needs Updating|Female|20s|8|wavs/recorded_audio_3HcoloC.webm
"""

MINIATURE = Miniature(
    tuple(f"cleaned_webm/recorded_audio_{name}.wav" for name in ("NiFbKKy", "wC6dAsG")), {"metadata.csv": _TABLE}
)


def test_what_the_table_says(folder):
    prepared = prepare(folder)
    assert facts(prepared) == {
        "recorded_audio_NiFbKKy": ("emns-3", "sarcasm", None, "en"),
        "recorded_audio_wC6dAsG": ("emns-3", "happy", None, "en"),
    }
    assert [u.text for u in prepared.manifest] == ["Perhaps.", 'All "it" acts.']
    assert [u.measures["emotion_intensity"] for u in prepared.manifest] == [1, 0.3]


def test_rows_that_are_not_complete_are_left_out(folder, make_tone):
    make_tone(f"{CARD.name}/cleaned_webm/recorded_audio_3HcoloC.wav", duration_s=0.1)
    prepared = prepare(folder)
    assert len(prepared.manifest) == 2
    assert "1 recordings have no labels that can be read, and were left out" in "".join(prepared.notes)


def test_another_table_of_that_name_and_unknown_emotions_are_refused(folder):
    (folder / "metadata.csv").write_text(_TABLE.replace("Excited", "Glee"), encoding="utf-8")
    with pytest.raises(CorpusError, match="unknown emotion 'Glee'"):
        prepare(folder)
    (folder / "metadata.csv").write_text("file_name,label\na.wav,sad\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"column\(s\) user_id, utterance"):
        prepare(folder)
