"""What can be asked of every trained model, whether a run left it or `sottovoce train`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from sottovoce.errors import SottovoceError, UpstreamError
from sottovoce.judging import abstention
from sottovoce.speech import audio
from sottovoce.speech.audio import RATE_HZ, Waveform
from sottovoce.upstreams.card import Upstream
from sottovoce.upstreams.sounds import Batch, by_length, in_order
from sottovoce.use.config import Reliance, ToldMeasure
from sottovoce.use.windows import Part
from sottovoce.weights.arithmetic import one_core_each


class Model(Protocol):
    """An upstream, and what makes probabilities of its frames.

    `digest` identifies everything that its answers depend on beside the sound and the upstream.
    """

    upstream: Upstream
    digest: str

    @property
    def emotions(self) -> tuple[str, ...]:
        """The classes, in the order of the columns of probabilities."""
        ...

    @property
    def measures(self) -> Sequence[ToldMeasure]:
        """What it says in place of emotions: then the names of these are its `emotions`. Empty for most models."""
        return ()

    @property
    def languages(self) -> Sequence[str]:
        """Those that it has heard in training, ISO 639-1; empty where that is not known."""
        ...

    @property
    def reliance(self) -> Reliance | None:
        """How far to rely on it, as speakers it had not heard have shown; None where nobody has measured that."""
        ...

    def answer(self, waveforms: Sequence[Waveform], parts: Sequence[Part] | None = None) -> NDArray[np.float64]:
        """As `probabilities`, in one batch."""
        ...

    def predict(self, *paths: str | Path) -> list[dict[str, float]]:
        """Probability of each emotion for each recording, by name, from 0 to 1; calibrated where there is `reliance`.

        A model of measures says each measure in the units of its target.

        One recording is held in memory at a time; for many files in parallel see `use.predicting`.

        Raises:
            AudioError: a recording cannot be used; the message names it.
            UpstreamError: it is shorter than the upstream needs.
        """
        rows = [self.probabilities([audio.read(path)])[0] for path in paths]
        return [dict(zip(self.emotions, row.tolist(), strict=True)) for row in rows]

    def probabilities(self, waveforms: Sequence[Waveform], parts: Sequence[Part] | None = None) -> NDArray[np.float64]:
        """Probabilities of recordings in memory, calibrated where there is `reliance`.

        Args:
            waveforms: mono float32 at 16 kHz, of any lengths.
            parts: of each, what the answer is about: all of it is heard, and the frames of this part are averaged.

        Returns:
            `[n, K]`, rows in the order given, columns in that of `emotions`.

        Raises:
            UpstreamError: a waveform is shorter than the upstream's card says.
        """
        made = np.empty((len(waveforms), len(self.emotions)))
        batches = list(by_length(self.upstream, waveforms))
        if len(batches) == 1:  # then it may have all cores
            return self.answer(waveforms, parts)
        for batch, part in self.answers(batches, parts):
            made[[position for position, _ in batch]] = part
        return made

    def answers(
        self, batches: Iterable[Batch], parts: Sequence[Part] | None = None
    ) -> Iterator[tuple[Batch, NDArray[np.float64]]]:
        """Each batch with its probabilities `[n, K]` as it is done; every core takes batches of its own."""

        def work(batch: Batch) -> tuple[Batch, NDArray[np.float64]]:
            own = None if parts is None else [parts[position] for position, _ in batch]
            return batch, self.answer([waveform for _, waveform in batch], own)

        with one_core_each(self.upstream.settings.get("device", "cpu")) as cores:
            yield from in_order(cores, work, batches, ahead=cores.number)

    def frames(self, waveforms: Sequence[Waveform], parts: Sequence[Part] | None = None) -> list[torch.Tensor]:
        """The upstream's frames of each waveform, or those that a part of it has a share in."""
        frames = self.upstream.frames(waveforms)
        if parts is None:
            return frames
        hop = round(self.upstream.card.hop_s * RATE_HZ)
        if not hop:
            name = self.upstream.card.name
            raise UpstreamError(f"{name} gives one vector of all it hears, none of a part: leave out --average step")
        return [each[first // hop : -(-last // hop)] for each, (first, last) in zip(frames, parts, strict=True)]

    def rule(self, error_rate: float | None = None) -> abstention.Step | None:
        """Below which confidence the model is unsure, so that at most `error_rate` of its answers are wrong.

        Args:
            error_rate: None for the model's default, see `abstention.default_error_rate`.

        Returns:
            None where no such promise can be made: see `abstention.least_error_rate` for what can.
        """
        if self.reliance is None:
            return None
        steps = self.reliance.steps
        wanted = abstention.default_error_rate(steps) if error_rate is None else error_rate
        return None if wanted is None else abstention.chosen(steps, wanted)


def require_emotions(model: Model, what: str) -> None:
    """Refuse a model of measures where only emotions can be shown.

    Raises:
        SottovoceError: it says measures.
    """
    if model.measures:
        raise SottovoceError(
            f"this model says {', '.join(model.emotions)}, and {what} shows emotions: use it with 'sottovoce predict'"
        )
