"""What the page does with one recording, without the page: limits, the model's answer, and the files to take away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sottovoce.errors import AudioError, SottovoceError, UpstreamError
from sottovoce.page.figure import draw
from sottovoce.show.page import template
from sottovoce.show.timeline_plots import colours_of
from sottovoce.speech import audio
from sottovoce.speech.activity import DetectorName, detector
from sottovoce.use.answering import Model
from sottovoce.use.timeline import Manner, Timeline, timeline
from sottovoce.use.timeline_formats import render

TAKEN_AWAY = {"csv": ".csv", "json": ".json", "audacity": ".txt", "vtt": ".vtt", "textgrid": ".TextGrid"}
"""Format of a timeline -> how the name of its file ends."""

MIB = 1 << 20

ROWS = 100
"""Segments that the page lists; the files hold all."""


@dataclass(frozen=True)
class Listening:
    """How recordings are listened to, and how large they may be.

    Attributes:
        manner: of the timeline.
        speech: what decides where somebody speaks.
        longest_s: longer recordings are refused.
        largest_mb: larger files are refused (MiB, as Gradio counts).

    Raises:
        SottovoceError: limits that let no recording through.
    """

    manner: Manner = field(default_factory=Manner)
    speech: DetectorName = "auto"
    longest_s: float = 600.0
    largest_mb: int = 100

    def __post_init__(self) -> None:
        if not self.longest_s >= audio.SHORTEST_S:
            raise SottovoceError(f"recordings of at most {self.longest_s:g} s: give {audio.SHORTEST_S:g} s or more")
        if self.largest_mb < 1:
            raise SottovoceError(f"files of at most {self.largest_mb} MB: give 1 or more")


@dataclass(frozen=True)
class Heard:
    """What the model says of a recording: of the whole, and over time.

    Attributes:
        name: the recording's.
        shares: probability of each emotion in the whole, the most probable first; None where the recording
            is longer than an utterance can be (`speech.audio.LONGEST_S`).
        unsure: whether the first of them is too improbable to be relied on.
        calibrated: whether the probabilities are.
        timeline: over time.
    """

    name: str
    shares: dict[str, float] | None
    unsure: bool
    calibrated: bool
    timeline: Timeline


def hear(
    model: Model, recording: Path, listening: Listening, on_share: Callable[[float], object] = lambda share: None
) -> Heard:
    """Listen to one recording; `on_share` is told again and again how much is done, from 0 to 1.

    Raises:
        AudioError: it cannot be used, or is beyond the limits; the message names it without its folder.
    """
    try:
        duration_s = _within(recording, listening)
        whole = _whole(model, recording) if duration_s <= audio.LONGEST_S else None
        found = _over_time(model, recording, listening, duration_s, on_share)
    except AudioError as problem:
        raise AudioError(recording.name, problem.reason.replace(str(recording), recording.name)) from problem
    except UpstreamError as problem:
        raise AudioError(recording.name, str(problem)) from problem
    rule = model.rule()
    unsure = whole is not None and rule is not None and max(whole.values()) < rule.threshold
    return Heard(recording.name, whole, unsure, model.reliance is not None, found)


def _within(recording: Path, listening: Listening) -> float:
    """The duration, if neither it nor the size is beyond the limits."""
    if not recording.exists():
        raise AudioError(recording, "is not here any more: uploads are removed after a while. Upload it again")
    size = recording.stat().st_size
    if size > listening.largest_mb * MIB:
        raise AudioError(
            recording, f"its {size / MIB:.1f} MB are more than the {listening.largest_mb} MB this page takes"
        )
    duration_s = audio.probe(recording).duration_s
    if duration_s > listening.longest_s:
        raise AudioError(
            recording, f"its {duration_s:.0f} s are more than the {listening.longest_s:g} s this page takes: cut it"
        )
    return duration_s


def _over_time(
    model: Model, recording: Path, listening: Listening, duration_s: float, on_share: Callable[[float], object]
) -> Timeline:
    n_steps = listening.manner.grid.n_steps(duration_s)
    n_done = 0

    def on_step(n: int) -> None:
        nonlocal n_done
        n_done += n
        on_share(min(1.0, n_done / n_steps))

    hearing = detector(listening.speech)
    return timeline(model, recording, listening.manner, hearing=hearing, on_step=on_step)


def _whole(model: Model, recording: Path) -> dict[str, float]:
    shares = zip(model.emotions, model.probabilities([audio.read(recording)])[0].tolist(), strict=True)
    return dict(sorted(shares, key=lambda pair: -pair[1]))


def as_html(heard: Heard, folder: Path) -> str:
    """The answer as a part of a page: the emotion of the whole, the figure, and tables. Draws in `folder`."""
    figure = folder / "figure.svg"
    draw(heard.timeline, figure, "svg", heard.name)
    drawn = figure.read_text(encoding="utf-8")
    figure.unlink()
    segments = heard.timeline.segments
    return template("heard.html.j2").render(
        heard=heard,
        spoken=any(each.emotion for each in segments),
        figure=drawn,
        segments=segments[:ROWS],
        n_more=max(0, len(segments) - ROWS),
        colours=colours_of(heard.timeline.emotions),
        clock=_clock,
    )


def refusal(problem: Exception) -> str:
    """An error as a part of a page."""
    return template("refused.html.j2").render(problem=str(problem))


def write_files(heard: Heard, folder: Path) -> list[Path]:
    """The timeline in every format of `TAKEN_AWAY`, named after the recording."""
    written = []
    for form, ending in TAKEN_AWAY.items():
        path = folder / f"{Path(heard.name).stem}{ending}"
        path.write_text(render(heard.timeline, form, heard.name), encoding="utf-8")
        written.append(path)
    return written


def _clock(time_s: float) -> str:
    minutes, tenths = divmod(round(time_s * 10), 600)
    seconds = f"{tenths / 10:04.1f}"
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds}" if minutes >= 60 else f"{minutes}:{seconds}"
