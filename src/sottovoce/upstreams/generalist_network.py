"""The network of arXiv 2311.08607: a Whisper encoder, and on every frame of 20 ms a linear layer for the emotions.

It is a model of transformers like any other. This file and `whisper_encoder.py` travel with every saved model, so that
`pipeline("audio-classification", model=..., trust_remote_code=True)` runs it where Sottovoce is not installed: they
import nothing else of ours, and one another by relative names, as transformers asks of such files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional
from transformers import PreTrainedModel, WhisperConfig
from transformers.models.whisper.modeling_whisper import WhisperEncoder, WhisperModel
from transformers.utils.generic import ModelOutput

from .whisper_encoder import encode

_ROWS = 256
"""In training in bf16 on processors, batches have a multiple of so many rows. oneDNN compiles and keeps a kernel for
every shape that it meets, and each batch would have shapes of its own: gigabytes, in the end."""


class GeneralistConfig(WhisperConfig):
    """Whisper's settings, and those of the heads.

    `domain_sizes` has one entry for each domain head (corpora, speakers): how many it tells apart; `domain_weight` is
    `w_d`. `context` is `trimmed` or `exact`, as in `upstreams.whisper`. `prior` is the emotions' share of the training
    labels, and `logit_adjustment` how far it is taken back: `logits - t log prior` (Menon et al. 2021), 0 not at all.
    With `problem_type` "multi_label_classification" the classes are shares from 0 to 1, each the sigmoid of its logit.
    `heard` names what it was trained on: corpora, languages, and how many speakers and utterances.
    """

    model_type = "sottovoce-generalist"
    context: str = "trimmed"
    domain_sizes: list[int] | None = None
    domain_weight: float = 0.01
    prior: list[float] | None = None
    logit_adjustment: float = 0.0
    heard: dict | None = None


@dataclass
class GeneralistOutput(ModelOutput):
    """`logits` `[B, K]`; where asked for, `frame_logits`: one `[T, K]` for each utterance."""

    loss: torch.Tensor | None = None
    logits: torch.Tensor | None = None
    frame_logits: tuple[torch.Tensor, ...] | None = None


class _Reversal(torch.autograd.Function):
    """Identity forward, `-weight` times the gradient backward (Ganin et al. 2016)."""

    @staticmethod
    def forward(ctx: Any, hidden: torch.Tensor, weight: float) -> torch.Tensor:
        ctx.weight = weight
        return hidden.view_as(hidden)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:  # type: ignore[override]
        return -ctx.weight * gradient, None


class Generalist(PreTrainedModel):
    """The encoder with its heads. Frames that hold no sound are neither computed nor averaged."""

    config_class = GeneralistConfig
    base_model_prefix = "model"
    main_input_name = "input_features"
    supports_gradient_checkpointing = True
    accepts_loss_kwargs = False  # else the Trainer takes the loss for a sum over all that a step accumulates
    _no_split_modules = ["WhisperEncoderLayer"]  # noqa: RUF012

    def __init__(self, config: GeneralistConfig) -> None:
        super().__init__(config)
        self.encoder = WhisperEncoder(config)
        self.classifier = torch.nn.Linear(config.d_model, len(config.id2label or ()))
        self.domain_heads = torch.nn.ModuleList(torch.nn.Linear(config.d_model, n) for n in config.domain_sizes or ())
        self.post_init()

    def _init_weights(self, module: torch.nn.Module) -> None:
        if isinstance(module, torch.nn.Linear | torch.nn.Conv1d | torch.nn.Embedding):
            torch.nn.init.normal_(module.weight, std=self.config.init_std)
            if isinstance(bias := getattr(module, "bias", None), torch.Tensor):
                torch.nn.init.zeros_(bias)

    def freeze(self, n_layers: int) -> None:
        """Freeze both convolutions and the positions, as the paper does, and the first `n_layers` layers (ours)."""
        lower = self.encoder.layers[:n_layers]
        for module in (self.encoder.conv1, self.encoder.conv2, self.encoder.embed_positions, lower):
            module.requires_grad_(False)

    def forward(
        self,
        input_features: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        domains: torch.Tensor | None = None,
        weights: torch.Tensor | None = None,
        return_frames: bool = False,
        **_: Any,
    ) -> GeneralistOutput:
        """Logits of utterances, and the loss where labels are given.

        `loss = mean_i v_i CE(y_i, logits_i) + sum over domain heads of CE(domain_i)`, the gradient of the latter turned
        round and weighted by `domain_weight` on its way into the encoder.

        Args:
            input_features: log-mel of Whisper's feature extractor, `[B, n_mels, S]`, 10 ms a step.
            attention_mask: 1 where there is sound: `[B, S]`, or of each sample, as pipelines give it.
            labels: soft labels `[B, K]`, or class numbers `[B]`.
            domains: class numbers of each domain head, `[B, D]`.
            weights: `v_i`, `[B]`; 1 where not given.
            return_frames: give the logits of frames too.
        """
        if attention_mask is not None:
            attention_mask = attention_mask[:, :: attention_mask.shape[1] // input_features.shape[-1]]
        if self.training:
            input_features = self._masked(input_features, attention_mask)
        hidden, lengths = self._hidden(input_features, attention_mask)
        pooled = torch.stack([part.mean(0) for part in hidden.split(lengths)])
        logits = self.classifier(pooled)  # of the mean: the same as the mean of the frames' logits, and cheaper
        loss = None
        if labels is not None:
            each = self._label_loss(logits, labels)
            loss = (each if weights is None else weights * each).mean()
            if domains is not None and len(self.domain_heads):
                loss = loss + self._domain_loss(pooled, domains)
        frames = tuple(self._adjusted(self.classifier(hidden)).split(lengths)) if return_frames else None
        return GeneralistOutput(loss=loss, logits=self._adjusted(logits), frame_logits=frames)

    def _hidden(
        self, input_features: torch.Tensor, attention_mask: torch.Tensor | None
    ) -> tuple[torch.Tensor, list[int]]:
        """Final hidden states `[sum T, d]` of the frames that hold sound, and T of each utterance."""
        n_steps = input_features.shape[-1]
        heard = [n_steps] * len(input_features) if attention_mask is None else attention_mask.sum(1).tolist()
        lengths = [-(-int(n) // 2) for n in heard]
        trimmed = self.config.context == "trimmed"
        wanted = [2 * n for n in lengths] if trimmed else [2 * self.config.max_source_positions] * len(lengths)
        mels = [self._fitted(mel.T, n) for mel, n in zip(input_features, wanted, strict=True)]
        kept = list(lengths)
        if self.training and torch.is_autocast_enabled("cpu") and (n_spare := -sum(wanted) // 2 % _ROWS):
            mels.append(mels[0].new_zeros(2 * n_spare, mels[0].shape[1]))
            kept.append(n_spare)
        return encode(self.encoder, mels, kept, len(self.encoder.layers))[: sum(lengths)], lengths

    @staticmethod
    def _fitted(mel: torch.Tensor, n_steps: int) -> torch.Tensor:
        """`[n_steps, n_mels]`; silence behind the sound is at the floor of Whisper's own extractor."""
        mel = mel[:n_steps]
        if len(mel) == n_steps:
            return mel
        silence = (mel.max() - 2).clamp(min=-1.5)
        return torch.cat([mel, silence.expand(n_steps - len(mel), mel.shape[1])])

    def _masked(self, input_features: torch.Tensor, attention_mask: torch.Tensor | None) -> torch.Tensor:
        """SpecAugment (Park et al. 2019), as transformers does it for Whisper; what is shorter than a mask has none."""
        if not self.config.apply_spec_augment or input_features.shape[-1] < self.config.mask_time_length:
            return input_features
        return WhisperModel._mask_input_features(self, input_features.clone(), attention_mask)  # type: ignore[arg-type]

    def _label_loss(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """`CE(y_i, logits_i)`, `[B]`; of shares that need not sum to 1, the mean of each one's binary entropy."""
        if self.config.problem_type == "multi_label_classification":
            return functional.binary_cross_entropy_with_logits(logits, labels, reduction="none").mean(1)
        return functional.cross_entropy(logits, labels, reduction="none")

    def _domain_loss(self, pooled: torch.Tensor, domains: torch.Tensor) -> torch.Tensor:
        turned = _Reversal.apply(pooled, self.config.domain_weight)
        losses = [functional.cross_entropy(head(turned), domains[:, i]) for i, head in enumerate(self.domain_heads)]
        return torch.stack(losses).sum()

    def _adjusted(self, logits: torch.Tensor) -> torch.Tensor:
        if self.training or not self.config.logit_adjustment or self.config.prior is None:
            return logits
        prior: Sequence[float] = self.config.prior
        return logits - self.config.logit_adjustment * torch.tensor(prior, device=logits.device).clamp(min=1e-6).log()


Generalist.register_for_auto_class("AutoModelForAudioClassification")
GeneralistConfig.register_for_auto_class()
