"""How fast each stage was on this machine, remembered so that what is left can be estimated."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic

from sottovoce.store.atomic import write_json

# Seconds a unit on two cores without bf16, before anything was measured here; only an estimate starts from them.
UNMEASURED: Mapping[str, float] = {
    "check": 0.005,
    "translation: offline": 0.35,
    "translation: identity": 0.01,
    "prosody": 0.15,
    "features: logmel": 0.005,
    "features: whisper": 0.1,
    "features: generalist": 0.1,
    "features: ssl": 0.5,
    "training": 0.015,
    "training: mix": 0.05,
}


class Speeds:
    """Seconds a unit by stage. The unit is an utterance, or 10^9 operations for training."""

    def __init__(self, store: Path) -> None:
        self._path = store / "speeds.json"

    def seconds(self, stage: str, units: float) -> float:
        """What `units` more will take, by the last measurement here or by `UNMEASURED`."""
        return units * self._measured().get(stage, UNMEASURED.get(stage, 0.0))

    def record(self, stage: str, units: float, seconds: float) -> None:
        """Remember that `units` took `seconds`."""
        if units > 0 and seconds > 0:
            write_json(self._path, self._measured() | {stage: seconds / units})

    def watch(self, stage: str, on_done: Callable[[int], None]) -> Stopwatch:
        """Wrap a progress callback whose first call reports what was there already."""
        return Stopwatch(self, stage, on_done)

    def _measured(self) -> dict[str, float]:
        try:
            return json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}


class Stopwatch:
    """Times the steps after the first call; `stop` records them."""

    def __init__(self, speeds: Speeds, stage: str, on_done: Callable[[int], None]) -> None:
        self._speeds, self._stage, self._on_done = speeds, stage, on_done
        self._start: float | None = None
        self._units = 0

    def __call__(self, n: int) -> None:
        if self._start is None:
            self._start = monotonic()
        else:
            self._units += n
        self._on_done(n)

    def stop(self) -> None:
        """Record the speed."""
        if self._start is not None:
            self._speeds.record(self._stage, self._units, monotonic() - self._start)
