"""What every translator must do. A new translator is one more line of `TRANSLATORS`."""

from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sottovoce.errors import TranslationError
from sottovoce.speech.manifest import Utterance
from sottovoce.translation.cascade import Cascade
from sottovoce.translation.identity import Identity
from sottovoce.translation.memory import COLUMNS
from sottovoce.translation.offline import OfflineTranslator
from sottovoce.translation.outside import Outside
from sottovoce.translation.seamless_expressive import SeamlessExpressive
from sottovoce.translation.seamless_m4t import SeamlessM4T
from sottovoce.translation.translator import Translation, Translator
from tests.translation import checkpoints_cascade as tiny
from tests.translation.checkpoints_m4t import tiny_m4t
from tests.translation.test_seamless_expressive import FAKE, environment_in


@dataclass(frozen=True)
class Case:
    """A translator, arguments to make it, and for each argument another value that changes what it does.

    A function among the arguments makes a tiny checkpoint, or an environment, in a folder.
    """

    make: Callable[..., Translator]
    arguments: dict[str, Any]
    others: dict[str, Any]


def expressive(target_language: str, environment: str, **settings: Any) -> SeamlessExpressive:
    """SeamlessExpressive with a worker that gives the sound back."""
    translator = SeamlessExpressive(target_language, environment, **settings)
    translator._worker = Outside([sys.executable, str(FAKE), "none", environment], start_limit_s=60)
    return translator


TRANSLATORS = {
    "offline": Case(
        OfflineTranslator,
        {"target_language": "it"},
        {"target_language": "de", "expressive": False, "engine": "espeak", "memory": "(a file that the test writes)"},
    ),
    "offline plain": Case(OfflineTranslator, {"target_language": "it", "expressive": False}, {}),
    "offline espeak": Case(OfflineTranslator, {"target_language": "it", "engine": "espeak"}, {}),
    "identity": Case(Identity, {"target_language": "it"}, {}),
    "seamless-m4t-v2": Case(
        SeamlessM4T,
        {"target_language": "it", "weights": tiny_m4t},
        {"target_language": "de", "beams": 2, "precision": "bf16"},
    ),
    "cascade": Case(
        Cascade,
        {
            "target_language": "el",
            "voice": tiny.tiny_vits,
            "recogniser": tiny.tiny_whisper,
            "text_translator": tiny.tiny_nllb,
        },
        {"beams": 2, "expressive": False},
    ),
    "seamless-expressive": Case(
        expressive,
        {"target_language": "it", "environment": environment_in},
        {"target_language": "fr", "beams": 1, "duration_factor": 1.5},
    ),
}


@pytest.fixture(scope="module")
def made_in(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Callable[[Path], Path]], str]:
    """Makes each checkpoint once."""
    return cache(lambda maker: str(maker(tmp_path_factory.mktemp(maker.__name__))))


@pytest.fixture(params=TRANSLATORS)
def case(request: pytest.FixtureRequest, made_in: Callable[[Callable[[Path], Path]], str]) -> Case:
    chosen = TRANSLATORS[request.param]
    return replace(chosen, arguments={n: made_in(a) if callable(a) else a for n, a in chosen.arguments.items()})


@pytest.fixture
def utterances(make_tone) -> list[Utterance]:
    """Three that can be translated, in no order of names."""
    says = {"c": ("Yes.", "Sì, va bene."), "a": ("My cat sleeps.", "Il mio gatto dorme."), "b": ("No.", "No, mai.")}
    return [
        Utterance(name, str(make_tone(f"{name}.flac", pitch_hz=110 + 40 * n, duration_s=1 + 0.3 * n)), "s", "sad",
                  language="en", text=text, translation=translation)
        for n, (name, (text, translation)) in enumerate(says.items())
    ]  # fmt: skip


