"""The report's figures, each a function from numbers to the text of one SVG. The only importer of matplotlib.

Every figure is drawn on its own `Figure` object, without pyplot's global state, and gives the same bytes for the
same numbers. Scores come in as fractions and are drawn as points (hundredths). Colours are those of Okabe and Ito
(2008), told apart by colour-blind readers and in grey print. Text stays text: it can be searched and read aloud.
"""

from __future__ import annotations

import html
import io
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

BLUE, VERMILION, GREEN, ORANGE, PURPLE = "#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7"
INK, GREY, PALE = "#1f2933", "#6b7680", "#d5dade"
WIDTH_IN = 8.2
"""Width of a figure that fills the page."""
CONDITION_COLOURS = {
    "target-only": GREY,
    "bootstrapped": BLUE,
    "untranslated-selected": ORANGE,
    "all-synthetic": GREEN,
    "untranslated": PURPLE,
    "noise": VERMILION,
    "copypaste": INK,
}

DIVERGENCE = "divergence of the prediction from the soft label (KL, nats)"

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "sottovoce",  # otherwise every drawing would get other ids
    "font.family": "DejaVu Sans",  # comes with matplotlib, so that the layout is the same on every machine
    "font.size": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.titlesize": 9.5,
    "axes.axisbelow": True,
    "text.color": INK,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": PALE,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
}
_NO_METADATA = dict.fromkeys(("Date", "Creator", "Format", "Type"))


@dataclass(frozen=True)
class Trajectory:
    """One condition's score over the rounds: `scores` and the ends of its interval, one each a round."""

    condition: str
    rounds: Sequence[int]
    scores: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


@dataclass(frozen=True)
class Axis:
    """How a score is drawn: its name, and what it is multiplied with."""

    label: str
    factor: float = 100.0


MACRO_F1 = Axis("macro F1 (points)")
CCC = Axis("CCC", 1.0)


def paired(name: str, alt: str, a: str, b: str, scores: Mapping[str, tuple[float, float]], axis: Axis) -> str:
    """Each speaker's score under condition `a` and condition `b`, joined by a line that shows who gained.

    Args:
        name: prefix of the ids within the SVG, unique on the page.
        alt: what the figure shows, for those who cannot see it.
        scores: speaker -> (score under `a`, score under `b`).
        axis: how they are drawn.
    """
    with drawing(WIDTH_IN, 1.1 + 0.26 * len(scores)) as (figure, render):
        axes = figure.subplots()
        speakers = sorted(scores, key=lambda speaker: scores[speaker][0])
        height = np.arange(len(speakers))
        before, after = axis.factor * np.array([scores[speaker] for speaker in speakers]).T
        gained = np.where(after >= before, BLUE, VERMILION).tolist()
        axes.hlines(height, before, after, colors=gained, linewidth=2.2, alpha=0.55)
        axes.plot(before, height, "o", color="white", markeredgecolor=GREY, markeredgewidth=1.6, label=a)
        axes.scatter(after, height, color=gained, s=38, zorder=3)
        for colour, word in ((BLUE, "higher"), (VERMILION, "lower")):
            if colour in gained:
                axes.plot([], [], "o", color=colour, label=f"{b}: {word}")
        axes.set_yticks(height, [literal(speaker) for speaker in speakers])
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(-0.6, len(speakers) - 0.4)
        axes.set_ylabel("speaker")
        axes.set_xlabel(axis.label)
        axes.grid(axis="x")
        _legend_above(axes)
        return render(name, alt)


def rounds(name: str, alt: str, trajectories: Sequence[Trajectory], oracle: float | None, axis: Axis) -> str:
    """Score per round with its interval as a band; the oracle dashed (Fig. 2 of arXiv 2409.10985).

    `oracle` is None where there is none to draw.
    """
    with drawing(WIDTH_IN, 3.3) as (figure, render):
        axes = figure.subplots()
        for trajectory, marker in zip(trajectories, "osD^v", strict=False):
            colour = CONDITION_COLOURS.get(trajectory.condition, INK)
            low, high = (axis.factor * np.asarray(ends, dtype=float) for ends in (trajectory.low, trajectory.high))
            axes.fill_between(trajectory.rounds, low, high, color=colour, alpha=0.14, linewidth=0)
            axes.plot(
                trajectory.rounds,
                axis.factor * np.asarray(trajectory.scores),
                marker=marker,
                color=colour,
                linewidth=1.8,
                label=trajectory.condition,
            )
        if oracle is not None:
            axes.axhline(
                axis.factor * oracle,
                color=INK,
                linestyle="--",
                linewidth=1.1,
                label="oracle: chosen on test data, not a result",
            )
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("round (0: trained on the target language alone)")
        axes.set_ylabel(axis.label)
        axes.grid(axis="y")
        _legend_above(axes)
        return render(name, alt)


