"""The Whisper upstream against transformers' encoder run utterance by utterance."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import Parameter
from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration, WhisperModel
from transformers.models.whisper.modeling_whisper import WhisperEncoder

from sottovoce.errors import UpstreamError, WeightsError
from sottovoce.speech import audio
from sottovoce.upstreams.generalist_network import Generalist
from sottovoce.upstreams.loading import load_upstream
from tests.conftest import tone
from tests.weights.checkpoints import tiny_generalist, tiny_w2v_bert, tiny_whisper, with_trained_norms

TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_trained_norms(tiny_whisper(tmp_path_factory.mktemp("whisper")))


@pytest.fixture(scope="module")
def reference(tiny: Path) -> Any:
    return WhisperForConditionalGeneration.from_pretrained(tiny).model.encoder.eval()


@pytest.fixture(scope="module")
def waveforms() -> list[np.ndarray]:
    return [tone(length_s, seed=seed) for seed, length_s in enumerate((1.0, 3.217, 0.1, 29.99, 30.0))]


def padded_mel(waveform: np.ndarray) -> torch.Tensor:
    return WhisperFeatureExtractor()(waveform, sampling_rate=16_000, return_tensors="pt").input_features


def trimmed_encoder(encoder: Any, n_frames: int) -> Any:
    """Transformers' encoder with its first `n_frames` positions alone."""
    short = copy.deepcopy(encoder)
    short.max_source_positions = short.config.max_source_positions = n_frames
    short.embed_positions.weight = Parameter(short.embed_positions.weight[:n_frames])
    short.embed_positions.num_embeddings = n_frames
    return short


@torch.no_grad()
def test_exact_is_the_padded_encoder(tiny: Path, reference: Any, waveforms: list[np.ndarray]) -> None:
    upstream = load_upstream("whisper", str(tiny), layer="all", context="exact", precision="fp32")
    for waveform, frames in zip(waveforms, upstream.frames(waveforms), strict=True):
        hidden = torch.stack(reference(padded_mel(waveform), output_hidden_states=True).hidden_states, dim=2)[0]
        torch.testing.assert_close(frames, hidden[: len(frames)], atol=TOLERANCE, rtol=0)


@torch.no_grad()
def test_trimmed_is_the_encoder_on_the_sound_alone(tiny: Path, reference: Any, waveforms: list[np.ndarray]) -> None:
    upstream = load_upstream("whisper", str(tiny), layer="all", context="trimmed", precision="fp32")
    for waveform, frames in zip(waveforms, upstream.frames(waveforms), strict=True):
        n = upstream.n_frames(waveform.size)
        short = trimmed_encoder(reference, n)
        hidden = torch.stack(short(padded_mel(waveform)[..., : 2 * n], output_hidden_states=True).hidden_states, dim=2)
        torch.testing.assert_close(frames, hidden[0], atol=TOLERANCE, rtol=0)


