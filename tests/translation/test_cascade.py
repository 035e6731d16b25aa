"""Every kind of checkpoint in a cascade, alone and together, and what is refused."""

from __future__ import annotations

import json
import pickle
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import Wav2Vec2ForCTC, Wav2Vec2Processor

from sottovoce.errors import TranslationError, WeightsError
from sottovoce.speech import audio
from sottovoce.speech.manifest import Utterance
from sottovoce.translation import cascade, text_to_speech, text_to_text
from sottovoce.translation.batches import Failure, alike, halving
from sottovoce.translation.cascade import Cascade
from sottovoce.translation.languages import text_token, whisper_token
from sottovoce.translation.parts import licence_of_outputs, licences
from sottovoce.translation.speech_to_text import Recogniser
from sottovoce.translation.text_to_speech import Voice
from sottovoce.translation.text_to_text import TextTranslator
from sottovoce.weights.checkpoint import Checkpoint, quiet_transformers
from tests.translation import checkpoints_cascade as tiny
from tests.translation.checkpoints_m4t import tiny_m4t

HOW = {"allow_download": False, "device": torch.device("cpu")}
MAKERS: dict[str, Callable[[Path], Path]] = {
    "whisper": tiny.tiny_whisper,
    "ctc": tiny.tiny_ctc,
    "nllb": tiny.tiny_nllb,
    "m2m": tiny.tiny_m2m,
    "marian": tiny.tiny_marian,
    "vits": tiny.tiny_vits,
}


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("weights")
    return {name: str(make(folder / name)) for name, make in MAKERS.items()}


@pytest.fixture
def utterances(make_tone) -> list[Utterance]:
    return [
        Utterance(str(n), str(make_tone(f"{n}.wav", pitch_hz=110 + 40 * n, duration_s=0.6 + 0.2 * (n % 2))), "s", "sad",
                  language="en")
        for n in range(4)
    ]  # fmt: skip


def sounds(utterances: list[Utterance]) -> list[audio.Waveform]:
    return [audio.read(u.path) for u in utterances]


@pytest.mark.parametrize("recogniser", ["whisper", "ctc"])
@pytest.mark.parametrize("translator", ["nllb", "m2m", "marian"])
def test_all_three_steps(weights, utterances, recogniser: str, translator: str) -> None:
    spoken = Cascade(
        "el", weights["vits"], recogniser=weights[recogniser], text_translator=weights[translator], expressive=False
    ).translate(utterances)
    for u, each in zip(utterances, spoken, strict=True):
        assert each.id == u.id and each.error is None
        assert each.waveform is not None and each.waveform.dtype == np.float32 and np.abs(each.waveform).max() <= 1
        heard = Recogniser(weights[recogniser], beams=5, **HOW).hear([audio.read(u.path)], "en")
        assert [each.text] == TextTranslator(weights[translator], "el", beams=5, **HOW).translate(heard, "en")


def test_the_same_alone_in_a_batch_and_in_any_order(weights, utterances) -> None:
    steps = {"recogniser": weights["ctc"], "text_translator": weights["marian"]}
    together = Cascade("el", weights["vits"], **steps)
    batch, backwards = together.translate(utterances), together.translate(utterances[::-1])[::-1]
    alone = [Cascade("el", weights["vits"], **steps).translate([u])[0] for u in utterances]
    assert len({each.text for each in alone}) > 1
    for first, second, third in zip(batch, backwards, alone, strict=True):
        assert first.text == second.text == third.text and first.error is None
        assert np.array_equal(first.waveform, second.waveform) and np.array_equal(first.waveform, third.waveform)


def test_whisper_hears_the_same_in_a_batch(weights) -> None:
    rng = np.random.default_rng(0)
    noises = [(rng.normal(0, 0.1, 16_000) * np.sin(np.arange(16_000) / (2 + n))).astype(np.float32) for n in range(5)]
    listener = Recogniser(weights["whisper"], beams=5, **HOW)
    batch = listener.hear(noises, "de")
    assert len(set(batch)) > 1 and batch == [listener.hear([noise], "de")[0] for noise in noises]


