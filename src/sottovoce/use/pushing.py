"""A model to the Hugging Face hub: what of its folder goes there, under which licence, and the push itself."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path, PurePath
from typing import Any

import yaml

from sottovoce.errors import HubError, WeightsError
from sottovoce.use import config as configuration
from sottovoce.use import generalist, hub, model
from sottovoce.use.config import AnyConfig

_FREE = frozenset({"apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "cc0-1.0", "cc-by-4.0"})


@dataclass(frozen=True)
class Parcel:
    """What is to be pushed: each file as it is, or its content; and what stays at home.

    `licence` is the card's, None where it restricts nothing. `notes` are what the one who pulls must know.
    """

    files: dict[str, Path | bytes]
    left: list[str]
    licence: str | None
    notes: list[str]

    def size_of(self, name: str) -> int:
        """In bytes."""
        content = self.files[name]
        return len(content) if isinstance(content, bytes) else content.stat().st_size


def pack(folder: str | Path) -> Parcel:
    """What of a model's folder would go to the hub.

    `config.json` goes without what belongs to this machine: for a folder of upstream weights stands the hub id that
    they are a copy of, or its name alone, and for names of speakers their numbers. Python files never go.

    Raises:
        SottovoceError: it is no model, its card is missing, or a file is larger than the hub's copy may be.
    """
    folder = model.find(folder)
    card = folder / model.README
    if not card.is_file():
        raise HubError(
            f"{folder} has no README.md: a model is shared with its card. Run its recipe again, it writes one"
        )
    stated = _front_matter(card)
    files: dict[str, Path | bytes] = {name: folder / name for name in hub.FILES if (folder / name).is_file()}
    notes: list[str] = []
    if generalist.is_generalist(folder):
        told = json.loads((folder / model.CONFIG).read_text(encoding="utf-8"))
        told.pop("auto_map", None)  # names Python files
        files[model.CONFIG] = (json.dumps(told, indent=1) + "\n").encode()
    else:
        config, notes = _impersonal(configuration.read(folder / model.CONFIG))
        files[model.CONFIG] = config.to_json().encode()
    parcel = Parcel(files, sorted({p.name for p in folder.iterdir()} - set(files)), _restriction(stated), notes)
    for name, largest in hub.FILES.items():
        if name in files and parcel.size_of(name) > largest:
            raise WeightsError(f"{folder / name} is larger than a model may be on the hub ({largest >> 20:,} MiB)")
    return parcel


def push(parcel: Parcel, name: str, *, private: bool = False) -> str:
    """Put a parcel on the hub in one commit, making the model there if it is new; return the commit.

    Raises:
        HubError: nobody is logged in, may not write there, or the hub cannot be reached.
    """
    from huggingface_hub import CommitOperationAdd, HfApi, get_token

    if not hub.is_hub_id(name):
        raise HubError(f"'{name}' is no name for a model on the hub: write user/name")
    if get_token() is None:
        raise HubError("pushing needs a login: run 'hf auth login' with a token that may write, or set HF_TOKEN")
    additions = [CommitOperationAdd(path, content) for path, content in parcel.files.items()]
    api = HfApi(library_name="sottovoce", library_version=version("sottovoce"))
    with hub.in_words(name):
        api.create_repo(name, private=private or None, exist_ok=True)  # None: as its owner has set
        return api.create_commit(name, additions, commit_message=f"Model of sottovoce {version('sottovoce')}").oid


def _impersonal(config: AnyConfig) -> tuple[AnyConfig, list[str]]:
    """A configuration without places of this machine and names of speakers."""
    notes, upstream = [], config.upstream
    if upstream.weights is not None and not hub.is_hub_id(upstream.weights):
        upstream = upstream.model_copy(update={"weights": upstream.known_as or PurePath(upstream.weights).name})
        where = "from the hub, if they are the same there" if upstream.known_as else "from you, and gives --weights"
        notes.append(f"the upstream's weights stay here: who pulls the model takes {upstream.weights} {where}")
    speakers = [str(number) for number, _ in enumerate(config.trained_on.target_speakers, 1)]
    trained_on = config.trained_on.model_copy(update={"target_speakers": speakers})
    return config.model_copy(update={"upstream": upstream, "trained_on": trained_on}), notes


def _front_matter(card: Path) -> dict[str, Any]:
    _, _, rest = card.read_text(encoding="utf-8").partition("---\n")
    try:
        stated = yaml.safe_load(rest.partition("\n---")[0])
    except yaml.YAMLError as problem:
        raise HubError(f"the facts at the head of {card} are no YAML ({problem}); mend them") from problem
    if not isinstance(stated, dict) or "license" not in stated:
        raise HubError(f"{card} does not begin with facts between two lines '---', a license among them; add it")
    return stated


def _restriction(stated: dict[str, Any]) -> str | None:
    if stated["license"] in _FREE:
        return None
    return str(stated.get("license_name", stated["license"]) if stated["license"] == "other" else stated["license"])
