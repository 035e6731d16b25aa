"""The command that hands a manifest to other toolkits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from sottovoce.cli.verbs import app
from sottovoce.errors import SottovoceError
from sottovoce.show import terminal


@app.command()
def convert(
    manifest: Annotated[Path, typer.Argument(help="A manifest: .parquet, .csv or .jsonl.")],
    to: Annotated[
        Literal["audformat", "emo-superb", "emobox", "huggingface", "lhotse", "nkululeko"],
        typer.Option("--to", help="The format."),
    ],
    place: Annotated[Path, typer.Option("--output", "-o", help="A folder; of nkululeko, a CSV file.")],
    folds: Annotated[
        Path | None, typer.Option(help="For emobox: the folds.json of a run, written as its fold lists.")
    ] = None,
) -> None:
    """Write a manifest for another toolkit, and say what its format does not hold.

    Recordings stay where they are, named by relative paths where they lie below the output: write there to have a
    corpus that can move. `huggingface` alone takes them into its tables. The way back is `sottovoce prepare FORMAT`.

    Example: sottovoce convert emovo.parquet --to lhotse -o emovo-lhotse

    Example: sottovoce convert emovo.parquet --to emobox -o emobox/data/emovo --folds runs/mine/folds.json
    """
    from sottovoce.corpora import interchange
    from sottovoce.judging import emobox_lists
    from sottovoce.judging.fold_plan import FoldPlan
    from sottovoce.speech.manifest import Manifest

    if folds is not None and to != "emobox":
        raise SottovoceError(f"--folds is for --to emobox; '{to}' has no lists of folds")
    plan = None if folds is None else FoldPlan.read(folds)
    read = Manifest.read(manifest)
    notes = interchange.write(to, read, place)
    if plan is not None:
        emobox_lists.write(place, plan)
    for note in notes:
        terminal.print_note(f"note: {note}")
    terminal.print_line(
        f"{len(read)} utterances -> {place}. The way back: sottovoce prepare {to} {place} -o back.parquet"
    )
