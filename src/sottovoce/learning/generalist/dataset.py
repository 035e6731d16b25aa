"""What the generalist hears of a manifest: sounds, augmented anew in every epoch, as log-mel, with soft labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional
from torch.utils.data import Dataset

from sottovoce.augmentation import augment
from sottovoce.recipe.augmentation import Augmentation
from sottovoce.speech import audio
from sottovoce.speech.audio import RATE_HZ, Waveform
from sottovoce.speech.manifest import Manifest, Utterance
from sottovoce.upstreams.mel import MEL_HOP, silence, whisper_mel


class SpeechDataset(Dataset):
    """One utterance at a time: `mel [F, n_mels]`, of which the first `n_steps` hold the sound, and for training `labels
    [K]`, `domains [D]` and `weights`.

    Of a sound longer than `longest_s` the first part is heard. The augmentation of an utterance depends on its id, the
    seed and the epoch. Worker processes start anew with each epoch, so that they know which it is.
    """

    def __init__(
        self,
        manifest: Manifest,
        n_mels: int,
        *,
        labels: NDArray[np.float64] | None = None,
        domains: NDArray[np.int64] | None = None,
        weights: NDArray[np.float64] | None = None,
        augmentation: Augmentation | None = None,
        seed: int = 0,
        longest_s: float = 30.0,
    ) -> None:
        self._utterances, self._n_mels, self._longest_s = manifest.utterances, n_mels, longest_s
        self._targets: dict[str, torch.Tensor] = {}
        if labels is not None:
            self._targets["labels"] = torch.tensor(labels, dtype=torch.float32)
        if domains is not None:
            self._targets["domains"] = torch.tensor(domains)
        if weights is not None:
            self._targets["weights"] = torch.tensor(weights, dtype=torch.float32)
        self._augmentation, self._seed, self._epoch = augmentation, seed, 0

    @cached_property
    def durations_s(self) -> list[float]:
        """Seconds that are heard of each utterance; every file is opened for it, so training does not ask."""
        return [_duration_s(u, self._longest_s) for u in self._utterances]

    def __len__(self) -> int:
        return len(self._utterances)

    def set_epoch(self, epoch: int) -> None:
        """Draw other augmentations from now on; to be told before worker processes start."""
        self._epoch = epoch

    def __getitem__(self, i: int) -> dict[str, torch.Tensor]:
        sound = torch.from_numpy(self._sound(self._utterances[i]))
        mel = whisper_mel(sound, self._n_mels, round(self._longest_s * RATE_HZ))
        n_steps = torch.tensor(2 * -(-len(sound) // (2 * MEL_HOP)))
        return {"mel": mel, "n_steps": n_steps, **{name: target[i] for name, target in self._targets.items()}}

    def _sound(self, utterance: Utterance) -> Waveform:
        start_s = utterance.start_s or 0.0
        end_s = min(utterance.end_s or np.inf, start_s + self._longest_s)
        sound = audio.read(utterance.path, start_s=start_s, end_s=float(end_s))
        if self._augmentation is None:
            return sound
        return augment(
            sound,
            RATE_HZ,
            self._augmentation,
            utterance_id=f"{utterance.corpus}/{utterance.id}",
            epoch=self._epoch,
            seed=self._seed,
        )


def collate(utterances: Sequence[Mapping[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """A batch as `upstreams.generalist_network` takes it: `input_features [B, n_mels, S]`, `attention_mask [B, S]`."""
    mels = [each["mel"] for each in utterances]
    longest = max(len(mel) for mel in mels)
    features = torch.stack([functional.pad(mel.T, (0, longest - len(mel)), value=silence(mel)) for mel in mels])
    mask = torch.arange(features.shape[-1]) < torch.stack([each["n_steps"] for each in utterances])[:, None]
    targets = {n: torch.stack([each[n] for each in utterances]) for n in utterances[0] if n not in ("mel", "n_steps")}
    return {"input_features": features, "attention_mask": mask.long(), **targets}


def domains_of(manifest: Manifest, kinds: Sequence[str]) -> tuple[NDArray[np.int64], list[int]]:
    """Class numbers `[utterance, kind]` and how many classes each kind has; a speaker belongs to a corpus."""
    names = {
        "corpus": [u.corpus for u in manifest],
        "speaker": [f"{u.corpus}/{u.speaker}" for u in manifest],
    }
    columns, sizes = [], []
    for kind in kinds:
        known, numbers = np.unique(names[kind], return_inverse=True)
        columns.append(numbers)
        sizes.append(len(known))
    return np.array(columns, np.int64).reshape(len(kinds), len(manifest)).T, sizes


def balanced(manifest: Manifest, labels: NDArray[np.float64], balance: str) -> NDArray[np.float64]:
    """Weights `[utterance]` of mean 1 under which corpora, or classes, or both count alike.

    A class's share is the sum of its soft labels; an utterance counts as its classes do, by its soft label. For `both`
    the product of the two weights is taken.
    """
    weights = np.ones(len(manifest))
    if balance in ("corpus", "both"):
        _, numbers, counts = np.unique([u.corpus for u in manifest], return_inverse=True, return_counts=True)
        weights /= counts[numbers]
    if balance in ("class", "both"):
        shares = labels.sum(0)
        weights *= labels @ np.divide(1.0, shares, out=np.zeros_like(shares), where=shares > 0)
    return weights / weights.mean()


def _duration_s(utterance: Utterance, longest_s: float) -> float:
    end_s = utterance.end_s or audio.probe(utterance.path).duration_s
    return min(longest_s, end_s - (utterance.start_s or 0.0))
