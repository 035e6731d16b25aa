"""The self-supervised upstreams against transformers run utterance by utterance with the checkpoint's extractor."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoFeatureExtractor, AutoModel

from sottovoce.errors import UpstreamError, WeightsError
from sottovoce.upstreams.loading import load_upstream
from tests.conftest import tone
from tests.weights.checkpoints import TINY, tiny_hubert, with_trained_norms

KINDS = [kind for kind, (name, _) in TINY.items() if name == "ssl"]


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_frames_are_those_of_the_model_on_one_utterance(kind: str, tmp_path: Path) -> None:
    TINY[kind][1](tmp_path)
    model, extractor = AutoModel.from_pretrained(tmp_path).eval(), AutoFeatureExtractor.from_pretrained(tmp_path)
    upstream = load_upstream("ssl", str(tmp_path), layer="all", precision="fp32")
    for n in (16_000, 16_160, 12_345):  # an even and an odd number of filter-bank frames, and neither
        waveform = tone(1.2)[:n] * 0.3 + np.float32(0.05)
        inputs = extractor(waveform, sampling_rate=16_000, return_tensors="pt")
        output = model(**inputs, output_hidden_states=True)
        hidden = torch.stack((*output.hidden_states[:-1], output.last_hidden_state), dim=2)[0]
        frames = upstream.frames([waveform])[0]
        assert len(hidden) - len(frames) in (0, 1), "at most the half-filled pair of w2v-BERT is dropped"
        torch.testing.assert_close(frames, hidden[: len(frames)], atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_normed_layers_are_what_the_attention_of_the_next_layer_reads(kind: str, tmp_path: Path) -> None:
    weights = str(with_trained_norms(TINY[kind][1](tmp_path)))
    model, extractor = AutoModel.from_pretrained(tmp_path).eval(), AutoFeatureExtractor.from_pretrained(tmp_path)
    upstream = load_upstream("ssl", weights, layer="all-normed", precision="fp32")
    frames = upstream.frames([tone(1.0)])[0]
    if not getattr(model.config, "do_stable_layer_norm", False):  # what the layers give is normed already
        plain = load_upstream("ssl", weights, layer="all", precision="fp32")
        assert torch.equal(frames, plain.frames([tone(1.0)])[0]) and upstream.settings == plain.settings
        return
    read: list[torch.Tensor] = []
    for layer in model.encoder.layers:
        layer.attention.register_forward_pre_hook(
            lambda _, given, named: read.append(given[0] if given else named["hidden_states"]), with_kwargs=True
        )
    last = model(**extractor(tone(1.0), sampling_rate=16_000, return_tensors="pt")).last_hidden_state
    torch.testing.assert_close(frames, torch.stack([*read, last], 2)[0], atol=1e-5, rtol=0)
    assert upstream.settings["layer"] == "all-normed"


@pytest.mark.parametrize("kind", KINDS)
def test_the_last_layer_is_what_the_model_gives(kind: str, tmp_path: Path) -> None:
    TINY[kind][1](tmp_path)
    model, extractor = AutoModel.from_pretrained(tmp_path).eval(), AutoFeatureExtractor.from_pretrained(tmp_path)
    inputs = extractor(tone(1.0), sampling_rate=16_000, return_tensors="pt")
    frames = load_upstream("ssl", str(tmp_path), precision="fp32").frames([tone(1.0)])[0]
    with torch.no_grad():
        torch.testing.assert_close(frames, model(**inputs).last_hidden_state[0, : len(frames)], atol=1e-5, rtol=0)


def test_the_checkpoint_says_how_its_input_is_normalised(tmp_path: Path) -> None:
    tiny_hubert(tmp_path)
    loud, quiet = tone(1.0), tone(1.0) * np.float32(0.2)
    normalised = load_upstream("ssl", str(tmp_path), precision="fp32").frames([loud, quiet])
    torch.testing.assert_close(normalised[0], normalised[1], atol=1e-3, rtol=0)
    settings = tmp_path / "preprocessor_config.json"
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"do_normalize": False}))
    plain = load_upstream("ssl", str(tmp_path), layer=0, precision="fp32").frames([loud])[0]
    assert not torch.allclose(
        plain, load_upstream("ssl", str(tiny_hubert(tmp_path)), layer=0, precision="fp32").frames([loud])[0], atol=1e-3
    )


def test_an_adapter_is_refused(tmp_path: Path) -> None:
    config = tiny_hubert(tmp_path) / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"add_adapter": True}))
    with pytest.raises(UpstreamError, match="ends in an adapter"):
        load_upstream("ssl", str(tmp_path))


def test_no_preprocessor_no_guess(tmp_path: Path) -> None:
    (tiny_hubert(tmp_path) / "preprocessor_config.json").unlink()
    with pytest.raises(UpstreamError, match=r"no usable preprocessor_config\.json"):
        load_upstream("ssl", str(tmp_path))


@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_too_few_or_too_many_is_listed_and_a_head_is_left_alone(kind: str, tmp_path: Path) -> None:
    TINY[kind][1](tmp_path)
    path = tmp_path / "model.safetensors"
    tensors = load_file(path)
    name = next(n for n, t in tensors.items() if "layers.1." in n and n.endswith("weight") and t.ndim == 2)
    lacking = {n: t for n, t in tensors.items() if n != name}
    further = name.replace("layers.1.", "layers.2.")
    for edited, said in (
        (lacking, f"lacks 1 tensors .*: {name}"),
        (tensors | {further: tensors[name].clone()}, f"holds 1 tensors .* no place for: {further}"),
        (tensors | {name: tensors[name][:-1].clone()}, f"speaks of other sizes than {name} have"),
    ):
        save_file(edited, path, metadata={"format": "pt"})
        with pytest.raises(WeightsError, match=said):
            load_upstream("ssl", str(tmp_path))
    save_file(tensors | {"lm_head.weight": torch.zeros(4, 4)}, path, metadata={"format": "pt"})
    load_upstream("ssl", str(tmp_path))


def test_a_tensor_for_training_alone_may_be_missing(tmp_path: Path) -> None:
    path = tiny_hubert(tmp_path) / "model.safetensors"
    expected = load_upstream("ssl", str(tmp_path)).frames([tone(1.0)])[0]
    tensors = load_file(path)
    del tensors["masked_spec_embed"]
    save_file(tensors, path, metadata={"format": "pt"})
    assert torch.equal(load_upstream("ssl", str(tmp_path)).frames([tone(1.0)])[0], expected)


def test_a_long_utterance_is_its_parts(tmp_path: Path) -> None:
    upstream = load_upstream("ssl", str(tiny_hubert(tmp_path)), precision="fp32")
    waveform = tone(61.0)[:-1]
    parts = np.array_split(waveform, 3)
    torch.testing.assert_close(upstream.frames([waveform])[0], torch.cat(upstream.frames(parts)), atol=2e-5, rtol=0)
