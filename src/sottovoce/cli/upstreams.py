"""The command that lists upstreams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from sottovoce.cli.corpora import in_rows
from sottovoce.cli.verbs import app
from sottovoce.errors import SottovoceError
from sottovoce.show import terminal


@app.command()
def upstreams(
    name: Annotated[str | None, typer.Argument(help="One upstream, in full.")] = None,
) -> None:
    """The upstreams: dimension, licence, what they were trained on, and what is missing here.

    Example: sottovoce upstreams emotion2vec-plus-base
    """
    from sottovoce.upstreams import catalogue

    known = catalogue.upstreams()
    if name is None:
        rows = [
            (n, each.dimension or "?", _brief(each.licence), _few(each.trained_on), _brief(each.missing or "ready"))
            for n, each in known.items()
        ]
        terminal.print_table("Upstreams", ("name", "dimension", "licence", "trained on", "missing here"), rows)
        terminal.print_line("In full: sottovoce upstreams NAME. Use one: upstream: {preset: NAME} in a recipe")
    elif name in known:
        terminal.print_table(name, ("", ""), in_rows(known[name].facts()))
    else:
        raise SottovoceError(f"there is no upstream '{name}'; there are: {', '.join(known)}")


def _brief(text: str) -> str:
    """The beginning of what the upstream's own table has in full."""
    return text.partition(":")[0].strip()


def _few(names: Sequence[str], shown: int = 2) -> str:
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(map(_brief, names[:shown])) + more if names else "nothing"
