from __future__ import annotations

import json
import pickle
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import WhisperFeatureExtractor, WhisperForConditionalGeneration

from sottovoce.errors import TranslationError, WeightsError
from sottovoce.speech.manifest import Manifest, Utterance
from sottovoce.store.artefacts import Store
from sottovoce.store.shards import Execution, WorkerMaker
from sottovoce.translation.filtering import FilterRule, filter_translations
from sottovoce.translation.language_id import (
    BATCH,
    LANGUAGE,
    Heard,
    LanguageIdentifier,
    LanguageWorker,
    identify,
    with_probabilities,
)
from tests.conftest import tone
from tests.translation.checkpoints_language_id import LANGUAGES, teach, tiny_identifier
from tests.weights.checkpoints import drop_tensor, tiny_wav2vec2

SOUNDS = [tone(0.5 + 0.7 * n, 90.0 + 60 * n, seed=n) for n in range(6)]
PITCHES_HZ = {"it": 100.0, "en": 220.0, "de": 400.0}
"""In the tests with a known answer, a language is a pitch."""


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    return tiny_identifier(tmp_path_factory.mktemp("whisper"))


@pytest.fixture(scope="module")
def taught(tmp_path_factory) -> Path:
    """A checkpoint that knows the languages of `PITCHES_HZ`."""
    folder = tiny_identifier(tmp_path_factory.mktemp("taught"))
    return teach(folder, {code: [tone(1.0, hz, seed=n) for n in range(3)] for code, hz in PITCHES_HZ.items()})


@pytest.fixture
def identifier(weights: Path) -> LanguageIdentifier:
    return LanguageIdentifier(str(weights), LANGUAGES, precision="fp32")


def test_the_language_that_is_spoken_is_found(taught: Path):
    spoken = ["de", "it", "en", "it", "de"]
    heard = LanguageIdentifier(str(taught), LANGUAGES, precision="fp32").identify(
        [tone(1.0, PITCHES_HZ[code], seed=100 + n) for n, code in enumerate(spoken)]  # noise it was not taught with
    )
    assert [LANGUAGES[i] for i in heard.argmax(1)] == spoken
    assert heard.max(1).min() > 0.9


def test_the_likeliest_is_what_transformers_detects(taught: Path):
    """Over all languages of the checkpoint, argmax is that of `detect_language`."""
    sounds = [tone(1.0, hz) for hz in PITCHES_HZ.values()] + SOUNDS
    model: Any = WhisperForConditionalGeneration.from_pretrained(taught).eval()
    extractor = WhisperFeatureExtractor.from_pretrained(taught)
    features = extractor(sounds, sampling_rate=16_000, return_tensors="pt").input_features
    named = {i: token.strip("<|>") for token, i in model.generation_config.lang_to_id.items()}
    with torch.inference_mode():
        expected = [named[int(i)] for i in model.detect_language(input_features=features)]
    ours = LanguageIdentifier(str(taught), LANGUAGES, precision="fp32").identify(sounds)
    assert [LANGUAGES[i] for i in ours.argmax(1)] == expected
    assert len(set(expected)) >= 3


def test_probabilities_are_shared_among_the_candidates_alone(weights: Path, identifier: LanguageIdentifier):
    whole = identifier.identify(SOUNDS[:3])
    two = LanguageIdentifier(str(weights), ("it", "de"), precision="fp32").identify(SOUNDS[:3])
    assert whole.shape == (3, 5) and two.shape == (3, 2) and whole.dtype == np.float64
    np.testing.assert_allclose(whole.sum(1), 1)
    columns = whole[:, [LANGUAGES.index("it"), LANGUAGES.index("de")]]
    np.testing.assert_allclose(two, columns / columns.sum(1, keepdims=True), atol=1e-6)


@pytest.mark.parametrize(("size", "tolerance"), [(1, 0.0), (4, 1e-5)])
def test_an_answer_does_not_depend_on_its_batch(
    identifier: LanguageIdentifier, monkeypatch, size: int, tolerance: float
):
    """Not at all in the batches of a processor, and but for the last bits in larger ones."""
    alone = np.concatenate([identifier.identify([sound]) for sound in SOUNDS])
    monkeypatch.setitem(BATCH, "cpu", size)
    np.testing.assert_allclose(identifier.identify(SOUNDS), alone, rtol=0, atol=tolerance)
    np.testing.assert_allclose(identifier.identify(SOUNDS[::-1]), alone[::-1], rtol=0, atol=tolerance)
    assert identifier.identify([]).shape == (0, 5)


