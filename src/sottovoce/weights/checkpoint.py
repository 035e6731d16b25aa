"""A checkpoint on disk, opened safely: safetensors alone, no network unless allowed, no tensor left at random."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath
from typing import Any

import torch

from sottovoce.errors import WeightsError
from sottovoce.recipe.upstream import PRESETS

DOWNLOAD_VARIABLE = "SOTTOVOCE_ALLOW_DOWNLOAD"

_WHOLE = "model.safetensors"
_INDEX = "model.safetensors.index.json"
_SETTINGS = ("config.json", "preprocessor_config.json")
_LANGUAGE = (
    "generation_config.json",
    "processor_config.json",
    "tokenizer_config.json",
    "tokenizer.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "normalizer.json",
    "vocab.json",
    "vocab.txt",
    "target_vocab.json",
    "merges.txt",
    "sentencepiece.bpe.model",
    "spiece.model",
    "source.spm",
    "target.spm",
)
"""What turns text into numbers and back, and what generation depends on."""

_WANTED = (*_SETTINGS, *_LANGUAGE, _WHOLE, _INDEX, "model-*.safetensors")


@dataclass(frozen=True)
class Checkpoint:
    """A folder in the layout of Hugging Face. `weights` is what the user called it: a hub id or the folder."""

    weights: str
    folder: Path

    @cached_property
    def config(self) -> dict[str, Any]:
        """What `config.json` says."""
        return _read_json(self.folder / "config.json")

    def read_json(self, name: str) -> dict[str, Any]:
        """What another JSON file of the folder says; nothing where there is none."""
        path = self.folder / name
        return _read_json(path) if path.is_file() else {}

    @cached_property
    def revision(self) -> str:
        """Digest of the tensors, the configuration and the input's normalisation: all that the frames depend on."""
        digest = hashlib.blake2b(digest_size=16)
        for path in (*self._present(_SETTINGS), *_tensor_files(self.folder)):
            digest.update(_digest(path))
        return digest.hexdigest()

    @property
    def tensor_files(self) -> list[Path]:
        """The files of safetensors."""
        return _tensor_files(self.folder)

    @property
    def adapters(self) -> dict[str, Path]:
        """Weights of single languages in files of their own, as MMS has them and by its names: `urd-script_arabic`."""
        return {path.name.split(".")[1]: path for path in sorted(self.folder.glob("adapter.*.safetensors"))}

    @cached_property
    def language_revision(self) -> str:
        """Digest of all that text or speech depends on: `revision`, adapters, and the tokenizer and its like."""
        digest = hashlib.blake2b(self.revision.encode(), digest_size=16)
        for path in (*self._present(_LANGUAGE), *self.adapters.values()):
            digest.update(path.name.encode() + _digest(path))
        return digest.hexdigest()

    def _present(self, names: Sequence[str]) -> list[Path]:
        return [self.folder / name for name in names if (self.folder / name).is_file()]


def open_checkpoint(weights: str, *, allow_download: bool = False, revision: str | None = None) -> Checkpoint:
    """Find the weights in a folder, in the local hub cache, or, where that is allowed, on the hub.

    Args:
        weights: a folder, or a hub id such as `openai/whisper-base`.
        allow_download: permit the network; the environment variable `SOTTOVOCE_ALLOW_DOWNLOAD=1` does too.
        revision: a commit or branch on the hub; None for its main branch.

    Raises:
        WeightsError: not there, or there without a configuration or without safetensors, or damaged.
    """
    folder = find_folder(weights, _WANTED, allow_download=allow_download, revision=revision)
    if not (folder / "config.json").is_file():
        raise WeightsError(f"{folder} holds no config.json, so it is no checkpoint in the layout of Hugging Face")
    absent = [path.name for path in _tensor_files(folder) if not path.is_file()]
    if absent:
        hint = _with_safetensors(weights, revision) if any(folder.glob("pytorch_model*")) else ""
        raise WeightsError(
            f"{folder} lacks {', '.join(absent)}. Weights are read from safetensors alone, because other formats can "
            f"run code. {hint}Convert with transformers: load the model and its feature "
            "extractor with from_pretrained and write both to a folder with save_pretrained"
        )
    return Checkpoint(weights, folder)


def _with_safetensors(weights: str, revision: str | None) -> str:
    """A word on the commit that holds them, where a preset names another of the same checkpoint; else nothing."""
    for name, preset in PRESETS.items():
        if PurePath(preset.weights).name == PurePath(weights).name and revision != preset.revision:
            return f"The hub's {preset.weights} has them in revision {preset.revision}: that is preset {name}. "
    return ""


def find_folder(
    weights: str, files: Sequence[str], *, allow_download: bool = False, revision: str | None = None
) -> Path:
    """The folder of that name, or that of a hub id in the local cache, fetched first where that is allowed.

    Args:
        weights: a folder or a hub id.
        files: names and patterns of what is fetched.
        allow_download: as in `open_checkpoint`, and so is `revision`.
        revision: see there.

    Raises:
        WeightsError: there is none, or it cannot be had.
    """
    folder = Path(weights).expanduser()
    if folder.is_dir():
        return folder
    allowed = allow_download or os.environ.get(DOWNLOAD_VARIABLE, "0") not in ("", "0")
    return _from_hub(weights, allowed, files, revision)


def in_hub_cache(weights: str) -> bool:
    """Whether a hub id can be opened without the network."""
    folder = cached(weights)
    if folder is None:
        return False
    return (folder / "config.json").is_file() and all(path.is_file() for path in _tensor_files(folder))