@pytest.fixture
def broken(tmp_path: Path, utterances: list[Utterance]) -> list[Utterance]:
    """Recordings that nobody can translate."""
    (tmp_path / "text.wav").write_text("not sound")
    (tmp_path / "empty.wav").touch()
    paths = {"absent": tmp_path / "absent.wav", "text": tmp_path / "text.wav", "empty": tmp_path / "empty.wav"}
    return [replace(utterances[0], id=name, path=str(path)) for name, path in paths.items()]


def same(first: Translation, second: Translation) -> bool:
    assert first.waveform is not None and second.waveform is not None
    return np.array_equal(first.waveform, second.waveform) and replace(first, waveform=None) == replace(
        second, waveform=None
    )


def test_order_ids_and_sound(case: Case, utterances: list[Utterance]) -> None:
    translator = case.make(**case.arguments)
    assert isinstance(translator, Translator)
    made = translator.translate(utterances)
    assert [translation.id for translation in made] == ["c", "a", "b"]
    for translation in made:
        assert translation.error is None and translation.waveform is not None
        assert translation.waveform.ndim == 1 and translation.waveform.dtype == np.float32
        assert np.isfinite(translation.waveform).all() and 0.01 < np.abs(translation.waveform).max() <= 1
        assert 0.3 < translation.waveform.size / translation.rate_hz < 20
        assert np.isfinite(list(translation.measures.values())).all()


def test_nothing_in_nothing_out(case: Case) -> None:
    assert case.make(**case.arguments).translate([]) == []


def test_a_refused_utterance_does_not_end_the_batch(
    case: Case, utterances: list[Utterance], broken: list[Utterance]
) -> None:
    made = case.make(**case.arguments).translate([broken[0], utterances[0], *broken[1:], utterances[1]])
    assert [translation.id for translation in made] == ["absent", "c", "text", "empty", "a"]
    assert [translation.error is None for translation in made] == [False, True, False, False, True]
    assert all((translation.waveform is None) == (translation.error is not None) for translation in made)


def test_same_sound_alone_in_a_batch_and_in_any_order(case: Case, utterances: list[Utterance]) -> None:
    translator = case.make(**case.arguments)
    batch = translator.translate(utterances)
    backwards = translator.translate(utterances[::-1])[::-1]
    alone = [case.make(**case.arguments).translate([utterance])[0] for utterance in utterances]
    for first, second, third in zip(batch, backwards, alone, strict=True):
        assert same(first, second) and same(first, third)


def test_unsupported_language_is_refused_at_once(case: Case) -> None:
    if not case.make(**case.arguments).card.languages:
        return  # any will do
    with pytest.raises(TranslationError, match="xx"):
        case.make(**{**case.arguments, "target_language": "xx"})


def test_the_card_is_complete(case: Case) -> None:
    translator = case.make(**case.arguments)
    assert translator.target_language == case.arguments["target_language"]
    card = translator.card
    assert not card.languages or translator.target_language in card.languages
    assert card.name and card.needs and card.licence_of_code and card.licence_of_weights and card.licence_of_outputs


def test_settings_are_json_and_stable(case: Case) -> None:
    first, second = (case.make(**case.arguments).settings for _ in range(2))
    assert first == second == json.loads(json.dumps(first))


def test_settings_change_with_every_argument(case: Case, tmp_path: Path) -> None:
    seen = {json.dumps(case.make(**case.arguments).settings, sort_keys=True)}
    for name, other in case.others.items():
        if name == "memory":
            other = tmp_path / "own.tsv"
            other.write_text("\t".join(COLUMNS) + "\nen\tit\tYes.\tSì.\n", encoding="utf-8")
        seen.add(json.dumps(case.make(**{**case.arguments, name: other}).settings, sort_keys=True))
    assert len(seen) == 1 + len(case.others)


def test_it_can_be_sent_to_a_worker(case: Case, utterances: list[Utterance]) -> None:
    translator = case.make(**case.arguments)
    sent = pickle.loads(pickle.dumps(translator))  # noqa: S301  (our own bytes: what a process pool does)
    assert sent.settings == translator.settings
    assert same(sent.translate(utterances[:1])[0], translator.translate(utterances[:1])[0])
