"""Commands that make something of every utterance: translate and extract, and what translators need."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from sottovoce.cli.options import (
    Device,
    Executor,
    GpusPerWorker,
    Quiet,
    RayAddress,
    ShardSize,
    Slice,
    StoreFolder,
    Workers,
    place,
    progress,
)
from sottovoce.cli.verbs import app
from sottovoce.errors import SottovoceError
from sottovoce.show import terminal


@app.command()
def translate(
    manifest: Annotated[str, typer.Argument(help="The source's manifest: a file or a URI.")],
    language: Annotated[str, typer.Option("--to", help="The target language: two letters.")],
    to: Annotated[str, typer.Option("--output", "-o", help="The translated manifest: a file or a URI.")],
    translator: Annotated[str, typer.Option("--with", help="A translator of `sottovoce translators`.")] = "offline",
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting of the translator or the filter: beams=1, filter.repetition=0.3."),
    ] = None,
    plain: Annotated[bool, typer.Option("--plain", help="Without the source's prosody (the EX ablation).")] = False,
    report: Annotated[
        bool, typer.Option("--report", help="Write a page beside the manifest: does the emotion survive?")
    ] = False,
    beside: Annotated[
        list[Path] | None,
        typer.Option("--beside", help="Translations of the same source to show in the report too. Repeatable."),
    ] = None,
    upstream: Annotated[
        str | None, typer.Option(help="Whisper weights for the report's emotion check. \\[default: log-mel]")
    ] = None,
    executor: Executor = "serial",
    workers: Workers = 0,
    gpus_per_worker: GpusPerWorker = None,
    ray_address: RayAddress = None,
    shard_size: ShardSize = None,
    part: Slice = None,
    device: Device = "auto",
    store: StoreFolder = None,
    quiet: Quiet = False,
) -> None:
    """Translate a source corpus into the target language, identify the language, drop what failed.

    Nothing that is kept is done again: a rerun continues, and another machine may do another slice.

    Example: sottovoce translate ravdess.parquet --to it -o ravdess-it.parquet --report

    Example: sottovoce translate msp.parquet --to de -o de.parquet --with seamless-m4t-v2 --set weights=DIR --slice 3/8
    """
    from sottovoce import recipe as recipes
    from sottovoce.speech import uri
    from sottovoce.speech.manifest import Manifest
    from sottovoce.translation.synthesis import synthesise

    if report and uri.is_uri(to):
        raise typer.BadParameter("writes a page beside the manifest: give -o a local file", param_hint="--report")
    chosen = recipes.phase(translator, [*(["expressive=false"] if plain else []), *(changes or ())])
    source = Manifest.read(manifest)
    here = place(
        store,
        executor,
        workers,
        device,
        part=part,
        shard_size=shard_size,
        gpus_per_worker=gpus_per_worker,
        ray_address=ray_address,
    )
    made = synthesise(
        source, language, chosen.translation, chosen.filter, here.store, here.execution, here.device, progress(quiet)
    )
    for refused in made.refused.values():
        terminal.list_refused(refused)
    for note in (*made.notes, *made.filtered.warnings):
        terminal.print_note(f"note: {note}")
    kept = made.filtered.kept
    kept.write(to)
    dropped = len(made.translated) - len(kept)
    terminal.print_line(f"{len(kept)} of {len(source)} utterances -> {to}; the filter dropped {dropped}")
    terminal.print_line(f"licence of these recordings: {made.translator.card.licence_of_outputs}")
    if report:
        from sottovoce.listening import page

        others = [Manifest.read(path) for path in beside or ()]
        written = page(Path(to).with_suffix(".html"), source, made, others, upstream, here, progress(quiet))
        terminal.print_line(f"report: {written}")


@app.command()
def translators(
    name: Annotated[str | None, typer.Argument(help="One translator, in full.")] = None,
) -> None:
    """The translators: languages, licences of code, weights and outputs, and whether each is ready here.

    Example: sottovoce translators cascade
    """
    from sottovoce.translation import catalogue

    known = catalogue.translators()
    if name is None:
        rows = [
            (n, terminal.languages(t.card.languages), t.card.licence_of_outputs, t.missing() or "ready")
            for n, t in known.items()
        ]
        terminal.print_table("Translators", ("name", "speaks", "licence of outputs", "here"), rows)
        terminal.print_line("In full: sottovoce translators NAME. Use one: sottovoce translate --with NAME")
    elif name in known:
        facts = {**vars(known[name].card), "here": known[name].missing() or "ready"}
        rows = [(key.replace("_", " "), value) for key, value in facts.items()]
        rows += [(f"--set {key}", meaning) for key, meaning in catalogue.settings_of(name)]
        terminal.print_table(name, ("", ""), rows)
    else:
        raise SottovoceError(f"there is no translator '{name}'; there are: {', '.join(known)}")


@app.command()
def setup(
    name: Annotated[Literal["seamless-expressive"], typer.Argument(help="The translator.")],
    source: Annotated[Path, typer.Option(help="Your checkout of facebookresearch/seamless_communication.")],
    weights: Annotated[Path, typer.Option(help="The folder of the checkpoints you were given.")],
    python: Annotated[str | None, typer.Option(help="An interpreter, 3.8 to 3.11. \\[default: this one]")] = None,
    to: Annotated[Path | None, typer.Option("--to", help="Its folder. \\[default: in $SOTTOVOCE_HOME]")] = None,
) -> None:
    """Make the Python environment that a translator needs for itself, and check it. A rerun continues.

    Example: sottovoce setup seamless-expressive --source ~/seamless_communication --weights ~/SeamlessExpressive
    """
    from sottovoce.translation import environments

    environments.setup(source, weights, to, python, terminal.print_note)


@app.command()
def extract(
    manifest: Annotated[str, typer.Argument(help="A manifest: a file or a URI.")],
    upstream: Annotated[str, typer.Option(help="A name or preset of `sottovoce upstreams`.")] = "logmel",
    weights: Annotated[str | None, typer.Option(help="A folder or a hub id.")] = None,
    layer: Annotated[
        str, typer.Option(help="last, a number, all, or all-normed: what a recipe with `layer: mix` reads.")
    ] = "last",
    context: Annotated[Literal["exact", "trimmed"], typer.Option(help="Whisper: pad to 30 s, or not.")] = "trimmed",
    download: Annotated[bool, typer.Option("--download", help="Fetch the weights from the hub.")] = False,
    executor: Executor = "serial",
    workers: Workers = 0,
    gpus_per_worker: GpusPerWorker = None,
    ray_address: RayAddress = None,
    shard_size: ShardSize = None,
    part: Slice = None,
    device: Device = "auto",
    store: StoreFolder = None,
    quiet: Quiet = False,
) -> None:
    """Compute features of every utterance into the store; a run with the same settings finds them there.

    Example: sottovoce extract emovo.parquet --upstream whisper --weights openai/whisper-base --download
    """
    from sottovoce import recipe as recipes
    from sottovoce.experiment.inputs import maker
    from sottovoce.speech.manifest import Manifest
    from sottovoce.upstreams.features import extract as extract_features

    chosen = recipes.upstream(upstream, weights=weights, layer=layer, context=context, allow_download=download)
    read = Manifest.read(manifest)
    here = place(
        store,
        executor,
        workers,
        device,
        part=part,
        shard_size=shard_size,
        gpus_per_worker=gpus_per_worker,
        ray_address=ray_address,
    )
    with progress(quiet).stage("features", len(read)) as done:
        extracted = extract_features(read, maker(chosen, here.device), here.store, here.execution, done)
    terminal.list_refused(extracted.refused)
    terminal.print_line(f"{len(extracted.kept)} of {len(read)} utterances have features in {here.store.place}")
