"""PAVOQUE: parts of long recordings, a label within the outtakes, and lists that are none."""

from __future__ import annotations

import pytest

from sottovoce.corpora.published.pavoque import CARD, prepare
from sottovoce.errors import CorpusError
from tests.conftest import tone
from tests.corpora.miniature import Miniature, facts

MINIATURE = Miniature(
    ("pavoque-angry.flac", "pavoque-outtakes.flac"),
    {
        "pavoque-angry.yaml": "- prompt: spike0001\n  text: Ich bin Spike.\n  style: angry\n  start: 0.0\n  end: 0.04\n"
        "- prompt: spike0008\n  text: Ach ja?\n  style: angry\n  start: 0.04\n  end: 0.1\n"
        "  segments:\n  - {lab: H#, end: 0.28}\n",
        "pavoque-outtakes.yaml": "- prompt: spike0001\n  text: Ich bin.\n  style: poker\n  start: 0\n  end: 0.1\n",
    },
    n_utterances=3,
)


def test_utterances_are_parts_of_recordings(tmp_path):
    prepared = prepare(MINIATURE.write(tmp_path / CARD.name, tone))
    assert facts(prepared) == {
        "spike0001-angry": ("pavoque-roettig", "angry", "spike0001", "de"),
        "spike0008-angry": ("pavoque-roettig", "angry", "spike0008", "de"),
        "spike0001-poker": ("pavoque-roettig", "poker face", "spike0001", "de"),
    }
    read = {u.id: (u.path.rsplit("/", 1)[-1], u.start_s, u.end_s, u.text) for u in prepared.manifest}
    assert read["spike0008-angry"] == ("pavoque-angry.flac", 0.04, 0.1, "Ach ja?")
    assert read["spike0001-poker"] == ("pavoque-outtakes.flac", 0.0, 0.1, "Ich bin.")


def test_all_that_is_wrong_is_said(tmp_path):
    folder = MINIATURE.write(tmp_path / CARD.name, tone)
    wrong = "- {prompt: a, style: calm, start: 0, end: 1}\n- {prompt: a}\n- {prompt: a, style: sad, start: 2, end: 1}\n"
    (folder / "pavoque-sad.yaml").write_text(wrong, encoding="utf-8")
    with pytest.raises(CorpusError, match=r"3 problem\(s\)") as caught:
        prepare(folder)
    assert "pavoque-sad.yaml, entry 3: start 2 and end 1 do not bound any sound" in caught.value.problems
    for unreadable in ("a: [", "a: 1", "!!python/object/apply:os.getcwd []"):
        (folder / "pavoque-sad.yaml").write_text(unreadable, encoding="utf-8")
        with pytest.raises(CorpusError, match=r"pavoque-sad\.yaml"):
            prepare(folder)
