"""A trained model as a folder: `config.json`, `model.safetensors`, `README.md`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as tensors_to_bytes

from sottovoce.errors import SottovoceError, WeightsError
from sottovoce.judging import calibration
from sottovoce.learning.head import Head
from sottovoce.speech.audio import Waveform
from sottovoce.store.atomic import write_atomically
from sottovoce.upstreams.card import Upstream
from sottovoce.upstreams.loading import load_upstream
from sottovoce.use import config as configuration
from sottovoce.use import generalist, hub
from sottovoce.use.answering import Model
from sottovoce.use.config import AnyConfig, Config, Reliance
from sottovoce.use.measuring import MeasureModel
from sottovoce.use.windows import Part
from sottovoce.weights.arithmetic import Precision

CONFIG, WEIGHTS, README = "config.json", "model.safetensors", "README.md"

_SHAPES = {"w1": "dh", "b1": "h", "w2": "hK", "b2": "K", "mix": "L"}
"""Dimensions of the head's tensors by name, the last ones of `mix`: see `learning.head.Head`."""

_PICKLED = (".bin", ".ckpt", ".joblib", ".pickle", ".pkl", ".pt", ".pth")


@dataclass(frozen=True)
class EmotionModel(Model):
    """What a run leaves: an upstream with a head on it; `digest` identifies the head and its configuration."""

    upstream: Upstream
    head: Head
    config: Config
    digest: str

    @property
    def emotions(self) -> tuple[str, ...]:
        """The classes, in the order of the columns of probabilities."""
        return tuple(self.config.emotions)

    @property
    def languages(self) -> Sequence[str]:
        """Those that it has heard in training."""
        return self.config.trained_on.languages

    @property
    def reliance(self) -> Reliance:
        """How far to rely on it, as out-of-fold predictions have shown."""
        return self.config.reliance

    def answer(self, waveforms: Sequence[Waveform], parts: Sequence[Part] | None = None) -> NDArray[np.float64]:
        """As `probabilities`, in one batch."""
        said = self.head.probabilities(self.frames(waveforms, parts)).numpy()
        return calibration.scaled(said, self.config.reliance.temperature)


def save(folder: Path, head: Head, config: AnyConfig, readme: str) -> None:
    """Write a model."""
    folder.mkdir(parents=True, exist_ok=True)
    content = tensors_to_bytes({name: tensor.contiguous() for name, tensor in head.tensors().items()})
    write_atomically(folder / WEIGHTS, lambda partial: partial.write_bytes(content))
    write_atomically(folder / README, lambda partial: partial.write_text(readme, encoding="utf-8"))
    write_atomically(folder / CONFIG, lambda partial: partial.write_text(config.to_json(), encoding="utf-8"))


def load(
    folder: str | Path,
    *,
    device: str = "cpu",
    weights: str | None = None,
    allow_download: bool = False,
    precision: Precision = "auto",
) -> Model:
    """Read a model that a run left, or a generalist that `sottovoce train` wrote.

    Args:
        folder: the model's folder, or that of the run which left it, or `user/name[@revision]` of the Hugging Face hub.
        device: `cpu` or `cuda`.
        weights: where the upstream's weights lie, if not where they were when the model was trained.
        allow_download: fetch what is not here from the hub; `SOTTOVOCE_ALLOW_DOWNLOAD=1` in the environment does too.
        precision: `auto` is bf16 where the processor has it and fp32 elsewhere.

    Raises:
        SottovoceError: the folder is no model, or a file of it is missing, damaged, or not what a model holds.
        HubError: the hub has no such model, or cannot be reached.
        WeightsError: the upstream's weights are not where the model expects them.
    """
    folder = find(folder, allow_download=allow_download)
    if not generalist.is_generalist(folder):
        how = {"device": device, "allow_download": allow_download, "precision": precision}
        return _load_of_run(folder, weights, how)
    if weights is not None:
        raise SottovoceError(f"{folder} is a generalist and holds all its weights: leave out --weights")
    return generalist.load(folder, device=device, precision=precision)


def _load_of_run(folder: Path, weights: str | None, how: dict[str, Any]) -> EmotionModel | MeasureModel:
    config = configuration.read(folder / CONFIG)
    head = _read_head(folder / WEIGHTS, len(config.says))
    upstream = _load_upstream(folder, config, weights, how)
    if config.revision != upstream.card.revision:
        raise SottovoceError(
            f"{folder} was trained on other weights of {config.upstream.name} (revision {config.revision}) than those "
            f"at hand ({upstream.card.revision}); give the folder of the same ones with --weights"
        )
    every = config.upstream.layer in ("all", "all-normed")
    if head.w1.shape[0] != upstream.card.dimension or (head.mix is not None) != every:
        raise SottovoceError(f"{folder}: the head does not fit its upstream; run the model's recipe again")
    if head.mix is not None and head.mix.shape[-1] != upstream.card.n_layers:
        raise SottovoceError(f"{folder}: the head mixes {head.mix.shape[-1]} layers, its upstream has another number")
    if isinstance(config, Config):
        return EmotionModel(upstream, head, config, digest(folder))
    return MeasureModel(upstream, head, config, digest(folder))


