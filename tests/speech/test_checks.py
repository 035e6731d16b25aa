"""Data QA: each planted fault is found, and a clean corpus gives none."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile

from sottovoce.corpora import catalogue
from sottovoce.speech import audio
from sottovoce.speech.checks import check
from sottovoce.speech.manifest import Manifest, Utterance
from tests.conftest import tone


@pytest.fixture
def clean(make_tone) -> Manifest:
    """Two speakers, two emotions, two utterances of each, all different."""
    rows = [(s, e, i) for s in ("ann", "bob") for e in ("happy", "sad") for i in (0, 1)]
    return Manifest(
        tuple(
            Utterance(f"{s}-{e}-{i}", str(make_tone(f"{s}-{e}-{i}.wav", seed=n)), s, e)
            for n, (s, e, i) in enumerate(rows)
        )
    )


def with_waveform(manifest: Manifest, tmp_path, waveform: np.ndarray, **fields) -> Manifest:
    path = tmp_path / "extra.wav"
    soundfile.write(str(path), waveform, 16_000, subtype="FLOAT")
    extra = {"id": "extra", "path": str(path), "speaker": "ann", "emotion": "sad"} | fields
    return Manifest((*manifest, Utterance(**extra)))


def kinds(manifest: Manifest) -> dict[str, tuple[str, ...]]:
    return {finding.kind: finding.ids for finding in check(manifest).findings}


def test_a_clean_corpus_has_nothing_to_judge(clean):
    progress: list[int] = []
    checks = check(clean, on_progress=progress.append)
    assert checks.refused == () and checks.findings == ()
    assert progress == [1] * 8
    assert [sound.id for sound in checks.sounds] == [u.id for u in clean]
    assert checks.duration_quantiles_s == {"min": 1, "25 %": 1, "median": 1, "75 %": 1, "max": 1, "total": 8}


@pytest.mark.parametrize(
    ("kind", "waveform"),
    [
        ("clipped", np.clip(tone() * 10, -1, 1)),
        ("quiet", tone() * 0.001),
        ("offset", tone() * 0.5 + 0.1),
        ("short", tone(0.3)),
        ("long", tone(31.0)),
    ],
)
def test_each_fault_of_the_sound_is_found_and_alone(clean, tmp_path, kind, waveform):
    assert kinds(with_waveform(clean, tmp_path, waveform)) == {kind: ("extra",)}


def test_every_refusal_has_its_reason(clean, tmp_path, make_tone):
    (tmp_path / "text.wav").write_text("no sound")
    make_tone("gone.wav").unlink()
    bad = [Utterance(n, str(tmp_path / f"{n}.wav"), "ann", "sad") for n in ("text", "gone")]
    checks = check(Manifest((*bad, *with_waveform(clean, tmp_path, np.zeros(16_000)))))
    reasons = {refusal.id: refusal.reason for refusal in checks.refused}
    assert reasons.keys() == {"text", "gone", "extra"}
    assert "not a readable" in reasons["text"] and "no such file" in reasons["gone"] and "silent" in reasons["extra"]
    assert len(checks.sounds) == len(clean)


def test_the_same_sound_in_another_container_is_a_duplicate(clean, tmp_path):
    copy = tmp_path / "copy.flac"
    audio.write(copy, audio.read(clean[0].path))
    found = check(Manifest((*clean, Utterance("copy", str(copy), "ann", "happy")))).findings
    assert [(f.kind, f.ids) for f in found] == [("duplicate", (clean[0].id, "copy"))]
    assert "DIFFERENT" not in found[0].text
    (relabelled,) = check(Manifest((*clean, Utterance("copy", str(copy), "bob", "happy")))).findings
    assert "DIFFERENT" in relabelled.text


def test_parts_of_one_recording_are_no_duplicates(tmp_path, make_tone):
    path = str(make_tone("long.wav", duration_s=4.0))
    parts = [Utterance(f"{s}", path, "ann", "sad", start_s=s, end_s=s + 1) for s in (0.0, 1.0, 2.0)]
    assert "duplicate" not in kinds(Manifest(tuple(parts)))


def test_labels_and_speakers(clean):
    assert {"one speaker", "one emotion"} <= kinds(clean.filter(lambda u: u.id.startswith("ann-sad"))).keys()
    (few,) = check(clean.filter(lambda u: u.id != "bob-sad-1")).findings
    assert few.kind == "few" and "'sad': 1 of 2 speakers" in few.text and "bob" in few.text
    said = Manifest(tuple(Utterance(u.id, u.path, u.speaker, u.emotion, text_id=u.id[-1]) for u in clean))
    (shared,) = check(said).findings
    assert shared.kind == "shared sentences" and "2 of 2" in shared.text


def test_the_outcome_as_json_and_as_tables(clean, tmp_path):
    (tmp_path / "text.wav").write_text("no sound")
    checks = check(Manifest((*clean, Utterance("text", str(tmp_path / "text.wav"), "ann", "sad"))))
    outcome = json.loads(json.dumps(checks.to_dict()))
    assert outcome["n_utterances"] == 9 and outcome["n_usable"] == 8
    assert outcome["speakers"] == {"ann": {"happy": 2, "sad": 3}, "bob": {"happy": 2, "sad": 2}}
    assert outcome["recordings"] == {"16000 Hz, 1 channel, WAV PCM_16": 8}
    assert outcome["refused"][0]["id"] == "text"
    tables = {table.title: table for table in checks.tables()}
    counts = tables["Utterances of each speaker and emotion"]
    assert counts.columns == ("speaker", "happy", "sad", "all")
    assert counts.rows[-1] == ("all", "4", "5", "9")
    assert all(len(row) == len(table.columns) for table in tables.values() for row in table.rows)
    assert "To judge" not in tables


def test_nothing_usable_is_no_crash(tmp_path):
    checks = check(Manifest((Utterance("a", str(tmp_path / "a.wav"), "s", "sad"),)))
    assert checks.duration_quantiles_s == {} and len(checks.refused) == 1
    assert checks.tables()


@pytest.mark.real
def test_the_known_duplicate_of_ravdess(real_corpora):
    manifest = catalogue.prepare("ravdess", real_corpora / "ravdess").manifest
    checks = check(manifest.filter(lambda u: u.speaker == "ravdess-07"))
    duplicates = [finding.ids for finding in checks.findings if finding.kind == "duplicate"]
    assert duplicates == [("03-01-03-01-02-01-07", "03-01-03-01-02-02-07")]
    assert checks.refused == ()
