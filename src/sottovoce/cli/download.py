"""The command that fetches a corpus."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from sottovoce.cli.options import Quiet, progress
from sottovoce.cli.verbs import app
from sottovoce.errors import SottovoceError
from sottovoce.show import terminal

_MB = 1e6


@app.command()
def download(
    corpus: Annotated[str, typer.Argument(help="A corpus of `sottovoce corpora`.")],
    folder: Annotated[
        Path | None, typer.Option("--output", "-o", help="\\[default: $SOTTOVOCE_DATA/CORPUS or corpora/CORPUS]")
    ] = None,
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="You have read the licence and keep to it.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Fetch a corpus that may be had without a form, check it and unpack it.

    Without --accept-licence nothing is fetched: the licence, the home and the size are shown. A download that was cut
    continues where it ended.

    Example: sottovoce download ravdess --accept-licence
    """
    from sottovoce.corpora import catalogue, downloading

    if corpus not in catalogue.corpora():
        raise SottovoceError(f"there is no corpus '{corpus}'; there are: {', '.join(catalogue.corpora())}")
    card = catalogue.corpora()[corpus].card
    archives = downloading.downloads().get(corpus)
    there = folder or Path(os.environ.get("SOTTOVOCE_DATA", "corpora")) / corpus
    then = f"sottovoce prepare {corpus} {there} -o {corpus}.parquet"
    if archives is None:
        raise SottovoceError(
            f"{card.title} cannot be fetched by this command: it needs a form, or we know of no "
            f"published checksum. Ask for it at {card.home}; its licence: {card.licence}. Then: {then}"
        )
    size = sum(archive.size for archive in archives)
    if not accept_licence:
        facts = [
            ("licence", card.licence),
            ("home", card.home),
            ("cite", card.citation),
            ("size", f"{size / _MB:.0f} MB"),
        ]
        terminal.print_table(card.title, ("", ""), [*facts, *(("from", archive.url) for archive in archives)])
        terminal.print_line("Nothing was fetched. If you have read the licence and keep to it:")
        terminal.print_line(f"sottovoce download {corpus} -o {there} --accept-licence")
        return
    with progress(quiet).stage(f"{corpus}, MB", round(size / _MB)) as done:
        downloading.download(archives, there, lambda n: done(n / _MB))
    terminal.print_line(f"{card.title} -> {there}. Next: {then}")
