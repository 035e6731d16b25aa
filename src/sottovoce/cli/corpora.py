"""Commands about recordings as they are: corpora, manifests, checks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from sottovoce.cli.options import Quiet, progress
from sottovoce.cli.verbs import app
from sottovoce.errors import SottovoceError
from sottovoce.show import terminal


@app.command()
def prepare(
    corpus: Annotated[str, typer.Argument(help="A corpus of `sottovoce corpora`, `folder`, or a format of `convert`.")],
    folder: Annotated[Path, typer.Argument(help="Where it is: a folder, or a format's file.")],
    to: Annotated[Path, typer.Option("--output", "-o", help="The manifest: .parquet, .csv or .jsonl.")],
    pattern: Annotated[str | None, typer.Option(help="For `folder`: '{speaker}_{text_id}_{emotion}'.")] = None,
    label: Annotated[list[str] | None, typer.Option(help="For `folder` and formats: W=angry. Repeatable.")] = None,
    language: Annotated[str | None, typer.Option(help="For `folder` and formats: two letters, such as `el`.")] = None,
    part: Annotated[str | None, typer.Option(help="One part of a corpus that has several; all if left out.")] = None,
) -> None:
    """Read a corpus's folder, or what another toolkit keeps, into a manifest.

    Example: sottovoce prepare emovo ~/corpora/EMOVO -o emovo.parquet

    Example: sottovoce prepare lhotse ~/manifests -o mine.parquet
    """
    from sottovoce.corpora import catalogue

    labels = {name: emotion for name, _, emotion in (each.partition("=") for each in label or [])}
    beside = to.with_name(f"{to.stem}-recordings")
    prepared = catalogue.prepare(
        corpus, folder, pattern=pattern, labels=labels or None, language=language, part=part, audio_to=beside
    )
    prepared.manifest.write(to)
    for note in prepared.notes:
        terminal.print_note(f"note: {note}")
    n, speakers = len(prepared.manifest), len(prepared.manifest.speakers)
    terminal.print_line(f"{n} utterances of {speakers} speakers -> {to}. Next: sottovoce check {to}")


@app.command()
def check(
    manifest: Annotated[Path, typer.Argument(help="A manifest: .parquet, .csv or .jsonl.")], quiet: Quiet = False
) -> None:
    """Read every recording and say what is wrong or odd: refused, clipped, duplicate, labels by speaker.

    Example: sottovoce check emovo.parquet
    """
    from sottovoce.speech import checks
    from sottovoce.speech.manifest import Manifest

    read = Manifest.read(manifest)
    with progress(quiet).stage("check", len(read)) as done:
        checked = checks.check(read, on_progress=done)
    for title, columns, rows in checked.tables():
        terminal.print_table(title, columns, rows)
    terminal.print_line(f"{len(checked.sounds)} of {len(read)} utterances can be used")


@app.command()
def corpora(
    name: Annotated[str | None, typer.Argument(help="One corpus, in full.")] = None,
) -> None:
    """The corpora that can be read: languages, counts, licences, oddities.

    Example: sottovoce corpora emodb
    """
    from sottovoce.corpora import catalogue

    cards = {key: corpus.card for key, corpus in catalogue.corpora().items()}
    if name is None:
        rows = [
            (c.name, " ".join(c.language), c.n_utterances or "?", c.n_speakers or "?", c.licence)
            for c in cards.values()
        ]
        terminal.print_table("Corpora with a reader", ("name", "language", "utterances", "speakers", "licence"), rows)
        terminal.print_line("Yours: a manifest with path, speaker, emotion; or: sottovoce prepare folder --help")
    elif name in cards:
        terminal.print_table(cards[name].title, ("", ""), in_rows(cards[name].to_dict()))
    else:
        raise SottovoceError(f"there is no reader for '{name}'; there are: {', '.join(cards)}")


def in_rows(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A card as rows: a line each for what there are several of."""
    rows = []
    for name, fact in facts.items():
        if isinstance(fact, dict):
            fact = ", ".join(f"{key} {count}" for key, count in fact.items())
        lines = list(fact) if isinstance(fact, tuple | list) else [fact]
        shown = ["not verified" if line is None else str(line) for line in lines] or ["not verified"]
        rows += [(name.replace("_", " ") if i == 0 else "", line) for i, line in enumerate(shown)]
    return rows
