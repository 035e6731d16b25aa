"""The translation memory: forgiving about spelling, strict about its own lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from sottovoce.errors import TranslationError
from sottovoce.translation import memory

HEADER = "source_language\ttarget_language\ttext\ttranslation\n"


@pytest.mark.parametrize("language", ["de", "fr", "it", "es"])
def test_the_sentences_of_ravdess_are_shipped(language: str) -> None:
    shipped = memory.load()
    translations = {
        shipped.lookup(text, "en", language)
        for text in ("Kids are talking by the door.", "Dogs are sitting by the door.")
    }
    assert None not in translations and len(translations) == 2


@pytest.mark.parametrize(
    "text", ["kids are talking by the door", " Kids  are talking, by the DOOR!! ", "KIDS are—talking by the door"]
)
def test_case_punctuation_and_spacing_do_not_matter(text: str) -> None:
    assert memory.load().lookup(text, "EN", "It") == "I bambini parlano vicino alla porta."


def test_words_matter() -> None:
    assert memory.load().lookup("Kids are talking by the window.", "en", "it") is None
    assert memory.load().lookup("Kids are talking by the door.", "en", "pl") is None


def test_apostrophes_of_all_shapes_are_one() -> None:
    assert memory.normalise("Don’t stop") == memory.normalise("don't  STOP.") == "dont stop"


def test_own_memory_adds_and_overrides(tmp_path: Path) -> None:
    own = tmp_path / "own.tsv"
    own.write_text(
        HEADER + "en\tit\tkids are talking by the door\tI ragazzi.\n\nen\tpl\tYes.\tTak.\n", encoding="utf-8"
    )
    both = memory.load(own)
    assert both.lookup("Kids are talking by the door.", "en", "it") == "I ragazzi."
    assert both.lookup("yes", "en", "pl") == "Tak."
    assert both.lookup("Dogs are sitting by the door.", "en", "it") == "I cani sono seduti vicino alla porta."


def test_digest_concerns_one_language(tmp_path: Path) -> None:
    own = tmp_path / "own.tsv"
    own.write_text(HEADER + "en\tpl\tYes.\tTak.\n", encoding="utf-8")
    assert memory.load(own).digest("it") == memory.load().digest("it")
    assert memory.load(own).digest("pl") != memory.load().digest("pl")


def test_every_malformed_line_is_named(tmp_path: Path) -> None:
    own = tmp_path / "own.tsv"
    lines = ("en\tit\tYes.", "en\tit\tYes.\tSì.", "en\t\tNo.\tNo.", "en\tit\tyes\tForse.")
    own.write_text(HEADER + "\n".join(lines), encoding="utf-8")
    with pytest.raises(TranslationError, match=r"3 line\(s\)") as caught:
        memory.load(own)
    for expected in ("line 2: 3 cells", "line 4: target_language empty", "line 5: a second"):
        assert expected in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"text,translation\n", b"\xff\xfe\x00"])
def test_files_that_are_no_memory(tmp_path: Path, content: bytes) -> None:
    own = tmp_path / "own.tsv"
    own.write_bytes(content)
    with pytest.raises(TranslationError, match=r"own\.tsv"):
        memory.load(own)
    with pytest.raises(TranslationError, match="cannot be read"):
        memory.load(tmp_path / "absent.tsv")
