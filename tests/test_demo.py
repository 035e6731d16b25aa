"""The demo's corpora: complete, honest about what they are, the same every time, and a task worth doing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import signal
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sottovoce import demo
from sottovoce.speech import audio
from sottovoce.speech.emotions import FOUR_CLASSES
from sottovoce.speech.manifest import Manifest


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two speakers a language and one sentence for each emotion."""
    everybody = demo.speakers
    monkeypatch.setattr(demo, "speakers", lambda language: everybody(language)[:2])
    monkeypatch.setattr(demo, "SENTENCES_EACH", {"en": 1, "it": 1})


def test_the_whole_script() -> None:
    english, italian = list(demo._script("en")), list(demo._script("it"))
    assert len(english) == 16 * 4 * 3 and len(italian) == 6 * 4 * 6
    assert len({(speaker.name, emotion, text) for speaker, emotion, text in english + italian}) == 336
    for language, count in (("en", 16), ("it", 6)):
        people = demo.speakers(language)
        assert len({(p.f0_hz, p.formants, p.log2_duration) for p in people}) == count
        assert min(p.f0_hz for p in people) < 140 < 170 < max(p.f0_hz for p in people)


def test_no_sentence_is_on_both_sides() -> None:
    assert not set(demo.ENGLISH.values()) & set(demo.ITALIAN)
    assert len(set(demo.ENGLISH)) == len(set(demo.ENGLISH.values())) == 4


@pytest.mark.usefixtures("small")
def test_manifests_and_sound(tmp_path: Path) -> None:
    seen = []
    target, source = demo.render_corpus(tmp_path / "demo corpus é", lambda done, total: seen.append((done, total)))
    assert seen == [(n, 16) for n in range(1, 17)]
    assert target.languages == ["it"] and source.languages == ["en"]
    for manifest in (target, source):
        assert len(manifest) == 8 and len(manifest.speakers) == 2 and manifest.has_votes
        for utterance in manifest:
            assert utterance.corpus in demo.CORPORA.values()
            assert sum(utterance.votes.values()) == demo.N_LISTENERS and set(utterance.votes) <= set(FOUR_CLASSES)
            assert 0.8 < audio.read(utterance.path).size / 16_000 < 5
    assert all(utterance.translation == demo.ENGLISH[utterance.text or ""] for utterance in source)
    assert not any(utterance.translation for utterance in target)


@pytest.mark.usefixtures("small")
def test_same_corpora_every_time(tmp_path: Path) -> None:
    first, second = (demo.render_corpus(tmp_path / name)[0] for name in ("one", "two"))
    assert first.fingerprint() == second.fingerprint()
    assert [audio.digest(u.path) for u in first] == [audio.digest(u.path) for u in second]


@pytest.mark.usefixtures("small")
def test_rendered_once_and_mended(tmp_path: Path) -> None:
    target, _ = demo.render_corpus(tmp_path)

    def calls() -> int:
        seen: list[int] = []
        assert demo.render_corpus(tmp_path, lambda done, total: seen.append(done))[0] == target
        return len(seen)

    assert calls() == 0
    Path(target[3].path).unlink()
    assert calls() == 16
    (tmp_path / "rendered.json").write_text("{}")
    assert calls() == 16


@pytest.mark.slow
def test_neither_trivial_nor_hopeless(tmp_path: Path) -> None:
    """A linear probe on mean log spectra, by speaker: it bounds what the demo's report will show."""
    target, source = demo.render_corpus(tmp_path)
    for manifest in (target, source):
        features, labels = np.array([_mean_log_spectrum(u.path) for u in manifest]), [u.emotion for u in manifest]
        probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000))
        guesses = cross_val_predict(
            probe, features, labels, groups=[u.speaker for u in manifest], cv=LeaveOneGroupOut()
        )
        assert 0.5 < f1_score(labels, guesses, average="macro") < 0.9
        assert 0.5 < _share_of_listeners(manifest) < 0.9


def _share_of_listeners(manifest: Manifest) -> float:
    return float(np.mean([u.votes.get(u.emotion, 0.0) / demo.N_LISTENERS for u in manifest]))


def _mean_log_spectrum(path: str) -> np.ndarray:
    spectrum = np.abs(signal.stft(audio.read(path), 16_000, nperseg=400)[2]) ** 2
    bands = spectrum[:200].reshape(40, 5, -1).sum(axis=1)
    return np.log(bands + 1e-10).mean(axis=1)
