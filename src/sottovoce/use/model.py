"""A trained model as a folder: `config.json`, `model.safetensors`, `README.md`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as tensors_to_bytes

from sottovoce.errors import SottovoceError
from sottovoce.learning.head import Head
from sottovoce.speech import audio
from sottovoce.store.artefacts import write_atomically, write_json
from sottovoce.upstreams.card import Upstream
from sottovoce.upstreams.loading import load_upstream

CONFIG, WEIGHTS, README = "config.json", "model.safetensors", "README.md"


@dataclass(frozen=True)
class EmotionModel:
    """An upstream with a head on it."""

    upstream: Upstream
    head: Head
    emotions: tuple[str, ...]
    config: dict[str, Any]

    def predict(self, *paths: str | Path) -> list[dict[str, float]]:
        """Probability of each emotion for each recording.

        Raises:
            AudioError: a recording cannot be used; the message names it.
        """
        frames = self.upstream.frames([audio.read(path) for path in paths])
        probabilities = self.head.probabilities(frames)
        return [dict(zip(self.emotions, row.tolist(), strict=True)) for row in probabilities]


def save(folder: Path, head: Head, config: dict[str, Any], readme: str) -> None:
    """Write a model; `config` holds `emotions` and `upstream` (the arguments of `load_upstream`)."""
    folder.mkdir(parents=True, exist_ok=True)
    content = tensors_to_bytes({name: tensor.contiguous() for name, tensor in head.tensors().items()})
    write_atomically(folder / WEIGHTS, lambda partial: partial.write_bytes(content))
    write_atomically(folder / README, lambda partial: partial.write_text(readme, encoding="utf-8"))
    write_json(folder / CONFIG, config)


def load(folder: str | Path, *, device: str = "cpu") -> EmotionModel:
    """Read a model that `save` wrote.

    Raises:
        SottovoceError: the folder is not a model, or a file of it is missing or damaged.
        WeightsError: the upstream's weights are not where the model expects them.
    """
    folder = Path(folder)
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        tensors = load_file(folder / WEIGHTS)
        emotions, chosen = tuple(config["emotions"]), dict(config["upstream"])
        head = Head(**tensors)
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as problem:
        raise SottovoceError(f"{folder} is not a whole Sottovoce model ({problem}); run its recipe again") from problem
    upstream = load_upstream(chosen.pop("name"), device=device, **chosen)
    if head.w1.shape[0] != upstream.card.dimension or head.w2.shape[1] != len(emotions):
        raise SottovoceError(f"{folder}: the head does not fit its upstream or its emotions; run its recipe again")
    if (expected := config.get("revision")) not in (None, upstream.card.revision):
        raise SottovoceError(
            f"{folder} was trained on weights {expected}, and these are {upstream.card.revision}; use the same weights"
        )
    return EmotionModel(upstream, Head(**{n: t.to(torch.float32) for n, t in head.tensors().items()}), emotions, config)