def test_shards_of_any_size_give_the_same(tmp_path: Path, weights: Path, make_tone):
    paths = [make_tone(f"{n}.wav", duration_s=0.5, pitch_hz=100 + 50 * n) for n in range(6)]
    manifest = Manifest(tuple(Utterance(p.name, str(p), "s", "sad") for p in paths))
    make = partial(LanguageIdentifier, str(weights), LANGUAGES, precision="fp32")
    few, all_in_one = (identify(manifest, make, Store(tmp_path / str(n)), Execution(shard_size=n)) for n in (1, 128))
    assert few.probabilities == all_in_one.probabilities


def test_languages_do_not_tie_in_bf16(tmp_path: Path):
    """High logits that lie close: rounded to bf16 they would be equal."""
    weights = tiny_identifier(tmp_path)
    close = {"it": 20.05, "en": 20.0, "de": 19.95}
    teach(weights, {"it": [SOUNDS[0]]}, logit=close["it"])
    model = WhisperForConditionalGeneration.from_pretrained(weights)
    rows = model.model.decoder.embed_tokens.weight
    ids = json.loads((weights / "generation_config.json").read_text())["lang_to_id"]
    with torch.no_grad():
        for code, logit in close.items():
            rows[ids[f"<|{code}|>"]] = rows[ids["<|it|>"]].clone() * (logit / close["it"])
    model.save_pretrained(weights)
    exact, rounded = (
        LanguageIdentifier(str(weights), tuple(close), precision=p).identify(SOUNDS[:1])[0] for p in ("fp32", "bf16")
    )
    assert len(set(rounded)) == 3
    np.testing.assert_allclose(rounded, exact, atol=0.01)


def test_a_large_checkpoint_has_more_mel_bands(tmp_path: Path):
    wide = tiny_identifier(tmp_path, mels=128)
    assert LanguageIdentifier(str(wide), LANGUAGES).identify(SOUNDS[:1]).shape == (1, 5)
    WhisperFeatureExtractor(feature_size=80).save_pretrained(wide)
    with pytest.raises(WeightsError, match=r"no preprocessor_config\.json for 128 mel bands"):
        LanguageIdentifier(str(wide), LANGUAGES)


def test_candidates_that_cannot_be_asked_for(weights: Path):
    with pytest.raises(WeightsError, match=r"does not know the language\(s\) ur, xx\..*It knows de, en, es, it, zh"):
        LanguageIdentifier(str(weights), ("it", "ur", "xx"))
    with pytest.raises(TranslationError, match="two candidates or more"):
        LanguageIdentifier(str(weights), ("it", "it"))


def test_a_language_that_whisper_names_otherwise(weights: Path, tmp_path: Path):
    other = tiny_identifier(tmp_path)
    path = other / "generation_config.json"
    path.write_text(path.read_text().replace("<|es|>", "<|no|>"))
    norwegian = LanguageIdentifier(str(other), ("it", "nb"), precision="fp32").identify(SOUNDS[:1])
    spanish = LanguageIdentifier(str(weights), ("it", "es"), precision="fp32").identify(SOUNDS[:1])
    np.testing.assert_array_equal(norwegian, spanish)


def test_checkpoints_that_cannot_identify(tmp_path: Path):
    english = tiny_identifier(tmp_path / "english", languages=False)
    with pytest.raises(WeightsError, match="multilingual Whisper such as"):
        LanguageIdentifier(str(english), ("en", "de"))
    other = tiny_wav2vec2(tmp_path / "other")
    with pytest.raises(WeightsError, match="kind 'wav2vec2'"):
        LanguageIdentifier(str(other), ("en", "de"))


@pytest.mark.parametrize("name", ["model.decoder.layer_norm.weight", "model.decoder.embed_tokens.weight"])
def test_a_tensor_that_is_not_there_is_not_made_up(tmp_path: Path, name: str):
    """The output's weights are those of the embedding, and so are not in the file: the embedding itself must be."""
    incomplete = tiny_identifier(tmp_path)
    assert "proj_out.weight" not in load_file(incomplete / "model.safetensors")
    drop_tensor(incomplete, name)
    with pytest.raises(WeightsError, match=rf"lacks \d tensors .*{name}"):
        LanguageIdentifier(str(incomplete), LANGUAGES).identify(SOUNDS[:1])


@pytest.mark.real
def test_the_real_encoder_alone_is_refused(whisper_base: Path):
    with pytest.raises(WeightsError, match="an encoder alone"):
        LanguageIdentifier(str(whisper_base), ("en", "de"))


