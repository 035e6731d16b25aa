"""emotion2vec from its published names and shapes, and the arithmetic against the same written out by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from torch.nn import functional

from sottovoce.errors import UpstreamError, WeightsError
from sottovoce.upstreams.emotion2vec_network import alibi_slopes, stages_of
from sottovoce.upstreams.loading import load_upstream
from tests.conftest import tone
from tests.weights import published
from tests.weights.published import change, repeated, tiny_emotion2vec


def write(folder: Path, content: Any, settings: Any, name: str = "model.pt") -> Path:
    torch.save(content, folder / name)
    (folder / "config.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("dimension", "heads", "inside", "name"),
    [
        (768, 12, False, "emotion2vec_base.pt"),
        (768, 12, True, "model.pt"),  # emotion2vec+ seed and base
        (1024, 16, True, "model.pt"),  # emotion2vec+ large: 185 tensors
    ],
)
def test_the_published_names_and_shapes_load_completely(
    dimension: int, heads: int, inside: bool, name: str, tmp_path: Path
) -> None:
    tensors = published.emotion2vec_tensors(dimension, heads, repeated)
    assert len(tensors) == 183
    if inside:
        content: Any = {"state_dict": published.classified(tensors, dimension, repeated)}
    else:
        # as fairseq writes it, which keeps what only pretraining needs
        own = tensors | published.decoder_tensors(dimension, repeated)
        content = {"args": None, "model": {**own, "_ema": {"blocks.0.norm1.weight": torch.zeros(4)}}}
    write(tmp_path, content, published.emotion2vec_settings(dimension, heads), name)
    card = load_upstream("emotion2vec", str(tmp_path), layer="all", precision="fp32").card
    assert (card.dimension, card.n_layers, card.hop_s) == (dimension, 13, 0.02)
    assert card.trained_on == ("unknown",), "a folder proves nothing"


def test_what_is_missing_of_another_name_or_shape_is_listed(tmp_path: Path) -> None:
    tiny_emotion2vec(tmp_path)

    def edit(tensors: published.Tensors) -> None:
        del tensors["d2v_model.blocks.0.mlp.fc2.bias"]
        tensors["d2v_model.blocks.7.norm1.weight"] = torch.zeros(16)
        tensors["text_encoder.weight"] = torch.zeros(2)
        tensors["d2v_model.blocks.0.norm2.bias"] = torch.zeros(15)

    change(tmp_path, edit)
    with pytest.raises(WeightsError) as problem:
        load_upstream("emotion2vec", str(tmp_path))
    said = str(problem.value)
    assert "1 missing: blocks.0.mlp.fc2.bias" in said
    assert "2 not of this network: blocks.7.norm1.weight, text_encoder.weight" in said
    assert "1 of another shape: blocks.0.norm2.bias [15] for [16]" in said


def test_safetensors_with_the_same_names_give_the_same_frames(tmp_path: Path) -> None:
    expected = load_upstream("emotion2vec", str(tiny_emotion2vec(tmp_path)), precision="fp32").frames([tone(0.5)])
    published.as_safetensors(tmp_path)
    given = load_upstream("emotion2vec", str(tmp_path), precision="fp32").frames([tone(0.5)])
    assert torch.equal(given[0], expected[0])


def test_a_checkpoint_of_fairseq_says_itself_what_it_is_like(tmp_path: Path) -> None:
    expected = load_upstream("emotion2vec", str(tiny_emotion2vec(tmp_path)), precision="fp32").frames([tone(0.5)])
    (tmp_path / "config.yaml").unlink()
    content = torch.load(tmp_path / "model.pt", weights_only=True)
    with pytest.raises(WeightsError, match=r"config\.yaml is not beside model\.pt"):
        load_upstream("emotion2vec", str(tmp_path))
    model = published.emotion2vec_settings(16, 2, depth=1, prenet=1, channels=8)["model_conf"]
    normalize = model.pop("normalize")
    content["cfg"] = {"model": model, "task": {"_name": "audio_pretraining", "normalize": normalize}}
    torch.save(content, tmp_path / "model.pt")
    given = load_upstream("emotion2vec", str(tmp_path), precision="fp32").frames([tone(0.5)])
    assert torch.equal(given[0], expected[0])


class _Evil:
    def __reduce__(self) -> Any:
        return (Path.touch, (Path("evil"),))


def test_code_in_a_pickle_is_refused_and_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tiny_emotion2vec(tmp_path)
    content = torch.load(tmp_path / "model.pt", weights_only=True)
    torch.save(content | {"cfg": _Evil()}, tmp_path / "model.pt")
    with pytest.raises(WeightsError, match=r"could run code: refused\. .* model\.safetensors"):
        load_upstream("emotion2vec", str(tmp_path))
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("content", [b"", b"no tensors", b"PK\x03\x04" + bytes(64)])
def test_a_damaged_file_is_one_clear_line(content: bytes, tmp_path: Path) -> None:
    (tiny_emotion2vec(tmp_path) / "model.pt").write_bytes(content)
    with pytest.raises(WeightsError) as problem:
        load_upstream("emotion2vec", str(tmp_path))
    assert "\n" not in str(problem.value)


@pytest.mark.parametrize(
    ("where", "setting", "said"),
    [
        ("model", "Paraformer", "kind 'Paraformer'"),
        ("model_conf.layer_norm_first", True, "layer_norm_first"),
        ("model_conf.depth", 10**9, "depth"),
        ("model_conf.num_heads", 3, "num_heads"),
        ("model_conf.modalities.audio.feature_encoder_spec", "__import__('os').system('true')", "feature_encoder_spec"),
        ("model_conf.modalities.audio.extractor_mode", "default", "extractor_mode"),
    ],
)
def test_settings_that_were_never_published_are_refused(where: str, setting: Any, said: str, tmp_path: Path) -> None:
    path = tiny_emotion2vec(tmp_path) / "config.yaml"
    settings = tree = yaml.safe_load(path.read_text())
    *parents, last = where.split(".")
    for parent in parents:
        tree = tree[parent]
    tree[last] = setting
    path.write_text(yaml.safe_dump(settings))
    with pytest.raises((UpstreamError, WeightsError), match=said):
        load_upstream("emotion2vec", str(tmp_path))


def test_a_folder_without_a_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"holds none of model\.safetensors, model\.pt, emotion2vec_base\.pt"):
        load_upstream("emotion2vec", str(tmp_path))


def test_convolutions_are_read_from_the_expression() -> None:
    spec = "[(512, 10, 5)] + [(512, 3, 2)] * 4 + [(512,2,2)] + [(512,2,2)]"
    assert stages_of(spec) == [(512, 10, 5), *[(512, 3, 2)] * 4, *[(512, 2, 2)] * 2]
    for wrong in ("", "[]", "[(1, 2)]", "[(1, 2, 0)]", "[(1, 2, 3)] ** 9", "[(1, 2, 3)] * 4 + 1"):
        with pytest.raises(ValueError, match=r"write lists|a convolution needs"):
            stages_of(wrong)


def test_slopes_of_attention() -> None:
    assert alibi_slopes(8) == [1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32, 1 / 64, 1 / 128, 1 / 256]
    assert alibi_slopes(16)[0] == pytest.approx(2**-0.5)
    # twelve: those of eight heads, then every other one of sixteen
    assert alibi_slopes(12)[8:] == pytest.approx([2**-0.5, 2**-1.5, 2**-2.5, 2**-3.5])


@torch.no_grad()
def test_the_last_layer_is_the_arithmetic_written_out(tmp_path: Path) -> None:
    """One utterance, product by product, from the tensors by their published names."""
    waveform = tone(0.3) * np.float32(0.2)
    frames = load_upstream("emotion2vec", str(tiny_emotion2vec(tmp_path)), precision="fp32").frames([waveform])[0]
    held = torch.load(tmp_path / "model.pt", weights_only=True)["model"]
    T = {name.removeprefix("d2v_model."): tensor for name, tensor in held.items()}
    audio = "modality_encoders.AUDIO"

    def norm(x: torch.Tensor, name: str) -> torch.Tensor:
        return functional.layer_norm(x, x.shape[-1:], T[f"{name}.weight"], T[f"{name}.bias"])

    def linear(x: torch.Tensor, name: str) -> torch.Tensor:
        return x @ T[f"{name}.weight"].T + T[f"{name}.bias"]

    x = torch.tensor(waveform)
    x = ((x - x.mean()) / (x.var(correction=0) + 1e-5).sqrt())[None]
    for number, stride in enumerate((5, 2, 2, 2, 2, 2, 2)):
        x = functional.conv1d(x, T[f"{audio}.local_encoder.conv_layers.{number}.0.weight"], stride=stride)
        x = functional.gelu(norm(x.T, f"{audio}.local_encoder.conv_layers.{number}.2.1")).T
    x = linear(norm(x.T, f"{audio}.project_features.1"), f"{audio}.project_features.2")
    places = x.T
    for number in range(1, 6):
        name = f"{audio}.relative_positional_encoder.{number}.0"
        places = functional.conv1d(places, T[f"{name}.weight"], T[f"{name}.bias"], padding=9, groups=16)
        places = functional.gelu(functional.layer_norm(places.T, (16,))).T
    x = norm(torch.cat([T[f"{audio}.extra_tokens"][0], x + places.T]), f"{audio}.context_encoder.norm")
    scale, n = T[f"{audio}.alibi_scale"].flatten().clamp(min=0), len(frames)
    bias = torch.zeros(2, n + 10, n + 10)
    for head, slope in enumerate((2**-4, 2**-8)):
        for i in range(n):
            for j in range(n):
                bias[head, 10 + i, 10 + j] = -abs(i - j) * slope * scale[head]
    for block in (f"{audio}.context_encoder.blocks.0", "blocks.0"):
        q, k, v = linear(x, f"{block}.attn.qkv").view(-1, 3, 2, 8).permute(1, 2, 0, 3)
        heard = ((q @ k.transpose(1, 2) / 8**0.5 + bias).softmax(-1) @ v).transpose(0, 1).flatten(1)
        x = norm(x + linear(heard, f"{block}.attn.proj"), f"{block}.norm1")
        x = norm(x + linear(functional.gelu(linear(x, f"{block}.mlp.fc1")), f"{block}.mlp.fc2"), f"{block}.norm2")
    torch.testing.assert_close(frames, x[10:], atol=1e-4, rtol=0)
