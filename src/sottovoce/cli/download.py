"""The command that fetches a corpus."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from sottovoce.cli.options import Quiet, progress
from sottovoce.cli.verbs import app
from sottovoce.errors import CorpusError, SottovoceError
from sottovoce.show import terminal

if TYPE_CHECKING:
    from sottovoce.corpora.card import CorpusCard
    from sottovoce.corpora.downloading import Source

_MB = 1e6

_NO_CHECKSUM = "its publisher states no checksum, so nobody can tell whether what comes is what was published"


@app.command()
def download(
    corpus: Annotated[
        str | None, typer.Argument(help="A corpus of `sottovoce corpora`; without it, those that can be fetched.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--output", "-o", help="\\[default: $SOTTOVOCE_DATA/CORPUS or corpora/CORPUS]")
    ] = None,
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="You have read the licence and keep to it.")
    ] = False,
    without_checksum: Annotated[
        bool, typer.Option("--without-checksum", help="Fetch it even if its publisher states no checksum.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Fetch a corpus that may be had without a form, check it and unpack it.

    Without --accept-licence nothing of it is fetched: the licence, the home and the size are shown. A download that
    was cut continues where it ended. Where a publisher states no checksum, nobody can tell whether what comes is what
    was published: such a corpus is fetched with --without-checksum, and its SHA-256 is printed and kept beside it.

    Example: sottovoce download ravdess --accept-licence
    """
    from sottovoce.corpora import catalogue, downloading

    if corpus is None:
        _show_all()
        return
    if corpus not in catalogue.corpora():
        raise SottovoceError(f"there is no corpus '{corpus}'; there are: {', '.join(catalogue.corpora())}")
    card = catalogue.corpora()[corpus].card
    sources = downloading.downloads().get(corpus)
    there = folder or Path(os.environ.get("SOTTOVOCE_DATA", "corpora")) / corpus
    then = f"sottovoce prepare {corpus} {there} -o {corpus}.parquet"
    if sources is None:
        raise SottovoceError(
            f"{card.title} cannot be fetched by this command: it needs a form or an account, or we know of no address "
            f"that a program can fetch. Ask for it at {card.home}; its licence: {card.licence}. Then: {then}"
        )
    if not accept_licence:
        _show(card, sources)
        terminal.print_line("Nothing was fetched. If you have read the licence and keep to it:")
        flags = "--accept-licence" + " --without-checksum" * _unchecked(sources)
        terminal.print_line(f"sottovoce download {corpus} -o {there} {flags}")
        return
    if _unchecked(sources) and not without_checksum:
        raise SottovoceError(
            f"{card.title}: {_NO_CHECKSUM}. If you trust {_hosts(sources)} and your connection, "
            "add --without-checksum; nothing was fetched"
        )
    files = downloading.files_of(sources)
    with progress(quiet).stage(f"{corpus}, MB", round(sum(file.size for file in files) / _MB)) as done:
        downloading.download(files, there, lambda n: done(n / _MB))
    if n_checked := sum(file.is_stated for file in files):
        terminal.print_line(f"Checked {n_checked} file(s) against {_whose(sources)}.")
    for path, digest in downloading.digests(files, there).items():
        terminal.print_line(f"Not checked: {path}, SHA-256 {digest}")
    terminal.print_line(f"{card.title} -> {there}.")
    for step in dict.fromkeys(file.by_hand for file in files if file.by_hand):
        terminal.print_line(f"First, by hand: {step}")
    terminal.print_line(f"Next: {then}")


def _show(card: CorpusCard, sources: tuple[Source, ...]) -> None:
    """Licence, home, citation and size of a corpus; its records and servers are asked for the size."""
    from sottovoce.corpora import downloading

    try:
        files = downloading.files_of(sources, pauses_s=())
        size = f"{sum(file.size for file in files) / _MB:.0f} MB in {len(files)} file(s)"
    except CorpusError as problem:  # the licence can be read without a connection
        size = f"not known: {problem}"
    facts = [("licence", card.licence), ("home", card.home), ("cite", card.citation), ("size", size)]
    facts += [("from", _hosts(sources)), ("checked", _checked(sources))]
    terminal.print_table(card.title, ("", ""), facts)


def _show_all() -> None:
    from sottovoce.corpora import catalogue, downloading

    cards = [(catalogue.corpora()[name].card, sources) for name, sources in sorted(downloading.downloads().items())]
    rows = [
        (card.name, " ".join(card.language), card.licence, _hosts(sources), _checked(sources).split()[0])
        for card, sources in cards
    ]
    terminal.print_table("Corpora that can be fetched", ("name", "language", "licence", "from", "checked"), rows)
    terminal.print_line("Checked: which files have a published checksum; where not all have, use --without-checksum.")
    terminal.print_line("The others: `sottovoce corpora NAME` says where to ask.")


def _unchecked(sources: tuple[Source, ...]) -> bool:
    """Whether some of the files have no published checksum."""
    from sottovoce.corpora.records import Unstated

    return any(isinstance(source, Unstated) for source in sources)


def _checked(sources: tuple[Source, ...]) -> str:
    """Which files are checked, in a word, and against what."""
    from sottovoce.corpora.records import Unstated

    if all(isinstance(source, Unstated) for source in sources):
        return f"none of the files: {_NO_CHECKSUM}"
    against = f"against {_whose(sources)}"
    return f"some files {against}; of the others {_NO_CHECKSUM}" if _unchecked(sources) else f"all files {against}"


def _whose(sources: tuple[Source, ...]) -> str:
    from sottovoce.corpora.records import Record

    asked = any(isinstance(source, Record) for source in sources)
    return "the checksum that its record states" if asked else "the checksum that was published"


def _hosts(sources: tuple[Source, ...]) -> str:
    return ", ".join(dict.fromkeys(str(urlsplit(source.url).hostname) for source in sources))
