"""The command that shows what augmentation does to a recording."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sottovoce.cli.verbs import app
from sottovoce.show import terminal


@app.command()
def augment(
    recording: Annotated[Path, typer.Argument(help="Any recording; of a long one, the first 20 s.")],
    to: Annotated[Path, typer.Option("--output", "-o", help="The page to write.")] = Path("augmented.html"),
    seed: Annotated[int, typer.Option(help="Another seed draws other strengths.", min=0)] = 0,
) -> None:
    """See and hear what training does to a recording: a page with each of the seven transforms, before and after.

    Example: sottovoce augment clip.wav -o augmented.html
    """
    from sottovoce.recipe.augmentation import Augmentation
    from sottovoce.show.contact_sheet import write_contact_sheet

    terminal.print_line(f"page: {write_contact_sheet(recording, to, Augmentation(), seed=seed)}")
