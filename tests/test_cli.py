"""The command line: help, quiet, and every verb that works on recordings, on tones."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from sottovoce import __version__
from sottovoce.cli import app
from sottovoce.speech import uri
from sottovoce.speech.manifest import Manifest
from tests import launcher, tiny

VERBS = sorted(command.name or command.callback.__name__ for command in app.registered_commands if command.callback)


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("cli")
    tiny.write_all(folder)
    return folder


def test_the_promised_verbs():
    promised = {"run", "prepare", "check", "translate", "extract", "report", "demo", "corpora", "doctor"}
    assert promised <= set(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_help_has_an_example(verb):
    outcome = CliRunner().invoke(app, [verb, "--help"])
    assert outcome.exit_code == 0 and f"Example: sottovoce {verb}" in outcome.output


def test_the_installed_script(tmp_path):
    """The one test that pays for real processes: the script beside the interpreter, and its exit codes."""
    script = Path(sys.executable).with_name("sottovoce")
    assert script.exists()
    for arguments, code, stream, said in (
        (["--version"], 0, "stdout", __version__),
        (["report", "nowhere"], 1, "stderr", "error: nowhere holds no results.json"),
        (["--nonsense"], 2, "stderr", "No such option"),
    ):
        done = subprocess.run([script, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == code and said in getattr(done, stream) and "Traceback" not in done.stderr


def test_the_public_face_and_the_command_line_know_no_torch():
    program = "import sottovoce, sottovoce.cli, sys; print([m for m in ('torch', 'transformers') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_nothing_but_help_without_a_verb():
    assert "Usage" in CliRunner().invoke(app, []).output


def test_doctor_and_corpora(place):
    told = launcher.sottovoce(place, "doctor")
    assert told.code == 0
    for word in ("torch", "cores", "bf16", "offline", "espeak", "GPL-3"):
        assert word in told.out
    listed = launcher.sottovoce(place, "corpora")
    assert listed.code == 0 and all(name in listed.out for name in ("emodb", "emovo", "ravdess", "urdu"))
    card = launcher.sottovoce(place, "corpora", "emovo")
    assert card.code == 0 and "588" in card.out


def test_prepare_a_folder_and_check_it(place):
    pattern = "φωνή {speaker}_{_} {emotion}"
    made = launcher.sottovoce(
        place, "prepare", "folder", "target", "--pattern", pattern, "--language", "it", "-o", "own.parquet"
    )
    assert made.code == 0 and "24 utterances of 4 speakers -> own.parquet" in made.out
    manifest = Manifest.read(place / "own.parquet")
    assert manifest.languages == ["it"] and {u.emotion for u in manifest} == set(tiny.EMOTIONS)
    checked = launcher.sottovoce(place, "check", "own.parquet", "--quiet")
    assert checked.code == 0 and "24 of 24 utterances can be used" in checked.out and checked.err == ""


def test_bars_are_drawn_unless_quiet(place):
    loud, quiet = (launcher.sottovoce(place, "check", "target.csv", *flags) for flags in ((), ("--quiet",)))
    assert "24/24" in loud.err and quiet.err == "" and loud.out == quiet.out


def test_translate_then_extract_in_slices(place):
    store = ("--store", "slices", "--quiet")
    done = launcher.sottovoce(place, "translate", "source.csv", "--to", "it", "-o", "translated.parquet", *store)
    assert done.code == 0, done.err
    assert "19 of 19 utterances -> translated.parquet" in done.out
    assert all(u.is_synthetic and Path(u.path).exists() for u in Manifest.read(place / "translated.parquet"))
    counts = [
        launcher.sottovoce(place, "extract", "translated.parquet", "--slice", part, *store).out.split()[0]
        for part in ("1/2", "2/2")
    ]
    assert counts == ["9", "10"]
    whole = launcher.sottovoce(place, "extract", "translated.parquet", *store)
    assert whole.code == 0 and whole.out.startswith("19 of 19 utterances have features")


def test_worker_processes_make_the_same_features(place):
    made = []
    for executor in ("serial", "process"):
        done = launcher.sottovoce(
            place, "extract", "source.csv", "--executor", executor, "--workers", "2", "--store", executor, "--quiet"
        )
        assert done.code == 0, done.err
        made.append({path.parent.name: path.read_bytes() for path in (place / executor).rglob("frames.npy")})
    assert made[0] == made[1] and len(made[0]) == 7


def test_what_cannot_be_translated_is_listed(place):
    rows = (place / "source.csv").read_text(encoding="utf-8").replace(tiny.TRANSLATED, "", 1)
    (place / "gap.csv").write_text(rows.replace(tiny.SAID, "Unknown words", 1), encoding="utf-8")
    done = launcher.sottovoce(
        place, "translate", "gap.csv", "--to", "it", "-o", "gap.parquet", "--store", "gaps", "--quiet"
    )
    assert done.code == 0 and "18 of 19 utterances" in done.out
    assert done.err.count("refused:") == 1 and "no translation of 'Unknown words' into it" in done.err


def test_a_dry_run_changes_nothing(place):
    before = sorted(place.rglob("*"))
    shown = launcher.sottovoce(place, "run", "tiny.yaml", "--dry-run", "--store", "dry")
    assert shown.code == 0 and "nothing was changed" in shown.out and not (place / "runs").exists()
    new = {path.name for path in set(place.rglob("*")) - set(before) if path.is_file()}
    assert new <= {"digests.json", "settings.json", ".stdout", ".stderr"}  # the last two are the launcher's


def test_manifest_sounds_and_store_may_be_uris(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SOTTOVOCE_HOME", str(tmp_path / "home"))
    there, store = f"local://{tmp_path}/bucket", f"local://{tmp_path}/bucket/store"
    local = Manifest.read(place / "source.csv")
    for utterance in local:
        uri.send(Path(utterance.path), f"{there}/{Path(utterance.path).name}")
    Manifest(tuple(replace(u, path=f"{there}/{Path(u.path).name}") for u in local)).write(f"{there}/source.csv")
    identity = ["--with", "identity", "--store", store, "--quiet"]
    to = f"{there}/translated.parquet"
    outcome = CliRunner().invoke(app, ["translate", f"{there}/source.csv", "--to", "it", "-o", to, *identity])
    assert outcome.exit_code == 0, outcome.output
    assert {u.path.startswith(f"{store}/translations/") for u in Manifest.read(to)} == {True}

    monkeypatch.setenv("SOTTOVOCE_HOME", str(tmp_path / "another home"))
    outcome = CliRunner().invoke(app, ["extract", to, "--upstream", "logmel", "--store", store, "--quiet"])
    assert outcome.exit_code == 0 and f"{len(local)} of {len(local)} utterances" in outcome.output

    refused = ["translate", f"{there}/source.csv", "--to", "it", "-o", to, "--report", *identity]
    assert CliRunner().invoke(app, refused).exit_code == 2


def test_no_default_in_a_help_text_is_taken_for_markup():
    group = typer.main.get_command(app)
    told = [p.help or "" for verb in group.commands.values() for p in verb.params]
    assert any(r"\[default:" in text for text in told)
    assert not [text for text in told if re.search(r"(?<!\\)\[default", text)]
