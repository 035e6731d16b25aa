"""What an upstream is, and what must be known of one before its numbers can be believed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import torch

from sottovoce.speech.audio import Waveform

if TYPE_CHECKING:
    from sottovoce.upstreams.graphs import Graph

Layer = int | Literal["last", "all", "all-normed"]
"""Which hidden states: an index (0 is what the first transformer layer reads), the final one, all of them, or all of
them normalised as the layers that read them do it (see `layers.normed`)."""


@dataclass(frozen=True)
class UpstreamCard:
    """Facts of one upstream with one set of weights.

    `trained_on` names the corpora of the pretraining or fine-tuning that a target corpus may be part of: a
    table marks such cells as contaminated. `revision` identifies the weights (a digest of the checkpoint's
    tensors and configuration), wherever they lie. `n_layers` counts the hidden states on offer: what the first
    transformer layer reads, and what each layer gives. `hop_s` is the time from frame to frame; 0 where there is one
    frame, of the whole utterance.
    """

    name: str
    weights: str
    revision: str
    dimension: int
    n_layers: int
    hop_s: float
    shortest_s: float
    trained_on: tuple[str, ...]
    licence: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def contaminated(trained_on: Iterable[str], corpora: Iterable[str]) -> list[str]:
    """Those of our corpora that an upstream was trained on, however spelled (CREMA-D, cremad), in whatever version."""
    known = {_plain(name) for name in trained_on}
    return sorted(corpus for corpus in corpora if _plain(corpus) in known)


def _plain(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum()).rstrip("0123456789")


def settings_of(
    card: UpstreamCard, layer: int | None, device: torch.device, *, normed: bool = False, **others: Any
) -> dict[str, Any]:
    """What the frames of every upstream depend on beside the sound (layer None: all), and what one's do as well."""
    every = "all-normed" if normed else "all"
    return {
        "upstream": card.name,
        "revision": card.revision,
        "layer": every if layer is None else layer,
        "device": device.type,
        **others,
    }


@runtime_checkable
class Upstream(Protocol):
    """Audio in, frames out. Frozen: nothing here is trained.

    An utterance gives the same frames alone as in any batch, up to the rounding of the arithmetic.
    """

    card: UpstreamCard

    @property
    def settings(self) -> dict[str, Any]:
        """Everything the frames depend on beside the sound: it becomes part of the key of the feature store."""
        ...

    def n_frames(self, n_samples: int) -> int:
        """How many frames a waveform of `n_samples` at 16 kHz gives; for batching by length, before any work."""
        ...

    def frames(self, waveforms: Sequence[Waveform]) -> list[torch.Tensor]:
        """Frames of each waveform (mono float32 at 16 kHz), in order.

        Returns:
            One CPU float tensor an utterance: `[T, d]` for one layer, `[T, L, d]` for several, without padding.

        Raises:
            UpstreamError: a waveform is shorter than the card's `shortest_s`.
        """
        ...

    def graph(self) -> Graph:
        """Itself for one utterance, as an exporter takes it: see `graphs`.

        Raises:
            UpstreamError: it cannot be exported.
        """
        ...
