"""Which languages the translations of a corpus may be heard as, and what is said before anything is translated."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from sottovoce.errors import WeightsError
from sottovoce.recipe import Filter, LanguageId
from sottovoce.recipe.translation import Identity
from sottovoce.speech.manifest import Manifest, Utterance
from sottovoce.store.artefacts import Store
from sottovoce.store.progress import Quiet
from sottovoce.store.shards import Execution
from sottovoce.translation.synthesis import synthesise
from tests.translation.checkpoints_language_id import tiny_identifier


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Knows de, en, es, it and zh."""
    return tiny_identifier(tmp_path_factory.mktemp("whisper"))


def heard(source: Manifest, target: str, rule: LanguageId, store: Path) -> set[str]:
    """What the translations into `target` were heard among."""
    passed = Filter(language_id=rule, duration_ratio=(0.1, 10))
    made = synthesise(source, target, Identity(name="identity"), passed, Store(store), Execution(), "cpu", Quiet())
    return {name for u in made.translated for name in u.measures if name.startswith("language_")}


def spoken(make_tone, *languages: str | None) -> Manifest:
    return Manifest(
        tuple(
            Utterance(f"{n}", str(make_tone(f"{n}.wav", pitch_hz=100 + 90 * n)), "s", "sad", language=code)
            for n, code in enumerate(languages)
        )
    )


def rule(weights: Path, *candidates: str, **others) -> LanguageId:
    # any probability will do: which languages there are is asked, and not which it is
    return LanguageId(use="always", weights=str(weights), candidates=list(candidates), threshold=1e-12, **others)


def test_a_source_language_that_whisper_does_not_know_is_left_out_with_one_warning(
    weights: Path, make_tone, tmp_path: Path, caplog
) -> None:
    source = spoken(make_tone, "ab", "en", None, "ab")
    with caplog.at_level(logging.WARNING):
        found = heard(source, "it", rule(weights, "de", "es"), tmp_path / "store")
    assert found == {f"language_{code}" for code in ("de", "es", "it", "en")}
    (warning,) = caplog.messages
    assert "does not know the source's language ab:" in warning


def test_a_target_or_a_candidate_that_whisper_does_not_know_ends_the_run_before_anything_is_translated(
    weights: Path, make_tone, tmp_path: Path, caplog
) -> None:
    store = tmp_path / "store"
    for target, candidates, source in (
        ("el", ["de", "it"], "en"),
        ("it", ["de", "el"], "el"),
        ("el", ["de", "it"], "el"),
    ):
        with pytest.raises(WeightsError, match=r"does not know the language\(s\) el"):
            heard(spoken(make_tone, source), target, rule(weights, *candidates), store)
    assert not caplog.messages and not (store / "translations").exists()


def test_the_precision_of_the_identifier_is_a_setting(weights: Path, make_tone, tmp_path: Path) -> None:
    source, store = spoken(make_tone, "en"), tmp_path / "store"
    for precision in ("fp32", "bf16"):
        heard(source, "it", rule(weights, "de", "es", precision=precision), store)
    kept = [path.read_text() for path in store.glob("languages/*/settings.json")]
    assert sorted(p for text in kept for p in ("fp32", "bf16") if f'"{p}"' in text) == ["bf16", "fp32"]


def test_without_weights_for_the_identifier_the_ways_out_are_named(make_tone, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"filter\.language_id\.weights; filter\.language_id\.use=never"):
        heard(spoken(make_tone, "en"), "it", rule(tmp_path / "nothing", "de", "es"), tmp_path / "store")
    assert not list((tmp_path / "store").glob("translations/*/*"))
