"""The figure of a timeline, from the timeline itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sottovoce.show.timeline_plots import draw_timeline
from sottovoce.use.timeline import Timeline


def draw(found: Timeline, path: Path, form: str, title: str) -> None:
    """Write the figure of a timeline that has steps, as `svg` or `png`; `title` says what was heard."""
    nothing = (float("nan"),) * len(found.emotions)
    draw_timeline(
        path,
        form,
        title,
        found.emotions,
        np.array([0.0, *(step.end_s for step in found.steps)]),
        np.array([step.probabilities or nothing for step in found.steps]),
        [(s.start_s, s.end_s, s.emotion) for s in found.segments if s.emotion is not None],
        np.array(found.peaks),
        np.array(found.speech, dtype=bool),
        found.frame_s,
    )
