"""A trained model as a folder: `config.json`, `model.safetensors`, `README.md`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as tensors_to_bytes

from sottovoce.errors import SottovoceError, WeightsError
from sottovoce.judging import abstention, calibration
from sottovoce.learning.head import Head
from sottovoce.speech import audio
from sottovoce.speech.audio import Waveform
from sottovoce.store.atomic import write_atomically
from sottovoce.upstreams.card import Upstream
from sottovoce.upstreams.loading import load_upstream
from sottovoce.upstreams.sounds import Batch, by_length, in_order
from sottovoce.use import config as configuration
from sottovoce.use.config import Config
from sottovoce.weights.arithmetic import one_core_each

CONFIG, WEIGHTS, README = "config.json", "model.safetensors", "README.md"

_SHAPES = {"w1": "dh", "b1": "h", "w2": "hK", "b2": "K", "mix": "L"}
"""Dimensions of the head's tensors by name: see `learning.head.Head`."""

_PICKLED = (".bin", ".ckpt", ".joblib", ".pickle", ".pkl", ".pt", ".pth")


@dataclass(frozen=True)
class EmotionModel:
    """An upstream with a head on it; `digest` identifies the head and its configuration."""

    upstream: Upstream
    head: Head
    config: Config
    digest: str

    @property
    def emotions(self) -> tuple[str, ...]:
        """The classes, in the order of the columns of probabilities."""
        return tuple(self.config.emotions)

    def predict(self, *paths: str | Path) -> list[dict[str, float]]:
        """Calibrated probability of each emotion for each recording, by name, from 0 to 1.

        One recording is held in memory at a time; for many files in parallel see `use.predicting`.

        Raises:
            AudioError: a recording cannot be used; the message names it.
            UpstreamError: it is shorter than the upstream needs.
        """
        rows = [self.probabilities([audio.read(path)])[0] for path in paths]
        return [dict(zip(self.emotions, row.tolist(), strict=True)) for row in rows]

    def probabilities(self, waveforms: Sequence[Waveform]) -> NDArray[np.float64]:
        """Calibrated probabilities of recordings in memory.

        Args:
            waveforms: mono float32 at 16 kHz, of any lengths.

        Returns:
            `[n, K]`, rows in the order given, columns in that of `emotions`.

        Raises:
            UpstreamError: a waveform is shorter than the upstream's card says.
        """
        made = np.empty((len(waveforms), len(self.emotions)))
        batches = list(by_length(self.upstream, waveforms))
        if len(batches) == 1:  # then it may have all cores
            return self.answer(waveforms)
        for batch, part in self.answers(batches):
            made[[position for position, _ in batch]] = part
        return made

    def answers(self, batches: Iterable[Batch]) -> Iterator[tuple[Batch, NDArray[np.float64]]]:
        """Each batch with its probabilities `[n, K]` as it is done; every core takes batches of its own."""

        def work(batch: Batch) -> tuple[Batch, NDArray[np.float64]]:
            return batch, self.answer([waveform for _, waveform in batch])

        with one_core_each(self.upstream.settings.get("device", "cpu")) as cores:
            yield from in_order(cores, work, batches, ahead=cores.number)

    def answer(self, waveforms: Sequence[Waveform]) -> NDArray[np.float64]:
        """As `probabilities`, in one batch."""
        said = self.head.probabilities(self.upstream.frames(waveforms)).numpy()
        return calibration.scaled(said, self.config.reliance.temperature)

    def rule(self, error_rate: float | None = None) -> abstention.Step | None:
        """Below which confidence the model is unsure, so that at most `error_rate` of its answers are wrong.

        Args:
            error_rate: None for the model's default, see `abstention.default_error_rate`.

        Returns:
            None where no such promise can be made: see `abstention.least_error_rate` for what can.
        """
        steps = self.config.reliance.steps
        wanted = abstention.default_error_rate(steps) if error_rate is None else error_rate
        return None if wanted is None else abstention.chosen(steps, wanted)


def save(folder: Path, head: Head, config: Config, readme: str) -> None:
    """Write a model."""
    folder.mkdir(parents=True, exist_ok=True)
    content = tensors_to_bytes({name: tensor.contiguous() for name, tensor in head.tensors().items()})
    write_atomically(folder / WEIGHTS, lambda partial: partial.write_bytes(content))
    write_atomically(folder / README, lambda partial: partial.write_text(readme, encoding="utf-8"))
    write_atomically(folder / CONFIG, lambda partial: partial.write_text(config.to_json(), encoding="utf-8"))


def load(folder: str | Path, *, device: str = "cpu", weights: str | None = None) -> EmotionModel:
    """Read a model that `save` wrote.

    Args:
        folder: the model's folder, or that of the run which left it.
        device: `cpu` or `cuda`.
        weights: where the upstream's weights lie, if not where they were when the model was trained.

    Raises:
        SottovoceError: the folder is no model, or a file of it is missing, damaged, or not what a model holds.
        WeightsError: the upstream's weights are not where the model expects them.
    """
    folder = find(folder)
    config = configuration.read(folder / CONFIG)
    head = _read_head(folder / WEIGHTS, len(config.emotions))
    upstream = _load_upstream(folder, config, device, weights)
    if config.revision != upstream.card.revision:
        raise SottovoceError(
            f"{folder} was trained on other weights of {config.upstream.name} (revision {config.revision}) than those "
            f"at hand ({upstream.card.revision}); give the folder of the same ones with --weights"
        )
    if head.w1.shape[0] != upstream.card.dimension or (head.mix is None) != (config.upstream.layer != "all"):
        raise SottovoceError(f"{folder}: the head does not fit its upstream; run the model's recipe again")
    if head.mix is not None and len(head.mix) != upstream.card.n_layers:
        raise SottovoceError(f"{folder}: the head mixes {len(head.mix)} layers, its upstream has another number")
    return EmotionModel(upstream, head, config, digest(folder))


def find(folder: str | Path) -> Path:
    """The model's folder, given it or its run's.

    Raises:
        SottovoceError: it is neither; the message says what it is instead.
    """
    folder = Path(folder)
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
    if absent == [WEIGHTS]:
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
        if name in shapes and len(shapes[name]) != len(dimensions):
            return f"{name} is {shapes[name]}"
        for dimension, size in zip(dimensions, shapes.get(name, ()), strict=False):
            if sizes.setdefault(dimension, size) != size and dimension == "K":
                return f"it tells {size} emotions apart, and the configuration names {n_classes}"
            if sizes[dimension] != size or not size:
                return f"{name} is {shapes[name]}"
    return None


def _load_upstream(folder: Path, config: Config, device: str, weights: str | None) -> Upstream:
    chosen = config.upstream
    if weights is not None:
        chosen = chosen.model_copy(update={"weights": weights})
    elif chosen.weights is not None and (folder / chosen.weights).is_dir():
        chosen = chosen.model_copy(update={"weights": str(folder / chosen.weights)})
    try:
        return load_upstream(**dict(chosen), device=device)
    except WeightsError as problem:
        hint = " If they lie elsewhere, give their folder with --weights (in Python: weights=)."
        raise WeightsError(f"{str(problem).rstrip('.')}.{hint}" if chosen.weights else str(problem)) from problem
