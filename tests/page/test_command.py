"""What `sottovoce page` hands to the server. The server itself runs in the other tests."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sottovoce.cli import app
from tests.use.models import write_model, write_model_of_measures


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """What the server was asked for; it ends as if interrupted."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("signal.signal", lambda *_: None)  # the test's own process keeps its ways to end
    found = {}

    def serve(model, name, card, listening, **how):
        found.update(how, emotions=model.emotions, name=name, card=card, listening=listening)
        how["on_ready"]("http://here")
        raise KeyboardInterrupt

    monkeypatch.setattr("sottovoce.page.serving.serve", serve)
    return found


def run(*words: str):
    return CliRunner().invoke(app, ["page", *words])


def test_it_is_for_this_machine_alone_unless_told(asked):
    write_model(Path("tiny"))
    done = run("tiny")
    assert done.exit_code == 0 and done.stdout == "http://here   Ctrl-C ends\n"
    assert "may use this page" not in done.stderr
    assert (asked["host"], asked["port"], asked["at_once"]) == ("127.0.0.1", 7860, 1)
    assert (asked["listening"].longest_s, asked["listening"].largest_mb) == (600, 100)
    assert asked["emotions"] == ("angry", "happy", "sad") and asked["name"] == "tiny"


def test_a_page_for_everybody_comes_with_a_warning(asked):
    write_model(Path("tiny"))
    done = run("tiny", "--host", "0.0.0.0", "--port", "80")
    assert "warning: whoever can reach 0.0.0.0 may use this page: it asks for no password" in done.stderr
    assert (asked["host"], asked["port"]) == ("0.0.0.0", 80)


def test_a_run_gives_its_name_and_the_card_goes_without_its_head(asked):
    Path("runs/demo").mkdir(parents=True)
    Path("runs/demo/recipe.yaml").touch()
    model = write_model(Path("runs/demo/model"))
    (model / "README.md").write_text("---\nlicense: mit\n---\n# Card\n\n---\n\nend\n")
    assert run("runs/demo").exit_code == 0
    assert asked["name"] == "demo" and asked["card"] == "# Card\n\n---\n\nend\n"
    (model / "README.md").unlink()
    run("runs/demo")
    assert "without a card" in asked["card"]


def test_the_manner_is_that_of_timeline(asked):
    write_model(Path("tiny"))
    run("tiny", "--window", "2", "--hop", "0.5", "--smooth", "1", "--shortest", "0", "--speech", "all")
    manner = asked["listening"].manner
    assert (manner.grid.window_s, manner.grid.hop_s, manner.smooth, manner.shortest_s) == (2, 0.5, 1, 0)
    assert asked["listening"].speech == "all"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("nowhere",), "there is no such folder"),
        (("tiny", "--hop", "9"), "no more than the window"),
        (("tiny", "--longest", "0"), "give 0.1 s or more"),
        (("tiny", "--largest", "0"), "give 1 or more"),
        (("tiny", "--port", "70000"), "65535"),
    ],
)
def test_impossible_wishes_are_refused(asked, words, complaint):
    write_model(Path("tiny"))
    done = run(*words)
    assert done.exit_code in (1, 2) and complaint in done.stderr and not asked


def test_a_run_of_measures_is_refused_in_one_line(asked, monkeypatch):
    monkeypatch.setattr("sottovoce.speech.activity.has_silero", lambda: False)
    Path("run").mkdir()
    Path("run/recipe.yaml").touch()
    write_model_of_measures(Path("run/model"))
    done = run("run")
    assert done.exit_code == 1 and not asked and done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert "this model says arousal, valence, and sottovoce page shows emotions" in line
    assert line.endswith("use it with 'sottovoce predict'")


def test_ended_by_a_supervisor_it_cleans_up_as_after_ctrl_c(asked, monkeypatch):
    write_model(Path("tiny"))
    handlers = {}
    monkeypatch.setattr("signal.signal", handlers.__setitem__)
    run("tiny")
    assert handlers == {signal.SIGTERM: signal.default_int_handler}
