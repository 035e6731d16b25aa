"""Commands that make and look at whole runs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sottovoce.cli.options import (
    Changes,
    Device,
    Executor,
    GpusPerWorker,
    Quiet,
    RayAddress,
    ShardSize,
    StoreFolder,
    Workers,
    place,
    progress,
)
from sottovoce.cli.verbs import app
from sottovoce.errors import RecipeError
from sottovoce.show import terminal

if TYPE_CHECKING:
    from sottovoce.experiment.place import Place
    from sottovoce.experiment.plan import StagePlan
    from sottovoce.recipe import Recipe, Study


@app.command()
def run(
    recipe: Annotated[str, typer.Argument(help="A recipe's file, or the name of a shipped one.")],
    out_folder: Annotated[Path | None, typer.Option("--out", help="The run's folder. \\[default: runs/NAME]")] = None,
    changes: Changes = None,
    executor: Executor = "serial",
    workers: Workers = 0,
    gpus_per_worker: GpusPerWorker = None,
    ray_address: RayAddress = None,
    shard_size: ShardSize = None,
    device: Device = "auto",
    store: StoreFolder = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show stages, what is kept, what is left.")] = False,
    quiet: Quiet = False,
) -> None:
    """Do everything a recipe says: translate, extract, select, train, judge, report.

    Safe to interrupt anywhere: the same command continues.

    Example: sottovoce run emovo-ravdess-offline --set training.seeds='[0]'
    """
    from sottovoce import recipe as recipes

    here = place(
        store,
        executor,
        workers,
        device,
        shard_size=shard_size,
        gpus_per_worker=gpus_per_worker,
        ray_address=ray_address,
    )
    path = recipes.find(recipe)
    if (many := recipes.load_study(path)) is not None:
        _study(many, path, out_folder, here, changes or (), dry_run, quiet)
        return
    chosen = recipes.load(path, changes or ())
    if dry_run:
        from sottovoce.experiment import plan

        _show_plan(chosen.name, plan.plan(chosen, here))
        return
    _run(chosen, out_folder or Path("runs") / chosen.name, here, quiet)


@app.command()
def study(
    study: Annotated[str, typer.Argument(help="A study's file, or the name of a shipped one: table3, table4, ...")],
    out_folder: Annotated[Path | None, typer.Option("--out", help="The study's folder. \\[default: runs/NAME]")] = None,
    changes: Changes = None,
    executor: Executor = "serial",
    workers: Workers = 0,
    gpus_per_worker: GpusPerWorker = None,
    ray_address: RayAddress = None,
    shard_size: ShardSize = None,
    device: Device = "auto",
    store: StoreFolder = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what is kept, what is left, how long.")] = False,
    quiet: Quiet = False,
) -> None:
    """Many runs that differ in upstream, corpus, condition or setting: tables with tests, sweeps, curves of rounds.

    What runs have in common is computed once. Safe to interrupt anywhere: the same command continues. --set changes a
    setting of every run; what the study itself varies is changed in its file.

    Example: sottovoce study table4 --set training.seeds='[0]' --dry-run
    """
    from sottovoce import recipe as recipes

    path = recipes.find(study)
    if recipes.load_study(path) is None:
        raise RecipeError(
            f"{path} is the recipe of one run, for it has no tables, sweeps or curves; use it with 'sottovoce run', or "
            "write a study around it"
        )
    where = (executor, workers, gpus_per_worker, ray_address, shard_size, device, store)
    run(study, out_folder, changes, *where, dry_run, quiet)


@app.command()
def demo(
    out_folder: Annotated[Path, typer.Option("--out", help="The run's folder.")] = Path("runs/demo"),
    store: StoreFolder = None,
    quiet: Quiet = False,
) -> None:
    """The whole job on a small corpus rendered on the spot: no download, no data of yours, a minute or two.

    Example: sottovoce demo
    """
    from sottovoce import demo as rendered
    from sottovoce import recipe as recipes

    corpus = out_folder / "corpus"
    with progress(quiet).stage("rendering voices", 1) as done:
        rendered.render_corpus(corpus)
        done(1)
    os.environ["SOTTOVOCE_DEMO"] = str(corpus.resolve())
    _run(recipes.load(recipes.find("demo")), out_folder, place(store, device="cpu"), quiet)
    terminal.print_line(rendered.DISCLAIMER)


@app.command()
def report(run: Annotated[Path, typer.Argument(help="The folder of a finished run.")]) -> None:
    """Write a run's report again, and print its table.

    Example: sottovoce report runs/demo
    """
    import json

    from sottovoce.show.report import write_report

    page = write_report(run)
    terminal.print_results(json.loads((run / "results.json").read_text(encoding="utf-8")))
    terminal.print_line(f"report: {page}")


@app.command()
def doctor() -> None:
    """What this machine has: versions, devices, bf16, and which extras are here and what each gives.

    Example: sottovoce doctor
    """
    from sottovoce import health

    for title, columns, rows in health.tables():
        terminal.print_table(title, columns, rows)


def _run(recipe: Recipe, folder: Path, place: Place, quiet: bool) -> None:
    from sottovoce import job

    results = job.run(recipe, folder, place, progress(quiet))
    terminal.print_results(results)
    terminal.print_line(f"report: {folder / 'report.html'}")


def _study(
    study: Study,
    path: Path,
    out_folder: Path | None,
    place: Place,
    changes: Sequence[str],
    dry_run: bool,
    quiet: bool,
) -> None:
    from sottovoce import study as studies

    if dry_run:
        runs = studies.variants(study, path, changes)
        _show_plan(f"{study.name}, {len(runs)} runs", studies.outlook(study, path, place, changes))
        return
    folder = out_folder or Path("runs") / study.name
    terminal.print_tables(studies.run(study, path, folder, place, progress(quiet), changes))
    terminal.print_line(f"report: {folder / 'report.html'}")


def _show_plan(name: str, stages: Sequence[StagePlan]) -> None:
    rows = [(s.title, s.total, s.kept, terminal.duration(s.left_s)) for s in stages]
    terminal.print_table(f"{name}: what is kept and what is left", ("stage", "steps", "kept", "left, about"), rows)
    terminal.print_line(
        f"in all about {terminal.duration(sum(s.left_s for s in stages))} left on this machine; nothing was changed"
    )
