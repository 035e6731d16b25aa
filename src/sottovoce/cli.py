"""The command line: one command a verb. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.logging import RichHandler
from typer.core import TyperGroup

import sottovoce
from sottovoce.errors import RecipeError, SottovoceError
from sottovoce.show import terminal

if TYPE_CHECKING:
    from sottovoce.experiment.inputs import Place
    from sottovoce.recipe import Recipe


class _Verbs(TyperGroup):
    """Ends every command: a user's mistake is one clear message and exit code 1, an interruption 130."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command; see the class."""
        try:
            return super().invoke(ctx)
        except SottovoceError as problem:
            terminal.print_error(problem)
            raise typer.Exit(1) from problem
        except OSError as problem:
            from sottovoce.store.artefacts import full_disk_or

            mendable = full_disk_or(problem, Path(problem.filename or Path.cwd()))
            if mendable is problem:
                raise
            terminal.print_error(mendable)
            raise typer.Exit(1) from problem
        except KeyboardInterrupt as problem:
            terminal.print_note("interrupted: what is done is kept; the same command continues")
            raise typer.Exit(130) from problem


app = typer.Typer(
    name="sottovoce",
    cls=_Verbs,
    help="Speech emotion recognition for languages with little labelled speech. Start with: sottovoce demo",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print results and errors alone.")]
StoreFolder = Annotated[
    Path | None, typer.Option("--store", help="What is kept between runs. [default: runs/.store or $SOTTOVOCE_STORE]")
]
Executor = Annotated[Literal["serial", "process"], typer.Option(help="One process, or one for each core.")]
Workers = Annotated[int, typer.Option(help="Processes of `--executor process`; 0: one a core.", min=0)]
Slice = Annotated[str | None, typer.Option("--slice", help="K/N: do the Kth of N equal parts, for job arrays.")]
Device = Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="auto: a GPU where there is one.")]
Changes = Annotated[list[str] | None, typer.Option("--set", help="Change a setting: training.epochs=5. Repeatable.")]


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


@app.command()
def run(
    recipe: Annotated[str, typer.Argument(help="A recipe's file, or the name of a shipped one.")],
    out_folder: Annotated[Path | None, typer.Option("--out", help="The run's folder. [default: runs/NAME]")] = None,
    changes: Changes = None,
    executor: Executor = "serial",
    workers: Workers = 0,
    device: Device = "auto",
    store: StoreFolder = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show stages, what is kept, what is left.")] = False,
    quiet: Quiet = False,
) -> None:
    """Do everything a recipe says: translate, extract, select, train, judge, report.

    Safe to interrupt anywhere: the same command continues.

    Example: sottovoce run emovo-ravdess-offline --set training.seeds='[0]'
    """
    chosen, place = _recipe(recipe, changes), _place(store, executor, workers, device)
    folder = out_folder or Path("runs") / chosen.name
    if dry_run:
        _show_plan(chosen, place)
        return
    _run(chosen, folder, place, quiet)


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

    corpus = out_folder / "corpus"
    with _progress(quiet).stage("rendering voices", 1) as done:
        rendered.render_corpus(corpus)
        done(1)
    os.environ["SOTTOVOCE_DEMO"] = str(corpus.resolve())
    _run(_recipe("demo", None), out_folder, _place(store, "serial", 0, "cpu"), quiet)
    terminal.print_line(rendered.DISCLAIMER)


@app.command()
def prepare(
    corpus: Annotated[str, typer.Argument(help="A corpus of `sottovoce corpora`, or `folder` for your own.")],
    folder: Annotated[Path, typer.Argument(help="Where its recordings are.")],
    to: Annotated[Path, typer.Option("--output", "-o", help="The manifest: .parquet, .csv or .jsonl.")],
    pattern: Annotated[str | None, typer.Option(help="For `folder`: '{speaker}_{text_id}_{emotion}'.")] = None,
    label: Annotated[list[str] | None, typer.Option(help="For `folder`: W=angry. Repeatable.")] = None,
    language: Annotated[str | None, typer.Option(help="For `folder`: two letters, such as `el`.")] = None,
) -> None:
    """Read a corpus's folder into a manifest.

    Example: sottovoce prepare emovo ~/corpora/EMOVO -o emovo.parquet
    """
    from sottovoce.corpora import catalogue

    labels = {name: emotion for name, _, emotion in (each.partition("=") for each in label or [])}
    prepared = catalogue.prepare(corpus, folder, pattern=pattern, labels=labels or None, language=language)
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
    with _progress(quiet).stage("check", len(read)) as done:
        checked = checks.check(read, on_progress=done)
    for title, columns, rows in checked.tables():
        terminal.print_table(title, columns, rows)
    terminal.print_line(f"{len(checked.sounds)} of {len(read)} utterances can be used")


@app.command()
def translate(
    manifest: Annotated[Path, typer.Argument(help="The source's manifest.")],
    language: Annotated[str, typer.Option("--to", help="The target language: two letters.")],
    to: Annotated[Path, typer.Option("--output", "-o", help="The translated manifest.")],
    plain: Annotated[bool, typer.Option("--plain", help="Without the source's prosody (the EX ablation).")] = False,
    engine: Annotated[Literal["auto", "pico", "espeak"], typer.Option(help="The voice.")] = "auto",
    memory: Annotated[Path | None, typer.Option(help="Your translation memory (TSV).")] = None,
    executor: Executor = "serial",
    workers: Workers = 0,
    part: Slice = None,
    store: StoreFolder = None,
    quiet: Quiet = False,
) -> None:
    """Speak the source's translations in the target language, with the source's prosody.

    Example: sottovoce translate ravdess.parquet --to it -o ravdess-it.parquet
    """
    from functools import partial

    from sottovoce.speech.manifest import Manifest
    from sottovoce.translation.corpus import translate as translate_manifest
    from sottovoce.translation.offline import OfflineTranslator

    source = Manifest.read(manifest)
    place = _place(store, executor, workers, "cpu", part)
    make = partial(OfflineTranslator, language, expressive=not plain, engine=engine, memory=memory)
    with _progress(quiet).stage("translation", len(source)) as done:
        translated = translate_manifest(source, make, place.store, place.execution, done)
    terminal.list_refused(translated.refused)
    if not len(translated.manifest):
        raise SottovoceError("nothing was translated; the reasons are listed above")
    translated.manifest.write(to)
    terminal.print_line(f"{len(translated.manifest)} of {len(source)} utterances -> {to}")


