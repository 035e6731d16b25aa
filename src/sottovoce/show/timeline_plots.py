"""The figure of a timeline: waveform, speech, probabilities and stretches of emotion over one axis of time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MultipleLocator
from numpy.typing import NDArray

from sottovoce.show.plots import GREEN, GREY, INK, PALE, WIDTH_IN, drawing, literal
from sottovoce.show.survival_plots import EMOTION_COLOURS

COLUMNS = 1600
"""As many vertical lines as a figure of this width can show."""

LETTER = 0.01
"""The width of a letter in the lowest panel, as a share of it."""

TICKS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
"""From tick to tick: as people divide time."""

Stretch = tuple[float, float, str]
"""Start and end in seconds, and the emotion."""


def draw_timeline(
    path: Path,
    form: str,
    title: str,
    emotions: Sequence[str],
    edges_s: NDArray[np.float64],
    probabilities: NDArray[np.float64],
    stretches: Sequence[Stretch],
    peaks: NDArray[np.float64],
    speech: NDArray[np.bool_],
    frame_s: float,
) -> None:
    """Write the figure.

    Args:
        path: where to.
        form: svg or png.
        title: what was heard.
        emotions: the K classes.
        edges_s: where the n steps begin and end, `[n + 1]`.
        probabilities: `[n, K]`, NaN where nobody speaks.
        stretches: of one emotion, without the pauses.
        peaks: largest amplitude in each frame, `[m]`.
        speech: whether each frame is speech, `[m]`.
        frame_s: the length of a frame.
    """
    colours = colours_of(emotions)
    with drawing(WIDTH_IN, 4.4) as (figure, render):
        wave, shares, band = figure.subplots(3, 1, sharex=True, height_ratios=(1.3, 2.2, 0.45))
        _waveform(wave, peaks, speech, frame_s)
        _probabilities(shares, emotions, edges_s, probabilities, colours)
        _stretches(band, stretches, colours, float(edges_s[-1]))
        wave.set_title(literal(title), loc="left")
        _legend(figure, wave, emotions, colours)
        if form == "svg":
            path.write_text(render("timeline", _in_words(title, stretches)), encoding="utf-8")
        else:
            figure.savefig(path, format="png", dpi=160, facecolor="white")


def _waveform(axes: Axes, peaks: NDArray[np.float64], speech: NDArray[np.bool_], frame_s: float) -> None:
    """The envelope, and under it a line where somebody speaks."""
    starts = np.arange(0, len(peaks), -(-len(peaks) // COLUMNS))
    edges_s = np.append(starts, len(peaks)) * frame_s
    loudest = np.maximum.reduceat(peaks, starts)
    top = max(float(loudest.max()), 1e-3)
    _fill(axes, edges_s, -loudest, loudest, np.ones(len(starts), bool), GREY)
    line = np.full(len(starts), -1.25 * top)
    _fill(axes, edges_s, line - 0.1 * top, line + 0.1 * top, np.logical_or.reduceat(speech, starts), GREEN)
    axes.set_ylim(-1.45 * top, 1.15 * top)
    axes.set_yticks([])
    axes.set_ylabel("sound")
    axes.spines["left"].set_visible(False)


def _probabilities(
    axes: Axes,
    emotions: Sequence[str],
    edges_s: NDArray[np.float64],
    probabilities: NDArray[np.float64],
    colours: Mapping[str, str],
) -> None:
    """Stacked probabilities; where there are more steps than columns, the mean of those that share one."""
    starts = np.arange(0, len(probabilities), -(-len(probabilities) // COLUMNS))
    spoken = np.isfinite(probabilities[:, 0])
    n_spoken = np.add.reduceat(spoken.astype(int), starts)
    sums = np.add.reduceat(np.nan_to_num(probabilities), starts)
    ceilings = (sums / np.maximum(n_spoken, 1)[:, None]).cumsum(axis=1)
    floor = np.zeros(len(starts))
    for emotion, ceiling in zip(emotions, ceilings.T, strict=True):
        _fill(axes, np.append(edges_s[starts], edges_s[-1]), floor, ceiling, n_spoken > 0, colours[emotion])
        floor = ceiling
    axes.set_ylim(0, 1)
    axes.set_ylabel("probability")
    axes.set_facecolor("#f6f7f8")


def _fill(
    axes: Axes,
    edges: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    where: NDArray[np.bool_],
    colour: str,
) -> None:
    """Columns side by side as one shape: each `where` it holds, between two of `edges`, from `low` to `high`."""
    sides = np.repeat(edges, 2)[1:-1]
    low, high, where = np.repeat(low, 2), np.repeat(high, 2), np.repeat(where, 2)
    axes.fill_between(sides, low, high, where=where.tolist(), color=colour, linewidth=0)


def _stretches(axes: Axes, stretches: Sequence[Stretch], colours: Mapping[str, str], end_s: float) -> None:
    for emotion, colour in colours.items():
        parts = [(start_s, stop_s - start_s) for start_s, stop_s, said in stretches if said == emotion]
        axes.broken_barh(parts, (-0.5, 1.0), facecolors=colour, linewidth=0)
    for start_s, stop_s, emotion in stretches:
        if stop_s - start_s > LETTER * end_s * len(emotion):
            middle_s = (start_s + stop_s) / 2
            axes.text(middle_s, 0, literal(emotion), ha="center", va="center", color="white", fontsize=8)
    axes.set_ylim(-0.5, 0.5)
    axes.set_yticks([])
    axes.set_xlim(0, end_s)
    axes.xaxis.set_major_locator(MultipleLocator(next((t for t in TICKS_S if end_s <= 10 * t), 86_400)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda time_s, _: _clock(time_s, end_s)))
    axes.set_xlabel("time")
    axes.spines["left"].set_visible(False)


def _legend(figure: Figure, axes: Axes, emotions: Sequence[str], colours: Mapping[str, str]) -> None:
    for emotion in emotions:
        axes.fill_between([], [], color=colours[emotion], label=literal(emotion))
    axes.fill_between([], [], color=GREEN, label="speech")
    figure.legend(loc="outside lower center", ncols=len(emotions) + 1, columnspacing=1.4, handletextpad=0.5)


def colours_of(emotions: Sequence[str]) -> dict[str, str]:
    """The colour of each emotion wherever a timeline is shown."""
    further = iter(("#56B4E9", "#F0E442", INK, "#882255", "#44AA99", "#DDCC77", PALE))
    return {emotion: EMOTION_COLOURS.get(emotion) or next(further, INK) for emotion in emotions}


def _clock(time_s: float, end_s: float) -> str:
    if end_s < 60:
        return f"{time_s:g} s"
    minutes, seconds = divmod(round(time_s), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}" if end_s >= 3600 else f"{minutes}:{seconds:02d}"


def _in_words(title: str, stretches: Sequence[Stretch]) -> str:
    said = "; ".join(f"{emotion} from {start:.1f} to {end:.1f} s" for start, end, emotion in stretches[:20])
    return f"Emotion over time in {title}: {said or 'no speech'}"
