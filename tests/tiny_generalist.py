"""Tiny generalists: corpora of tones, the recipe of them, and the network on random weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from sottovoce.learning.generalist import building
from sottovoce.learning.generalist.dataset import collate
from sottovoce.recipe.generalist import Domains, Network, SpecAugment
from sottovoce.upstreams.generalist_network import Generalist
from sottovoce.upstreams.mel import MEL_HOP, whisper_mel
from tests import tiny
from tests.weights.checkpoints import tiny_whisper

CORPORA = {"it": "ab", "eng": "cd", "urdu": "ef"}
"""Speakers by corpus. The names differ in length, as the tones of `tiny.write_side` do by them."""

HALF = {"measure_emotion_intensity": "0.5"}
"""So that soft labels are not hard ones: half of what the weakest recording gives to neutral."""

SMALL = {"epochs": 2, "batch_size": 4, "learning_rate": 3e-3, "precision": "fp32"}


def write(folder: Path, corpora: Sequence[str] = tuple(CORPORA), **changes: Any) -> Path:
    """Write corpora of 12 tones each, a Whisper and `general.yaml`; `changes` replace whole sections of it."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "whisper").exists():
        tiny_whisper(folder / "whisper")
    manifests = {
        name: str(tiny.write_side(folder, name, CORPORA[name], further_cells={"corpus": name, **HALF}))
        for name in corpora
    }
    tree = {
        "name": "general",
        "corpora": {name: {"manifest": path, "language": name[:2]} for name, path in manifests.items()},
        "network": {"weights": str(folder / "whisper")},
        "schedule": SMALL,
    }
    path = folder / "general.yaml"
    path.write_text(yaml.safe_dump(tree | changes, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return path


def network(
    weights: Path,
    classes: Sequence[str] = ("angry", "neutral", "sad"),
    *,
    sizes: Sequence[int] = (),
    domain_weight: float = 0.01,
    masks: bool = False,
    **settings: Any,
) -> Generalist:
    """A network on these weights, its heads drawn with seed 0."""
    torch.manual_seed(0)
    spec_augment = SpecAugment() if masks else SpecAugment(time=0, mel=0)
    return building.build(
        Network(weights=str(weights), **settings),
        tuple(classes),
        spec_augment,
        Domains(weight=domain_weight),
        list(sizes),
    )


def batch(waveforms: Sequence[np.ndarray]) -> dict[str, torch.Tensor]:
    """What the network takes of waveforms."""
    return collate(
        [
            {
                "mel": whisper_mel(torch.from_numpy(each), 80, 480_000),
                "n_steps": torch.tensor(2 * -(-each.size // (2 * MEL_HOP))),
            }
            for each in waveforms
        ]
    )
