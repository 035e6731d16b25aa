"""Tables on the terminal: every word whole, whatever the width."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from sottovoce.show import terminal

COLUMNS = ["", "macro F1", "change", "UA"]
ROWS = [
    ["target alone", "66.8 (54.2 to 79.3)", "", "66.8 (54.3 to 79.2)"],
    ["without [translation]", "65.2 (53.3 to 77.1)", "−1.6 (−3.3 to +0.2)", "65.3 (53.2 to 77.4)"],
]
WORDS = {word for row in [COLUMNS, *ROWS] for cell in row for word in cell.split()}


@pytest.fixture
def printed(monkeypatch):
    def on(width: int) -> str:
        monkeypatch.setattr(terminal, "out", Console(file=io.StringIO(), width=width))
        terminal.print_table("What it contributes", COLUMNS, ROWS)
        return terminal.out.file.getvalue()

    return on


@pytest.mark.parametrize("width", [32, 40, 53, 60, 80, 200])
def test_words_are_whole_whatever_the_width(printed, width):
    told = printed(width)
    assert max(map(len, told.splitlines())) <= width
    assert set(told.replace("│", " ").replace("┃", " ").split()) >= WORDS


def test_what_does_not_fit_stands_below_with_the_names_again(printed):
    counts = {width: printed(width).count("target") for width in (40, 60, 100)}
    assert counts == {40: 2, 60: 1, 100: 1}
    assert printed(100).count("\n") == 1 + 2 + 1 + len(ROWS) + 1  # title, head, rows, lines between and below


def test_a_word_that_nothing_has_room_for_is_broken_not_cut(printed):
    told = printed(14).replace("│", "").replace("\n", "").replace(" ", "")
    assert all(letter in told for letter in "[translation]")


def test_an_empty_table(monkeypatch):
    monkeypatch.setattr(terminal, "out", Console(file=io.StringIO(), width=20))
    terminal.print_table("Nothing", ["name", "language"], [])
    assert "language" in terminal.out.file.getvalue()
