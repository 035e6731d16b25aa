"""The command line: one command a verb. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import logging
from typing import Annotated

import typer
from rich.logging import RichHandler

import sottovoce
from sottovoce.cli import (  # noqa: F401  (their commands join the application)
    augmenting,
    corpora,
    download,
    export,
    generalist,
    hub,
    interchange,
    labels,
    page,
    runs,
    speech,
    timeline,
    upstreams,
    use,
)
from sottovoce.cli.verbs import app
from sottovoce.show import terminal


def main() -> None:
    """Entry point of `sottovoce`."""
    app()


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    logging.basicConfig(
        level=logging.WARNING,
        format="%(message)s",
        handlers=[RichHandler(console=terminal.err, show_path=False)],
        force=True,
    )
    if version:
        terminal.print_line(sottovoce.__version__)
        raise typer.Exit
