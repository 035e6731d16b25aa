"""Commands of the generalist: train one, and test what it hears in languages it never heard."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sottovoce.cli.options import Changes, Device, Quiet, Slice, StoreFolder, place, progress
from sottovoce.cli.verbs import app
from sottovoce.show import terminal

RecipeFile = Annotated[str, typer.Argument(help="The recipe of a generalist: a file, or the name of a shipped one.")]


@app.command("zero-shot")
def zero_shot(
    recipe: RecipeFile,
    out_folder: Annotated[Path | None, typer.Option("--out", help="The folder. [default: runs/NAME]")] = None,
    changes: Changes = None,
    part: Slice = None,
    device: Device = "auto",
    store: StoreFolder = None,
    quiet: Quiet = False,
) -> None:
    """Test each corpus by a generalist that heard the others alone, over a sweep of labels and adversaries.

    Safe to interrupt: a model that is half trained goes on at its last epoch. With --slice, train a part of the models
    and write nothing; the same command without it then finds them.

    Example: sottovoce zero-shot zero-shot-whisper-base --set schedule.epochs=2
    """
    from sottovoce import recipe as recipes
    from sottovoce import zero_shot as study
    from sottovoce.learning.generalist import processes

    chosen = recipes.load_generalist(recipes.find(recipe), changes or ())
    here, folder = place(store, device=device, part=part), out_folder or Path("runs") / chosen.name
    results = study.run(chosen, folder, here, progress(quiet or not processes.is_first()), here.execution.part)
    if results is None:
        if processes.is_first():
            terminal.print_line("this part is trained; the same command without --slice tests and reports")
        return
    from sottovoce.show.zero_shot import table

    terminal.print_table(chosen.name, *table(results))
    terminal.print_line(f"report: {folder / 'report.html'}")


@app.command()
def train(
    recipe: RecipeFile,
    to: Annotated[Path, typer.Option("--output", "-o", help="The model's folder.")],
    changes: Changes = None,
    device: Device = "auto",
    store: StoreFolder = None,
    quiet: Quiet = False,
) -> None:
    """Train a generalist on all corpora of a recipe and write it as a model of transformers.

    Example: sottovoce train zero-shot-whisper-base -o models/generalist
    """
    import shutil

    from sottovoce import recipe as recipes
    from sottovoce.experiment import generalists
    from sottovoce.learning.generalist import processes

    shown = progress(quiet or not processes.is_first())
    chosen, here = recipes.load_generalist(recipes.find(recipe), changes or ()), place(store, device=device)
    corpora = generalists.gather(chosen, shown)
    own = generalists.Variant(chosen.labels.soft, chosen.domains.weight)
    seed = chosen.schedule.seeds[0]
    made = generalists.trained(chosen, corpora, list(chosen.corpora), own, seed, here, shown, "train")
    if not processes.is_first():
        return
    for refused in corpora.refused.values():
        terminal.list_refused(refused)
    shutil.copytree(made.folder, to, dirs_exist_ok=True, ignore=shutil.ignore_patterns("seal.json"))
    terminal.print_line(f"model: {to}. Next: sottovoce predict {to} AUDIO")
