"""What the command line prints: tables and results on the output, progress and warnings on the error stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

out = Console()
err = Console(stderr=True)

MOST_REFUSED = 20


class Bars:
    """Progress bars with the time left; see `store.progress.Progress`."""

    @contextmanager
    def stage(self, title: str, total: int) -> Iterator[Callable[[int], None]]:
        """A bar of `total` steps."""
        columns = (TextColumn("{task.description:24}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(), console=err) as bars:
            task = bars.add_task(title, total=total)
            yield lambda n: bars.advance(task, n)


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A table of anything; nothing in a cell is taken for markup.

    Where there is no room for whole words it goes on below, with the first column again.
    """
    cells = [[name, *(_text(row[number]) for row in rows)] for number, name in enumerate(columns)]
    shown: list[int] = []
    for number in range(len(columns)):
        if len(shown) > 1 and _least_width([cells[each] for each in [*shown, number]]) > out.width:
            _print_columns(title, [cells[each] for each in shown])
            title, shown = "", [0]
        shown.append(number)
    _print_columns(title, [cells[each] for each in shown])


def _print_columns(title: str, columns: Sequence[Sequence[str]]) -> None:
    table = Table(title=title or None, title_justify="left", header_style="bold")
    for (name, *_), width in zip(columns, _widths(columns), strict=True):
        table.add_column(escape(name), overflow="fold", width=width)  # a name is never cut
    for row in zip(*(cells for _, *cells in columns), strict=True):
        table.add_row(*map(escape, row))
    out.print(table)


def _widths(columns: Sequence[Sequence[str]]) -> list[int] | list[None]:
    """As wide as the text, or narrower without breaking a word; None where that is too wide: something must break."""
    if _least_width(columns) > out.width:
        return [None] * len(columns)
    least = [_longest(cells, str.split) for cells in columns]
    widths = [_longest(cells, str.splitlines) for cells in columns]
    while _framed(widths) > out.width:
        widest = max(
            (number for number in range(len(columns)) if widths[number] > least[number]), key=widths.__getitem__
        )
        widths[widest] -= 1
    return widths


def _least_width(columns: Sequence[Sequence[str]]) -> int:
    return _framed([_longest(cells, str.split) for cells in columns])


def _framed(widths: Sequence[int]) -> int:
    return sum(width + 3 for width in widths) + 1


def _longest(cells: Sequence[str], parts: Callable[[str], Sequence[str]]) -> int:
    return max((cell_len(part) for cell in cells for part in parts(cell)), default=0)


def print_results(results: Mapping[str, Any]) -> None:
    """A run's table, its headline, and its warnings."""
    from sottovoce.judging.results import headline
    from sottovoce.show.tables import summary_table

    columns, rows = summary_table(results)
    what = f"{', '.join(results['measures'])} of " if "measures" in results else ""
    print_table(f"{what}{results['target']} from {results['source']}", columns, rows)
    shared = any(warning.startswith("speaker-dependent") for warning in results["warnings"])
    out.print(f"[bold]{escape(headline(results, speaker_dependent=shared))}[/]", soft_wrap=True)
    for warning in results["warnings"]:
        err.print(f"warning: {escape(warning)}", soft_wrap=True, highlight=False)


def print_tables(results: Mapping[str, Any]) -> None:
    """The tables of a study, and its warnings."""
    from sottovoce.show.study_tables import notes, shown

    for title, content in shown(results):
        print_table(title, *content)
    of_tables = (warning for content in [*results["tables"], *results["sweeps"]] for warning in content["warnings"])
    for warning in dict.fromkeys([*results["warnings"], *of_tables, *notes(results)]):
        err.print(f"warning: {escape(warning)}", soft_wrap=True, highlight=False)


def languages(codes: Sequence[str], shown: int = 12) -> str:
    """A list of languages that fits into a cell."""
    if not codes:
        return "any"
    return " ".join(codes[:shown]) + (f" and {len(codes) - shown} more" if len(codes) > shown else "")


def print_line(text: str) -> None:
    """One line of the result, never broken, so that it can be piped."""
    out.print(escape(text), soft_wrap=True, highlight=False)


def print_note(text: str) -> None:
    """One line for the person at the screen."""
    err.print(escape(text), soft_wrap=True, highlight=False)


def print_error(problem: Exception) -> None:
    """What went wrong and what to do next."""
    err.print(f"[bold red]error:[/] {escape(str(problem))}", soft_wrap=True, highlight=False)


def list_refused(refused: Mapping[str, str]) -> None:
    """The first refused utterances with their reasons."""
    for name, reason in list(refused.items())[:MOST_REFUSED]:
        print_note(f"refused: {name}: {reason}")
    if len(refused) > MOST_REFUSED:
        print_note(f"... and {len(refused) - MOST_REFUSED} more refused")


def duration(seconds: float) -> str:
    """A rough time in words: 40 s, 12 min, 3.5 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _text(content: Any) -> str:
    if isinstance(content, dict):
        return ", ".join(f"{key} {each}" for key, each in content.items())
    return "\n".join(map(str, content)) if isinstance(content, list | tuple) else str(content)