def kept_per_class(
    name: str, alt: str, pool: Mapping[str, float], kept: Mapping[int, Mapping[str, float]], of: str = ""
) -> str:
    """How many utterances of each class every round kept, beside how many there were to choose from.

    `pool` is class -> count, `kept` round -> class -> count; counts are means over folds and seeds. `of` says below
    the axis what the classes are, where their names do not.
    """
    with drawing(WIDTH_IN, 2.9) as (figure, render):
        axes = figure.subplots()
        position, width = np.arange(len(pool)), 0.8 / (len(kept) + 1)
        shades = matplotlib.colormaps["Blues"](np.linspace(0.4, 0.95, len(kept)))
        bars = [("to choose from", list(pool.values()), PALE)]
        for (number, counts), shade in zip(kept.items(), shades, strict=True):
            bars.append((f"kept, round {number}", [counts.get(c, 0.0) for c in pool], shade))
        for i, (label, counts, colour) in enumerate(bars):
            axes.bar(position + (i - len(kept) / 2) * width, counts, width * 0.94, color=colour, label=label)
        axes.set_xticks(position, [literal(c) for c in pool])
        axes.tick_params(axis="x", length=0)
        axes.set_xlabel(literal(of))
        axes.set_ylabel("utterances")
        axes.grid(axis="y")
        _legend_above(axes)
        return render(name, alt)


def divergences(
    name: str, alt: str, kl: Mapping[int, np.ndarray], kept: Mapping[int, np.ndarray], what: str = DIVERGENCE
) -> str:
    """Histograms of how far predictions lie from their labels, one panel a round, with the median.

    Args:
        kl: round -> divergences in nats (or squared errors) `[n]`, finite.
        kept: round -> whether each was kept, bool `[n]`.
        what: below the axis.
    """
    columns = min(len(kl), 3)
    rows = -(-len(kl) // columns)
    with drawing(WIDTH_IN, 0.4 + 2.3 * rows) as (figure, render):
        panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        edges = np.linspace(0.0, max(float(np.quantile(np.concatenate(list(kl.values())), 0.99)), 1e-3), 41)
        for axes, (number, divergence) in zip(panels.flat, kl.items(), strict=False):
            within = np.minimum(divergence, edges[-1])  # the longest hundredth is drawn in the last bar
            parts = [within[kept[number]], within[~kept[number]]]
            share = [np.full(part.size, 100 / divergence.size) for part in parts]
            axes.hist(
                parts,
                edges,
                weights=share,
                stacked=True,
                histtype="stepfilled",
                color=[BLUE, PALE],
                label=["kept", "left out"],
            )
            median = float(np.median(divergence))
            axes.axvline(median, color=INK, linewidth=1.1, linestyle="--", label="median")
            decimals = 2 if median >= 0.1 else 3
            axes.set_title(f"round {number}: median {median:.{decimals}f}", loc="left")
            axes.xaxis.set_major_locator(MaxNLocator(4))
            axes.tick_params(labelbottom=True)
        for axes in panels.flat[len(kl) :]:
            axes.set_visible(False)
        figure.supxlabel(what, fontsize=9)
        figure.supylabel("% of utterances", fontsize=9)
        panels.flat[0].legend(loc="upper right", fontsize=8)
        return render(name, alt)


def confusion(name: str, alt: str, title: str, classes: Sequence[str], matrix: Sequence[Sequence[float]]) -> str:
    """One confusion matrix: rows are the labels, columns the predictions, cells the share of the row in percent."""
    k = len(classes)
    with drawing(1.3 + 0.52 * k, 1.5 + 0.46 * k) as (figure, render):
        axes = figure.subplots()
        shares = 100 * np.asarray(matrix, dtype=float)
        edges = np.arange(k + 1) - 0.5
        axes.pcolormesh(edges, edges, shares, cmap="Blues", vmin=0, vmax=100, edgecolors="white", linewidth=1.0)
        axes.invert_yaxis()
        for row, column in np.ndindex(k, k):
            if np.isfinite(share := shares[row, column]):
                colour = "white" if share > 55 else INK
                axes.text(column, row, f"{share:.0f}", ha="center", va="center", color=colour, fontsize=9)
        axes.set_xticks(range(k), [literal(c) for c in classes], rotation=40, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(k), [literal(c) for c in classes])
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set_xlabel("predicted")
        axes.set_ylabel("label")
        axes.set_title(title, loc="left")
        return render(name, alt)


@contextmanager
def drawing(width_in: float, height_in: float) -> Iterator[tuple[Figure, Callable[[str, str], str]]]:
    """A figure in the house style, and the function that turns it into an SVG while that style holds."""
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(width_in, height_in), layout="constrained")

        def render(name: str, alt: str) -> str:
            text = io.StringIO()
            with warnings.catch_warnings():  # the reader's browser has the glyphs that the layout's font lacks
                warnings.filterwarnings("ignore", message="Glyph .* missing from font")
                figure.savefig(text, format="svg", transparent=True, metadata=_NO_METADATA)
            return _inline(text.getvalue(), name, alt, width_in)

        yield figure, render


def _inline(svg: str, name: str, alt: str, width_in: float) -> str:
    """Matplotlib's file as an element of a page: no prologue, ids of its own, a size that follows the screen."""
    svg = svg[svg.index("<svg") :].strip()
    svg = re.sub(r'\b(id="|url\(#|href="#)', rf"\g<1>{name}-", svg)
    opening = re.search(r'viewBox="[^"]*"', svg)
    assert opening is not None  # matplotlib always writes one
    start = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" {opening[0]} '
        f'role="img" aria-label="{html.escape(alt)}" style="width: 100%; max-width: {width_in:g}in; height: auto">'
    )
    return re.sub(r"<svg[^>]*>", lambda _: start, svg, count=1)


def _legend_above(axes: Axes) -> None:
    axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=6, columnspacing=1.4, handletextpad=0.5)


def literal(name: str) -> str:
    """A name from the user's files, in which a dollar sign starts no formula."""
    return name.replace("$", r"\$")
