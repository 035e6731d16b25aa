"""Names, devices, precisions and folders that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sottovoce.errors import UpstreamError, WeightsError
from sottovoce.recipe.upstream import PRESETS
from sottovoce.upstreams.known import UNKNOWN, facts_of
from sottovoce.upstreams.loading import load_upstream
from sottovoce.weights import arithmetic
from sottovoce.weights.checkpoint import DOWNLOAD_VARIABLE, open_checkpoint
from tests.weights.checkpoints import tiny_whisper


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(DOWNLOAD_VARIABLE, raising=False)


def test_an_unknown_upstream_is_answered_with_the_known() -> None:
    with pytest.raises(UpstreamError, match="logmel, egemaps, whisper, ssl"):
        load_upstream("mfcc")


def test_weights_must_be_given() -> None:
    with pytest.raises(UpstreamError, match="needs weights"):
        load_upstream("whisper")


def test_no_download_unless_allowed() -> None:
    with pytest.raises(WeightsError, match=f"local hub cache .* or set {DOWNLOAD_VARIABLE}=1"):
        load_upstream("whisper", "nobody/has-this-checkpoint")


@pytest.mark.parametrize("weights", ["/no/such/folder", "not a name at all", "../neither"])
def test_a_wrong_path_is_a_clear_error(weights: str) -> None:
    with pytest.raises(WeightsError, match="neither a folder nor in the local hub cache"):
        load_upstream("ssl", weights)


def test_permission_reaches_the_hub_client(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder, asked = tiny_whisper(tmp_path), []

    def snapshot(repository: str, *, allow_patterns: list[str], local_files_only: bool, revision: None) -> str:
        asked.append(local_files_only)
        assert not any(pattern.endswith((".bin", ".pt", "*")) for pattern in allow_patterns)
        return str(folder)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot)
    load_upstream("whisper", "openai/whisper-base")
    load_upstream("whisper", "openai/whisper-base", allow_download=True)
    monkeypatch.setenv(DOWNLOAD_VARIABLE, "1")
    upstream = load_upstream("whisper", "openai/whisper-base")
    assert asked == [True, False, False]
    assert upstream.card.weights == "openai/whisper-base"
    assert upstream.card.licence == "Apache-2.0" and "web audio" in upstream.card.trained_on[0]


def test_weights_that_can_run_code_are_refused(tmp_path: Path) -> None:
    (tiny_whisper(tmp_path) / "model.safetensors").rename(tmp_path / "pytorch_model.bin")
    with pytest.raises(WeightsError, match=r"lacks model\.safetensors.*save_pretrained"):
        load_upstream("whisper", str(tmp_path))


@pytest.mark.parametrize("preset", ["wavlm-large", "xls-r-300m"])
def test_where_a_main_branch_holds_a_pickle_alone_the_commit_with_safetensors_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, preset: str
) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    monkeypatch.setattr("sottovoce.weights.checkpoint._from_hub", lambda *_: tmp_path)
    known = PRESETS[preset]
    with pytest.raises(WeightsError, match=f"{known.weights} has them in revision {known.revision}.*preset {preset}"):
        load_upstream("ssl", known.weights)
    with pytest.raises(WeightsError, match=r"can run code\. Convert"):
        load_upstream("ssl", f"somebody/{preset}-finetuned")


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    (tiny_whisper(tmp_path) / "model.safetensors").rename(tmp_path / "model-1.safetensors")
    index = '{"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}'
    (tmp_path / "model.safetensors.index.json").write_text(index)
    with pytest.raises(WeightsError, match=r"lacks model-2\.safetensors\."):
        open_checkpoint(str(tmp_path))


@pytest.mark.parametrize("content", [b"", b"no tensors", b"\xff" * 64])
def test_a_damaged_file_is_an_error_of_the_upstream(tmp_path: Path, content: bytes) -> None:
    (tiny_whisper(tmp_path) / "model.safetensors").write_bytes(content)
    with pytest.raises(WeightsError, match="cannot be loaded"):
        load_upstream("whisper", str(tmp_path))


def test_a_folder_without_configuration(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"holds no config\.json"):
        load_upstream("ssl", str(tmp_path))


def test_devices_and_precisions(tmp_path: Path) -> None:
    folder = str(tiny_whisper(tmp_path))
    with pytest.raises(WeightsError, match="use auto, fp32 or bf16"):
        load_upstream("whisper", folder, precision="fp16")  # pyright: ignore[reportArgumentType]
    with pytest.raises(WeightsError, match="is no device"):
        load_upstream("whisper", folder, device="abacus")
    if not torch.cuda.is_available():
        with pytest.raises(WeightsError, match="no GPU here; use cpu"):
            load_upstream("whisper", folder, device="cuda")


@pytest.mark.parametrize(
    ("capabilities", "expected"), [({}, "fp32"), ({"avx512_bf16": True}, "bf16"), ({"amx_bf16": True}, "bf16")]
)
def test_auto_is_bf16_where_the_processor_has_it(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool], expected: str
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert arithmetic.resolve_precision("auto", torch.device("cpu")) == expected


def test_facts_are_of_the_exact_name_alone() -> None:
    assert facts_of("facebook/wav2vec2-xls-r-300m").trained_on[0] == "VoxPopuli"
    assert facts_of("microsoft/wavlm-large").trained_on == ("Libri-Light", "GigaSpeech", "VoxPopuli")
    assert facts_of("somebody/whisper-base-emovo") == facts_of("/models/whisper-base") == UNKNOWN
