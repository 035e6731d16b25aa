"""The emotion check, on voices of which it is known what they keep."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sottovoce.experiment import survival
from sottovoce.experiment.heard import SOURCE
from sottovoce.experiment.place import Place
from sottovoce.learning import bank
from sottovoce.recipe import Training
from sottovoce.speech.manifest import Manifest, Utterance
from sottovoce.store.artefacts import Store
from sottovoce.upstreams.features import Extracted
from tests.learning.pools import kept_frames

EMOTIONS = ("angry", "neutral", "sad")
SPEAKERS = tuple("abcdefg")
TRAINING = Training(seeds=[0, 1], hidden=16, epochs=15, batch_size=16, learning_rate=0.02)
QUICK = Training(seeds=[0, 1], hidden=4, epochs=2, batch_size=64)
"""Where it does not matter what the heads learn."""

ROOM = 12


def recordings(speakers: tuple[str, ...] = SPEAKERS) -> Manifest:
    """Six utterances of each speaker and emotion."""
    return Manifest(
        tuple(
            Utterance(f"{speaker}-{emotion}-{take}", "nowhere.wav", speaker, emotion, corpus="made up")
            for speaker in speakers
            for emotion in EMOTIONS
            for take in range(6)
        )
    )


def translated(source: Manifest) -> Manifest:
    """The same utterances as translations."""
    return Manifest(
        tuple(
            Utterance(f"{u.id}>it", "nowhere.wav", u.speaker, u.emotion, corpus=u.corpus, translated_from=u.id)
            for u in source
        )
    )


def voice(root: Path, manifest: Manifest, apart: dict[str, float], shift: float = 0.0, seed: int = 0) -> Extracted:
    """Features in which each emotion stands `apart` from the middle, a speaker a little, and a voice by `shift`."""
    centres = dict(zip(EMOTIONS, np.random.default_rng(1).normal(size=(len(EMOTIONS), ROOM)), strict=True))
    aside = np.random.default_rng(2).normal(size=ROOM)
    speakers = {s: np.random.default_rng(ord(s)).normal(0, 0.3, ROOM) for s in manifest.speakers}
    rng = np.random.default_rng(seed)
    frames = [
        rng.normal(size=(int(rng.integers(5, 12)), ROOM))
        + apart[u.emotion] * centres[u.emotion]
        + speakers[u.speaker]
        + shift * aside
        for u in manifest
    ]
    return Extracted(dict(zip([u.id for u in manifest], kept_frames(root, frames), strict=True)), {})


def place_in(folder: Path) -> Place:
    """A store of its own, and the processor."""
    return Place(Store(folder / "store"))


ALL = dict.fromkeys(EMOTIONS, 1.5)


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Four translators: one keeps everything, one nothing, one all but sadness, one everything in another voice."""
    root, source = tmp_path_factory.mktemp("survival"), recordings()
    translations = {name: translated(source) for name in ("faithful", "deaf", "cheerful", "shifted")}
    features = {"source": voice(root / "source", source, ALL)}
    made = {
        "faithful": {"apart": ALL, "seed": 1},
        "deaf": {"apart": dict.fromkeys(EMOTIONS, 0.0), "seed": 2},
        "cheerful": {"apart": {**ALL, "sad": 0.0}, "seed": 3},
        "shifted": {"apart": ALL, "shift": 8.0, "seed": 4},
    }
    for name, kind in made.items():
        features[name] = voice(root / name, translations[name], **kind)
    return survival.check(source, translations, features, EMOTIONS, TRAINING, place_in(root))


def entry(checked: dict[str, Any], name: str, known: str = SOURCE) -> dict[str, Any]:
    (found,) = [v for v in checked["voices"] if v["name"] == name and v["trained_on"] == known]
    return found


def test_what_is_kept_is_heard_and_what_is_lost_is_not(checked):
    assert entry(checked, SOURCE)["ua"] > 0.9
    assert entry(checked, "faithful")["ua"] > 0.9
    assert entry(checked, "deaf")["ua"] == pytest.approx(1 / 3, abs=0.15)
    assert entry(checked, "faithful")["retention"] > 0.9 > 0.3 > entry(checked, "deaf")["retention"]
    assert "retention" not in entry(checked, SOURCE)


def test_the_lost_emotion_is_named(checked):
    recall = {e: r["share"] for e, r in entry(checked, "cheerful")["recall"].items()}
    assert recall["sad"] < 0.6 < 0.85 < min(recall["angry"], recall["neutral"])
    still = entry(checked, "cheerful")["still_heard"]
    assert still["sad"]["share"] < 0.6 < still["angry"]["share"]
    for emotion, row in zip(EMOTIONS, entry(checked, "cheerful")["confusion"], strict=True):
        assert sum(row) == pytest.approx(1, abs=1e-5)
        assert row[EMOTIONS.index(emotion)] == pytest.approx(recall[emotion], abs=1e-5)


def test_another_voice_is_told_from_a_lost_emotion(checked):
    assert entry(checked, "shifted")["ua"] < 0.75
    assert entry(checked, "shifted", "shifted")["ua"] > 0.9
    gain = entry(checked, "shifted", "shifted")["gain"]
    assert gain["delta"] == pytest.approx(entry(checked, "shifted", "shifted")["ua"] - entry(checked, "shifted")["ua"])
    assert gain["ci95"][0] > 0
    assert entry(checked, "deaf", "deaf")["ua"] == pytest.approx(1 / 3, abs=0.15)


