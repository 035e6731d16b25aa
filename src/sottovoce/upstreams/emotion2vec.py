"""emotion2vec and emotion2vec+ (Ma et al. 2023), from the checkpoints as published, without their libraries.

A folder holds `config.yaml` and `model.pt` (or `emotion2vec_base.pt`, or `model.safetensors` with the same names), as
FunASR reads it. A checkpoint of fairseq holds its settings itself. What only training and classifying need is left
alone: the decoder, the averaged copy, the layer for nine emotions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from pydantic import ValidationError
from torch.nn import functional

from sottovoce.errors import UpstreamError, WeightsError
from sottovoce.speech.audio import RATE_HZ, Waveform
from sottovoce.upstreams.batching import LONGEST_PART, check_lengths, in_equal_lengths, part_sizes
from sottovoce.upstreams.card import Layer, settings_of
from sottovoce.upstreams.emotion2vec_network import Emotion2vec as Network
from sottovoce.upstreams.emotion2vec_network import Settings, stages_of
from sottovoce.upstreams.graphs import RawGraph
from sottovoce.upstreams.known import card_of
from sottovoce.upstreams.layers import resolve_layer
from sottovoce.weights.arithmetic import Arithmetic, Precision, autocast, place, resolve_precision
from sottovoce.weights.published import Published, fill, named_tensors, open_published

TENSOR_FILES = ("model.pt", "emotion2vec_base.pt")
SETTINGS_FILE = "config.yaml"

_EPSILON = 1e-5
"""What is added to the variance that a waveform is divided by."""

_AROUND = ("state_dict", "model_state_dict", "model")
"""Where FunASR and fairseq put the tensors, from the outside."""

_INNER = "d2v_model."
"""Before the names of the network's tensors where a layer for nine emotions stands beside it."""

_NOT_HEARD_WITH = ("modality_encoders.AUDIO.decoder.", "_ema", "proj.")


class Emotion2vec:
    """One checkpoint. Utterances run together only when they have exactly the same length: nothing is padded."""

    def __init__(self, checkpoint: Published, *, layer: Layer, device: torch.device, precision: Precision) -> None:
        self._settings, self._network = _load(checkpoint)
        self._stages = stages_of(self._settings.modalities.audio.feature_encoder_spec)
        n_layers = self._settings.modalities.audio.prenet_depth + self._settings.depth + 1
        self._layer = resolve_layer(layer, n_layers)
        self._device = device
        self._precision: Arithmetic = resolve_precision(precision, device)
        place(self._network, device, self._precision)
        hop_s = math.prod(stride for _, _, stride in self._stages) / RATE_HZ
        dimension = self._settings.embed_dim
        self.card = card_of("emotion2vec", checkpoint, dimension=dimension, n_layers=n_layers, hop_s=hop_s)

    @property
    def settings(self) -> dict[str, Any]:
        """Everything the frames depend on beside the sound."""
        return settings_of(self.card, self._layer, self._device, precision=self._precision)

    def n_frames(self, n_samples: int) -> int:
        """What the strided convolutions leave of the parts of an utterance."""
        return sum(self._n_frames_of_part(size) for size in part_sizes(n_samples))

    @torch.no_grad()
    def frames(self, waveforms: Sequence[Waveform]) -> list[torch.Tensor]:
        """Frames of each waveform: `[T, d]`, or `[T, L, d]` for all layers.

        Raises:
            UpstreamError: a waveform is shorter than the card's `shortest_s`.
        """
        check_lengths(waveforms, self.card)
        return in_equal_lengths(waveforms, self._n_frames_of_part, self._encode, self._device)

    def graph(self) -> RawGraph:
        """See `graphs`."""
        epsilon = _EPSILON if self._settings.normalize else None
        return RawGraph(self._network, _states, self._layer, epsilon, LONGEST_PART)

    def _n_frames_of_part(self, n: int) -> int:
        for _, width, stride in self._stages:
            n = (n - width) // stride + 1
        return n

    def _encode(self, parts: Sequence[Waveform]) -> torch.Tensor:
        """`[B, T, d]` or `[B, T, L, d]` of parts of one length."""
        sounds = torch.stack([torch.tensor(part, device=self._device) for part in parts])
        if self._settings.normalize:
            sounds = functional.layer_norm(sounds, sounds.shape[1:], eps=_EPSILON)
        with autocast(self._device, self._precision):
            states = self._network(sounds)
        chosen = torch.stack(states, dim=2) if self._layer is None else states[self._layer]
        return chosen.float().cpu()


def emotion2vec(
    weights: str,
    *,
    layer: Layer,
    device: torch.device,
    precision: Precision,
    allow_download: bool,
    revision: str | None,
    known_as: str | None,
) -> Emotion2vec:
    """From weights to the upstream; for the arguments see `loading.load_upstream`."""
    where = {"allow_download": allow_download, "revision": revision}
    checkpoint = open_published(weights, TENSOR_FILES, SETTINGS_FILE, **where).called(known_as)
    return Emotion2vec(checkpoint, layer=layer, device=device, precision=precision)


def _states(network: Network, waveforms: torch.Tensor) -> Sequence[torch.Tensor]:
    return network(waveforms)


def _load(checkpoint: Published) -> tuple[Settings, Network]:
    content = checkpoint.content()
    settings = _settings(checkpoint, content)
    for name in _AROUND:
        content = content[name] if isinstance(content.get(name), dict) else content
    own = {name.removeprefix(_INNER): tensor for name, tensor in named_tensors(content).items()}
    tensors = {name: tensor for name, tensor in own.items() if not name.startswith(_NOT_HEARD_WITH)}
    scale = tensors.get("modality_encoders.AUDIO.alibi_scale")
    if scale is not None and scale.ndim == 4:  # as the first checkpoints of data2vec 2.0 have it
        tensors["modality_encoders.AUDIO.alibi_scale"] = scale[None]
    with torch.device("meta"):  # nothing is made of these sizes before the tensors are seen to have them
        network = Network(settings)
    return settings, fill(network, tensors, checkpoint.weights)


def _settings(checkpoint: Published, content: Mapping[str, Any]) -> Settings:
    """Of `config.yaml`, or, without one, what fairseq wrote into the checkpoint."""
    told = checkpoint.config
    if told:
        if told.get("model") != "Emotion2vec":
            kind = told.get("model")
            raise UpstreamError(
                f"{checkpoint.weights} is a checkpoint of kind {kind!r}; upstream emotion2vec reads its own"
            )
        named = told.get("model_conf")
    else:
        trained = content.get("cfg")
        trained = trained if isinstance(trained, dict) else {}
        task, model = trained.get("task"), trained.get("model")
        named = {**(task if isinstance(task, dict) else {}), **model} if isinstance(model, dict) else None
    if not isinstance(named, dict):
        raise WeightsError(
            f"{checkpoint.weights} does not say what its network is like: {SETTINGS_FILE} is not beside "
            f"{checkpoint.tensor_file.name}, and that holds no settings of fairseq. Put the one published with it there"
        )
    try:
        return Settings.model_validate(named)
    except ValidationError as problem:
        lines = [f"{'.'.join(map(str, each['loc'])) or 'model'}: {each['msg']}" for each in problem.errors()]
        raise WeightsError(
            f"{checkpoint.weights} has a network that no emotion2vec published so far has. {'; '.join(lines)}"
        ) from problem
