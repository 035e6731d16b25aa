"""The command that shows emotion over time."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sottovoce.cli.options import AllowDownload, Device, ModelFolder, Quiet, UpstreamWeights, device_of, progress
from sottovoce.cli.verbs import app
from sottovoce.show import terminal

if TYPE_CHECKING:
    from sottovoce.use.timeline import Timeline, Tracker
    from sottovoce.use.windows import Grid

Format = Literal["table", "csv", "json", "audacity", "vtt", "textgrid", "eaf"]


@app.command()
def timeline(
    model: ModelFolder,
    recording: Annotated[str, typer.Argument(metavar="AUDIO", help="A file or a URI; - listens to a pipe.")],
    window_s: Annotated[float, typer.Option("--window", help="Seconds that the model hears for one step.")] = 3.0,
    hop_s: Annotated[float, typer.Option("--hop", help="Seconds from step to step.")] = 1.0,
    smooth: Annotated[int, typer.Option(help="Mean over so many steps; odd, 1: none.")] = 3,
    average: Annotated[
        Literal["window", "step"],
        typer.Option(help="What a step's probabilities are of: all that is heard for it, or the step's own frames."),
    ] = "window",
    shortest_s: Annotated[float, typer.Option("--shortest", help="Seconds that a segment lasts at least.")] = 1.0,
    speech: Annotated[
        Literal["auto", "silero", "level", "all"],
        typer.Option(help="What decides where somebody speaks; auto: silero where the extra vad is installed."),
    ] = "auto",
    form: Annotated[
        Format | None,
        typer.Option("--format", help="csv and json hold every step. \\[default: by -o; table; of a pipe csv]"),
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--output", "-o", help=".csv .json .txt (Audacity) .vtt .TextGrid .eaf")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="A figure too: .png or .svg.")] = None,
    weights: UpstreamWeights = None,
    allow_download: AllowDownload = False,
    device: Device = "auto",
    quiet: Quiet = False,
) -> None:
    """Emotion over time, of a recording of any length or of a microphone.

    Memory does not grow with the length. Where nobody speaks, nothing is said: silence is not neutral.

    Example: sottovoce timeline runs/demo/model interview.wav -o interview.TextGrid --plot interview.png

    Example: arecord -q -f S16_LE -r 16000 -c 1 -t raw | sottovoce timeline runs/demo/model - --hop 0.5
    """
    from sottovoce.speech import activity
    from sottovoce.use import model as models
    from sottovoce.use.answering import require_emotions
    from sottovoce.use.timeline import Manner, Tracker
    from sottovoce.use.windows import Grid

    live = recording == "-"
    chosen = form or _format_of(to, live)
    if chosen == "table" and to is not None:
        raise typer.BadParameter("is for the screen: leave out -o, or give another format", param_hint="--format")
    if plot is not None and plot.suffix.lower() not in (".png", ".svg"):
        raise typer.BadParameter(f"'{plot}': end its name in .png or .svg", param_hint="--plot")
    manner = Manner(Grid(window_s, hop_s), smooth, shortest_s, average == "step")
    hearing = activity.detector(speech)
    judge = models.load(model, device=device_of(device), weights=weights, allow_download=allow_download)
    require_emotions(judge, "sottovoce timeline")
    tell_of_level(speech)
    tracker = Tracker(judge, manner, hearing, 1 if live else manner.batch)
    if live:
        if not quiet:
            terminal.print_note(f"listening: a step is decided {manner.latency_s:g} s after its middle; Ctrl-C ends")
        _listen(tracker, judge.emotions if chosen == "csv" and to is None else None)
    else:
        _read(tracker, manner.grid, recording, quiet)
    found = tracker.timeline()
    if not any(step.emotion for step in found.steps):
        terminal.print_note(f"note: nobody speaks in {recording}, as far as '{hearing.name}' can tell (--speech)")
    if not (live and chosen == "csv" and to is None):
        _give(found, recording, chosen, to)
    if plot is not None:
        _draw(found, recording, plot)


def tell_of_level(speech: str) -> None:
    """Say what `--speech auto` comes to where the extra `vad` is missing."""
    from sottovoce.speech.activity import has_silero

    if speech == "auto" and not has_silero():
        terminal.print_note(
            "note: whatever is loud counts as speech; to tell speech from noise: pip install 'sottovoce[vad]'"
        )


def _format_of(to: Path | None, live: bool) -> str:
    from sottovoce.use.timeline_formats import ENDINGS

    if to is None:
        return "csv" if live else "table"
    if to.suffix.lower() not in ENDINGS:
        raise typer.BadParameter(
            f"'{to}': end its name in one of {' '.join(ENDINGS)}, or give --format", param_hint="-o"
        )
    return ENDINGS[to.suffix.lower()]


def _read(tracker: Tracker, grid: Grid, recording: str, quiet: bool) -> None:
    """A file, with a bar that shows the time left."""
    from sottovoce.speech import audio

    try:
        with progress(quiet).stage("timeline", grid.n_steps(audio.probe(recording).duration_s)) as done:
            for _ in tracker.follow(audio.blocks(recording)):
                done(1)
    except KeyboardInterrupt as problem:
        terminal.print_note("interrupted: nothing was written")
        raise typer.Exit(130) from problem


def _listen(tracker: Tracker, printed: Sequence[str] | None) -> None:
    """A pipe, until it closes or somebody ends it; with `printed`, the classes, steps are printed as they come."""
    from sottovoce.speech import live
    from sottovoce.use.timeline_formats import csv_header, csv_line

    with suppress(KeyboardInterrupt):  # the usual end of a recording: what was heard is kept
        for number, step in enumerate(tracker.follow(live.arriving(sys.stdin.buffer))):
            if printed is not None and number == 0:
                terminal.print_line(csv_header(printed).rstrip())
            if printed is not None:
                terminal.print_line(csv_line(step, printed).rstrip())


def _give(found: Timeline, recording: str, form: str, to: Path | None) -> None:
    from sottovoce.store.atomic import write_atomically
    from sottovoce.use.timeline_formats import render

    if form == "table":
        rows = [
            (
                _clock(s.start_s),
                _clock(s.end_s),
                s.emotion or "-",
                "" if s.confidence is None else f"{s.confidence:.2f}",
            )
            for s in found.segments
        ]
        terminal.print_table(recording, ("from", "to", "emotion", "confidence"), rows)
    elif to is None:
        terminal.print_line(render(found, form, recording).rstrip("\n"))
    else:
        text = render(found, form, recording)
        write_atomically(to, lambda partial: partial.write_text(text, encoding="utf-8"))
        terminal.print_line(f"{len(found.segments)} segments -> {to}")


def _draw(found: Timeline, recording: str, to: Path) -> None:
    from sottovoce.page.figure import draw
    from sottovoce.store.atomic import write_atomically

    if found.steps:
        form = to.suffix.lower()[1:]
        write_atomically(to, lambda partial: draw(found, partial, form, Path(recording).name))
        terminal.print_line(f"figure -> {to}")


def _clock(time_s: float) -> str:
    minutes, tenths = divmod(round(time_s * 10), 600)
    return f"{minutes // 60}:{minutes % 60:02d}:{tenths / 10:04.1f}"