def test_intervals_are_over_speakers_and_comparisons_with_the_recordings(checked):
    assert checked["n_speakers"] == len(SPEAKERS) and checked["n_folds"] == 5
    assert checked["chance"] == {"ua": pytest.approx(1 / 3), "wa": pytest.approx(1 / 3)}
    assert checked["n_tested"] == dict.fromkeys(EMOTIONS, 6 * len(SPEAKERS))
    against = {c["a"]: c for c in checked["comparisons"] if c["metric"] == "ua"}
    assert set(against) == {"faithful", "deaf", "cheerful", "shifted"}
    assert {c["b"] for c in against.values()} == {SOURCE} and {c["n_speakers"] for c in against.values()} == {7}
    assert against["deaf"]["ci95"][1] < 0
    for found in checked["voices"]:
        assert found["ua_ci95"][0] <= found["ua"] <= found["ua_ci95"][1]
        for recall in found["recall"].values():
            assert recall["ci95"][0] <= recall["share"] <= recall["ci95"][1]


def test_a_voice_that_changes_nothing_agrees_with_itself(tmp_path):
    source = recordings(("a", "b", "c"))
    same = voice(tmp_path, source, ALL)
    translation = translated(source)
    features = {"source": same, "same": Extracted({f"{i}>it": kept for i, kept in same.kept.items()}, {})}
    found = entry(
        survival.check(source, {"same": translation}, features, EMOTIONS, TRAINING, place_in(tmp_path)), "same"
    )
    assert found["retention"] == 1
    assert found["agreement"]["share"] == 1 and found["agreement"]["kappa"] == 1
    assert found["still_heard"]["all"]["share"] == 1


def test_no_head_hears_a_speaker_it_was_trained_on(tmp_path, monkeypatch):
    """Neither his recordings nor their translations, whichever voice the head was trained on."""
    source = recordings()
    translation = translated(source)
    features = {"source": voice(tmp_path / "s", source, ALL), "t": voice(tmp_path / "t", translation, ALL, seed=1)}
    trained: list[tuple[object, set[str]]] = []
    asked: list[tuple[object, set[str]]] = []
    train, predict = bank.train, bank.predict

    def seen(frames, labels, courses, *args, **kwargs):
        heads = train(frames, labels, courses, *args, **kwargs)
        for head, course in zip(heads, courses, strict=True):
            trained.append((head, {u.speaker for u, own in zip(source, course.own, strict=True) if own}))
        return heads

    def heard(frames, rows, heads, **kwargs):
        asked.extend((head, {source[int(row)].speaker for row in rows}) for head in heads)
        return predict(frames, rows, heads, **kwargs)

    monkeypatch.setattr(bank, "train", seen)
    monkeypatch.setattr(bank, "predict", heard)
    survival.check(source, {"t": translation}, features, EMOTIONS, QUICK, place_in(tmp_path))
    assert len(trained) == 2 * 5 * 2 and len(asked) == 3 * 5 * 2, "two banks, three tests, five folds, two seeds"
    for head, speakers in asked:
        (own,) = [others for known, others in trained if torch.equal(known.w1, head.w1)]
        assert speakers and own and not speakers & own
        assert speakers | own == set(SPEAKERS)


def test_utterances_without_a_translation_are_left_out_everywhere_and_counted(tmp_path):
    source = recordings()
    translation = translated(source).filter(lambda u: not u.id.startswith("a-sad"))
    features = {"source": voice(tmp_path / "s", source, ALL), "t": voice(tmp_path / "t", translation, ALL, seed=1)}
    found = survival.check(source, {"t": translation}, features, EMOTIONS, QUICK, place_in(tmp_path))
    assert found["n_tested"] == {"angry": 42, "neutral": 42, "sad": 36}
    assert found["warnings"][0].startswith("6 of 126 utterances lack a translation")


@pytest.mark.parametrize(
    ("speakers", "kept", "why"),
    [(("a",), "", "nobody can be held out"), (("a", "b"), "nobody", "no utterance of the source has a translation")],
)
def test_what_cannot_be_asked_is_said(tmp_path, speakers, kept, why):
    source = recordings(speakers)
    translation = translated(source).filter(lambda u: u.id.startswith(kept))
    empty = Extracted({}, {})
    features = {"source": voice(tmp_path, source, ALL), "t": empty}
    found = survival.check(source, {"t": translation}, features, EMOTIONS, QUICK, place_in(tmp_path))
    assert found["voices"] == []
    assert why in found["warnings"][0]


def test_few_translations_are_heard_but_train_nobody(tmp_path):
    source = recordings(("a", "b", "c"))
    translation = translated(source).filter(lambda u: u.speaker == "a")
    features = {"source": voice(tmp_path / "s", source, ALL), "t": voice(tmp_path / "t", translation, ALL)}
    found = survival.check(source, {"t": translation}, features, EMOTIONS, QUICK, place_in(tmp_path))
    assert [(v["name"], v["trained_on"]) for v in found["voices"]] == [(SOURCE, SOURCE), ("t", SOURCE)]
    assert found["voices"][1]["ua_ci95"] is None


def test_heads_are_kept_and_found_again(tmp_path, monkeypatch):
    source = recordings(("a", "b", "c"))
    translation = translated(source)
    features = {"source": voice(tmp_path / "s", source, ALL), "t": voice(tmp_path / "t", translation, ALL, seed=1)}
    place = place_in(tmp_path)
    epochs: list[int] = []
    first = survival.check(source, {"t": translation}, features, EMOTIONS, QUICK, place, epochs.append)
    assert sum(epochs) == 2 * QUICK.epochs
    monkeypatch.setattr(bank, "train", lambda *args, **kwargs: pytest.fail("trained again"))
    assert survival.check(source, {"t": translation}, features, EMOTIONS, QUICK, place) == first
