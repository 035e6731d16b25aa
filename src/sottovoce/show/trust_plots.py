"""Figures of how far a model can be relied on: each a function from numbers to the text of one SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from sottovoce.judging.abstention import Step
from sottovoce.judging.calibration import Bin
from sottovoce.show.plots import BLUE, GREY, INK, PALE, VERMILION, WIDTH_IN, drawing


def reliability(name: str, alt: str, panels: Mapping[str, Sequence[Bin]]) -> str:
    """Accuracy over confidence, a panel each by title; on the dashes a probability means what it says.

    The area of a dot grows with the predictions it stands for.
    """
    with drawing(WIDTH_IN, 3.6) as (figure, render):
        row = figure.subplots(1, len(panels), sharex=True, sharey=True, squeeze=False)[0]
        for axes, (title, bins) in zip(row, panels.items(), strict=True):
            confidence, accuracy = (100 * np.array([[b.confidence, b.accuracy] for b in bins])).T
            size = 260 * np.array([b.n for b in bins]) / sum(b.n for b in bins) + 8
            axes.plot([0, 100], [0, 100], color=GREY, linewidth=1.0, linestyle="--", zorder=0)
            axes.vlines(confidence, confidence, accuracy, color=VERMILION, linewidth=2.0, alpha=0.6)
            axes.plot(confidence, accuracy, color=BLUE, linewidth=1.2)
            axes.scatter(confidence, accuracy, s=size, color=BLUE, zorder=3)
            axes.set(xlim=(0, 102), ylim=(0, 102), aspect="equal")
            axes.set_title(title, loc="left")
            axes.set_xlabel("confidence (%)")
            axes.grid()
        row[0].set_ylabel("right (%)")
        return render(name, alt)


def errors(name: str, alt: str, steps: Sequence[Step]) -> str:
    """Wrong answers over the share of utterances answered, with the bound that a promise is made by."""
    with drawing(WIDTH_IN, 3.0) as (figure, render):
        axes = figure.subplots()
        coverage = [100 * step.coverage for step in steps]
        error = [100 * step.error for step in steps]
        axes.plot(coverage, error, marker="o", markersize=4, color=BLUE, linewidth=1.6, label="wrong answers")
        bounded = [(c, 100 * s.error_bound) for c, s in zip(coverage, steps, strict=True) if s.error_bound is not None]
        if bounded:
            at, bound = zip(*bounded, strict=True)
            axes.plot(at, bound, color=INK, linewidth=1.1, linestyle="--", label="95 % bound over speakers")
            axes.fill_between(at, error, bound, color=PALE, alpha=0.5, linewidth=0)
        axes.set(xlim=(0, 102), ylim=(0, None))
        axes.set_xlabel("utterances answered, the surest first (%)")
        axes.set_ylabel("wrong among the answers (%)")
        axes.grid()
        axes.legend(loc="upper left")
        return render(name, alt)
