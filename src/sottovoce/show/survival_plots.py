"""The figures of what a translation keeps: each a function from numbers to the text of one SVG, as in `show.plots`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sottovoce.show.plots import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, VERMILION, WIDTH_IN, drawing, literal

EMOTION_COLOURS = {"angry": VERMILION, "happy": ORANGE, "neutral": GREY, "sad": BLUE, "fearful": PURPLE}
MARKERS = "os^Dv*PX<>"


@dataclass(frozen=True)
class Cloud:
    """One figure of many utterances before and after: emotion -> `[n, 2]`, without missing values."""

    title: str
    points: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Recalls:
    """How well each emotion is heard in one voice: `shares` (NaN where there are none) and the ends of intervals.

    `known` says that the heads were trained on this voice.
    """

    voice: str
    known: bool
    shares: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


def clouds(name: str, alt: str, panels: Sequence[Cloud]) -> str:
    """Figures of utterances in the source (across) and the translation (up), a panel each. On the dashes: unchanged."""
    emotions = sorted({emotion for cloud in panels for emotion in cloud.points})
    further = iter((GREEN, "#56B4E9", "#F0E442", INK))  # the rest of Okabe and Ito's
    colours = {emotion: EMOTION_COLOURS.get(emotion) or next(further, INK) for emotion in emotions}
    with drawing(WIDTH_IN, 0.5 + 2.9 * -(-len(panels) // 2)) as (figure, render):
        grid = figure.subplots(-(-len(panels) // 2), 2, squeeze=False)
        for axes, cloud in zip(grid.flat, panels, strict=False):
            for marker, (emotion, points) in zip(MARKERS, cloud.points.items(), strict=False):
                axes.scatter(*points.T, s=9, marker=marker, color=colours[emotion], alpha=0.6, linewidths=0)
            every = np.concatenate(list(cloud.points.values()))
            margin = 0.04 * np.ptp(every) or 1.0
            ends = every.min() - margin, every.max() + margin
            axes.plot(ends, ends, color=GREY, linewidth=1.0, linestyle="--", zorder=0)
            axes.set(xlim=ends, ylim=ends)
            axes.locator_params(nbins=5)
            axes.set_title(cloud.title, loc="left")
            axes.grid()
        for axes in grid.flat[len(panels) :]:
            axes.set_visible(False)
        for marker, emotion in zip(MARKERS, emotions, strict=False):
            grid.flat[0].scatter([], [], s=24, marker=marker, color=colours[emotion], label=literal(emotion))
        figure.legend(loc="outside upper left", ncols=8, columnspacing=1.4, handletextpad=0.3)
        figure.supxlabel("source", fontsize=9)
        figure.supylabel("translation", fontsize=9)
        return render(name, alt)


def recalls(name: str, alt: str, emotions: Sequence[str], voices: Sequence[Recalls], chance: float) -> str:
    """Recall of every emotion in every voice with intervals; hollow where heads know the voice. Chance is dashed."""
    names = list(dict.fromkeys(voice.voice for voice in voices))
    colours = dict(zip(names, (INK, BLUE, VERMILION, GREEN, PURPLE, ORANGE), strict=False))
    with drawing(WIDTH_IN, 3.0) as (figure, render):
        axes = figure.subplots()
        position, step = np.arange(len(emotions)), min(0.16, 0.8 / len(voices))
        for i, voice in enumerate(voices):
            shares, low, high = (100 * np.asarray(v, dtype=float) for v in (voice.shares, voice.low, voice.high))
            colour = colours.get(voice.voice, GREY)
            axes.errorbar(
                position + (i - (len(voices) - 1) / 2) * step,
                shares,
                yerr=np.stack([shares - low, high - shares]).clip(0),
                fmt=MARKERS[names.index(voice.voice) % len(MARKERS)],
                color=colour,
                markerfacecolor="white" if voice.known else colour,
                capsize=2.5,
                label=literal(voice.voice) + (", voice known to the heads" if voice.known else ""),
            )
        axes.axhline(100 * chance, color=GREY, linewidth=1.1, linestyle="--", label="chance")
        axes.set_xticks(position, [literal(emotion) for emotion in emotions])
        axes.tick_params(axis="x", length=0)
        axes.set_xlim(-0.5, len(emotions) - 0.5)
        axes.set_ylim(-4, 104)
        axes.set_ylabel("recall (points)")
        axes.grid(axis="y")
        axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=3, columnspacing=1.4, handletextpad=0.5)
        return render(name, alt)