def test_the_manifest_knows_better(weights, utterances) -> None:
    with_text = replace(utterances[0], text="yes all is well")
    with_translation = replace(with_text, translation="ναι όλα καλά")
    greek = replace(utterances[0], language="el", text="όχι ποτέ")
    every = Cascade("el", weights["vits"], recogniser=weights["whisper"], text_translator=weights["nllb"])
    texts = [each.text for each in every.translate([with_text, with_translation, greek])]
    expected = TextTranslator(weights["nllb"], "el", beams=5, **HOW).translate(["yes all is well"], "en")
    assert texts == [*expected, "ναι όλα καλά", "όχι ποτέ"]


def test_a_voice_alone_says_the_manifest_s_translations(weights, utterances) -> None:
    made = Cascade("el", weights["vits"]).translate(
        [replace(utterances[0], translation="ναι"), replace(utterances[1], text="yes"), utterances[2]]
    )
    assert made[0].error is None and made[0].text == "ναι"
    assert "no text_translator was named" in (made[1].error or "")
    assert "no recogniser was named" in (made[2].error or "")


def test_prosody_is_carried_over_when_asked(weights, make_tone) -> None:
    low, high = (
        Utterance(name, str(make_tone(name, pitch_hz=pitch, duration_s=2.0)), "s", "sad", translation="ναι όλα καλά")
        for name, pitch in (("low.wav", 100), ("high.wav", 300))
    )
    plain = Cascade("el", weights["vits"], expressive=False)
    first, second = plain.translate([low, high])
    assert np.array_equal(first.waveform, second.waveform)
    expressive = Cascade("el", weights["vits"])
    first, second = expressive.translate([low, high])
    assert not np.array_equal(first.waveform, second.waveform)
    assert expressive.settings != plain.settings and not plain.card.expressive


def test_the_same_text_is_the_same_sound_and_the_generator_is_left_as_it_was(weights) -> None:
    voice = Voice(weights["vits"], "el", **HOW)
    first = voice.speak("ναι όλα καλά")
    torch.manual_seed(7)
    before = torch.get_rng_state()
    assert np.array_equal(first, voice.speak("ναι όλα καλά"))
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(8)
    assert np.array_equal(first, Voice(weights["vits"], "el", **HOW).speak("ναι όλα καλά"))


def test_one_text_is_translated_once_a_shard(weights, utterances, monkeypatch) -> None:
    asked: list[str] = []
    translate = TextTranslator.translate

    def counted(self, texts, source_language):
        asked.extend(texts)
        return translate(self, texts, source_language)

    monkeypatch.setattr(TextTranslator, "translate", counted)
    said = [replace(u, text=text) for u, text in zip(utterances, ["yes", "no never", "yes", "yes"], strict=True)]
    made = Cascade("el", weights["vits"], text_translator=weights["nllb"], expressive=False).translate(said)
    assert sorted(asked) == ["no never", "yes"]
    assert made[0].text == made[2].text == made[3].text != made[1].text


def test_bad_recordings_and_steps_that_fail_are_refused_one_by_one(weights, utterances, monkeypatch, tmp_path) -> None:
    def moody(self, found, language):
        if any(sound.size == audio.read(utterances[1].path).size for sound in found):
            raise RuntimeError("a bad day\nwith details")
        return ["yes"] * len(found)

    monkeypatch.setattr(Recogniser, "hear", moody)
    broken = replace(utterances[0], id="absent", path=str(tmp_path / "absent.wav"))
    translator = Cascade("el", weights["vits"], recogniser=weights["whisper"], text_translator=weights["nllb"])
    made = translator.translate([broken, *utterances[:3]])
    assert [each.id for each in made] == ["absent", "0", "1", "2"]
    assert [each.error is None for each in made] == [False, True, False, True]
    assert made[2].error == "the model failed: a bad day"