def cached(weights: str, revision: str | None = None) -> Path | None:
    """The folder of a hub id in the local cache, whole or not; never asks the network."""
    try:
        return _from_hub(weights, False, _WANTED, revision)
    except WeightsError:
        return None


def load_complete(
    model_class: Any,
    checkpoint: Checkpoint,
    *,
    unused: frozenset[str] = frozenset(),
    rename: Mapping[str, str] = {},
    nothing_more: bool = False,
    dtype: torch.dtype = torch.float32,
    device: torch.device | None = None,
) -> Any:
    """An evaluation-mode model whose every tensor came from the checkpoint.

    Transformers fills a tensor that it does not find with random numbers and goes on; here that is an error.

    Args:
        model_class: a class of transformers with `from_pretrained`.
        checkpoint: where the tensors are.
        unused: names of tensors that only training needs.
        rename: patterns in the checkpoint's tensor names and their replacement.
        nothing_more: refuse tensors of the model's own parts that its configuration has no place for, such as those of
            further layers; what lies beside the model, such as a task's head, is left alone.
        dtype: what the tensors become.
        device: where they go; where they are not told, memory of the processor.

    Raises:
        WeightsError: unreadable, of another shape than the configuration says, tensors are missing or too many (lists
            them), or the device has no room for them.
    """
    with quiet_transformers():
        try:
            model, found = model_class.from_pretrained(
                checkpoint.folder,
                dtype=dtype,
                key_mapping=dict(rename),
                use_safetensors=True,
                local_files_only=True,
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # they are refused below, by name
            )
        except Exception as problem:
            # Transformers, safetensors and json each raise their own kinds for a damaged checkpoint.
            raise WeightsError(f"{checkpoint.weights} cannot be loaded: {problem}") from problem
    if other := sorted(name for name, *_ in found["mismatched_keys"]):
        raise WeightsError(
            f"{checkpoint.weights} cannot be loaded: its config.json speaks of other sizes than {', '.join(other)} have"
        )
    parts = {name for name, _ in model.named_children()} if nothing_more else set()
    own = (name.removeprefix(f"{model.base_model_prefix}.") for name in found["unexpected_keys"])
    if extra := sorted(name for name in own if name.partition(".")[0] in parts):
        raise WeightsError(
            f"{checkpoint.weights} holds {len(extra)} tensors of {type(model).__name__} that its config.json has no "
            f"place for: {', '.join(extra)}. Take the config.json that was published with them"
        )
    missing = sorted(set(found["missing_keys"]) - unused)
    if missing:
        raise WeightsError(
            f"{checkpoint.weights} lacks {len(missing)} tensors of {type(model).__name__}, which would be random: "
            f"{', '.join(missing)}. Take a complete checkpoint of this kind"
        )
    try:
        return model.to(device).eval().requires_grad_(False)
    except RuntimeError as problem:
        reason = str(problem).partition("\n")[0]
        raise WeightsError(
            f"{checkpoint.weights} cannot be put on {device} ({reason}). Free it, or use cpu"
        ) from problem


def _from_hub(weights: str, allow_download: bool, files: Sequence[str], revision: str | None = None) -> Path:
    from huggingface_hub import snapshot_download

    here = not allow_download
    try:
        return Path(snapshot_download(weights, allow_patterns=list(files), local_files_only=here, revision=revision))
    except Exception as problem:
        # The hub's client raises a dozen kinds, from a bad name to a broken line: all mean that there are no weights.
        hint = "" if allow_download else f", or set {DOWNLOAD_VARIABLE}=1 to fetch it from the Hugging Face hub"
        reason = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
        raise WeightsError(
            f"{weights!r} is neither a folder nor in the local hub cache ({reason}). Give a folder{hint}"
        ) from problem


def _digest(path: Path) -> bytes:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "blake2b").digest()


def _tensor_files(folder: Path) -> list[Path]:
    if (folder / _WHOLE).is_file() or not (folder / _INDEX).is_file():
        return [folder / _WHOLE]
    shards = _read_json(folder / _INDEX).get("weight_map")
    names = {str(name) for name in shards.values()} if isinstance(shards, dict) else set()
    foreign = sorted(name for name in names if PurePath(name.replace("\\", "/")).name != name)
    if foreign or not names:
        what = f"leads out of the folder, to {foreign[0]!r}" if foreign else "names no file"
        raise WeightsError(f"{folder / _INDEX} {what}: it is damaged or malicious. Take another copy of the checkpoint")
    return [folder / name for name in sorted(names)]


def _read_json(path: Path) -> dict[str, Any]:
    """An object of JSON, or a word on what is wrong."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as problem:
        raise WeightsError(f"{path} is damaged ({problem}). Take another copy of the checkpoint") from problem
    if not isinstance(content, dict):
        raise WeightsError(f"{path} holds no settings. Take another copy of the checkpoint")
    return content


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """No progress bar and no table of unexpected tensors (a decoder is one): what matters is checked and raised."""
    from transformers.utils import logging as chatter

    verbosity, bars = chatter.get_verbosity(), chatter.is_progress_bar_enabled()
    chatter.set_verbosity(logging.CRITICAL)
    chatter.disable_progress_bar()
    try:
        yield
    finally:
        chatter.set_verbosity(verbosity)
        if bars:
            chatter.enable_progress_bar()