@torch.no_grad()
def test_normed_layers_are_what_the_attention_of_the_next_layer_reads(
    tiny: Path, reference: Any, waveforms: list[np.ndarray]
) -> None:
    upstream = load_upstream("whisper", str(tiny), layer="all-normed", context="exact", precision="fp32")
    frames = upstream.frames(waveforms[:1])[0]
    read: list[torch.Tensor] = []
    hooks = [
        layer.self_attn.q_proj.register_forward_pre_hook(lambda _, given: read.append(given[0]))
        for layer in reference.layers
    ]
    last = reference(padded_mel(waveforms[0])).last_hidden_state
    for hook in hooks:
        hook.remove()
    torch.testing.assert_close(frames, torch.stack([*read, last], 2)[0, : len(frames)], atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("context", ["exact", "trimmed"])
def test_a_long_utterance_is_its_windows(tiny: Path, context: Any) -> None:
    upstream = load_upstream("whisper", str(tiny), context=context, precision="fp32")
    waveform = tone(60.01)
    windows = [waveform[:480_000], waveform[480_000:960_000]]
    frames = upstream.frames([waveform])[0]
    assert len(frames) == 3001
    torch.testing.assert_close(frames[:3000], torch.cat(upstream.frames(windows)), atol=2e-5, rtol=0)


@pytest.mark.parametrize("form", ["encoder", "model", "shards", "half"])
def test_every_form_of_checkpoint_gives_the_same(tiny: Path, tmp_path: Path, form: str) -> None:
    if form == "encoder":
        WhisperModel.from_pretrained(tiny).encoder.save_pretrained(tmp_path)
    elif form == "model":
        WhisperModel.from_pretrained(tiny).save_pretrained(tmp_path)
    elif form == "shards":
        WhisperModel.from_pretrained(tiny).save_pretrained(tmp_path, max_shard_size="20KB")
        assert not (tmp_path / "model.safetensors").exists()
    else:
        WhisperModel.from_pretrained(tiny, dtype=torch.float16).save_pretrained(tmp_path)
    given, expected = (load_upstream("whisper", str(each), precision="fp32") for each in (tmp_path, tiny))
    difference = given.frames([tone(1.0)])[0] - expected.frames([tone(1.0)])[0]
    assert difference.abs().max() < (2e-2 if form == "half" else 1e-6)
    assert given.card.revision != expected.card.revision


def test_the_decoder_is_not_kept(tiny: Path) -> None:
    upstream: Any = load_upstream("whisper", str(tiny))
    names = set(upstream._encoder.state_dict())
    assert names == set(WhisperEncoder(WhisperConfig.from_pretrained(tiny)).state_dict())
    assert not any(parameter.requires_grad for parameter in upstream._encoder.parameters())


def test_checkpoints_of_another_kind_are_refused(tmp_path: Path, tiny: Path) -> None:
    with pytest.raises(UpstreamError, match="'wav2vec2-bert', not Whisper; try upstream ssl"):
        load_upstream("whisper", str(tiny_w2v_bert(tmp_path)))
    with pytest.raises(UpstreamError, match="'whisper'; upstream ssl reads data2vec-audio, hubert"):
        load_upstream("ssl", str(tiny))
    with pytest.raises(UpstreamError, match="use exact or trimmed"):
        load_upstream("whisper", str(tiny), context="padded")  # pyright: ignore[reportArgumentType]


def test_a_layer_more_than_the_configuration_says_is_refused(tiny: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny, tmp_path, dirs_exist_ok=True)
    config = tmp_path / "config.json"
    config.write_text(config.read_text().replace('"encoder_layers": 2', '"encoder_layers": 1'))
    with pytest.raises(WeightsError, match=r"holds \d+ tensors .* no place for: layers\.1\."):
        load_upstream("whisper", str(tmp_path))


def test_a_shape_other_than_the_configuration_is_refused(tiny: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny, tmp_path, dirs_exist_ok=True)
    config = tmp_path / "config.json"
    config.write_text(config.read_text().replace('"encoder_ffn_dim": 32', '"encoder_ffn_dim": 48'))
    with pytest.raises(WeightsError, match="cannot be loaded"):
        load_upstream("whisper", str(tmp_path))


@pytest.mark.real
@pytest.mark.slow
@torch.no_grad()
def test_the_real_encoder(whisper_base: Path, real_corpora: Path) -> None:
    """Whisper-base: both contexts are transformers' own; trimmed points nearly the same way after the mean over time.

    Cosine of the means over time, measured: on 40 utterances of EMOVO .975 in the mean and .947 at least; on 8 each
    of EMOVO and RAVDESS .978 and .972 at the final layer, .994 and .993 at layer 3.
    """
    waveforms = [audio.read(path) for path in sorted((real_corpora / "emovo").rglob("*.flac"))[100::250]]
    exact, trimmed = (
        load_upstream("whisper", str(whisper_base), context=context, precision="fp32")
        for context in ("exact", "trimmed")
    )
    encoder: Any = WhisperEncoder.from_pretrained(
        whisper_base, key_mapping={"^model.encoder.": ""}, dtype=torch.float32
    )
    for waveform, padded, own in zip(waveforms, exact.frames(waveforms), trimmed.frames(waveforms), strict=True):
        mel, n = padded_mel(waveform), len(padded)
        torch.testing.assert_close(padded, encoder(mel).last_hidden_state[0, :n], atol=2e-3, rtol=0)
        alone = trimmed_encoder(encoder, n)(mel[..., : 2 * n]).last_hidden_state[0]
        torch.testing.assert_close(own, alone, atol=2e-3, rtol=0)
        assert torch.cosine_similarity(padded.mean(0), own.mean(0), dim=0) > 0.93


def test_a_generalist_hears_as_it_was_trained_and_says_what_it_has_heard(tmp_path: Path) -> None:
    folder = tiny_generalist(tmp_path / "generalist")
    upstream = load_upstream("generalist", str(folder), context="exact", precision="fp32")
    assert upstream.settings["context"] == "trimmed", "its own, whatever is asked for"
    assert upstream.card.trained_on == ("it", "ravdess")
    network = Generalist.from_pretrained(folder).eval()
    sound = tone(1.3)
    mel = padded_mel(sound)[:, :, :130]
    with torch.no_grad():
        hidden, _ = network._hidden(mel, None)
    torch.testing.assert_close(upstream.frames([sound])[0], hidden, atol=TOLERANCE, rtol=0)
    config = json.loads((folder / "config.json").read_text()) | {"context": "exact"}
    (folder / "config.json").write_text(json.dumps(config))
    exact = load_upstream("generalist", str(folder), precision="fp32")
    assert exact.settings["context"] == "exact" and not torch.allclose(exact.frames([sound])[0], hidden, atol=1e-2)


def test_a_generalist_is_no_whisper_and_the_other_way_round(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(UpstreamError, match="try upstream generalist"):
        load_upstream("whisper", str(tiny_generalist(tmp_path)))
    with pytest.raises(UpstreamError, match="try upstream whisper"):
        load_upstream("generalist", str(tiny))
