"""The page's server: what it takes and what it refuses, how many it listens to at once, what it leaves behind."""

from __future__ import annotations

import json
import os
import re
import socket
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sottovoce.errors import MissingExtra, SottovoceError
from sottovoce.page import serving
from sottovoce.page.hearing import Listening
from sottovoce.speech import audio
from tests.conftest import tone
from tests.page.conftest import running
from tests.use.listening import LoudIsAngry

httpx = pytest.importorskip("httpx")

ROOT = Path(__file__).parents[2]


@pytest.fixture
def slow(tmp_path) -> Iterator[tuple[str, Path]]:
    """A page on the model of `slow_page`, two at once, with a short memory: its address, and its folder."""
    (folder := tmp_path / "uploads").mkdir()
    command = [sys.executable, "-m", "tests.page.slow_page"]
    with running(command, os.environ | {"TMPDIR": str(folder), "PYTHONPATH": str(ROOT)}) as address:
        yield address, folder


def upload(address: str, path: Path) -> str:
    """Send a file as the browser does and give its place."""
    sent = httpx.post(f"{address}/gradio_api/upload", files={"files": (path.name, path.read_bytes())}, timeout=60)
    sent.raise_for_status()
    return sent.json()[0]


def listen(address: str, place: str, **more) -> tuple[str, object]:
    """Ask about a place; how the answer ended (`complete`, `error`), and the answer."""
    given = {"path": place, "meta": {"_type": "gradio.FileData"}, **more}
    asked = httpx.post(f"{address}/gradio_api/call/listen", json={"data": [given]}, timeout=60)
    told = httpx.get(f"{address}/gradio_api/call/listen/{asked.json()['event_id']}", timeout=60).text
    event, content = re.findall(r"event: (complete|error)\ndata: (.*)", told)[-1]
    return event, json.loads(content)


def test_an_upload_is_answered_with_a_part_of_the_page_and_files(served, scene):
    event, (said, files) = listen(served.address, upload(served.address, scene))
    assert event == "complete" and "Probability of each emotion" in said
    assert [file["orig_name"] for file in files["value"]] == [
        f"scene{e}" for e in (".csv", ".json", ".txt", ".vtt", ".TextGrid")
    ]
    csv = httpx.get(f"{served.address}/gradio_api/file={files['value'][0]['path']}").text
    assert csv.splitlines()[0] == "start_s,end_s,emotion,confidence,angry,happy,sad"


def test_files_that_nobody_uploaded_are_neither_read_nor_fetched(served, scene, monkeypatch):
    for place in (str(scene), "/etc/passwd", "../../etc/passwd", "https://example.com/a.wav", "file:///etc/passwd"):
        event, said = listen(served.address, place)
        assert event == "error" and "fetches nothing" in str(said), place
    event, said = listen(served.address, "a.wav", url="https://example.com/a.wav")
    assert event == "error" and "fetches nothing" in str(said)
    for path in (scene, "/etc/passwd", served.model / "config.json"):
        assert httpx.get(f"{served.address}/gradio_api/file={path}").status_code == 403
    assert httpx.get(f"{served.address}/gradio_api/proxy=https://example.com/a").status_code == 400


def test_too_large_a_file_is_refused_while_it_arrives(served, tmp_path):
    soundfile.write(tmp_path / "large.wav", np.zeros(16_000 * 100), 16_000)
    with open(tmp_path / "large.wav", "rb") as file:
        sent = httpx.post(f"{served.address}/gradio_api/upload", files={"files": file}, timeout=60)
    assert sent.status_code == 413
    assert not list(served.uploads.rglob("large.wav"))


def test_the_page_and_its_style_name_no_machine_to_ask(served):
    page = httpx.get(served.address)
    assert page.headers["content-security-policy"] == serving.POLICY and "http" not in serving.POLICY
    elements = re.findall(r"<(?:link|script|img|iframe)\b[^>]*?(?:src|href)=\"([^\"]*)\"", page.text)
    assert elements and not [place for place in elements if "//" in place]
    assert (
        json.loads(re.findall(r"window\.gradio_config = (\{.*?\});</script>", page.text)[0])["analytics_enabled"]
        is False
    )
    style = httpx.get(f"{served.address}/theme.css").text
    assert "system-ui" in style and "@import" not in style and not re.search(r"url\(['\"]?https?:", style)


def test_others_wait_for_their_turn_and_what_they_sent_is_removed(slow, tmp_path):
    address, folder = slow
    for i in range(4):
        audio.write(tmp_path / f"{i}.wav", tone(1.0, seed=i))
    with ThreadPoolExecutor(4) as people:
        places = [upload(address, tmp_path / f"{i}.wav") for i in range(4)]
        answers = list(people.map(lambda place: listen(address, place), places))
    assert [event for event, _ in answers] == ["complete"] * 4
    most = 0
    for i, (_, content) in enumerate(answers):
        assert f"in {i}.wav" in content[0]  # everybody got their own
        most = max(most, int(re.findall(r"angry</th><td>(\d)0\.0 %", content[0])[0]))
    assert most == 2

    until = time.monotonic() + 40
    while any(path.is_file() for path in folder.rglob("*")) and time.monotonic() < until:
        time.sleep(0.2)
    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_without_gradio_it_is_told_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "gradio", None)
    for name in ("GRADIO_TEMP_DIR", "GRADIO_ANALYTICS_ENABLED"):
        monkeypatch.setenv(name, "")  # so that what is set is taken back
    with pytest.raises(MissingExtra, match=r"sottovoce\[page\]"):
        serving.application(LoudIsAngry(), "tiny", "", Listening(), 1, tmp_path)


def test_a_port_that_is_taken_is_told_before_anything_is_done(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SottovoceError, match=rf"127\.0\.0\.1:{port} cannot be had .*--port"):
            serving.serve(LoudIsAngry(), "tiny", "", Listening(), port=port)
    assert os.listdir(tmp_path) == []
