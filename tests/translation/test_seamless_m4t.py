"""SeamlessM4T against transformers' own `generate`, and what it promises about batches and failures."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import SeamlessM4TFeatureExtractor, SeamlessM4Tv2ForSpeechToSpeech

from sottovoce.errors import TranslationError, WeightsError
from sottovoce.speech import audio
from sottovoce.speech.manifest import Utterance
from sottovoce.translation import seamless_m4t
from sottovoce.translation.languages import M4T
from sottovoce.translation.seamless_m4t import PADDED_TO, SeamlessM4T, missing
from tests.translation.checkpoints_m4t import tiny_m4t


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_m4t(tmp_path_factory.mktemp("m4t"))


@pytest.fixture(scope="module")
def utterances(tmp_path_factory: pytest.TempPathFactory) -> list[Utterance]:
    """Twelve glides in noise, of 0.4 to 1.6 s: several share a length of batch, and the texts differ."""
    folder, rng = tmp_path_factory.mktemp("sounds"), np.random.default_rng(0)
    made = []
    for i in range(12):
        t = np.arange(round(rng.uniform(0.4, 1.6) * audio.RATE_HZ)) / audio.RATE_HZ
        f0_hz = rng.uniform(90, 250) + 60 * np.sin(2 * np.pi * rng.uniform(1, 5) * t)
        sound = 0.3 * np.sin(2 * np.pi * np.cumsum(f0_hz) / audio.RATE_HZ) + rng.normal(0, 0.02, t.size)
        audio.write(folder / f"{i}.wav", sound.astype(np.float32))
        made.append(Utterance(str(i), str(folder / f"{i}.wav"), "s", "sad", language="en"))
    return made


@pytest.fixture(scope="module")
def german(checkpoint: Path) -> SeamlessM4T:
    return SeamlessM4T("de", str(checkpoint))


def test_it_says_what_transformers_generate_says(german, checkpoint: Path, utterances: list[Utterance]) -> None:
    model = SeamlessM4Tv2ForSpeechToSpeech.from_pretrained(checkpoint).eval()
    extractor = SeamlessM4TFeatureExtractor.from_pretrained(checkpoint)
    for u in utterances[:4]:
        inputs = extractor(
            [audio.read(u.path)], sampling_rate=16_000, return_tensors="pt", pad_to_multiple_of=2 * PADDED_TO
        )
        with torch.inference_mode():
            said = model.generate(**inputs, tgt_lang="deu", text_num_beams=5, return_intermediate_token_ids=True)
        expected = said.waveform.flatten()[: int(said.waveform_lengths)].numpy()
        (ours,) = german.translate([u])
        assert ours.error is None and np.array_equal(ours.waveform, expected)


def test_neighbours_in_a_batch_change_nothing(german, utterances: list[Utterance], monkeypatch) -> None:
    sizes: list[int] = []
    speak = SeamlessM4T._speak

    def counted(self, waveforms):
        sizes.append(len(waveforms))
        return speak(self, waveforms)

    monkeypatch.setattr(SeamlessM4T, "_speak", counted)
    batch, backwards = german.translate(utterances), german.translate(utterances[::-1])[::-1]
    assert max(sizes) > 1  # or nothing was tested
    alone = [german.translate([u])[0] for u in utterances]
    assert len({each.text for each in alone}) > 3
    for first, second, third in zip(batch, backwards, alone, strict=True):
        assert first.text == second.text == third.text
        assert np.array_equal(first.waveform, third.waveform) and np.array_equal(second.waveform, third.waveform)


def test_the_text_is_spelled_from_the_pieces(german) -> None:
    # start, language, ▁ca sa ▁bene, end, padding
    assert german._text([3, 16, 4, 5, 13, 3, 0, 0]) == "casa bene"


def test_rate_language_and_beams_reach_the_model(checkpoint: Path, utterances: list[Utterance], tmp_path: Path) -> None:
    folder = shutil.copytree(checkpoint, tmp_path / "other")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"sampling_rate": 24_000}))
    made = [
        SeamlessM4T(language, str(folder), beams=beams).translate(utterances[:3])
        for language, beams in (("de", 5), ("it", 5), ("de", 1))
    ]
    assert all(each.rate_hz == 24_000 for one in made for each in one)
    first, *others = [[each.waveform.tobytes() for each in one] for one in made]
    assert all(first != other for other in others)


def test_what_fails_in_a_batch_is_refused_by_itself(german, utterances: list[Utterance], monkeypatch) -> None:
    longest = max(audio.read(u.path).size for u in utterances)
    speak = SeamlessM4T._speak

    def fragile(self, waveforms):
        if len(waveforms) > 2:
            raise torch.OutOfMemoryError("out of memory.\nTried to allocate 2 GiB")
        if any(w.size == longest for w in waveforms):
            raise IndexError("list index out of range\nand more")
        return speak(self, waveforms)

    monkeypatch.setattr(SeamlessM4T, "_speak", fragile)
    made = german.translate(utterances)
    failed = [each for each in made if each.error is not None]
    assert [each.error for each in failed] == ["the model failed: list index out of range"]
    assert audio.read(utterances[int(failed[0].id)].path).size == longest


def test_an_utterance_that_has_no_room_ends_the_run_and_is_named(german, utterances, monkeypatch) -> None:
    longest = max(utterances, key=lambda u: audio.read(u.path).size)
    most, speak = audio.read(longest.path).size, SeamlessM4T._speak

    def short_of_memory(self, waveforms):
        if all(w.size < most for w in waveforms):
            return speak(self, waveforms)
        raise torch.OutOfMemoryError("out of memory.\nTried to allocate 2 GiB")

    monkeypatch.setattr(SeamlessM4T, "_speak", short_of_memory)
    with pytest.raises(TranslationError, match=f"no room in memory for utterance {longest.id}, even alone"):
        german.translate(utterances)


def test_a_gpu_that_failed_ends_the_run_and_blames_no_utterance(german, utterances, monkeypatch) -> None:
    def assertion(self, waveforms):
        raise torch.AcceleratorError("device-side assert triggered")

    monkeypatch.setattr(SeamlessM4T, "_speak", assertion)
    with pytest.raises(TranslationError, match="device-side assert"):
        german.translate(utterances[:2])


def test_sound_that_is_no_number_is_an_error(german, utterances: list[Utterance], monkeypatch) -> None:
    monkeypatch.setattr(SeamlessM4T, "_speak", lambda self, w: [(np.full(9, np.nan, np.float32), "ja")] * len(w))
    (made,) = german.translate(utterances[:1])
    assert made.waveform is None and made.error and made.text == "ja"


def test_refused_at_construction(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(TranslationError, match=r"'el'.*bn.*ur"):
        SeamlessM4T("el", "/nowhere")
    with pytest.raises(WeightsError, match="lacks 'fra'"):
        SeamlessM4T("fr", str(checkpoint))
    with pytest.raises(WeightsError, match="nowhere"):
        SeamlessM4T("de", str(tmp_path / "nowhere"))
    with pytest.raises(WeightsError, match="fp8"):
        SeamlessM4T("de", str(checkpoint), precision="fp8")  # type: ignore[arg-type]
    other = shutil.copytree(checkpoint, tmp_path / "other")
    (other / "preprocessor_config.json").unlink()
    with pytest.raises(WeightsError, match="preprocessor_config"):
        SeamlessM4T("de", str(other))
    (other / "config.json").write_text('{"model_type": "seamless_m4t"}')
    with pytest.raises(WeightsError, match="'seamless_m4t', not SeamlessM4T v2"):
        SeamlessM4T("de", str(other))


def test_settings_know_the_spelling_and_the_languages(checkpoint: Path, german, tmp_path: Path) -> None:
    other = shutil.copytree(checkpoint, tmp_path / "other")
    path = other / "generation_config.json"
    path.write_text(path.read_text().replace("bene", "male"))
    changed = SeamlessM4T("de", str(other))
    assert changed._checkpoint.revision == german._checkpoint.revision
    assert changed.settings["revision"] != german.settings["revision"]


def test_half_precision_is_another_setting_and_still_speaks(checkpoint: Path, german, utterances) -> None:
    half = SeamlessM4T("de", str(checkpoint), precision="bf16")
    assert half.settings["precision"] == "bf16" and german.settings["precision"] == "fp32"
    (made,) = half.translate(utterances[:1])
    assert made.error is None and made.waveform is not None and made.waveform.dtype == np.float32


def test_the_vocoder_is_not_rounded(checkpoint: Path, german) -> None:
    """Of one sequence of units it makes the same sound in every precision, and rounded as a whole it does not."""
    half = SeamlessM4T("de", str(checkpoint), precision="bf16")
    units = {"input_ids": torch.randint(4, 36, (1, 30), generator=torch.Generator().manual_seed(0))}
    units |= {"speaker_id": torch.tensor([[0]]), "lang_id": torch.tensor([[1]])}
    vocoders = [translator._model[2][1] for translator in (german, half)]
    with torch.inference_mode():
        exact, ours = (vocoder(**units)[0] for vocoder in vocoders)
        rounded = copy.deepcopy(vocoders[1]).to(torch.bfloat16)(**units)[0].float()
    assert next(half._model[0].parameters()).dtype == torch.bfloat16 and exact.std() > 0
    assert torch.equal(ours, exact) and not torch.equal(rounded, exact)


def test_36_languages() -> None:
    assert len(M4T) == 36 == len(seamless_m4t.CARD.languages)
    assert (M4T["zh"], M4T["ar"], M4T["fa"], M4T["sw"], M4T["uz"]) == ("cmn", "arb", "pes", "swh", "uzn")


def test_what_is_missing(monkeypatch) -> None:
    monkeypatch.setattr(seamless_m4t, "in_hub_cache", lambda weights: False)
    assert "weights=FOLDER" in (missing() or "")
    monkeypatch.setattr(seamless_m4t, "in_hub_cache", lambda weights: True)
    assert missing() is None