@app.command()
def extract(
    manifest: Annotated[Path, typer.Argument(help="A manifest.")],
    upstream: Annotated[Literal["logmel", "whisper", "ssl"], typer.Option(help="The upstream.")] = "logmel",
    weights: Annotated[str | None, typer.Option(help="A folder or a hub id.")] = None,
    layer: Annotated[str, typer.Option(help="last, all, or a number.")] = "last",
    context: Annotated[Literal["exact", "trimmed"], typer.Option(help="Whisper: pad to 30 s, or not.")] = "trimmed",
    download: Annotated[bool, typer.Option("--download", help="Fetch the weights from the hub.")] = False,
    executor: Executor = "serial",
    workers: Workers = 0,
    part: Slice = None,
    device: Device = "auto",
    store: StoreFolder = None,
    quiet: Quiet = False,
) -> None:
    """Compute features of every utterance into the store; a run with the same settings finds them there.

    Example: sottovoce extract emovo.parquet --upstream whisper --weights openai/whisper-base --download
    """
    from functools import partial

    from sottovoce.speech.manifest import Manifest
    from sottovoce.upstreams.features import extract as extract_features
    from sottovoce.upstreams.loading import load_upstream

    read = Manifest.read(manifest)
    place = _place(store, executor, workers, device, part)
    chosen: Any = int(layer) if layer.lstrip("-").isdigit() else layer
    make = partial(
        load_upstream,
        upstream,
        weights,
        layer=chosen,
        context=context,
        device=place.device,
        allow_download=download,
    )
    with _progress(quiet).stage("features", len(read)) as done:
        extracted = extract_features(read, make, place.store, place.execution, done)
    terminal.list_refused(extracted.refused)
    terminal.print_line(f"{len(extracted.kept)} of {len(read)} utterances have features in {place.store.root}")


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
def corpora(
    name: Annotated[str | None, typer.Argument(help="One corpus, in full.")] = None,
) -> None:
    """The corpora that can be read: languages, counts, licences, oddities.

    Example: sottovoce corpora emodb
    """
    from sottovoce.corpora import catalogue

    cards = {key: corpus.card for key, corpus in catalogue.corpora().items()}
    if name is None:
        rows = [(c.name, c.language, c.n_utterances, c.n_speakers, c.licence) for c in cards.values()]
        terminal.print_table("Corpora with a reader", ("name", "language", "utterances", "speakers", "licence"), rows)
        terminal.print_line("Yours: a manifest with path, speaker, emotion; or: sottovoce prepare folder --help")
    elif name in cards:
        terminal.print_table(cards[name].title, ("", ""), [(k, v) for k, v in cards[name].to_dict().items()])
    else:
        raise SottovoceError(f"there is no reader for '{name}'; there are: {', '.join(cards)}")


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

    results = job.run(recipe, folder, place, _progress(quiet))
    terminal.print_results(results)
    terminal.print_line(f"report: {folder / 'report.html'}")


def _show_plan(recipe: Recipe, place: Place) -> None:
    from sottovoce.experiment import plan

    stages = plan.plan(recipe, place)
    rows = [(s.title, s.total, s.kept, terminal.duration(s.left_s)) for s in stages]
    terminal.print_table(
        f"{recipe.name}: what is kept and what is left", ("stage", "steps", "kept", "left, about"), rows
    )
    terminal.print_line(
        f"in all about {terminal.duration(sum(s.left_s for s in stages))} left on this machine; nothing was changed"
    )


def _recipe(name: str, changes: Sequence[str] | None) -> Recipe:
    from sottovoce import recipe as recipes

    path = Path(name)
    shipped = recipes.shipped()
    if not path.exists():
        if name.removesuffix(".yaml") not in shipped:
            raise RecipeError(f"there is no recipe '{name}': give a file, or one of {', '.join(shipped)}")
        path = shipped[name.removesuffix(".yaml")]
    return recipes.load(path, changes or ())


def _place(store: Path | None, executor: str, workers: int, device: str, part: str | None = None) -> Place:
    import torch

    from sottovoce.experiment.inputs import Place
    from sottovoce.store.artefacts import Store
    from sottovoce.store.shards import Execution

    root = store or Path(os.environ.get("SOTTOVOCE_STORE", "runs/.store"))
    chosen = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    return Place(Store(root.resolve()), Execution(executor, workers, part=_part(part)), chosen)


def _part(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    k, _, n = text.partition("/")
    if not (k.isdigit() and n.isdigit() and 1 <= int(k) <= int(n)):
        raise typer.BadParameter(f"'{text}': write K/N with K from 1 to N, for example 2/8", param_hint="--slice")
    return int(k), int(n)


def _progress(quiet: bool) -> Any:
    from sottovoce.experiment.progress import Quiet as Silent

    return Silent() if quiet else terminal.Bars()
