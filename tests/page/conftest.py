"""A page that is served as a user serves it, by the command, on a small untrained model."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.conftest import tone
from tests.use.models import write_model

OPTIONS = ("--speech", "level", "--window", "1", "--hop", "0.5")
CARD = "---\nlicense: apache-2.0\n---\n# A tiny model\n\nIt was never *trained*.\n"


@dataclass(frozen=True)
class Served:
    """Where the page is, which model it serves, and the folder that its uploads are below."""

    address: str
    model: Path
    uploads: Path


@contextmanager
def running(command: Sequence[str], environment: Mapping[str, str]) -> Iterator[str]:
    """A server as a process of its own (Gradio leaves sockets and loops unclosed); it prints its address, and ends
    without a complaint when it is interrupted."""
    with subprocess.Popen(command, stdout=-1, stderr=-1, text=True, env=environment) as server:
        assert server.stdout is not None and server.stderr is not None
        line = server.stdout.readline()
        try:
            assert line.startswith("http://127.0.0.1:"), line + server.stderr.read()
            yield line.split()[0]
        finally:
            server.send_signal(signal.SIGINT)
            _, complaints = server.communicate(timeout=30)
    assert server.returncode == 0 and complaints == ""


@pytest.fixture(scope="package")
def served(tmp_path_factory) -> Iterator[Served]:
    if find_spec("gradio") is None:
        pytest.skip("there is no gradio")
    folder = tmp_path_factory.mktemp("page")
    model = write_model(folder / "tiny")
    (model / "README.md").write_text(CARD, encoding="utf-8")
    (uploads := folder / "uploads").mkdir()
    limits = ("--longest", "20", "--largest", "2", "--at-once", "2")
    command = [sys.executable, "-m", "sottovoce", "page", str(model), "--port", "0", *OPTIONS, *limits]
    # a proxy that is not there: whatever asked another machine would fail
    environment = os.environ | {"TMPDIR": str(uploads), "OMP_NUM_THREADS": "1"}
    environment |= dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:9")
    with running(command, environment) as address:
        yield Served(address, model, uploads)
    assert list(uploads.iterdir()) == []


@pytest.fixture
def scene(tmp_path) -> Path:
    """Two seconds of a voice, two of silence, three of another voice."""
    sound = np.concatenate([tone(2.0), np.zeros(32_000, np.float32), tone(3.0, pitch_hz=260.0)])
    soundfile.write(tmp_path / "scene.wav", sound, 16_000, "PCM_16")
    return tmp_path / "scene.wav"
