"""What translations keep of the prosody, as tables: each translation against its source, and over the corpus."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from sottovoce.show.tables import Table
from sottovoce.speech.manifest import Manifest
from sottovoce.translation import prosody

COMPARED = {
    "f0_contour_correlation": ("F0 contour, correlation", "1"),
    "f0_level_difference_st": ("F0 level, difference (semitones)", "0"),
    "f0_range_ratio": ("F0 range, ratio", "1"),
    "tempo_ratio": ("tempo, ratio of estimates", "1"),
    "duration_ratio": ("duration, ratio", "1"),
    "pause_ratio_difference": ("share of pauses, difference", "0"),
    "loudness_contour_correlation": ("loudness contour, correlation", "1"),
    "loudness_difference_db": ("loudness, difference (dB)", "0"),
    "loudness_range_ratio": ("loudness range, ratio", "1"),
    "tilt_difference": ("spectral tilt, difference (dB per octave)", "0"),
}
"""Measures of `prosody.compare`: what they are called, and their value where the translation changed nothing."""

FIGURES = {
    "f0_level_st": "F0 level (semitones re 100 Hz)",
    "f0_range_st": "F0 range (semitones)",
    "tempo_per_s": "tempo (syllables a second, estimated)",
    "speech_s": "duration (s)",
    "pause_ratio": "pauses (share of the duration)",
    "loudness_db": "loudness (dB of full scale)",
    "loudness_range_db": "loudness range (dB)",
    "tilt_db_per_octave": "spectral tilt (dB per octave)",
    "voiced_share": "voiced share",
}
"""Figures of `Prosody.figures`, which both sides have."""


def both_sides(translated: Manifest, figure: str) -> NDArray[np.float64]:
    """One figure of every utterance in the source and in the translation, `[n, 2]`, NaN where it does not exist."""
    sides = (f"source_{figure}", f"translated_{figure}")
    found = [[u.measures.get(side, np.nan) for side in sides] for u in translated]
    return np.array(found, dtype=float).reshape(-1, 2)


def compared_table(translated: Manifest) -> Table:
    """Mean and standard deviation over utterances of every measure that there is: a column an emotion, and all."""
    emotions = sorted({u.emotion for u in translated})
    groups = [[u for u in translated if u.emotion == emotion] for emotion in emotions] + [list(translated)]
    rows = []
    for measure, (title, unchanged) in COMPARED.items():
        found = [[u.measures[measure] for u in group if measure in u.measures] for group in groups]
        if found[-1]:
            cells = [f"{number(np.mean(f))} ± {np.std(f):.2f}" if f else "–" for f in found]
            rows.append([title, unchanged, *cells])
    if rows:
        rows.insert(0, ["utterances", "", *(str(len(group)) for group in groups)])
    return ["measure", "unchanged", *emotions, "all"], rows


def figures_table(translated: Manifest) -> Table:
    """Means of every figure on both sides: a column an emotion."""
    emotion = np.array([u.emotion for u in translated], dtype=str)
    emotions = np.unique(emotion)
    rows = []
    for figure, title in FIGURES.items():
        both = both_sides(translated, figure)
        there = np.isfinite(both).all(axis=1)
        groups = [both[there & (emotion == each)] for each in emotions]
        means = [" → ".join(map(number, group.mean(axis=0))) if len(group) else "–" for group in groups]
        if there.any():
            rows.append([title, *means])
    return ["mean, source → translation", *emotions.tolist()], rows


def agreement_table(translations: Mapping[str, Manifest]) -> Table:
    """Correlation of each figure before and after translation, over all utterances and within speakers."""
    columns: list[str] = ["figure"]
    found: list[dict[str, float]] = []
    for name, translated in translations.items():
        figures = {figure: both_sides(translated, figure) for figure in FIGURES}
        speaker = np.unique([f"{u.corpus}/{u.speaker}" for u in translated], return_inverse=True)[1]
        columns += [name, f"{name}, within speakers"]
        found.append(agreements(figures))
        found.append(agreements({figure: _within_speakers(both, speaker) for figure, both in figures.items()}))
    rows = [
        [title, *(number(column[figure]) if figure in column else "–" for column in found)]
        for figure, title in FIGURES.items()
        if any(figure in column for column in found)
    ]
    return columns, rows


def agreements(figures: Mapping[str, NDArray[np.float64]]) -> dict[str, float]:
    """`prosody.agreement` of figures on both sides, each `[n, 2]`."""
    return prosody.agreement(
        {f"source_{figure}": before, f"translated_{figure}": after}
        for figure, both in figures.items()
        for before, after in both[np.isfinite(both).all(axis=1)].tolist()
    )


def _within_speakers(both: NDArray[np.float64], speaker: NDArray[np.int64]) -> NDArray[np.float64]:
    """Both sides without the speaker's own mean; speakers with a single utterance are left out."""
    there = np.isfinite(both).all(axis=1)
    both, speaker = both[there], speaker[there]
    n = np.bincount(speaker)
    means = np.stack([np.bincount(speaker, side) / np.maximum(n, 1) for side in both.T], axis=1)
    return (both - means[speaker])[n[speaker] > 1]


def number(value: float | np.floating) -> str:
    """Two decimals, with a true minus sign and no negative zero."""
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")
