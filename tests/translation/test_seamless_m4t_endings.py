"""Texts that end within a batch, each at another length, as those of random weights hardly ever do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from sottovoce.speech import audio
from sottovoce.speech.manifest import Utterance
from sottovoce.translation.seamless_m4t import SeamlessM4T, _before
from tests.translation.checkpoints_m4t import tiny_m4t

END = 3


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The last normalisation adds a constant that only the end's row of the output layer sees."""
    folder = tiny_m4t(tmp_path_factory.mktemp("m4t"), max_new_tokens=24)
    weights = load_file(folder / "model.safetensors")
    weights["text_decoder.layer_norm.bias"][0] += 1
    weights["shared.weight"][:, 0] = 0
    weights["shared.weight"][END, 0] = 0.5
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


@pytest.fixture(scope="module")
def utterances(tmp_path_factory: pytest.TempPathFactory) -> list[Utterance]:
    """Ten glides in noise of one length."""
    folder, rng, made = tmp_path_factory.mktemp("sounds"), np.random.default_rng(0), []
    t = np.arange(audio.RATE_HZ) / audio.RATE_HZ
    for i in range(10):
        f0_hz = rng.uniform(90, 250) + 60 * np.sin(2 * np.pi * rng.uniform(1, 5) * t)
        sound = 0.3 * np.sin(2 * np.pi * np.cumsum(f0_hz) / audio.RATE_HZ) + rng.normal(0, 0.02, t.size)
        audio.write(folder / f"{i}.wav", sound.astype(np.float32))
        made.append(Utterance(str(i), str(folder / f"{i}.wav"), "s", "sad", language="en"))
    return made


def test_an_ended_text_sounds_alike_alone_and_beside_longer_ones(checkpoint: Path, utterances, monkeypatch) -> None:
    german = SeamlessM4T("de", str(checkpoint))
    alone = [german.translate([u])[0] for u in utterances]
    ends: list[int] = []
    monkeypatch.setattr(
        "sottovoce.translation.seamless_m4t._before",
        lambda end, tokens: (ends.append(_before(end, tokens)), ends[-1])[1],
    )
    batch = german.translate(utterances)
    assert len(set(ends)) > 3  # or nothing was tested
    for one, other in zip(alone, batch, strict=True):
        assert one.text == other.text and one.error is None is other.error
        assert one.waveform is not None and other.waveform is not None
        assert one.waveform.size == other.waveform.size and np.allclose(one.waveform, other.waveform, atol=1e-4)


@pytest.mark.parametrize(
    ("tokens", "n_before"),
    [
        ([3, 16, 8, 9, 3], 4),
        ([3, 16, 8, 9, 3, 3, 3], 4),  # what transformers 5.23 puts behind the end
        ([3, 16, 8, 9, 3, 0, 0], 4),  # what belongs there
        ([3, 16, 8, 9, 7], 4),  # cut: the last is not read, as in transformers
        ([3, 16, 3], 2),
    ],
)
def test_where_a_text_ends(tokens: list[int], n_before: int) -> None:
    assert _before(END, tokens) == n_before
