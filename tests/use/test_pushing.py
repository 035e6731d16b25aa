"""What of a model's folder goes to the hub, under which licence, and who may put it there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import sottovoce
from sottovoce.cli import app
from sottovoce.errors import HubError
from sottovoce.learning.generalist import training
from sottovoce.use import pushing
from tests import tiny_generalist
from tests.use import hub_server
from tests.use.models import write_model
from tests.weights.checkpoints import tiny_whisper

# of the hub's client about the way in which it calls its own HTTP library
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return hub_server.with_card(write_model(tmp_path / "model"))


def command(*words: object):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.mark.parametrize(
    ("licence", "is_free"), [("apache-2.0", True), ("cc-by-nc-4.0", False), ("other\nlicense_name: not-settled", False)]
)
def test_a_licence_that_restricts_is_accepted_first(there, folder, licence, is_free):
    hub_server.with_card(folder, licence)
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
    folder = hub_server.with_card(write_model(tmp_path / "model", upstream=upstream))
    parcel = pushing.pack(folder)
    told = parcel.files["config.json"].decode()
    assert json.loads(told)["upstream"]["weights"] == "openai/whisper-base" and "/home" not in told
    assert json.loads(told)["trained_on"]["target_speakers"] == ["1", "2"]
    assert "openai/whisper-base from the hub" in parcel.notes[0]
    unknown = hub_server.with_card(write_model(tmp_path / "other", upstream=upstream | {"known_as": None}))
    parcel = pushing.pack(unknown)
    assert json.loads(parcel.files["config.json"])["upstream"]["weights"] == "whisper-base"
    assert "--weights" in parcel.notes[0]


def test_a_generalist_goes_there_without_its_python_files(there, tmp_path, make_tone):
    network = tiny_generalist.network(tiny_whisper(tmp_path / "whisper"))
    heard = {"corpora": ["emodb"], "languages": ["de"], "speakers": 1, "utterances": 1}
    training.save(network, tmp_path / "model", {"heard": heard})
    parcel = pushing.pack(hub_server.with_card(tmp_path / "model"))
    assert set(parcel.left) == {"generalist_network.py", "whisper_encoder.py"}
    pushing.push(parcel, "user/general")
    [(_, files)] = there.repositories["user/general"].versions
    assert set(files) == {"config.json", "model.safetensors", "preprocessor_config.json", "README.md"}
    assert "auto_map" not in json.loads(files["config.json"])
    clip = make_tone("a.wav")
    fetched = sottovoce.load("user/general", allow_download=True)
    assert fetched.predict(clip) == sottovoce.load(tmp_path / "model").predict(clip)


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
    (folder / "README.md").write_text(hub_server.CARD.format(licence="mit"))
    second = pushing.push(pushing.pack(folder), "user/tiny")
    assert [commit for commit, _ in there.repositories["user/tiny"].versions] == [first, second]
