"""Figures of measures, as in `show.plots`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sottovoce.show.plots import BLUE, GREY, INK, drawing, literal

MOST_LEVELS = 9
"""Up to so many different figures are levels, and each gets a box; of more, every utterance is a point."""


def agreement(
    name: str,
    alt: str,
    title: str,
    measure: str,
    true: NDArray[np.float64],
    said: NDArray[np.float64],
    ends: Sequence[float],
) -> str:
    """What was said over what is true, one square: on the dashed line both are the same.

    Args:
        name: prefix of the ids within the SVG; `alt` what it shows, in words.
        alt: see above.
        title: above it. `measure`: below it.
        measure: see above.
        true: `[utterance]`, in the measure's units; `said` likewise.
        said: see above.
        ends: of the scale.
    """
    with drawing(3.6, 3.4) as (figure, render):
        axes = figure.subplots()
        axes.plot(ends, ends, color=GREY, linestyle="--", linewidth=0.9)
        levels = np.unique(true)
        span = ends[1] - ends[0]
        if len(levels) <= MOST_LEVELS:
            width = 0.5 * min(span, *np.diff(levels)) if len(levels) > 1 else 0.2 * span
            axes.boxplot(
                [said[true == level] for level in levels],
                positions=levels.tolist(),
                widths=width,
                manage_ticks=False,
                patch_artist=True,
                boxprops={"facecolor": BLUE, "alpha": 0.25, "edgecolor": BLUE},
                medianprops={"color": INK, "linewidth": 1.6},
                whiskerprops={"color": BLUE},
                capprops={"color": BLUE},
                flierprops={"marker": ".", "markersize": 3, "markerfacecolor": BLUE, "markeredgewidth": 0},
            )
            axes.set_xticks(levels, [f"{level:g}" for level in levels])
        else:
            axes.plot(true, said, ".", color=BLUE, alpha=min(0.6, max(0.08, 150 / len(true))), markersize=5)
        margin = (0.3 if len(levels) <= MOST_LEVELS else 0.05) * span
        axes.set_xlim(ends[0] - margin, ends[1] + margin)
        axes.set_ylim(ends[0] - 0.05 * span, ends[1] + 0.05 * span)
        axes.set_xlabel(f"{literal(measure)}, true")
        axes.set_ylabel("said")
        axes.set_title(literal(title), loc="left")
        axes.grid(axis="y")
        return render(name, alt)
