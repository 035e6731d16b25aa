"""The command that labels recordings with a trained model."""

from __future__ import annotations

import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sottovoce.cli.options import (
    AllowDownload,
    Device,
    Executor,
    GpusPerWorker,
    ModelFolder,
    Quiet,
    RayAddress,
    ShardSize,
    Slice,
    StoreFolder,
    UpstreamWeights,
    Workers,
    place,
    progress,
)
from sottovoce.cli.verbs import app
from sottovoce.show import terminal

if TYPE_CHECKING:
    from sottovoce.experiment.place import Place
    from sottovoce.use.answering import Model
    from sottovoce.use.config import ToldMeasure
    from sottovoce.use.formats import Format
    from sottovoce.use.predicting import Said
    from sottovoce.use.recordings import Recording

LONGEST_TABLE = 50


@app.command()
def predict(
    model: ModelFolder,
    audio: Annotated[
        list[str],
        typer.Argument(
            help="Files, folders (all sound below), patterns in quotes, manifests (.csv, .parquet, .jsonl with a "
            "column `path`), URIs; - reads a path a line from the standard input."
        ),
    ],
    form: Annotated[
        Literal["table", "json", "csv", "audformat"] | None,
        typer.Option(
            "--format",
            help="audformat: the CSV of a segmented table (file, start, end, ...). \\[default: by -o, else table]",
        ),
    ] = None,
    to: Annotated[Path | None, typer.Option("--output", "-o", help="A file, instead of the screen.")] = None,
    error_rate: Annotated[
        float | None,
        typer.Option(
            help="Be unsure rather than wrong more often. \\[default: 0.2, or what lets the model answer half]",
            min=0,
            max=1,
        ),
    ] = None,
    weights: UpstreamWeights = None,
    allow_download: AllowDownload = False,
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
    """Label recordings: calibrated probabilities, and "unsure" where a guess would be wrong too often. A model of
    measures, such as arousal, says these in their own units.

    A recording that cannot be used is listed at the end and stops nothing; exit code 1 means that none could be. What
    is predicted is kept in the store, so that the same command continues after an interruption; up to 128 recordings
    leave nothing behind unless --store is given.

    Example: sottovoce predict runs/demo clip.wav

    Example: sottovoce predict runs/demo/model clips/ more.csv -o emotions.csv --executor process
    """
    from sottovoce.use import model as models
    from sottovoce.use import recordings

    chosen = _format(form, to)
    found = recordings.find(audio, sys.stdin)
    folder = models.find(model, allow_download=allow_download)
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
    loaded = models.load(folder, device=here.device, weights=weights, allow_download=allow_download)
    threshold, promise = _rule(loaded, error_rate)
    tally = _Tally(() if loaded.measures else loaded.emotions, threshold)
    with _room(here, store, len(found)) as here, progress(quiet).stage("predict", len(found)) as done:
        from sottovoce.use.predicting import predict as predict_all

        said = tally.counted(predict_all(loaded, folder, found, here, weights, done))
        _print(chosen, to, said, loaded, threshold)
    if not quiet:
        for note in (promise, *_notes(loaded, found)):
            terminal.print_note(f"note: {note}")
        terminal.print_note(tally.summary())
    terminal.list_refused(tally.refused)
    if tally.refused and not tally.n:
        raise typer.Exit(1)


@dataclass
class _Tally:
    """Counts predictions as they pass by, and the labels of emotions where there are any."""

    emotions: Sequence[str]
    threshold: float | None
    n: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    refused: dict[str, str] = field(default_factory=dict)

    def counted(self, said: Iterator[Said]) -> Iterator[Said]:
        from sottovoce.use.formats import answer

        for each in said:
            if each.error is None:
                self.n += 1
                if self.emotions:
                    found = answer(each, self.emotions, self.threshold)
                    self.labels["unsure" if found["unsure"] else found["emotion"]] += 1
            else:
                self.refused[each.recording.path] = each.error
            yield each

    def summary(self) -> str:
        counts = ", ".join(f"{name} {n}" for name in (*self.emotions, "unsure") if (n := self.labels[name]))
        return f"{self.n} of {self.n + len(self.refused)} recordings labelled" + (f": {counts}" if counts else "")


def _format(form: str | None, to: Path | None) -> str:
    endings = {".csv": "csv", ".json": "json"}
    if form is None and to is not None and to.suffix.lower() not in endings:
        raise typer.BadParameter(f"'{to}' ends neither in .csv nor in .json: say --format", param_hint="--output")
    if form == "table" and to is not None:
        raise typer.BadParameter("a table is for the screen: choose json, csv or audformat", param_hint="--format")
    return form or ("table" if to is None else endings[to.suffix.lower()])


def _rule(model: Model, error_rate: float | None) -> tuple[float | None, str]:
    """The confidence below which the model is unsure (None: there is no rule), and what that promises, in words."""
    from sottovoce.judging import abstention

    if model.measures:
        if error_rate is not None:
            raise typer.BadParameter("is for models of emotions: this one says measures", param_hint="--error-rate")
        return None, "; ".join(map(_told, model.measures))
    if (reliance := model.reliance) is None:
        why = "what it says is not calibrated, and no rate of errors can be promised: nobody was kept to test it on"
        return (None if error_rate is None else float("inf")), why
    steps = reliance.steps
    wanted = abstention.default_error_rate(steps) if error_rate is None else error_rate
    step = model.rule(error_rate)
    least = abstention.least_error_rate(steps)
    if least is None:
        why = "no rate of errors can be promised for new speakers: see the model's README.md"
        return (None if error_rate is None else float("inf")), why
    if step is None:
        return float("inf"), (
            f"an error rate of {wanted:g} cannot be promised: everything is unsure. This model can promise {least:g}"
        )
    when = f"unsure below {step.threshold:.2f}" if step.threshold else "it answers everything"
    return step.threshold, (
        f"{when}: at most {100 * (wanted or 0):.0f} % of the answers are wrong (95 % bound "
        f"over {reliance.n_speakers} speakers unheard in training; {100 * step.coverage:.0f} % of theirs were answered)"
    )


def _told(measure: ToldMeasure) -> str:
    """Where a measure lies, and how far off it is."""
    scale = f"{measure.name} lies between {measure.lowest:g} and {measure.highest:g}"
    if measure.mae is None:
        return f"{scale}: how far off this model is for new speakers is not known"
    return f"{scale}: {measure.mae:.2g} off on average, for speakers unheard in training"


def _notes(model: Model, recordings: Sequence[Recording]) -> Iterator[str]:
    """What a manifest says that does not fit the model."""
    from sottovoce.speech.emotions import canonical

    heard = model.languages
    spoken = Counter(r.language.lower().partition("-")[0] for r in recordings if r.language)
    for language, n in sorted(spoken.items()):
        if language not in heard:
            yield (
                f"{n} recordings are in '{language}', which the model never heard (it heard "
                f"{', '.join(heard) or 'languages unknown'}): expect more errors than its card says"
            )
    labels = set() if model.measures else {r.label for r in recordings if r.label}
    if foreign := sorted(label for label in labels if (canonical(label) or label) not in model.emotions):
        yield f"the manifest's labels {', '.join(foreign)} are none of the model's: it says {', '.join(model.emotions)}"


@contextmanager
def _room(here: Place, store: str | None, n_recordings: int) -> Iterator[Place]:
    """The place to work in: for a few recordings it leaves nothing behind, unless a store is asked for."""
    from sottovoce.store.artefacts import Store
    from sottovoce.store.shards import SHARD_SIZE

    asked = store is not None or "SOTTOVOCE_STORE" in os.environ
    if asked or n_recordings > SHARD_SIZE or here.execution.executor != "serial":
        yield here
        return
    with tempfile.TemporaryDirectory() as folder:
        yield replace(here, store=Store(folder))


def _print(form: str, to: Path | None, said: Iterator[Said], model: Model, threshold: float | None) -> None:
    from sottovoce.store.atomic import write_atomically
    from sottovoce.use import formats

    if form == "table":
        _print_table(said, model, threshold)
        return
    names = model.emotions
    answers = formats.of_measures(names) if model.measures else formats.of_emotions(names, threshold)
    kind: Format = form  # type: ignore[assignment]
    if to is None:
        formats.write(kind, sys.stdout, said, answers)
        return

    def fill(partial: Path) -> None:
        with partial.open("w", encoding="utf-8", newline="") as stream:
            formats.write(kind, stream, said, answers)

    write_atomically(to, fill)


def _print_table(said: Iterator[Said], model: Model, threshold: float | None) -> None:
    shown: list[Said] = []
    n_more = 0
    for each in said:
        if each.error is None and len(shown) < LONGEST_TABLE:
            shown.append(each)
        else:
            n_more += each.error is None
    if shown:
        paths = [each.recording.path for each in shown]
        folder = os.path.dirname(os.path.commonprefix(paths))  # noqa: RUF071  (of URIs too)
        cells = partial(_guess, emotions=model.emotions, threshold=threshold) if not model.measures else _figures
        rows = [[_name(each, folder), *cells(each)] for each in shown]
        first = ("recording",) if model.measures else ("recording", "emotion")
        terminal.print_table(folder, (*first, *model.emotions), rows)
    if n_more:
        terminal.print_line(f"... and {n_more} more: write them to a file with -o emotions.csv")


def _name(said: Said, folder: str) -> str:
    name = said.recording.path.removeprefix(f"{folder}/")
    if said.recording.start_s is not None or said.recording.end_s is not None:
        name += f" {said.start_s:.2f} to {said.end_s:.2f} s"
    return name


def _figures(said: Said) -> list[str]:
    assert said.probabilities is not None
    return [f"{figure:.2f}" for figure in said.probabilities]


def _guess(said: Said, emotions: Sequence[str], threshold: float | None) -> list[str]:
    from sottovoce.use.formats import answer

    assert said.probabilities is not None
    found = answer(said, emotions, threshold)
    guess = f"{found['emotion']} {_share(found['confidence'])}"
    return [f"unsure ({guess})" if found["unsure"] else guess, *map(_share, said.probabilities)]


def _share(probability: float) -> str:
    return f"{probability:.2f}".removeprefix("0")