def test_whisper_hears_30_seconds_and_its_languages(weights, tmp_path) -> None:
    listener = Recogniser(weights["whisper"], beams=2, **HOW)
    with pytest.raises(TranslationError, match="30 s at most"):
        listener.hear([np.zeros(31 * 16_000, np.float32)], "en")
    with pytest.raises(TranslationError, match="'el'"):
        listener.hear([np.zeros(16_000, np.float32)], "el")
    english = Recogniser(str(tiny.tiny_whisper(tmp_path / "english", several=False)), beams=2, **HOW)
    noise = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
    assert english.hear([noise], "en") and english.hear([noise], None)
    with pytest.raises(TranslationError, match="English alone"):
        english.hear([noise], "de")


@pytest.fixture(scope="module")
def mms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    letters = {"eng": "abcdefgh", "ell": "αβγδεζηθικλμ", "urd-script_arabic": "ابپت"}
    return tiny.tiny_mms(tmp_path_factory.mktemp("mms"), letters)


def test_a_recogniser_with_adapters_hears_each_language_with_its_own(mms: Path) -> None:
    """To and fro, what transformers' own model hears that was loaded for the language."""
    noise = np.random.default_rng(0).normal(0, 0.1, (2, 8_000)).astype(np.float32)
    listener = Recogniser(str(mms), beams=1, **HOW)
    for language, name, letters in (
        ("el", "ell", "αβγδεζηθικλμ"), ("en", "eng", "abcdefgh"), ("ur", "urd-script_arabic", "ابپت"),
        ("el", "ell", "αβγδεζηθικλμ"),
    ):  # fmt: skip
        with quiet_transformers():  # it says that the output layer is another's, before it loads the adapter
            model: Any = Wav2Vec2ForCTC.from_pretrained(mms, target_lang=name, ignore_mismatched_sizes=True).eval()
        processor: Any = Wav2Vec2Processor.from_pretrained(mms, target_lang=name)
        inputs = processor(audio=list(noise), sampling_rate=16_000, return_tensors="pt")
        with torch.inference_mode():
            expected = processor.batch_decode(model(**inputs).logits.argmax(-1), skip_special_tokens=True)
        heard = listener.hear(list(noise), language)
        assert heard == [text.strip() for text in expected]
        assert set("".join(heard)) - {" "} and set("".join(heard)) <= {*letters, " "}


