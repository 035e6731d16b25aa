"""TurEV-DB: calm, a word with a digit, and filtered copies beside the recordings."""

from __future__ import annotations

import shutil

from sottovoce.corpora.published.turevdb import CARD, prepare
from sottovoce.speech.harmonisation import load_table
from tests.conftest import tone
from tests.corpora.miniature import Miniature, facts

MINIATURE = Miniature(
    (
        "Sound Source/Angry/1157_kz_acik.wav",
        "Sound Source/Calm/1234_sk_eger.wav",
        "Sound Source/Happy/1358_mt_ogul.wav",
        "Sound Source/Sad/7895_hl_ogul1.wav",
    )
)


def test_a_copy_from_an_archive_that_macos_packed_is_whole(tmp_path):
    MINIATURE.write(tmp_path / "corpora" / "turevdb", tone)
    for recording in MINIATURE.recordings:
        fork = tmp_path / "corpora" / "__MACOSX" / "turevdb" / recording
        fork.parent.mkdir(parents=True, exist_ok=True)
        fork.with_name(f"._{fork.name}").write_bytes(bytes(82))
    assert len(prepare(tmp_path / "corpora").manifest) == len(MINIATURE)


def test_what_the_names_say(tmp_path):
    folder = MINIATURE.write(tmp_path / CARD.name, tone)
    filtered = folder / "Model Output for Test Data" / "testEmotions500HighPass" / "sound" / "Angry"
    shutil.copytree(folder / "Sound Source" / "Angry", filtered)
    prepared = prepare(folder)
    assert facts(prepared) == {
        "1157_kz_acik": ("turevdb-1157", "angry", "acik", "tr"),
        "1234_sk_eger": ("turevdb-1234", "calm", "eger", "tr"),
        "1358_mt_ogul": ("turevdb-1358", "happy", "ogul", "tr"),
        "7895_hl_ogul1": ("turevdb-7895", "sad", "ogul", "tr"),
    }
    assert {u.path.split("/")[-3] for u in prepared.manifest} == {"Sound Source"}
    (calm,) = prepared.manifest.with_emotions(["calm"])
    assert load_table().weights(calm.emotion, calm.corpus) == {"neutral": 1.0}
