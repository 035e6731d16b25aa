"""Setting up the other environment, with a Python that only pretends to install."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path

import pytest

from sottovoce.errors import TranslationError
from sottovoce.translation import environments, expressive_worker

PYTHON = """#!/bin/sh
# makes an environment that holds a copy of itself, notes what is to be installed, and answers the worker's questions
case "$*" in
  "-c "*) echo "VERSION" ;;
  "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" && touch "$3/pip" ;;
  "-m pip --version") test -e "$(dirname "$0")/../pip" ;;
  *" install "*) echo "$*" >> LOG; FAIL ;;
  *" check") echo 'SAID' ;;
  *" fetch") echo fetched >> LOG; FETCH; echo '{}' ;;
  *" device") echo '{"device": "cuda"}' ;;
esac
"""
GOOD = {"protocol": 1, "versions": {"torch": "2.2.2"}, "faults": []}


def python_in(
    folder: Path, said: dict | str = GOOD, fail: str = "true", version: str = "3 10", fetch: str = "true"
) -> str:
    path = folder / "python"
    text = (
        PYTHON.replace("LOG", str(folder / "log"))
        .replace("FAIL", fail)
        .replace("FETCH", fetch)
        .replace("VERSION", version)
    )
    text = text.replace("SAID", said if isinstance(said, str) else json.dumps(said))
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


@pytest.fixture
def given(tmp_path: Path) -> dict[str, Path]:
    """A checkout and the weights."""
    (tmp_path / "source" / "src" / "seamless_communication").mkdir(parents=True)
    (tmp_path / "source" / "build").mkdir()
    (tmp_path / "weights").mkdir()
    for name in expressive_worker.MODELS:
        (tmp_path / "weights" / name).write_bytes(b"w")
    return {"source": tmp_path / "source", "weights": tmp_path / "weights", "folder": tmp_path / "environment"}


def test_made_checked_and_found_again(tmp_path: Path, given):
    said: list[str] = []
    made = environments.setup(**given, python=python_in(tmp_path), say=said.append)
    found = environments.find(given["folder"])
    assert found == made and found.versions == {"torch": "2.2.2"}
    assert found.command[1:] == ["-I", "-u", expressive_worker.__file__, "serve", str(given["weights"])]
    assert found.device() == "cuda"
    installed = (tmp_path / "log").read_text()
    assert "torch==2.2.2" in installed and "fairseq2==0.2.*" in installed and installed.endswith("fetched\n")
    assert "--no-deps" in installed and str(given["source"]) not in installed  # a copy: building writes into it
    assert any("non-commercial" in line and "what the model makes" in line for line in said)
    assert any("can run code" in line for line in said)


def test_other_weights_have_another_digest(tmp_path: Path, given):
    python = python_in(tmp_path)
    first = environments.setup(**given, python=python, say=lambda _: None)
    (given["weights"] / expressive_worker.MODELS[1]).write_bytes(b"other")
    assert environments.setup(**given, python=python, say=lambda _: None).weights_digest != first.weights_digest


def test_the_vocoder_under_its_name_on_the_hub(tmp_path: Path, given):
    expected = environments.setup(**given, python=python_in(tmp_path), say=lambda _: None).weights_digest
    weights, links = str(given["weights"]), tmp_path / "links"
    links.mkdir()
    assert expressive_worker.by_the_librarys_names(weights, str(links)) == weights
    (given["weights"] / "pretssel_melhifigan_wm.pt").rename(given["weights"] / "pretssel_melhifigan_wm-final.pt")
    found = environments.setup(**given, python=python_in(tmp_path), say=lambda _: None)
    assert found == environments.find(given["folder"]) and found.weights_digest == expected
    assert expressive_worker.by_the_librarys_names(weights, str(links)) == str(links)
    assert {path.name: path.read_bytes() for path in links.iterdir()} == dict.fromkeys(expressive_worker.MODELS, b"w")


def test_a_rerun_continues_after_a_step_that_failed(tmp_path: Path, given):
    broken = python_in(tmp_path, fail="echo 'no route to host' >&2; exit 1")
    with pytest.raises(TranslationError, match=r"(?s)pip could not.*it continues.*no route to host"):
        environments.setup(**given, python=broken, say=lambda _: None)
    with pytest.raises(TranslationError, match="there is no environment"):
        environments.find(given["folder"])
    (given["folder"] / "bin" / "python").write_text(Path(python_in(tmp_path)).read_text())
    said: list[str] = []
    environments.setup(**given, python="(not asked)", say=said.append)
    assert environments.find(given["folder"]) and not any("making" in line for line in said)


def test_an_environment_that_was_not_made_to_its_end_is_made_again(tmp_path: Path, given):
    python = python_in(tmp_path)
    (given["folder"] / "bin").mkdir(parents=True)
    shutil.copy(python, given["folder"] / "bin" / "python")  # it was stopped before pip came
    said: list[str] = []
    environments.setup(**given, python=python, say=said.append)
    assert any("making" in line for line in said) and (given["folder"] / "pip").exists()


@pytest.mark.parametrize("version", ["3 12", "3 7"])
def test_a_python_that_the_library_does_not_run_on(tmp_path: Path, given, version: str):
    with pytest.raises(TranslationError, match=rf"3\.8 to 3\.11.*{version.replace(' ', '[.]')}.*--python"):
        environments.setup(**given, python=python_in(tmp_path, version=version), say=lambda _: None)
    assert not given["folder"].exists()


def test_without_network_the_tokenizers_are_named(tmp_path: Path, given):
    python = python_in(tmp_path, fetch="echo AssetDownloadError >&2; exit 1")
    with pytest.raises(TranslationError, match=r"(?s)tokenizers.*network once.*AssetDownloadError"):
        environments.setup(**given, python=python, say=lambda _: None)
    with pytest.raises(TranslationError, match="there is no environment"):
        environments.find(given["folder"])


def test_a_worker_that_cannot_be_understood(tmp_path: Path, given):
    with pytest.raises(TranslationError, match=r"does not work: asked for 'check' it said 'Segmentation"):
        environments.setup(**given, python=python_in(tmp_path, "Segmentation fault"), say=lambda _: None)


def test_a_library_of_another_version_is_named(tmp_path: Path, given):
    python = python_in(tmp_path, GOOD | {"faults": ["fairseq2.data:SequenceData: ImportError: libsndfile.so.1"]})
    with pytest.raises(TranslationError, match=r"(?s)not as expected.*libsndfile\.so\.1.*apt install libsndfile1"):
        environments.setup(**given, python=python, say=lambda _: None)
    with pytest.raises(TranslationError, match="there is no environment"):
        environments.find(given["folder"])


def test_source_and_weights_are_looked_at_first(tmp_path: Path, given):
    with pytest.raises(TranslationError, match="git clone"):
        environments.setup(**{**given, "source": tmp_path}, say=lambda _: None)
    (given["weights"] / expressive_worker.MODELS[0]).unlink()
    with pytest.raises(TranslationError, match=r"lacks m2m_expressive_unity\.pt.*seamless-downloads"):
        environments.setup(**given, say=lambda _: None)


def test_the_check_names_what_is_not_there():
    """In this environment nothing of the library is: every name it calls is reported."""
    said = expressive_worker.check()
    assert said["protocol"] == 1 and "torch" in said["versions"]
    named = {fault.partition(": ")[0] for fault in said["faults"]}
    assert set(expressive_worker.CALLED) <= named
