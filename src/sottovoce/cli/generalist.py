"""Commands of the generalist: train one, and test what it hears in languages it never heard."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sottovoce.cli.options import Device, Quiet, Slice, StoreFolder, place, progress
from sottovoce.cli.verbs import app
from sottovoce.errors import SottovoceError
from sottovoce.show import terminal

RecipeFile = Annotated[str, typer.Argument(help="The recipe of a generalist: a file, or the name of a shipped one.")]
Changes = Annotated[list[str] | None, typer.Option("--set", help="Change a setting: schedule.epochs=5. Repeatable.")]


@app.command("zero-shot")
def zero_shot(
    recipe: RecipeFile,
    out_folder: Annotated[
        Path | None, typer.Option("--out", help=r"The folder of the results. \[default: runs/NAME]")
    ] = None,
    changes: Changes = None,
    part: Slice = None,
    device: Device = "auto",
    store: StoreFolder = None,
    quiet: Quiet = False,
) -> None:
    """Test each corpus by a generalist that heard the others alone, over a sweep of labels and adversaries.

    Interrupt it when you like: the same command goes on at the last finished epoch. With --slice it trains a part of
    the models and reports nothing; the same command without --slice finds them, tests and reports.

    Example: sottovoce zero-shot zero-shot-whisper-base --set schedule.epochs=2
    """
    from sottovoce import recipe as recipes

    chosen = recipes.load_generalist(recipes.find(recipe), changes or ())
    from sottovoce import zero_shot as study
    from sottovoce.learning.generalist import processes

    here, folder = place(store, device=device, part=part), out_folder or Path("runs") / chosen.name
    results = study.run(chosen, folder, here, progress(quiet or not processes.is_first()), here.execution.part)
    if results is None:
        if processes.is_first():
            terminal.print_line("this part is trained; the same command without --slice tests and reports")
        return
    if chosen.labels.targets:
        from sottovoce.show.shares import table
    else:
        from sottovoce.show.zero_shot import table

    terminal.print_table(chosen.name, *table(results))
    for warning in dict.fromkeys(w for test in results["tests"] for w in test["warnings"]):
        terminal.print_note(f"warning: {warning}")
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

    Interrupt it when you like: the same command goes on at the last finished epoch. Started from a generalist (--set
    network.weights=FOLDER) this is fine-tuning. On 4 GPUs: torchrun --nproc-per-node 4 -m sottovoce train ...

    Example: sottovoce train zero-shot-whisper-base -o models/generalist
    """
    import json
    import shutil

    from sottovoce import recipe as recipes
    from sottovoce.experiment import generalists
    from sottovoce.learning.generalist import processes
    from sottovoce.use.generalist_card import generalist_card

    if to.exists() and not _is_model_or_empty(to):
        raise SottovoceError(f"{to} holds something else than a model; give a new folder with -o")
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
    told = json.loads((to / "config.json").read_text(encoding="utf-8"))
    (to / "README.md").write_text(generalist_card(told, chosen), encoding="utf-8")
    terminal.print_line(f"model: {to}. Next: sottovoce predict {to} AUDIO")


def _is_model_or_empty(folder: Path) -> bool:
    return folder.is_dir() and ((folder / "config.json").is_file() or not any(folder.iterdir()))
