"""Self-supervised speech encoders through transformers: wav2vec 2.0, XLS-R, HuBERT, WavLM, data2vec, w2v-BERT 2.0."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from sottovoce.errors import UpstreamError
from sottovoce.speech.audio import RATE_HZ, Waveform
from sottovoce.upstreams.batching import LONGEST_PART, check_lengths, in_equal_lengths, part_sizes
from sottovoce.upstreams.card import Layer, settings_of
from sottovoce.upstreams.graphs import RawGraph
from sottovoce.upstreams.known import card_of
from sottovoce.upstreams.layers import normed, resolve_layer
from sottovoce.weights.arithmetic import Arithmetic, Precision, autocast, place, resolve_precision
from sottovoce.weights.checkpoint import Checkpoint, load_complete

KINDS = ("data2vec-audio", "hubert", "wav2vec2", "wav2vec2-bert", "wavlm")

_FBANK_WINDOW, _FBANK_HOP = 400, 160
_EPSILON = 1e-7
"""What the extractors of wav2vec 2.0's family add to the variance that they divide by."""

_ONLY_FOR_TRAINING = frozenset({"masked_spec_embed"})


class SelfSupervised:
    """One self-supervised encoder, its input prepared as the checkpoint's own `preprocessor_config.json` says.

    Utterances run together only when they have exactly the same length: the group norm of wav2vec 2.0's first
    convolution runs over time and cannot be masked, so padding would change the frames.
    """

    def __init__(self, checkpoint: Checkpoint, *, layer: Layer, device: torch.device, precision: Precision) -> None:
        kind = checkpoint.config.get("model_type")
        if kind not in KINDS:
            raise UpstreamError(
                f"{checkpoint.weights} is a checkpoint of kind {kind!r}; upstream ssl reads {', '.join(KINDS)}"
            )
        if checkpoint.config.get("add_adapter"):
            raise UpstreamError(f"{checkpoint.weights} ends in an adapter that changes the frame rate; not supported")
        self._prepare = _load_extractor(checkpoint)
        self._model = _load_model(checkpoint)
        config = self._model.config
        self._kernels = _kernels(config, self._prepare)
        n_layers = config.num_hidden_layers + 1
        self._layer = resolve_layer(layer, n_layers)
        self._norms = _norms(self._model) if layer == "all-normed" else []
        self._device = device
        self._precision: Arithmetic = resolve_precision(precision, device)
        place(self._model, device, self._precision)
        hop_s = math.prod(stride for _, stride in self._kernels) / RATE_HZ
        self.card = card_of("ssl", checkpoint, dimension=config.hidden_size, n_layers=n_layers, hop_s=hop_s)

    @property
    def settings(self) -> dict[str, Any]:
        """Everything the frames depend on beside the sound."""
        how = {"normed": bool(self._norms), "precision": self._precision}
        return settings_of(self.card, self._layer, self._device, **how)

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
        """See `graphs`.

        Raises:
            UpstreamError: it is of the kind w2v-BERT, whose input is not the waveform.
        """
        if self._model.config.model_type == "wav2vec2-bert":
            raise UpstreamError(f"{self.card.weights} hears filter banks of w2v-BERT's own, which cannot be exported")
        epsilon = _EPSILON if self._prepare.do_normalize else None
        return RawGraph(self._model, _states, self._layer, epsilon, LONGEST_PART, self._norms)

    def _n_frames_of_part(self, n: int) -> int:
        for width, stride in self._kernels:
            n = (n - width) // stride + 1
        return n

    def _encode(self, parts: Sequence[Waveform]) -> torch.Tensor:
        """`[B, T, d]` or `[B, T, L, d]` of parts of one length."""
        inputs = torch.cat([self._prepared(part) for part in parts]).to(self._device)
        with autocast(self._device, self._precision):
            hidden = _states(self._model, inputs)
            states = normed(torch.stack(hidden, dim=2), self._norms) if self._layer is None else hidden[self._layer]
        return states.float().cpu()

    def _prepared(self, part: Waveform) -> torch.Tensor:
        """One part as the model takes it; each is prepared by itself, so that nothing is padded to its neighbours."""
        inputs = self._prepare(part, sampling_rate=RATE_HZ, return_tensors="pt")
        prepared = inputs[self._prepare.model_input_names[0]]
        # w2v-BERT stacks its filter-bank frames in pairs and fills up the last one; a half-filled pair is dropped.
        return prepared[:, : self._n_frames_of_part(part.size)] if prepared.ndim == 3 else prepared


def _states(model: Any, inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """What the first transformer layer reads and what each gives, `[B, T, d]` each."""
    output = model(inputs, output_hidden_states=True)
    # Transformers records the last layer before the final layer norm of XLS-R and its like; the model's own output
    # comes after it.
    return *output.hidden_states[:-1], output.last_hidden_state


def _norms(model: Any) -> list[Any]:
    """What stands before each layer of a model with the norm in front, as `do_stable_layer_norm` says; else none."""
    if not getattr(model.config, "do_stable_layer_norm", False):
        return []
    return [layer.layer_norm for layer in model.encoder.layers]


def _kernels(config: Any, extractor: Any) -> list[tuple[int, int]]:
    """Width and stride of each stage between samples and frames."""
    if config.model_type == "wav2vec2-bert":
        return [(_FBANK_WINDOW, _FBANK_HOP), (extractor.stride, extractor.stride)]
    return list(zip(config.conv_kernel, config.conv_stride, strict=True))


def _load_extractor(checkpoint: Checkpoint) -> Any:
    from transformers import AutoFeatureExtractor

    try:
        return AutoFeatureExtractor.from_pretrained(checkpoint.folder, local_files_only=True)
    except (OSError, ValueError) as problem:
        raise UpstreamError(
            f"{checkpoint.weights} has no usable preprocessor_config.json, which says how its input is normalised: "
            f"{problem}"
        ) from problem


def _load_model(checkpoint: Checkpoint) -> Any:
    from transformers import AutoModel

    return load_complete(AutoModel, checkpoint, unused=_ONLY_FOR_TRAINING, nothing_more=True)