def test_a_language_without_its_adapter_is_refused_and_says_which_file(mms: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(mms, tmp_path / "mms")
    before = Recogniser(str(folder), beams=1, **HOW).checkpoint.language_revision
    noise = np.random.default_rng(0).normal(0, 0.1, 8_000).astype(np.float32)
    (folder / "adapter.ell.safetensors").unlink()
    listener = Recogniser(str(folder), beams=1, **HOW)
    assert listener.checkpoint.language_revision != before
    with pytest.raises(TranslationError, match=r"lacks that of 'el': adapter\.ell\.safetensors"):
        listener.hear([noise], "el")
    with pytest.raises(TranslationError, match="which `language`"):
        listener.hear([noise], None)
    shutil.copy(folder / "adapter.urd-script_arabic.safetensors", folder / "adapter.urd-script_latin.safetensors")
    with pytest.raises(TranslationError, match="urd-script_arabic, urd-script_latin: leave one"):
        listener.hear([noise], "ur")


def test_the_translator_is_told_both_languages(weights, monkeypatch) -> None:
    for name in ("nllb", "m2m"):
        translator = TextTranslator(weights[name], "el", beams=2, **HOW)
        model, seen = translator._model, {}
        generate = model.generate
        monkeypatch.setattr(model, "generate", lambda g=generate, s=seen, **k: s.update(k) or g(**k))
        translator.translate(["my cat sleeps"], "en")
        known = translator._vocabulary
        source, target = ("eng_Latn", "ell_Grek") if name == "nllb" else ("__en__", "__el__")
        assert seen["forced_bos_token_id"] == known[target]
        assert known[source] in seen["input_ids"][0].tolist() and known[target] not in seen["input_ids"][0].tolist()
        with pytest.raises(TranslationError, match="which `language`"):
            translator.translate(["my cat sleeps"], None)
    with pytest.raises(TranslationError, match="'sv'"):
        TextTranslator(weights["nllb"], "sv", beams=2, **HOW)


def test_a_language_is_looked_for_once(weights, monkeypatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(text_to_text, "text_token", lambda code, known: asked.append(code) or text_token(code, known))
    for name in ("nllb", "marian"):
        translator = TextTranslator(weights[name], "el", beams=1, **HOW)
        for _ in range(3):
            translator.translate(["my cat sleeps"], "en")
    assert asked == ["el", "en", "el"]  # Marian asks for its target alone


def test_marian_of_one_language_and_of_several(weights, tmp_path) -> None:
    with pytest.raises(TranslationError, match="into 'el', and not into 'tr'"):
        TextTranslator(weights["marian"], "tr", beams=2, **HOW)
    several = str(tiny.tiny_marian(tmp_path / "several", target="mul", tokens=(">>ell<<", ">>tur<<")))
    greek, turkish = (TextTranslator(several, language, beams=2, **HOW) for language in ("el", "tr"))
    assert greek.translate(["my cat sleeps"], "en") != turkish.translate(["my cat sleeps"], "en")
    with pytest.raises(TranslationError, match=r">>ell<<.*'ur'"):
        TextTranslator(several, "ur", beams=2, **HOW)


def test_voices_of_another_language_or_script(weights, tmp_path) -> None:
    with pytest.raises(TranslationError, match="speaks 'ell', and not 'tr'"):
        Voice(weights["vits"], "tr", **HOW)
    urdu = tiny.tiny_vits(tmp_path / "urdu", language="urd-script_arabic", letters="ابپتد")
    assert Voice(str(urdu), "ur", **HOW).speak("بات").size
    greek = Voice(weights["vits"], "el", **HOW)
    for text in ("нет", "нет ναι", "1984", "?"):
        with pytest.raises(TranslationError, match=f"less than half of '{re.escape(text)}'"):
            greek.speak(text)
    assert greek.speak("ΝΑΙ, 5!").size
    latin = Voice(str(tiny.tiny_vits(tmp_path / "latin", language="amh", uroman=True)), "am", **HOW)
    with pytest.raises(TranslationError, match="pip install uroman"):
        latin.speak("ሰላም")
    assert latin.speak("selam!").size
    choir = tiny.tiny_vits(tmp_path / "choir", language=None, speakers=3)
    assert Voice(str(choir), "el", **HOW).speak("ναι").size


def test_a_voice_of_phonemes_is_english_and_says_what_it_lacks(tmp_path, monkeypatch) -> None:
    folder = tiny.tiny_vits(tmp_path / "phonemes", language=None)
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"phonemize": True}))
    with pytest.raises(TranslationError, match="as English, and not as 'el'"):
        Voice(str(folder), "el", **HOW)
    monkeypatch.setattr(text_to_speech, "find_spec", lambda name: None)
    with pytest.raises(WeightsError, match="pip install phonemizer"):
        Voice(str(folder), "en", **HOW)


def test_checkpoints_of_other_kinds_are_refused_by_name(weights, tmp_path) -> None:
    other = str(tiny_m4t(tmp_path / "m4t"))
    for role, others in (("voice", {"voice": other}), ("recogniser", {"voice": weights["vits"], "recogniser": other}),
                         ("text_translator", {"voice": weights["vits"], "text_translator": other})):  # fmt: skip
        with pytest.raises(WeightsError, match=f"{role}: .*'seamless_m4t_v2'"):
            Cascade("el", **others)
    with pytest.raises(WeightsError, match="nowhere"):
        Cascade("el", str(tmp_path / "nowhere"))
    (Path(tiny.tiny_vits(tmp_path / "mute")) / "vocab.json").unlink()
    with pytest.raises(WeightsError, match="tokenizer"):
        Cascade("el", str(tmp_path / "mute"))
    with pytest.raises(TranslationError, match="'xx'"):
        Cascade("xx", str(tmp_path / "nowhere"))


