"""Models of the Hugging Face hub: `user/name`, or `user/name@revision` for one branch, tag or commit.

Four files are fetched, by their exact names and up to a size, and nothing else is looked at: no Python, no pickle. They
go through the client of the hub into its cache: a line that breaks is taken up where it broke, a file that is there is
not fetched twice, and a second call needs no network. Nothing is fetched unless the user asks.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath

from sottovoce.errors import HubError
from sottovoce.weights.checkpoint import DOWNLOAD_VARIABLE

_MIB = 1 << 20

FILES: Mapping[str, int] = {
    "config.json": 4 * _MIB,
    "model.safetensors": 8192 * _MIB,
    "preprocessor_config.json": 4 * _MIB,
    "README.md": 4 * _MIB,
}
"""What a model on the hub may consist of, and how many bytes each file may have."""

_NEEDED = ("config.json", "model.safetensors")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")


def is_hub_id(name: str) -> bool:
    """Whether this is spelled as the hub does: `owner/name`."""
    return bool(_HUB_ID.fullmatch(name))


def local(model: str | Path, *, allow_download: bool = False) -> Path:
    """The folder of a model: itself, or where the files of `user/name[@revision]` lie on this machine.

    Args:
        model: a folder, there or not, or a model of the hub. What exists is a folder.
        allow_download: ask the hub for the newest files; `SOTTOVOCE_ALLOW_DOWNLOAD=1` in the environment does too.

    Raises:
        HubError: the hub does not have it, cannot be reached, or has something else than a model under this name.
    """
    folder = Path(model).expanduser()
    name, _, revision = (model if isinstance(model, str) else model.as_posix()).partition("@")
    if folder.exists() or not is_hub_id(name):
        return folder
    if allow_download or os.environ.get(DOWNLOAD_VARIABLE, "0") not in ("", "0"):
        fetched = _fetch(name, revision or None)
    else:
        fetched = _cached(name, revision or None)
    _require_no_place(fetched, name)
    return fetched


@contextmanager
def in_words(name: str) -> Iterator[None]:
    """What the hub's client raises, as an error that says what to do."""
    from huggingface_hub import errors

    try:
        yield
    except HubError:
        raise
    except errors.GatedRepoError as problem:
        raise HubError(f"{name}: its owner gives access on request: ask for it on its page of the hub") from problem
    except errors.RepositoryNotFoundError as problem:
        raise HubError(
            f"the hub has no model '{name}', or it is private and you are not logged in: see 'hf auth login'"
        ) from problem
    except errors.RevisionNotFoundError as problem:
        raise HubError(f"'{name}' has no such revision: name a branch, a tag or a whole commit of it") from problem
    except errors.HFValidationError as problem:
        raise HubError(f"'{name}' is no name of the hub: write user/name. {_first_line(problem)}") from problem
    except errors.HfHubHTTPError as problem:
        code = problem.response.status_code if problem.response is not None else None
        if code in (401, 403):
            raise HubError(
                f"the hub does not let you do this with '{name}' ({code}): log in with 'hf auth login', with a token "
                "that may write if you push"
            ) from problem
        raise HubError(f"the hub refuses or fails for '{name}' ({_first_line(problem)}); try again later") from problem
    except Exception as problem:
        # The client raises a dozen more kinds, from a broken line to an offline mode: all mean that it did not succeed.
        raise HubError(
            f"the hub cannot be reached or broke off for '{name}' ({_first_line(problem)}). Try the same command "
            "again: what is done is not done twice"
        ) from problem


def _fetch(name: str, revision: str | None) -> Path:
    from huggingface_hub import HfApi, snapshot_download

    with in_words(name):
        info = HfApi().model_info(name, revision=revision, files_metadata=True)
        _require_model(name, {each.rfilename: each.size or 0 for each in info.siblings or ()})
        folder = Path(snapshot_download(name, revision=revision, allow_patterns=list(FILES)))
        if folder.name != info.sha:
            raise HubError(f"'{name}' was changed while it was fetched: the same command fetches it anew")
        return folder


def _cached(name: str, revision: str | None) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=list(FILES), local_files_only=True))
    except Exception as problem:  # the client has several for "it is not there"
        raise HubError(
            f"{name}: there is no such folder, and no whole copy of a model of that name from the Hugging Face hub. A "
            "run leaves its model in runs/NAME/model. To fetch one from the hub: --allow-download (in Python: "
            f"allow_download=True; for everything: {DOWNLOAD_VARIABLE}=1)"
        ) from problem


def _require_model(name: str, sizes: Mapping[str, int]) -> None:
    absent = [file for file in _NEEDED if file not in sizes]
    if absent:
        there = ", ".join(sorted(repr(file) for file in sizes)[:10]) or "nothing"
        raise HubError(
            f"'{name}' is not a model of Sottovoce: {' and '.join(absent)} missing. It holds {there}; of these nothing "
            "was fetched"
        )
    for file, largest in FILES.items():
        if (size := sizes.get(file, 0)) > largest:
            raise HubError(
                f"'{name}' has a {file} of {size / _MIB:,.0f} MiB, and no model of Sottovoce has one of more than "
                f"{largest / _MIB:,.0f}: nothing was fetched"
            )


def _require_no_place(folder: Path, name: str) -> None:
    """Refuse a configuration that names a place on this machine."""
    try:
        upstream = json.loads((folder / "config.json").read_text(encoding="utf-8"))["upstream"]["weights"] or ""
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return  # whoever reads it says what is wrong with it
    if not isinstance(upstream, str):
        return
    if PurePosixPath(upstream).is_absolute() or PureWindowsPath(upstream).drive or upstream.startswith(("~", "\\")):
        raise HubError(f"'{name}' wants its upstream's weights from {upstream!r} of this machine: refused")


def _first_line(problem: Exception) -> str:
    return (str(problem).strip().splitlines() or [type(problem).__name__])[0]
