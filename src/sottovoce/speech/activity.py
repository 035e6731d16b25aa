"""Where somebody speaks, decided frame after frame while the sound arrives.

A detector remembers what it heard: use a fresh one for each recording.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from sottovoce.errors import MissingExtra

FRAME = 512
"""Samples at 16 kHz in one decision: 32 ms."""

DetectorName = Literal["auto", "silero", "level", "all"]


class Detector(Protocol):
    """Decides for consecutive frames of one recording whether each is speech."""

    name: str

    def hear(self, frames: NDArray[np.float32]) -> NDArray[np.bool_]:
        """The next frames `[n, FRAME]` of mono sound at 16 kHz -> whether each is speech, `[n]`."""
        ...


class Silero:
    """Silero VAD (Silero Team, 2024; MIT licence) in onnxruntime, its state carried from call to call.

    Speech begins at a probability of .5 and ends below .35: its authors' own thresholds. The package's Python is left
    alone, since importing it would change how many cores torch uses; only the network that lies in it is read.
    """

    name = "silero"
    _BEGINS, _ENDS = 0.5, 0.35
    _CONTEXT = 64
    """Samples of the frame before that the network hears with each."""

    def __init__(self) -> None:
        if not has_silero():
            raise MissingExtra("speech detection by silero", "vad")
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session: Any = onnxruntime.InferenceSession(str(_network()), options, providers=["CPUExecutionProvider"])
        self._h = self._c = np.zeros((1, 1, 128), np.float32)
        self._before = np.zeros((1, self._CONTEXT), np.float32)
        self._speaking = False

    def hear(self, frames: NDArray[np.float32]) -> NDArray[np.bool_]:
        """See `Detector`."""
        if not len(frames):
            return np.zeros(0, bool)
        contexts = np.concatenate([self._before, frames[:, -self._CONTEXT :]])
        self._before = contexts[-1:]
        heard = {"input": np.hstack([contexts[:-1], frames]), "h": self._h, "c": self._c}
        probabilities, self._h, self._c = self._session.run(["speech_probs", "hn", "cn"], heard)
        decided = np.empty(len(frames), bool)
        for i, probability in enumerate(probabilities.ravel()):
            self._speaking = probability >= (self._ENDS if self._speaking else self._BEGINS)
            decided[i] = self._speaking
        return decided


class Level:
    """Everything whose level within a frame is above -45 dB of full scale: it takes music and noise for speech."""

    name = "level"
    _LEAST_RMS = 10 ** (-45 / 20)

    def hear(self, frames: NDArray[np.float32]) -> NDArray[np.bool_]:
        """See `Detector`."""
        return np.sqrt(np.mean(frames**2, axis=1)) >= self._LEAST_RMS


class Everything:
    """All of it is speech."""

    name = "all"

    def hear(self, frames: NDArray[np.float32]) -> NDArray[np.bool_]:
        """See `Detector`."""
        return np.ones(len(frames), bool)


def detector(name: DetectorName = "auto") -> Detector:
    """A fresh detector; `auto` is `silero` where the extra `vad` is installed, else `level`.

    Raises:
        MissingExtra: `silero` was asked for and is not installed.
    """
    if name == "auto":
        name = "silero" if has_silero() else "level"
    return {"silero": Silero, "level": Level, "all": Everything}[name]()


def has_silero() -> bool:
    """Whether the extra `vad` is installed."""
    return importlib.util.find_spec("onnxruntime") is not None and _network().is_file()


def _network() -> Path:
    found = importlib.util.find_spec("silero_vad")  # finds without importing
    folders = (found.submodule_search_locations or []) if found else []
    return Path(*folders[:1], "data", "silero_vad_16k_sequence.onnx")
