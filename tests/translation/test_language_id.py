from __future__ import annotations

import json
import pickle
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import WhisperFeatureExtractor, WhisperForConditionalGeneration

from sottovoce.errors import WeightsError
from sottovoce.speech.manifest import Manifest, Utterance
from sottovoce.store.artefacts import Store
from sottovoce.store.shards import Execution
from sottovoce.translation.language_id import LANGUAGE, LanguageIdentifier, identify, with_probabilities
from tests.conftest import tone
from tests.translation.checkpoints_language_id import LANGUAGES, tiny_identifier
from tests.weights.checkpoints import drop_tensor, tiny_wav2vec2

SOUNDS = [tone(0.5 + 0.7 * n, 90.0 + 60 * n, seed=n) for n in range(6)]


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    return tiny_identifier(tmp_path_factory.mktemp("whisper"))


@pytest.fixture
def identifier(weights: Path) -> LanguageIdentifier:
    return LanguageIdentifier(str(weights), LANGUAGES)


def test_the_likeliest_is_what_transformers_detects(weights: Path, identifier: LanguageIdentifier):
    """Over all languages of the checkpoint, argmax is that of `detect_language`; and sounds differ in it."""
    model = WhisperForConditionalGeneration.from_pretrained(weights).eval()
    extractor = WhisperFeatureExtractor.from_pretrained(weights)
    features = extractor(SOUNDS, sampling_rate=16_000, return_tensors="pt").input_features
    tokens = model.generation_config.lang_to_id
    named = {i: token.strip("<|>") for token, i in tokens.items()}
    with torch.inference_mode():
        expected = [named[int(i)] for i in model.detect_language(input_features=features)]
    ours = identifier.identify(SOUNDS)
    assert [LANGUAGES[i] for i in ours.argmax(1)] == expected
    assert ours.std(0).max() > 0.001


def test_probabilities_are_shared_among_the_candidates_alone(weights: Path, identifier: LanguageIdentifier):
    whole = identifier.identify(SOUNDS)
    two = LanguageIdentifier(str(weights), ("it", "de")).identify(SOUNDS)
    assert whole.shape == (6, 5) and two.shape == (6, 2)
    np.testing.assert_allclose(whole.sum(1), 1)
    columns = whole[:, [LANGUAGES.index("it"), LANGUAGES.index("de")]]
    np.testing.assert_allclose(two, columns / columns.sum(1, keepdims=True), atol=1e-6)


def test_an_answer_does_not_depend_on_its_batch(identifier: LanguageIdentifier):
    many = identifier.identify(SOUNDS * 4)  # more than one batch
    alone = np.concatenate([identifier.identify([sound]) for sound in SOUNDS])
    np.testing.assert_allclose(many, np.tile(alone, (4, 1)), atol=1e-5)
    assert identifier.identify([]).shape == (0, 5)


def test_a_candidate_that_the_checkpoint_does_not_know(weights: Path):
    with pytest.raises(WeightsError, match=r"does not know the language\(s\) ur, xx.*It knows de, en, es, it, zh"):
        LanguageIdentifier(str(weights), ("it", "ur", "xx"))


def test_checkpoints_that_cannot_identify(tmp_path: Path):
    english = tiny_identifier(tmp_path / "english", languages=False)
    with pytest.raises(WeightsError, match="multilingual Whisper such as"):
        LanguageIdentifier(str(english), ("en", "de"))
    other = tiny_wav2vec2(tmp_path / "other")
    with pytest.raises(WeightsError, match="kind 'wav2vec2'"):
        LanguageIdentifier(str(other), ("en", "de"))
    incomplete = tiny_identifier(tmp_path / "incomplete")
    drop_tensor(incomplete, "model.decoder.layer_norm.weight")
    with pytest.raises(WeightsError, match=r"lacks 1 tensors .*decoder\.layer_norm\.weight"):
        LanguageIdentifier(str(incomplete), LANGUAGES).identify(SOUNDS[:1])


def test_settings_tell_everything_that_matters(tmp_path: Path, identifier: LanguageIdentifier, weights: Path):
    other = tiny_identifier(tmp_path / "other", seed=1)
    seen = [
        identifier.settings,
        LanguageIdentifier(str(weights), LANGUAGES[:3]).settings,
        LanguageIdentifier(str(weights), LANGUAGES, precision="bf16").settings,
        LanguageIdentifier(str(other), LANGUAGES).settings,
    ]
    assert len({json.dumps(settings, sort_keys=True) for settings in seen}) == 4
    identifier.identify(SOUNDS[:1])
    sent = pickle.loads(pickle.dumps(identifier))  # noqa: S301  (our own bytes: what a process pool does)
    assert sent.settings == identifier.settings
    np.testing.assert_array_equal(sent.identify(SOUNDS[:1]), identifier.identify(SOUNDS[:1]))


def test_a_manifest_is_identified_once(tmp_path: Path, weights: Path, make_tone):
    paths = [make_tone(f"{n}.wav", duration_s=0.4 + 0.2 * n, pitch_hz=100 + 50 * n) for n in range(3)]
    paths.append(tmp_path / "text.wav")
    paths[3].write_text("no sound")
    manifest = Manifest(tuple(Utterance(f"u{n}", str(p), "s", "sad") for n, p in enumerate(paths)))
    store = Store(tmp_path / "store")
    make = partial(LanguageIdentifier, str(weights), LANGUAGES)
    heard = identify(manifest, make, store, Execution(shard_size=2))
    assert list(heard.refused) == ["u3"] and "not a readable sound file" in heard.refused["u3"]
    assert set(heard.probabilities) == {"u0", "u1", "u2"}
    assert sum(heard.probabilities["u0"].values()) == pytest.approx(1)

    measured = with_probabilities(manifest, heard)
    assert measured[1].measures[LANGUAGE + "it"] == heard.probabilities["u1"]["it"]
    assert not measured[3].measures

    seals = {p: p.stat().st_mtime_ns for p in (tmp_path / "store").rglob("seal.json")}
    assert identify(manifest, make, store).probabilities == heard.probabilities
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "store").rglob("seal.json")} == seals