def find(folder: str | Path, *, allow_download: bool = False) -> Path:
    """The model's folder, given it, its run's, or a model of the hub (see `use.hub.local`).

    Raises:
        SottovoceError: it is none of these; the message says what it is instead.
    """
    folder = hub.local(folder, allow_download=allow_download)
    if (folder / "recipe.yaml").is_file() and not (folder / CONFIG).is_file():
        folder = folder / "model"
        if not (folder / CONFIG).is_file():
            raise SottovoceError(f"{folder.parent} is a run that is not finished: run its recipe again, it continues")
    if not folder.is_dir():
        raise SottovoceError(f"{folder}: there is no such folder. A run leaves its model in runs/NAME/model")
    absent = [name for name in (CONFIG, WEIGHTS) if not (folder / name).is_file()]
    pickled = sorted(path.name for path in folder.iterdir() if path.suffix.lower() in _PICKLED)
    if absent and pickled:
        raise SottovoceError(
            f"{folder} lacks {' and '.join(absent)} and holds {', '.join(pickled)}: pickled files can run code and are "
            "never read. A Sottovoce model is config.json and model.safetensors"
        )
    if absent == [WEIGHTS] and not generalist.is_generalist(folder):
        configuration.read(folder / CONFIG)  # which may know better what this folder is
    if absent:
        raise SottovoceError(f"{folder} is not a whole Sottovoce model: {' and '.join(absent)} missing. Run its recipe")
    return folder


def digest(folder: Path) -> str:
    """Digest of the two files that a prediction depends on."""
    made = hashlib.blake2b(digest_size=16)
    for name in (CONFIG, WEIGHTS):
        made.update(hashlib.blake2b((folder / name).read_bytes()).digest())
    return made.hexdigest()


def _read_head(path: Path, n_classes: int) -> Head:
    try:
        with safe_open(path, framework="pt") as tensors:
            shapes = {name: tensors.get_slice(name).get_shape() for name in tensors.keys()}  # noqa: SIM118
            if fault := _fault(shapes, n_classes):
                raise SottovoceError(f"{path} is not the head of this model: {fault}. Run the model's recipe again")
            read = {name: tensors.get_tensor(name) for name in shapes}
    except (OSError, SafetensorError) as problem:
        raise SottovoceError(f"{path} is damaged ({problem}); run the model's recipe again") from problem
    if not all(tensor.is_floating_point() and torch.isfinite(tensor).all() for tensor in read.values()):
        raise SottovoceError(f"{path} holds weights that are not finite numbers; run the model's recipe again")
    return Head(**{name: tensor.to(torch.float32) for name, tensor in read.items()})


def _fault(shapes: dict[str, list[int]], n_classes: int) -> str | None:
    """What is wrong with the head's tensors, by their shapes alone."""
    if not set(_SHAPES) - {"mix"} <= set(shapes) <= set(_SHAPES):
        return f"it holds {', '.join(sorted(shapes)) or 'nothing'}"
    sizes = {"K": n_classes}
    for name, dimensions in _SHAPES.items():
        if name not in shapes:
            continue
        parts = shapes[name][:-1] if name == "mix" and len(shapes[name]) == 2 else []
        if len(shapes[name]) - len(parts) != len(dimensions) or any(not n or sizes["h"] % n for n in parts):
            return f"{name} is {shapes[name]}"
        for dimension, size in zip(dimensions, shapes[name][len(parts) :], strict=True):
            if sizes.setdefault(dimension, size) != size and dimension == "K":
                return f"it tells {size} emotions apart, and the configuration names {n_classes}"
            if sizes[dimension] != size or not size:
                return f"{name} is {shapes[name]}"
    return None


def _load_upstream(folder: Path, config: AnyConfig, weights: str | None, how: dict[str, Any]) -> Upstream:
    chosen = config.upstream
    if weights is not None:
        chosen = chosen.model_copy(update={"weights": weights})
    elif chosen.weights is not None and (own := folder / chosen.weights).is_dir():
        if not Path(chosen.weights).is_absolute() and not own.resolve().is_relative_to(folder.resolve()):
            raise SottovoceError(f"{own} leads out of the model's folder, to {own.resolve()}: refused")
        chosen = chosen.model_copy(update={"weights": str(own)})
    try:
        return load_upstream(**dict(chosen), **how)
    except WeightsError as problem:
        hint = " If they lie elsewhere, give their folder with --weights (in Python: weights=)."
        raise WeightsError(f"{str(problem).rstrip('.')}.{hint}" if chosen.weights else str(problem)) from problem
