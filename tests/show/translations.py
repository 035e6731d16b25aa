"""A made-up source, its made-up translations with measures, and what made-up heads heard in both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from sottovoce.experiment.heard import SOURCE, summary
from sottovoce.speech import audio
from sottovoce.speech.emotions import FOUR_CLASSES
from sottovoce.speech.manifest import Manifest, Utterance
from tests.conftest import tone

N = 60
FIGURES = ("f0_level_st", "f0_range_st", "tempo_per_s", "pause_ratio", "loudness_range_db")


def source(folder: Path, classes: Sequence[str] = FOUR_CLASSES, n: int = N) -> Manifest:
    """`n` utterances of five speakers whose recordings would be in `folder`."""
    return Manifest(
        tuple(
            Utterance(
                f"s{i}",
                str(folder / f"s{i}.flac"),
                f"actor{i % 5}",
                classes[i % len(classes)],
                corpus="made-up English",
                language="en",
                text=f"Sentence <{i}>.",
            )
            for i in range(n)
        )
    )


def translated(originals: Manifest, translator: str = "offline", *, measured: bool = True, seed: int = 0) -> Manifest:
    """Translations whose figures are the source's and some noise; the F0 contour of `s<i>` correlates by i/100."""
    rng = np.random.default_rng(seed)
    made = []
    for i, u in enumerate(originals):
        measures = {"f0_contour_correlation": i / 100, "tempo_ratio": 1.1, "pause_ratio_difference": -0.001}
        for figure in FIGURES:
            before = rng.normal()
            measures |= {f"source_{figure}": before, f"translated_{figure}": before + rng.normal()}
        new = replace(
            u,
            id=f"{u.id}>it",
            path=u.path.replace(".flac", "-it.flac"),
            language="it",
            text=f"Frase {i}.",
            translated_from=u.id,
            translator=translator,
            measures=measures if measured else {},
        )
        made.append(new)
    return Manifest(tuple(made))


def record(manifest: Manifest, duration_s: float = 0.3) -> None:
    """Write a tone for every utterance."""
    for i, u in enumerate(manifest):
        Path(u.path).parent.mkdir(parents=True, exist_ok=True)
        audio.write(u.path, tone(duration_s, 110.0 + i))


def heard(
    originals: Manifest, strengths: dict[tuple[str, str], float], classes: Sequence[str] = FOUR_CLASSES
) -> dict[str, Any]:
    """What `survival.check` would return for heads that hear the label the better the greater their strength is."""
    rng = np.random.default_rng(5)
    label = [list(classes).index(u.emotion) for u in originals]
    said = {}
    for key, strength in strengths.items():
        logits = rng.normal(size=(2, len(originals), len(classes))) + strength * np.eye(len(classes))[label]
        said[key] = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    return {"n_folds": 5, **summary(originals.utterances, classes, [0, 1], said)}


STRENGTHS = {(SOURCE, SOURCE): 3.0, ("offline", SOURCE): 1.0, ("offline", "offline"): 2.5}
