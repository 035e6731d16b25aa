"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import yaml

from sottovoce import recipe
from sottovoce.speech import audio

_SHARED = Path(__file__).resolve().parents[1].parent / "shared"


def _folder(variable: str, fallback: str) -> Path:
    folder = Path(os.environ.get(variable, _SHARED / fallback))
    if not folder.is_dir():
        pytest.skip(f"set {variable} to run the tests on real material")
    return folder


@pytest.fixture(scope="session")
def real_corpora() -> Path:
    """Folder that holds emodb, emovo, ravdess and urdu."""
    return _folder("SOTTOVOCE_DATA", "corpora")


@pytest.fixture(scope="session")
def whisper_base() -> Path:
    """Folder of the real Whisper-base encoder."""
    folder = _folder("SOTTOVOCE_WEIGHTS", "weights") / "whisper-base"
    if not folder.is_dir():
        pytest.skip("no whisper-base among the weights")
    return folder


def tone(duration_s: float = 1.0, pitch_hz: float = 150.0, rate_hz: int = 16_000, seed: int = 0) -> np.ndarray:
    """A voice-like waveform: decaying harmonics of `pitch_hz` with a little noise, float32 `[n]`."""
    time_s = np.arange(round(duration_s * rate_hz)) / rate_hz
    harmonics = sum(np.sin(2 * np.pi * pitch_hz * k * time_s) / k for k in range(1, 11))
    noise = np.random.default_rng(seed).normal(0.0, 0.01, time_s.size)
    envelope = 0.6 + 0.4 * np.sin(2 * np.pi * 3 * time_s)
    return (0.2 * harmonics * envelope + noise).astype(np.float32)


@pytest.fixture
def make_tone(tmp_path: Path):
    """Write a tone to `tmp_path / name` and return its path."""

    def write(name: str, **settings) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        audio.write(path, tone(**settings), settings.get("rate_hz", 16_000))
        return path

    return write


def any_recipe(path: Path):
    """A recipe of whichever kind."""
    if "corpora" in yaml.safe_load(path.read_text(encoding="utf-8")):
        return recipe.load_generalist(path)
    return recipe.load_study(path) or recipe.load(path)
