"""Models pushed to a stand-in of the hub and fetched from it, and what is refused on the way."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from huggingface_hub import constants
from typer.testing import CliRunner

import sottovoce
from sottovoce.cli import app
from sottovoce.errors import HubError, SottovoceError
from sottovoce.use import hub, model
from tests.use import hub_server
from tests.use.models import config, write_model

# of the hub's client about the way in which it calls its own HTTP library
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return hub_server.with_card(write_model(tmp_path / "model"))


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def command(*words: object):
    return CliRunner().invoke(app, [str(word) for word in words])


def test_a_model_goes_there_and_comes_back(there, folder, make_tone: Callable[..., Path]):
    (folder / "notes.py").write_text("raise SystemExit")
    (folder / "optimizer.pt").write_bytes(b"pickled")
    pushed = command("push", folder, "user/tiny")
    assert pushed.exit_code == 0, pushed.output
    [(commit, files)] = there.repositories["user/tiny"].versions
    assert set(files) == {"config.json", "model.safetensors", "README.md"} and f"user/tiny@{commit}" in pushed.output
    assert "stays here: notes.py, optimizer.pt" in " ".join(pushed.output.split())
    clip = make_tone("a.wav")
    n_asked = len(there.asked)
    told = command("predict", "user/tiny", clip)
    assert told.exit_code == 1 and "--allow-download" in told.output and len(there.asked) == n_asked
    told = command("timeline", "user/tiny", clip, "--speech", "all", "--quiet", "--allow-download")
    assert told.exit_code == 0, told.output
    fetched = sottovoce.load("user/tiny", allow_download=True)
    assert fetched.predict(clip) == sottovoce.load(folder).predict(clip)
    n_asked = len(there.asked)
    assert sottovoce.load("user/tiny").predict(clip) == fetched.predict(clip)
    assert len(there.asked) == n_asked, "a second call needs no network"
    told = command("predict", "user/tiny", clip, "--format", "csv", "--quiet")
    assert told.exit_code == 0 and "a.wav" in told.output


def test_a_revision_is_kept_to(there, folder):
    first = there.add("user/tiny", files_of(folder))
    other = config(name="another").to_json().encode()
    second = there.repositories["user/tiny"].commit({"config.json": other})

    def name_of(spelled: str, **settings: bool) -> str:
        return json.loads((hub.local(spelled, **settings) / "config.json").read_text())["name"]

    assert name_of("user/tiny", allow_download=True) == "another"
    assert name_of(f"user/tiny@{first}", allow_download=True) == "tiny"
    assert [name_of(f"user/tiny@{commit}") for commit in (first, second)] == ["tiny", "another"]
    with pytest.raises(HubError, match="no such revision"):
        hub.local("user/tiny@v7", allow_download=True)


def downloads(there: hub_server.Hub) -> list[tuple[str, str | None]]:
    return [(path.rpartition("/")[2], part) for method, path, part in there.asked if method == "GET" and "/res" in path]


def test_a_line_that_breaks_is_taken_up_where_it_broke(there, folder, monkeypatch):
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 250)  # of 10 MB otherwise: what is not a whole one is lost
    there.add("user/tiny", files_of(folder))
    there.cut_after, there.refuses = 1000, False
    fetched = hub.local("user/tiny", allow_download=True)
    assert (fetched / "model.safetensors").read_bytes() == (folder / "model.safetensors").read_bytes()
    assert ("model.safetensors", "bytes=1000-") in downloads(there)


def test_a_part_of_a_model_is_none_until_the_rest_is_there(there, folder):
    there.add("user/tiny", files_of(folder))
    there.cut_after = 1000
    with pytest.raises(HubError, match="try again later"):
        hub.local("user/tiny", allow_download=True)
    with pytest.raises(HubError, match="no whole copy"):
        hub.local("user/tiny")
    there.cut_after = None
    before = downloads(there)
    fetched = hub.local("user/tiny", allow_download=True)
    assert (fetched / "model.safetensors").read_bytes() == (folder / "model.safetensors").read_bytes()
    assert ("config.json", None) in before and downloads(there)[len(before) :] == [("model.safetensors", None)]


def test_nothing_but_the_files_of_a_model_is_fetched(there, folder, tmp_path):
    evil = {
        "../../escaped.json": b"{}",
        "/etc/escaped": b"",
        "sub/config.json": b"{}",
        "sub/model.safetensors": b"",
        "model.safetensors.py": b"raise SystemExit",
        "generalist_network.py": b"raise SystemExit",
        "pytorch_model.bin": pickle.dumps(print),
    }
    there.add("user/evil", files_of(folder) | evil)
    fetched = hub.local("user/evil", allow_download=True)
    assert {path.name for path in fetched.iterdir()} == {"config.json", "model.safetensors", "README.md"}
    asked = {path.rpartition("/")[2] for method, path, _ in there.asked if "/resolve/" in path}
    assert asked == {"config.json", "model.safetensors", "README.md"}
    assert not list(tmp_path.rglob("*escaped*"))


def _as_is(files: dict[str, bytes]) -> dict[str, bytes]:
    return files


def _pickled(files: dict[str, bytes]) -> dict[str, bytes]:
    return {"config.json": files["config.json"], "pytorch_model.bin": pickle.dumps(print)}


def _wants(weights: str) -> Callable[[dict[str, bytes]], dict[str, bytes]]:
    def change(files: dict[str, bytes]) -> dict[str, bytes]:
        told = json.loads(files["config.json"]) | {"upstream": {"name": "whisper", "weights": weights}}
        return files | {"config.json": json.dumps(told).encode()}

    return change


@pytest.mark.parametrize(
    ("change", "stated", "said"),
    [
        (_pickled, {}, "model.safetensors missing. It holds 'config.json', 'pytorch_model.bin'"),
        (lambda files: {}, {}, "It holds nothing"),
        (_as_is, {"model.safetensors": 1 << 40}, "model.safetensors of 1,048,576 MiB"),
        (_as_is, {"README.md": 1 << 30}, "README.md of 1,024 MiB"),
        (_wants("/root/secret"), {}, "from '/root/secret' of this machine: refused"),
        (_wants("~/secret"), {}, "refused"),
        (_wants("C:\\secret"), {}, "refused"),
        (_wants("../../secret"), {}, "lead out of the model's folder"),
        (_wants("not/here-either"), {}, "neither a folder nor in the local hub cache"),
    ],
)
def test_what_is_no_model_is_refused(there, folder, change, stated, said):
    there.add("user/evil", change(files_of(folder)), stated=stated)
    with pytest.raises(SottovoceError, match=said):
        sottovoce.load("user/evil", allow_download=True)
    if stated:
        assert not [path for path in there.paths("GET") if "/resolve/" in path]


def test_who_changes_it_meanwhile(there, folder):
    there.add("user/tiny", files_of(folder))
    there.moves = True
    with pytest.raises(HubError, match="changed while it was fetched"):
        hub.local("user/tiny", allow_download=True)


def test_what_is_not_there(there, folder, monkeypatch):
    with pytest.raises(HubError, match="has no model 'user/none', or it is private"):
        hub.local("user/none", allow_download=True)
    there.add("user/secret", files_of(folder), private=True)
    assert hub.local("user/secret", allow_download=True)
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(HubError, match="hf auth login"):
        hub.local("user/secret", allow_download=True)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(HubError, match="cannot be reached"):
        hub.local("user/secret", allow_download=True)
    assert hub.local("user/secret"), "what was fetched is there without the network"


def test_nobody_listens(there, monkeypatch):
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(HubError, match="cannot be reached"):
        hub.local("user/tiny", allow_download=True)


def test_folders_come_first(there, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    there.add("user/model", {})
    (tmp_path / "user").mkdir()
    folder.rename(tmp_path / "user" / "model")
    assert model.find("user/model", allow_download=True) == Path("user/model") and not there.asked
    for path in ("no/such/folder", "/no/such", "./user/none", "../none"):
        assert hub.local(path, allow_download=True) == Path(path)
    assert not there.asked


def test_the_environment_allows_it_too(there, folder, monkeypatch):
    there.add("user/tiny", files_of(folder))
    monkeypatch.setenv("SOTTOVOCE_ALLOW_DOWNLOAD", "1")
    assert sottovoce.load("user/tiny").emotions
