"""The command that puts a model on the Hugging Face hub. `predict`, `timeline` and `page` fetch one from there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sottovoce.cli.verbs import app
from sottovoce.show import terminal


@app.command()
def push(
    model: Annotated[Path, typer.Argument(help="A model's folder, or the run's that left it.")],
    name: Annotated[str, typer.Argument(metavar="USER/NAME", help="What it is to be called on the hub.")],
    private: Annotated[
        bool, typer.Option("--private", help="For you alone. A model that is there already stays as it is.")
    ] = False,
    accept: Annotated[
        bool, typer.Option("--accept-licence", help="You have read what restricts the model, and may share it so.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be uploaded, and end.")] = False,
) -> None:
    """Put a model with its card on the Hugging Face hub. You must be logged in: hf auth login.

    Python files, weights of upstreams, names of speakers and paths of this machine stay here.

    Example: sottovoce push runs/demo you/demo --private --dry-run
    """
    from sottovoce.errors import HubError
    from sottovoce.use import pushing

    parcel = pushing.pack(model)
    terminal.print_table(
        f"to {name}", ("file", "bytes"), [(file, f"{parcel.size_of(file):,}") for file in parcel.files]
    )
    if parcel.left:
        terminal.print_note(f"stays here: {', '.join(parcel.left)}")
    for note in parcel.notes:
        terminal.print_note(f"note: {note}")
    if parcel.licence is not None:
        terminal.print_note(
            f"warning: the card's licence is '{parcel.licence}': what the model is made of restricts its use, or its "
            "terms are not known. See the card under 'Licences'"
        )
    if dry_run:
        return
    if parcel.licence is not None and not accept:
        raise HubError("nothing was uploaded. If you may share the model under these terms, say --accept-licence")
    commit = pushing.push(parcel, name, private=private)
    terminal.print_line(f"{name}@{commit}. Next: sottovoce predict {name} AUDIO --allow-download")
