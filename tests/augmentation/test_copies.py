"""Copies of recordings: what they sound like, what they are made from, and that nothing else decides it."""

from __future__ import annotations

import numpy as np
import pytest

from sottovoce.augmentation.copies import Copied, copies, plan
from sottovoce.errors import AudioError, CorpusError
from sottovoce.recipe.augmentation import Copies
from sottovoce.speech import audio
from sottovoce.speech.manifest import Manifest, Utterance
from sottovoce.store.artefacts import Store

SPOKEN = {
    "a-angry-1": 0.3, "a-angry-2": 0.35, "a-neutral-1": 0.4, "a-neutral-2": 0.45, "a-sad-1": 0.5, "b-angry-1": 0.55,
}  # fmt: skip
"""Speaker, emotion and number, and how long each is. Speaker b said one thing."""


@pytest.fixture
def target(make_tone) -> Manifest:
    made = []
    for seed, (name, duration_s) in enumerate(SPOKEN.items()):
        speaker, emotion, _ = name.split("-")
        path = make_tone(f"{name}.wav", duration_s=duration_s, seed=seed)
        made.append(Utterance(name, str(path), speaker, emotion, text="so", votes={emotion: 3, "happy": 1}))
    return Manifest(tuple(made))


def sounds(copied: Copied) -> dict[str, np.ndarray]:
    return {u.id: audio.read(u.path) for u in copied.manifest}


def snr_db(speech: np.ndarray, noisy: np.ndarray) -> float:
    """Of a copy that was not scaled down: speech over what was added to it."""
    return float(10 * np.log10(np.mean(speech**2) / np.mean((noisy - speech) ** 2)))


def test_noise_is_as_loud_as_it_was_drawn(target, tmp_path):
    settings, store = Copies(number=2, noise_snr_db=(10, 20)), Store(tmp_path / "store")
    drawn = {copy.utterance.id: copy.task.snr_db for copy in plan(target, "noise", settings, store)}
    made = copies(target, "noise", settings, store)
    assert set(drawn) == {f"{u.id}+noise{n}" for u in target for n in (1, 2)} == {u.id for u in made.manifest}
    assert all(10 <= each <= 20 for each in drawn.values()) and len(set(drawn.values())) == len(drawn)
    natural = {u.id: u for u in target}
    for utterance in made.manifest:
        own = natural[utterance.translated_from]
        assert snr_db(audio.read(own.path), audio.read(utterance.path)) == pytest.approx(drawn[utterance.id], abs=0.1)
        assert (utterance.speaker, utterance.emotion, utterance.votes) == (own.speaker, own.emotion, own.votes)
        assert made.origins[utterance.id] == {own.id}


def test_noise_of_a_folder_is_what_was_recorded_there(target, tmp_path):
    (tmp_path / "noise").mkdir()
    beat = np.tile([0.5, -0.5], 24_000).astype(np.float32)  # 3 s of the highest pitch there is
    audio.write(tmp_path / "noise" / "hum.wav", beat, audio.RATE_HZ)
    audio.write(tmp_path / "noise" / "short.flac", beat[:3_200], audio.RATE_HZ)
    settings = Copies(noise_snr_db=(6, 6), noise_folder=str(tmp_path / "noise"))
    made = copies(target, "noise", settings, Store(tmp_path / "store"))
    for utterance in made.manifest:
        speech, noisy = audio.read(str(tmp_path / f"{utterance.translated_from}.wav")), audio.read(utterance.path)
        added = noisy - speech
        assert snr_db(speech, noisy) == pytest.approx(6, abs=0.05)
        assert np.abs(added[1:] + added[:-1]).max() < 1e-3, "each sample of it is the opposite of the one before"


def test_pasted_are_two_of_one_speaker_with_one_label(target, tmp_path):
    settings, store = Copies(number=8), Store(tmp_path / "store")
    made, natural, seen = copies(target, "copypaste", settings, store), sounds_of(target), set()
    for utterance in made.manifest:
        own = utterance.translated_from
        (other,) = made.origins[utterance.id] - {own}
        assert other.split("-")[0] == own.split("-")[0] == utterance.speaker == "a"
        assert other.split("-")[1] in {utterance.emotion, "neutral"} and utterance.emotion == own.split("-")[1]
        assert utterance.text is None and utterance.votes == {utterance.emotion: 3, "happy": 1}
        heard = audio.read(utterance.path)
        orders = [np.concatenate([natural[i] for i in order]) for order in ((own, other), (other, own))]
        (order,) = (n for n, each in enumerate(orders) if each.size == heard.size and np.abs(each - heard).max() < 1e-4)
        seen.add((utterance.emotion, other.split("-")[1], order))
    for emotion, other in (("angry", "angry"), ("angry", "neutral"), ("sad", "neutral"), ("neutral", "neutral")):
        assert {(emotion, other, 0), (emotion, other, 1)} <= seen
    assert not made.refused and {u.speaker for u in made.manifest} == {"a"}, "b has nothing to be joined with"


def sounds_of(target: Manifest) -> dict[str, np.ndarray]:
    return {u.id: audio.read(u.path) for u in target}


@pytest.mark.parametrize("kind", ["noise", "copypaste"])
def test_nothing_but_recordings_and_settings_decides(target, tmp_path, kind):
    first = copies(target, kind, Copies(), Store(tmp_path / "one"))
    backwards = Manifest(target.utterances[::-1])
    again = copies(backwards, kind, Copies(), Store(tmp_path / "two"))
    assert first.origins == again.origins and sounds(first).keys() == sounds(again).keys()
    for name, heard in sounds(first).items():
        np.testing.assert_array_equal(heard, sounds(again)[name])
    other = copies(target, kind, Copies(seed=1), Store(tmp_path / "one"))
    assert other.origins != first.origins or not np.array_equal(
        *(np.concatenate(list(sounds(each).values())) for each in (first, other))
    )


@pytest.mark.parametrize("kind", ["noise", "copypaste"])
def test_what_is_kept_is_not_made_again(target, tmp_path, kind, monkeypatch):
    store = Store(tmp_path / "store")
    first = copies(target, kind, Copies(), store)
    monkeypatch.setattr("sottovoce.augmentation.copies._kept", lambda *_: pytest.fail("made again"))
    done: list[int] = []
    assert copies(target, kind, Copies(), store, on_done=done.append) == first
    assert sum(done) == len(first.manifest)


def test_a_bad_recording_costs_its_own_copies(target, tmp_path):
    (tmp_path / "a-sad-1.wav").write_text("no sound")
    made = copies(target, "noise", Copies(), Store(tmp_path / "store"))
    assert list(made.refused) == ["a-sad-1+noise1"] and "a-sad-1.wav" in made.refused["a-sad-1+noise1"]
    assert len(made.manifest) == len(target) - 1


def test_a_folder_without_noise_is_an_error(target, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(AudioError, match=r"no \.wav or \.flac file of noise"):
        copies(target, "noise", Copies(noise_folder=str(tmp_path / "empty")), Store(tmp_path / "store"))
    with pytest.raises(CorpusError, match="there is no such folder"):
        copies(target, "noise", Copies(noise_folder=str(tmp_path / "absent")), Store(tmp_path / "store"))
