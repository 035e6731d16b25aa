"""Models pushed to a stand-in of the hub and fetched from it, and what is refused on the way."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants
from typer.testing import CliRunner

import sottovoce
from sottovoce.cli import app
from sottovoce.errors import HubError, SottovoceError
from sottovoce.use import hub, model, pushing
from tests.use import hub_server
from tests.use.models import config, write_model

# of the hub's client about the way in which it calls its own HTTP library
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

CARD = "---\nlicense: {licence}\n---\n# tiny\n"


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[hub_server.Hub]:
    """The hub, for somebody who is logged in and whose cache is empty."""
    with hub_server.serving() as made:
        monkeypatch.setattr(constants, "ENDPOINT", made.address)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no token"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setenv("HF_TOKEN", hub_server.TOKEN)
        monkeypatch.delenv("SOTTOVOCE_ALLOW_DOWNLOAD", raising=False)
        yield made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return with_card(write_model(tmp_path / "model"))


def with_card(folder: Path, licence: str = "apache-2.0") -> Path:
    (folder / "README.md").write_text(CARD.format(licence=licence))
    return folder


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
    with pytest.raises(HubError, match="--allow-download"):
        sottovoce.load("user/tiny")
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


def test_what_was_cut_off_goes_on_where_it_was(there, folder):
    there.add("user/tiny", files_of(folder))
    there.cut_after = 1000
    with pytest.raises(HubError, match="try again later"):
        hub.local("user/tiny", allow_download=True)
    with pytest.raises(HubError, match="no whole copy"):
        hub.local("user/tiny")
    there.cut_after = None
    there.asked.clear()
    fetched = hub.local("user/tiny", allow_download=True)
    assert (fetched / "model.safetensors").read_bytes() == (folder / "model.safetensors").read_bytes()
    assert [r for m, path, r in there.asked if m == "GET" and path.endswith("safetensors")] == ["bytes=1000-"]


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


@pytest.mark.parametrize(
    ("licence", "is_free"), [("apache-2.0", True), ("cc-by-nc-4.0", False), ("other\nlicense_name: not-settled", False)]
)
def test_a_licence_that_restricts_is_accepted_first(there, folder, licence, is_free):
    with_card(folder, licence)
    told = command("push", folder, "user/tiny")
    assert (told.exit_code == 0) == is_free == ("user/tiny" in there.repositories)
    if not is_free:
        assert "warning: the card's licence is" in told.output and "--accept-licence" in told.output
        assert not there.asked
        assert command("push", folder, "user/tiny", "--accept-licence", "--private").exit_code == 0
        assert there.repositories["user/tiny"].private


def test_a_dry_run_asks_nobody(there, folder):
    told = command("push", folder, "user/tiny", "--dry-run")
    assert told.exit_code == 0 and "model.safetensors" in told.output and not there.asked


def test_what_belongs_to_this_machine_stays_here(there, tmp_path):
    upstream = {"name": "whisper", "weights": "/home/ada/whisper-base", "known_as": "openai/whisper-base"}
    folder = with_card(write_model(tmp_path / "model", upstream=upstream))
    parcel = pushing.pack(folder)
    told = parcel.files["config.json"].decode()
    assert json.loads(told)["upstream"]["weights"] == "openai/whisper-base" and "/home" not in told
    assert json.loads(told)["trained_on"]["target_speakers"] == ["1", "2"]
    assert "openai/whisper-base from the hub" in parcel.notes[0]
    unknown = with_card(write_model(tmp_path / "other", upstream=upstream | {"known_as": None}))
    parcel = pushing.pack(unknown)
    assert json.loads(parcel.files["config.json"])["upstream"]["weights"] == "whisper-base"
    assert "--weights" in parcel.notes[0]


@pytest.mark.parametrize(
    ("card", "said"),
    [
        (None, "no README.md"),
        ("# tiny\n", "does not begin with facts"),
        ("---\nlanguage: de\n---\n", "a license among them"),
        ("---\nlicense: [\n---\n", "no YAML"),
    ],
)
def test_a_model_is_shared_with_its_card(there, folder, card, said):
    (folder / "README.md").unlink() if card is None else (folder / "README.md").write_text(card)
    told = command("push", folder, "user/tiny")
    assert told.exit_code == 1 and said in " ".join(told.output.split()) and not there.asked


def test_who_may_not_push(there, folder, monkeypatch):
    parcel = pushing.pack(folder)
    with pytest.raises(HubError, match="does not let you do this"):
        pushing.push(parcel, "somebody/else")
    with pytest.raises(HubError, match="write user/name"):
        pushing.push(parcel, "tiny")
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(HubError, match="hf auth login"):
        pushing.push(parcel, "user/tiny")
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(HubError, match="HF_TOKEN"):
        pushing.push(parcel, "user/tiny")
    assert not there.repositories


def test_a_second_push_is_a_second_version(there, folder):
    first = pushing.push(pushing.pack(folder), "user/tiny")
    (folder / "README.md").write_text(CARD.format(licence="mit"))
    second = pushing.push(pushing.pack(folder), "user/tiny")
    assert [commit for commit, _ in there.repositories["user/tiny"].versions] == [first, second]
