"""Figures of a setting that was varied, as in `show.plots`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sottovoce.show.plots import BLUE, GREY, ORANGE, WIDTH_IN, drawing, literal

Point = tuple[Any, float, Sequence[float] | None]
"""Setting, score (or gain), and the ends of its interval."""


@dataclass(frozen=True)
class Curve:
    """Scores by setting."""

    name: str
    points: Sequence[Point]


def sweep(name: str, alt: str, setting: str, score: str, panels: Mapping[str, Sequence[Curve]]) -> str:
    """One panel for each test, a curve for each way: scores in points at equally spaced settings, with intervals.

    Numbers go in order, other settings as they come. Where a score is below zero, it is a gain, and zero is dashed.
    """
    points = [point for curves in panels.values() for curve in curves for point in curve.points]
    settings = list(dict.fromkeys(setting for setting, _, _ in points))
    if all(isinstance(setting, int | float) for setting in settings):
        settings.sort()
    is_gain = any(min(value, *(ends or [value])) < 0 for _, value, ends in points)
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    with drawing(WIDTH_IN, 0.7 + 2.3 * rows) as (figure, render):
        grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
        for axes, (title, curves) in zip(grid.flat, panels.items(), strict=False):
            for number, (curve, colour, marker) in enumerate(zip(curves, (BLUE, ORANGE, GREY), "os^", strict=False)):
                shift = 0.08 * (number - (len(curves) - 1) / 2)
                across = [settings.index(s) + shift for s, _, _ in curve.points]
                heights = [100 * value for _, value, _ in curve.points]
                ends = [(v, v) if interval is None else interval for _, v, interval in curve.points]
                low = [h - 100 * e[0] for h, e in zip(heights, ends, strict=True)]
                high = [100 * e[1] - h for h, e in zip(heights, ends, strict=True)]
                axes.errorbar(
                    across, heights, [low, high], color=colour, marker=marker, capsize=3, label=literal(curve.name)
                )
            axes.set_xticks(range(len(settings)), [f"{s:g}" if isinstance(s, float) else str(s) for s in settings])
            if is_gain:
                axes.axhline(0, color=GREY, linestyle="--", linewidth=0.8)
            axes.set_title(literal(title), loc="left")
            axes.grid(axis="y")
        for axes in grid.flat[max(0, len(panels) - columns) : len(panels)]:
            axes.set_xlabel(setting)
        for axes in grid[:, 0]:
            axes.set_ylabel(score)
        for axes in grid.flat[len(panels) :]:
            axes.set_visible(False)
        figure.legend(*grid.flat[0].get_legend_handles_labels(), loc="outside upper left", ncols=3)
        return render(name, alt)


def ranges(name: str, alt: str, score: str, scores: Mapping[str, tuple[float, Sequence[float] | None]]) -> str:
    """A line for each name: its score as it is, and its interval where there is one. Zero is dashed."""
    with drawing(WIDTH_IN, 0.8 + 0.22 * len(scores)) as (figure, render):
        axes = figure.subplots()
        for height, (value, interval) in enumerate(scores.values()):
            if interval is not None:
                axes.plot(interval, [height, height], color=BLUE, linewidth=2, alpha=0.4)
            axes.plot([value], [height], "o", color=BLUE)
        axes.axvline(0, color=GREY, linestyle="--", linewidth=0.8)
        axes.set_yticks(range(len(scores)), [literal(each) for each in scores])
        axes.invert_yaxis()
        axes.set_xlabel(score)
        axes.grid(axis="x")
        return render(name, alt)
