"""The expressivity encoder from its published names, and Kaldi's filter bank against another writing of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional
from transformers import SeamlessM4TFeatureExtractor

from sottovoce.errors import WeightsError
from sottovoce.upstreams import kaldi
from sottovoce.upstreams.gcmvn import MEAN, STD
from sottovoce.upstreams.loading import load_upstream
from tests.conftest import tone
from tests.weights import published
from tests.weights.published import change, published_expressivity, repeated


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return published_expressivity(tmp_path_factory.mktemp("pretssel"))


@pytest.mark.parametrize("n_samples", [400, 559, 560, 1600, 16_123])
def test_the_filter_bank_is_kaldis(n_samples: int) -> None:
    extractor = SeamlessM4TFeatureExtractor()  # transformers' own of the same front end, without normalisation here
    waveform = (tone(1.1) * 0.3 + np.float32(0.05))[:n_samples]
    expected = extractor._extract_fbank_features(waveform)
    given = kaldi.Fbank()(torch.from_numpy(waveform)).numpy()
    assert given.shape == expected.shape == (kaldi.n_frames(n_samples), 80)
    np.testing.assert_allclose(given, expected, atol=2e-3)


def test_the_published_statistics_are_eighty_and_plausible() -> None:
    assert len(MEAN) == len(STD) == 80 and min(STD) > 3
    assert (MEAN[0], MEAN[-1], STD[0], STD[-1]) == (9.023406, 12.44373, 3.729249, 3.867393)


@pytest.mark.parametrize(
    ("name", "wrap"),
    [
        ("pretssel_melhifigan_wm.pt", published.in_pretssel),
        ("pretssel_melhifigan_wm-final.pt", published.in_pretssel),
        ("m2m_expressive_unity.pt", lambda own: {"model": {f"prosody_encoder_model.{k}": t for k, t in own.items()}}),
        ("m2m_expressive_unity.pt", lambda own: {"model": {f"global_prosody.{k}": t for k, t in own.items()}}),
        ("pretssel_melhifigan_wm-16khz.pt", lambda own: own),
    ],
)
def test_the_published_names_and_shapes_load_completely(
    name: str, wrap: Callable[[published.Tensors], object], tmp_path: Path
) -> None:
    tensors = published.expressivity_tensors(repeated)
    assert len(tensors) == 138 and sum(t.numel() for t in tensors.values()) == 7_177_408
    torch.save(wrap(tensors), tmp_path / name)
    card = load_upstream("expressivity", str(tmp_path)).card
    assert (card.dimension, card.n_layers, card.hop_s) == (512, 1, 0.0)
    assert "non-commercial" in card.licence and "not verified" in card.trained_on[0]


def test_what_is_missing_or_too_much_is_listed(tmp_path: Path) -> None:
    torch.save(published.in_pretssel(published.expressivity_tensors(repeated)), tmp_path / "pretssel_melhifigan_wm.pt")

    def edit(tensors: published.Tensors) -> None:
        del tensors["encoder_frontend.prosody_encoder.fc.bias"]
        tensors["encoder_frontend.prosody_encoder.blocks.1.shortcut.weight"] = torch.zeros(1)

    change(tmp_path, edit)
    with pytest.raises(WeightsError, match=r"1 missing: fc\.bias; 1 not of this network: blocks\.1\.shortcut\.weight"):
        load_upstream("expressivity", str(tmp_path))


def test_the_vector_is_what_the_frames_pool_to(folder: Path) -> None:
    frames = load_upstream("expressivity-frames", str(folder), precision="fp32").frames([tone(0.7)])[0]
    pooled = load_upstream("expressivity", str(folder), precision="fp32").frames([tone(0.7)])[0]
    assert frames.shape == (kaldi.n_frames(11_200), 1536) and pooled.shape == (1, 512)
    assert float(pooled.norm()) == pytest.approx(1, abs=1e-5)
    T = {
        name.removeprefix("encoder_frontend.prosody_encoder."): tensor
        for name, tensor in torch.load(folder / "pretssel_melhifigan_wm.pt", weights_only=True)["model"].items()
    }

    def at(x: torch.Tensor, name: str) -> torch.Tensor:
        return x @ T[f"{name}.weight"][:, :, 0].T + T[f"{name}.bias"]

    # Attentive statistics pooling (Desplanques et al. 2020, section 3.1), written out over [T, C]
    spread = frames.var(0, correction=0).sqrt()
    context = torch.cat([frames, frames.mean(0).expand_as(frames), spread.expand_as(frames)], dim=1)
    hidden = functional.relu(at(context, "asp.tdnn.conv"))
    hidden = functional.layer_norm(hidden, (128,), T["asp.tdnn.norm.weight"], T["asp.tdnn.norm.bias"], eps=1e-12)
    weights = at(hidden.tanh(), "asp.conv").softmax(0)
    mean = (weights * frames).sum(0)
    deviation = (weights * (frames - mean) ** 2).sum(0).clamp(min=1e-12).sqrt()
    statistics = torch.cat([mean, deviation])
    statistics = functional.layer_norm(statistics, (3072,), T["asp_norm.weight"], T["asp_norm.bias"], eps=1e-12)
    expected = functional.normalize(at(statistics[None], "fc"), dim=-1)
    torch.testing.assert_close(pooled, expected, atol=1e-5, rtol=0)


def test_what_was_published_is_not_on_the_hub() -> None:
    with pytest.raises(WeightsError, match="neither a folder"):
        load_upstream("expressivity", "facebook/seamless-expressive")
