"""The page in a browser: what people see, and that their browser asks no other machine for anything."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from sottovoce.cli import app
from tests.page.conftest import OPTIONS, Served

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
playwright = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium")

ANSWER = "#said .sv-heard, #said .sv-refused"


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator[Any]:
    spoken = tmp_path_factory.mktemp("microphone") / "spoken.wav"
    noise = np.random.default_rng(0).normal(0, 0.2, 16_000 * 5)
    soundfile.write(spoken, noise, 16_000, "PCM_16")
    microphone = (
        "use-fake-device-for-media-stream",
        "use-fake-ui-for-media-stream",
        f"use-file-for-fake-audio-capture={spoken}",
    )
    with playwright.sync_playwright() as play:
        arguments = ["--no-sandbox", *(f"--{each}" for each in microphone)]
        opened = play.chromium.launch(executable_path=BROWSER, args=arguments)
        yield opened
        opened.close()


@pytest.fixture
def page(browser, served: Served) -> Iterator[Any]:
    """The page, opened. At the end no request may have gone anywhere else, and no script may have failed."""
    context = browser.new_context(viewport={"width": 1100, "height": 1500}, permissions=["microphone"])
    opened = context.new_page()
    asked: list[str] = []
    failed: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("pageerror", lambda problem: failed.append(str(problem)))
    opened.goto(served.address)
    opened.wait_for_selector("#recording")
    yield opened
    context.close()
    own = (served.address, "data:", "blob:")
    assert asked and [url for url in asked if not url.startswith(own)] == []
    assert failed == []


def upload(page, path: Path) -> str:
    """Upload a file and give what the page says."""
    page.locator("#recording input[type=file]").set_input_files(path)
    page.wait_for_selector(ANSWER, timeout=20_000)
    return page.locator("#said").inner_text()


def clear(page) -> None:
    page.locator("#recording").get_by_label("Clear").click()
    page.wait_for_selector(ANSWER, state="detached")


def download(page, name: str) -> str:
    with page.expect_download() as started:
        page.locator(f"#files a[download='{name}']").click()
    return Path(started.value.path()).read_text(encoding="utf-8")


def by_command(model: Path, recording: Path) -> str:
    done = CliRunner().invoke(app, ["timeline", str(model), str(recording), *OPTIONS, "--format", "csv", "-q"])
    assert done.exit_code == 0
    return done.stdout


def test_upload_see_the_timeline_take_the_labels_away(page, served, scene):
    said = upload(page, scene)
    assert "Probability of each emotion" in said and "no speech" in said
    figure = page.locator("#said figure svg")
    assert figure.is_visible() and "Emotion over time in scene.wav" in figure.get_attribute("aria-label")
    assert download(page, "scene.csv") == by_command(served.model, scene)
    assert download(page, "scene.vtt").startswith("WEBVTT")


def test_another_recording_takes_the_place_of_the_first(page, scene, make_tone):
    upload(page, scene)
    clear(page)
    assert not page.locator("#files").is_visible()
    upload(page, make_tone("second.flac"))
    assert "second.flac" in page.locator("#said figure").inner_text()


BAD = {
    "not a readable sound file": lambda path: path.write_text("no sound"),
    "holds samples that are not numbers": lambda path: soundfile.write(path, np.full(16_000, np.nan), 16_000, "FLOAT"),
    "0.050 s is shorter than 0.1 s": lambda path: soundfile.write(path, np.ones(800), 16_000),
    "its 30 s are more than the 20 s": lambda path: soundfile.write(path, np.zeros(16_000 * 30), 16_000),
}


def test_bad_recordings_are_one_line_each_and_the_page_lives_on(page, tmp_path, scene):
    for complaint, make in BAD.items():
        make(tmp_path / "bad.wav")
        said = upload(page, tmp_path / "bad.wav")
        assert said.startswith(f"This recording cannot be used. bad.wav: {complaint}")
        assert "\n" not in said.strip() and str(tmp_path) not in said and "sottovoce-page" not in said
        assert not page.locator("#files").is_visible()
        clear(page)
    assert "Probability of each emotion" in upload(page, scene)


def test_fast_stereo_is_heard(page, tmp_path):
    noise = np.random.default_rng(0).normal(0, 0.1, (192_000, 2))
    soundfile.write(tmp_path / "fast.wav", noise, 192_000, "PCM_16")
    assert "Probability of each emotion" in upload(page, tmp_path / "fast.wav")


def test_a_file_that_is_too_large_is_not_even_sent(page, tmp_path):
    soundfile.write(tmp_path / "large.wav", np.zeros(16_000 * 100), 16_000)
    page.locator("#recording input[type=file]").set_input_files(tmp_path / "large.wav")
    toast = page.locator("[data-testid=toast-body]")
    toast.wait_for(timeout=10_000)
    assert "maximum allowed size of 2.0 Mb" in toast.inner_text() and page.locator("#said").inner_text() == ""


def test_a_microphone_is_heard(page):
    page.locator("#recording").get_by_label("Record audio").click()
    page.get_by_role("button", name="Record", exact=True).click()
    page.wait_for_timeout(1500)
    page.get_by_role("button", name="Stop").first.click()
    page.wait_for_selector(ANSWER, timeout=20_000)
    assert "Probability of each emotion" in page.locator("#said").inner_text()


def test_the_card_is_behind_a_tab(page):
    assert not page.locator("#card").is_visible()
    page.get_by_role("tab", name="Model card").click()
    page.locator("#card").wait_for()
    assert page.locator("#card").inner_text().split("\n\n") == ["A tiny model", "It was never trained."]


@pytest.mark.real
def test_real_speech(page, served, real_corpora):
    recording = sorted((real_corpora / "emodb").rglob("*.flac"))[0]
    upload(page, recording)
    assert download(page, f"{recording.stem}.csv") == by_command(served.model, recording)
