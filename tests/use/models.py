"""A small model on log-mel energies, untrained: enough for everything but being right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sottovoce.learning.head import Head
from sottovoce.use import model as models
from sottovoce.use.config import AnswerStep, ChosenUpstream, Config, MeasuresConfig, Reliance, ToldMeasure, TrainedOn

EMOTIONS = ["angry", "happy", "sad"]


def config(**changes: Any) -> Config:
    """That of a model on log-mel energies."""
    steps = [
        AnswerStep(threshold=0.8, coverage=0.3, error=0.05, error_bound=0.15),
        AnswerStep(threshold=0.5, coverage=0.6, error=0.2, error_bound=0.32),
        AnswerStep(threshold=0.0, coverage=1.0, error=0.4, error_bound=0.5),
    ]
    content: dict[str, Any] = {
        "schema": 2,
        "name": "tiny",
        "emotions": EMOTIONS,
        "condition": "target-only",
        "round": 0,
        "upstream": ChosenUpstream(name="logmel"),
        "revision": "1",
        "trained_on": TrainedOn(
            target_utterances=9, target_speakers=["a", "b"], added_utterances=0, languages=["it"], seed=0
        ),
        "reliance": Reliance(temperature=2.0, n_utterances=9, n_speakers=2, answers=steps),
    }
    return Config(**(content | changes))


def write_model_of_measures(folder: Path) -> Path:
    """As `write_model`, of arousal and valence."""
    common = config().model_dump(by_alias=True, exclude={"emotions", "reliance"})
    told = [ToldMeasure(name=name, lowest=1, highest=7, mae=0.5) for name in ("arousal", "valence")]
    models.save(folder, Head.fresh(80, 8, 2, None, seed=0), MeasuresConfig(**common, measures=told), "# tiny\n")
    return folder


def write_model(folder: Path, **changes: Any) -> Path:
    """Write it; `changes` replace parts of its configuration."""
    models.save(folder, Head.fresh(80, 8, 3, None, seed=0), config(**changes), "# tiny\n")
    return folder