def test_settings_name_every_checkpoint_and_it_travels(weights, utterances) -> None:
    steps = {"recogniser": weights["whisper"], "text_translator": weights["nllb"]}
    translator = Cascade("el", weights["vits"], **steps)
    made = translator.translate(utterances[:1])
    settings = translator.settings
    assert set(settings["checkpoints"]) == {"recogniser", "text_translator", "voice"}
    assert settings == json.loads(json.dumps(settings)) == Cascade("el", weights["vits"], **steps).settings
    others = [Cascade("el", weights["vits"]), Cascade("el", weights["vits"], **{**steps, "recogniser": weights["ctc"]}),
              Cascade("el", weights["vits"], beams=1, **steps)]  # fmt: skip
    assert all(other.settings != settings for other in others)
    sent = pickle.loads(pickle.dumps(translator))  # noqa: S301  (our own bytes: what a process pool does)
    assert len(pickle.dumps(translator)) < 100_000  # without models
    assert sent.settings == settings and np.array_equal(sent.translate(utterances[:1])[0].waveform, made[0].waveform)


def test_licences() -> None:
    named = [Checkpoint(w, Path()) for w in ("openai/whisper-small", "facebook/nllb-200-distilled-600M", "own/voice")]
    stated = licences(named)
    assert "openai/whisper-small: Apache-2.0 (from the checkpoint's page as remembered, not verified)" in stated
    assert "facebook/nllb-200-distilled-600M: CC BY-NC 4.0" in stated and "own/voice: unknown" in stated
    assert licence_of_outputs(named).startswith("treat as CC BY-NC 4.0") and "unknown" in licence_of_outputs(named)
    assert licence_of_outputs(named[:1]).startswith("treat as Apache-2.0")


@pytest.mark.parametrize(
    ("language", "of_nllb"),
    [("ur", "urd_Arab"), ("tr", "tur_Latn"), ("el", "ell_Grek"), ("am", "amh_Ethi"), ("bn", "ben_Beng"),
     ("ar", "arb_Arab"), ("zh", "zho_Hans"), ("no", "nob_Latn"), ("fa", "pes_Arab")],
)  # fmt: skip
def test_names_of_languages(language: str, of_nllb: str) -> None:
    nllb = {"arb_Latn", "zho_Hant", "cat_Latn", "ell_Greks", "tur_", "amh_LATN"} | {of_nllb}
    assert text_token(language, nllb) == of_nllb
    assert text_token(language, {f"__{language}__", "__xx__"}) == f"__{language}__"
    assert text_token(language, {"eng_Latn", "__en__"}) is None
    assert whisper_token(language) == f"<|{language}|>"


def test_batches_hold_equal_lengths_up_to_a_limit_the_longest_first() -> None:
    assert alike({0: 3, 1: 5, 2: 3, 3: 3, 4: 9}, most=7) == [[4], [1], [0, 2], [3]]


def test_halving_finds_the_one_that_fails() -> None:
    asked = []

    def work(batch):
        asked.append(list(batch))
        if 5 in batch:
            raise KeyError("five")
        return [10 * p for p in batch]

    made = halving([4, 5, 6, 7], work, [])
    assert made == {4: 40, 5: Failure("the model failed: 'five'"), 6: 60, 7: 70}
    assert asked == [[4, 5, 6, 7], [4, 5], [4], [5], [6, 7]]


@pytest.mark.parametrize(
    "problem",
    [
        torch.OutOfMemoryError("CUDA out of memory.\nTried to allocate"),
        MemoryError("CUDA out of memory."),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_one_that_has_no_room_even_alone_is_not_refused_for_good(problem: Exception) -> None:
    asked = []

    def work(batch):
        asked.append(list(batch))
        if 1 in batch:
            raise problem
        return batch

    with pytest.raises(TranslationError, match=r"no room in memory for utterance long, even alone .*start_s"):
        halving([0, 1, 2], work, ["short", "long", "middle"])
    assert asked == [[0, 1, 2], [0], [1, 2], [1]]


def test_what_is_missing_is_a_voice() -> None:
    assert "voice=" in (cascade.missing() or "")