def test_settings_tell_everything_that_matters(tmp_path: Path, identifier: LanguageIdentifier, weights: Path):
    other = tiny_identifier(tmp_path / "other", seed=1)
    swapped = tiny_identifier(tmp_path / "swapped")  # the same tensors, with languages at other places
    path = swapped / "generation_config.json"
    path.write_text(path.read_text().replace("<|de|>", "<|?|>").replace("<|es|>", "<|de|>").replace("<|?|>", "<|es|>"))
    seen = [
        identifier.settings,
        LanguageIdentifier(str(weights), LANGUAGES[:3], precision="fp32").settings,
        LanguageIdentifier(str(weights), LANGUAGES, precision="bf16").settings,
        LanguageIdentifier(str(other), LANGUAGES, precision="fp32").settings,
        LanguageIdentifier(str(swapped), LANGUAGES, precision="fp32").settings,
    ]
    assert len({json.dumps(settings, sort_keys=True) for settings in seen}) == len(seen)
    assert LanguageIdentifier(str(weights), LANGUAGES[::-1], precision="fp32").settings == identifier.settings


def test_a_worker_can_be_made_in_another_process(weights: Path, identifier: LanguageIdentifier):
    expected = identifier.identify(SOUNDS[:1])
    sent = pickle.loads(pickle.dumps(identifier))  # noqa: S301  (our own bytes: what a process pool does)
    np.testing.assert_array_equal(sent.identify(SOUNDS[:1]), expected)
    maker = WorkerMaker(LanguageWorker, partial(LanguageIdentifier, str(weights), LANGUAGES, precision="fp32"))
    worker = pickle.loads(pickle.dumps(maker))()  # noqa: S301
    assert worker.identifier.settings == identifier.settings


def test_a_manifest_is_identified_once_and_filtered(tmp_path: Path, taught: Path, make_tone):
    languages = ["it", "en", "it"]
    paths = [make_tone(f"{n}.wav", pitch_hz=PITCHES_HZ[code], seed=50 + n) for n, code in enumerate(languages)]
    paths.append(tmp_path / "text.wav")
    paths[3].write_text("no sound")
    manifest = Manifest(tuple(Utterance(f"u{n}", str(p), "s", "sad") for n, p in enumerate(paths)))
    store = Store(tmp_path / "store")
    make = partial(LanguageIdentifier, str(taught), LANGUAGES)
    heard = identify(manifest, make, store, Execution(shard_size=2))
    assert list(heard.refused) == ["u3"] and "not a readable sound file" in heard.refused["u3"]
    assert set(heard.probabilities) == {"u0", "u1", "u2"}
    assert sum(heard.probabilities["u0"].values()) == pytest.approx(1)

    filtered = filter_translations(with_probabilities(manifest, heard), FilterRule("it"))
    assert [u.id for u in filtered.kept] == ["u0", "u2"]
    assert [d.reasons[0][:11] for d in filtered.dropped] == ["heard as en", "its languag"]

    renamed = Manifest(tuple(Utterance(f"again {u.id}", u.path, "t", "angry") for u in manifest))
    shards = {p: p.stat().st_mtime_ns for p in (tmp_path / "store").rglob("seal.json")}
    again = identify(renamed, make, store)
    assert again.probabilities == {f"again {i}": p for i, p in heard.probabilities.items()}
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "store").rglob("seal.json")} == shards


def test_a_new_identification_replaces_the_last():
    before = {"language_fr": 0.9, "language_it": 0.1, "duration_ratio": 1.0}
    manifest = Manifest(tuple(Utterance(i, "u.wav", "s", "sad", measures=before) for i in ("heard", "refused")))
    heard = Heard({"heard": {"it": 0.8, "en": 0.2}}, {"refused": "empty"})
    first, second = with_probabilities(manifest, heard)
    assert first.measures == {"duration_ratio": 1.0, LANGUAGE + "it": 0.8, LANGUAGE + "en": 0.2}
    assert second.measures == {"duration_ratio": 1.0}


def test_a_failure_is_one_utterance_s_alone(tmp_path: Path, identifier: LanguageIdentifier, make_tone, monkeypatch):
    """What the model cannot take, or answers without numbers, is refused; its neighbours are heard."""
    durations_s = [0.5, 0.7, 0.9, 1.1]
    paths = [make_tone(f"{n}.wav", duration_s=s) for n, s in enumerate(durations_s)]
    tasks = Store(tmp_path / "store").tasks([Utterance(p.name, str(p), "s", "sad") for p in paths])

    def fragile(waveforms):
        if any(w.size == 0.7 * 16_000 for w in waveforms):
            raise RuntimeError("sizes do not match\nand more")
        return np.array([[np.nan if w.size == 0.9 * 16_000 else 0.2] * 5 for w in waveforms])

    monkeypatch.setattr(identifier, "identify", fragile)
    rows = LanguageWorker(identifier)(tasks, tmp_path)
    assert [row.get("error") for row in rows] == [
        None,
        "the model failed: sizes do not match",
        "the model's probabilities are not numbers",
        None,
    ]
    assert [row.get(LANGUAGE + "it") for row in rows] == [0.2, None, None, 0.2]
