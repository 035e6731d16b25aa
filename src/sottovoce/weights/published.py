"""Checkpoints in their authors' own formats: pickled tensors, opened without running any code, or safetensors."""

from __future__ import annotations

import hashlib
import pickle
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import torch
import yaml
from safetensors import SafetensorError
from safetensors.torch import load_file

from sottovoce.errors import WeightsError
from sottovoce.weights.checkpoint import find_folder

SAFETENSORS = "model.safetensors"

_SHOWN = 100
"""Names listed of one kind: those of a whole other network would fill the screen."""

Network = TypeVar("Network", bound=torch.nn.Module)


@dataclass(frozen=True)
class Published:
    """One file of tensors, and the settings beside it. `weights` is what the user called it: a hub id or the folder."""

    weights: str
    tensor_file: Path
    settings_file: Path | None

    def called(self, name: str | None) -> Published:
        """The same under another name; for None, under its own."""
        return self if name is None else replace(self, weights=name)

    @cached_property
    def config(self) -> dict[str, Any]:
        """What the file of settings says; nothing where there is none."""
        return _read_yaml(self.settings_file) if self.settings_file else {}

    @cached_property
    def revision(self) -> str:
        """Digest of the tensors and the settings: all that the frames depend on."""
        digest = hashlib.blake2b(digest_size=16)
        for path in (self.settings_file, self.tensor_file):
            if path is not None:
                with path.open("rb") as stream:
                    digest.update(hashlib.file_digest(stream, "blake2b").digest())
        return digest.hexdigest()

    def content(self) -> dict[str, Any]:
        """What the file of tensors holds: tensors by name, or, in a pickle, a tree of dictionaries with them.

        Raises:
            WeightsError: it is damaged, or it wants code to be run.
        """
        try:
            if self.tensor_file.suffix == ".safetensors":
                return load_file(self.tensor_file)
            mapped = zipfile.is_zipfile(self.tensor_file)  # then what is not looked at is not read
            content = torch.load(self.tensor_file, map_location="cpu", weights_only=True, mmap=mapped)
        except pickle.UnpicklingError as problem:
            raise WeightsError(
                f"{self.tensor_file} is damaged, or holds more than tensors and plain values, which could run code: "
                "refused. Where you trust it, open it elsewhere with torch.load(..., weights_only=False) and write its "
                f"tensors with safetensors.torch.save_file to {SAFETENSORS} beside it"
            ) from problem
        except (OSError, RuntimeError, EOFError, ValueError, KeyError, SafetensorError) as problem:
            reason = str(problem).partition("\n")[0]
            raise WeightsError(
                f"{self.tensor_file} cannot be loaded ({reason}). Take another copy of the checkpoint"
            ) from problem
        if not isinstance(content, dict):
            raise WeightsError(f"{self.tensor_file} holds no tensors by name. Take another copy of the checkpoint")
        return content


def open_published(
    weights: str,
    tensor_files: Sequence[str],
    settings_file: str | None,
    *,
    allow_download: bool = False,
    revision: str | None = None,
) -> Published:
    """Find a checkpoint in a folder, in the local hub cache, or, where that is allowed, on the hub.

    Args:
        weights: a folder or a hub id.
        tensor_files: names that its file of tensors may have, the preferred first; `model.safetensors` is before all.
        settings_file: the name of its settings in YAML, which may be absent; None where it has none.
        allow_download: as in `checkpoint.open_checkpoint`, and so is `revision`.
        revision: see there.

    Raises:
        WeightsError: not there, or there under other names.
    """
    names = (SAFETENSORS, *tensor_files)
    wanted = (*names, *([settings_file] if settings_file else []))
    folder = find_folder(weights, wanted, allow_download=allow_download, revision=revision)
    found = next((folder / name for name in names if (folder / name).is_file()), None)
    if found is None:
        raise WeightsError(f"{folder} holds none of {', '.join(names)}. Give the folder that has one of them")
    settings = folder / settings_file if settings_file else None
    return Published(weights, found, settings if settings and settings.is_file() else None)


def fill(network: Network, tensors: Mapping[str, torch.Tensor], weights: str) -> Network:
    """The network, made on the device `meta`, with exactly these tensors in fp32; for evaluation alone.

    Raises:
        WeightsError: tensors are missing, or there are others, or they have other shapes; the message lists them.
    """
    wanted = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    faults = {
        "missing": sorted(set(wanted) - set(found)),
        "not of this network": sorted(set(found) - set(wanted)),
        "of another shape": [
            f"{name} {list(found[name])} for {list(wanted[name])}"
            for name in sorted(wanted)
            if name in found and found[name] != wanted[name]
        ],
    }
    if any(faults.values()):
        listed = "; ".join(f"{len(names)} {what}: {_listed(names)}" for what, names in faults.items() if names)
        raise WeightsError(f"{weights} is not a complete checkpoint of {type(network).__name__}. Tensors {listed}")
    network.load_state_dict({name: tensor.to(torch.float32) for name, tensor in tensors.items()}, assign=True)
    return network.eval().requires_grad_(False)


def named_tensors(content: Mapping[Any, Any]) -> dict[str, torch.Tensor]:
    """The tensors among what a file holds."""
    return {n: t for n, t in content.items() if isinstance(n, str) and isinstance(t, torch.Tensor)}


def tensors_under(content: Mapping[str, Any], prefixes: Iterable[str]) -> dict[str, torch.Tensor]:
    """The tensors whose names begin with the first of the prefixes that any name begins with, without it."""
    tensors = named_tensors(content)
    for prefix in prefixes:
        if own := {name.removeprefix(prefix): tensors[name] for name in tensors if name.startswith(prefix)}:
            return own
    return {}


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as problem:
        reason = str(problem).partition("\n")[0]
        raise WeightsError(f"{path} is damaged ({reason}). Take another copy of the checkpoint") from problem
    if not isinstance(content, dict):
        raise WeightsError(f"{path} holds no settings. Take another copy of the checkpoint")
    return content
