"""The Python environment that SeamlessExpressive runs in: making it, checking it, finding it again.

FOLDER/bin/python            with torch 2.2, fairseq2 0.2 and the user's copy of seamless_communication
FOLDER/environment.json      written last: what was checked, the versions, and the digest of the weights
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sottovoce.errors import TranslationError
from sottovoce.home import home
from sottovoce.store.atomic import write_json
from sottovoce.translation import expressive_worker

NAME = "seamless-expressive"
RECORD = "environment.json"
FORM = "https://ai.meta.com/resources/models-and-libraries/seamless-downloads/"

PINNED = ("torch==2.2.2", "torchaudio==2.2.2", "fairseq2==0.2.*", "numpy<2", "soundfile", "scipy", "setuptools<81")
"""fairseq2 0.2 was built for torch 2.2, and that for numpy 1. What training and evaluation need is left out."""

LICENCE = (
    "The weights are given on request (" + FORM + ") under the Seamless Licensing Agreement: non-commercial. It covers "
    "what the model makes as well, so translated speech, and models trained on it, are for non-commercial use. The "
    "watermark in the sound is left in."
)
PICKLE = "The weights are .pt files, which can run code when they are opened: take them from the form alone. They are "
PICKLE += "opened in that environment, never as code in this one."

_OLDEST, _NEWEST = (3, 8), (3, 11)


@dataclass(frozen=True)
class Environment:
    """An environment that was made and checked."""

    folder: Path
    weights: Path
    weights_digest: str
    versions: Mapping[str, str]

    @property
    def command(self) -> list[str]:
        """How its worker is started."""
        return [*_worker(self.folder), "serve", str(self.weights)]

    def device(self) -> str:
        """Where its model runs on this machine: cuda or cpu. Asks the environment, which takes seconds.

        Raises:
            TranslationError: the environment does not work.
        """
        return str(_answer(self.folder, "device")["device"])


def usual_folder() -> Path:
    """Where the environment is made unless another place is named."""
    return home() / "environments" / NAME


def find(folder: str | Path | None = None) -> Environment:
    """The environment in a folder, or in the usual one.

    Raises:
        TranslationError: it was not set up, or its weights are no longer there.
    """
    place = Path(folder) if folder else usual_folder()
    advice = f"make it with: sottovoce setup {NAME} --source DIR --weights DIR"
    try:
        record = json.loads((place / RECORD).read_text(encoding="utf-8"))
        found = Environment(place, Path(record["weights"]), record["weights_digest"], record["versions"])
    except (OSError, ValueError, KeyError) as problem:
        raise TranslationError(f"there is no environment for {NAME} in {place}; {advice}") from problem
    if absent := _absent(found.weights):
        raise TranslationError(f"{found.weights} no longer holds {', '.join(absent)}; {advice}")
    return found


def setup(
    source: Path,
    weights: Path,
    folder: Path | None = None,
    python: str | None = None,
    say: Callable[[str], None] = print,
) -> Environment:
    """Make the environment, or go on where an earlier attempt ended, and check it.

    Args:
        source: a checkout of github.com/facebookresearch/seamless_communication.
        weights: the folder with the checkpoints from the form.
        folder: where to make it.
        python: an interpreter from 3.8 to 3.11; None for this one.
        say: told of every step.

    Raises:
        TranslationError: source or weights are not what they should be, a step failed, or the library is not as
            expected; each with what to do.
    """
    place = folder or usual_folder()
    say(LICENCE)
    say(PICKLE)
    if not (source / "src" / "seamless_communication").is_dir():
        raise TranslationError(
            f"{source} holds no src/seamless_communication. Get it with: "
            "git clone https://github.com/facebookresearch/seamless_communication"
        )
    if absent := _absent(weights):
        raise TranslationError(f"{weights} lacks {', '.join(absent)}. Ask for them at {FORM} and unpack them there")
    (place / RECORD).unlink(missing_ok=True)  # until it is checked again, it is not to be used
    if not _has_pip(place):
        say(f"making an environment in {place}")
        _make(place, python or sys.executable)
    pip = [str(_python(place)), "-m", "pip", "install", "--disable-pip-version-check"]
    say("installing torch 2.2 and fairseq2 0.2 (2.5 GB; what is there already is kept)")
    _run([*pip, *PINNED], "pip could not install them")
    say("installing your copy of seamless_communication")
    with tempfile.TemporaryDirectory(prefix="sottovoce-") as scratch:  # building would write into the checkout
        copy = Path(scratch) / "seamless_communication"
        shutil.copytree(source, copy, ignore=shutil.ignore_patterns(".git", "build", "*.egg-info"))
        _run([*pip, "--no-deps", str(copy)], "pip could not install it")
    say("checking")
    found = _answer(place, "check")
    if found["faults"]:
        raise TranslationError(
            "\n".join(["the library is not as expected:", *(f"  - {fault}" for fault in found["faults"])])
            + "\nIf libsndfile is named, install it (Debian: apt install libsndfile1), then run the same command again."
        )
    say("having the library fetch its two public tokenizers, unless they are there")
    _answer(place, "fetch", "its tokenizers, from huggingface.co, could not be had; this needs the network once")
    say("reading the weights for their digest")
    environment = Environment(place, weights.resolve(), _digest(weights), found["versions"])
    content = {**asdict(environment), "folder": str(place), "weights": str(environment.weights)}
    write_json(place / RECORD, content)
    say(f"ready: sottovoce translate MANIFEST --with {NAME} --to it -o OUT")
    return environment


def _make(place: Path, python: str) -> None:
    version = _run([python, "-c", "import sys; print(*sys.version_info[:2])"], f"{python} is no Python").split()
    if not _OLDEST <= tuple(int(number) for number in version) <= _NEWEST:
        raise TranslationError(
            f"fairseq2 0.2 needs Python 3.8 to 3.11, and {python} is {'.'.join(version)}: name one with --python"
        )
    _run([python, "-m", "venv", str(place)], f"{python} could not make an environment")


def _has_pip(place: Path) -> bool:
    """Whether the environment was made to its end: pip comes last."""
    command = [str(_python(place)), "-m", "pip", "--version"]
    return _python(place).exists() and subprocess.run(command, capture_output=True, check=False).returncode == 0


def _answer(place: Path, asked: str, failed: str | None = None) -> dict[str, Any]:
    failed = failed or f"the environment in {place} does not work"
    said = _run([*_worker(place), asked], failed)
    try:
        return json.loads(said)
    except ValueError as problem:
        raise TranslationError(f"{failed}: asked for '{asked}' it said {said[-300:]!r}") from problem


def _run(command: list[str], failed: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as problem:
        raise TranslationError(f"{failed}: {command[0]}: {problem.strerror}") from problem
    if done.returncode:
        last = "\n".join((done.stderr or done.stdout).strip().splitlines()[-8:])
        raise TranslationError(f"{failed}. Mend it and run the same command again: it continues.\n{last}")
    return done.stdout


def _worker(folder: Path) -> list[str]:
    # -I: neither PYTHONPATH nor the folder of this file, our rooms, are looked through for its modules
    return [str(_python(folder)), "-I", "-u", expressive_worker.__file__]


def _python(folder: Path) -> Path:
    return folder / "bin" / "python"


def _absent(weights: Path) -> list[str]:
    return [name for name in expressive_worker.MODELS if expressive_worker.model_file(str(weights), name) is None]


def _digest(weights: Path) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for name in expressive_worker.MODELS:
        with open(expressive_worker.model_file(str(weights), name) or weights / name, "rb") as stream:
            digest.update(hashlib.file_digest(stream, "blake2b").digest())
    return digest.hexdigest()
