"""Small workers for the tests of long maps; in a module of their own, so that worker processes can import them."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sottovoce.store.artefacts import Task
from sottovoce.store.shards import Worker


@dataclass(frozen=True)
class ShoutMaker:
    """Makes a worker that writes each utterance's id in capitals and notes in `log` which keys it worked on.

    `refuse`, `kill` and `no_space` name utterances at which it refuses, kills its own process, or has a full disk.
    """

    log: Path
    pause_s: float = 0.0
    refuse: str = ""
    kill: str = ""
    no_space: str = ""

    def __call__(self) -> Worker:
        return self.shout

    def shout(self, tasks: Sequence[Task], folder: Path) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for task in tasks:
            name = task.utterance.id
            with self.log.open("a") as stream:
                stream.write(f"{name}\n")
            time.sleep(self.pause_s)
            if name == self.kill:
                os._exit(9)
            if name == self.no_space:
                raise OSError(errno.ENOSPC, "No space left on device", str(folder))
            if name == self.refuse:
                rows.append({"error": "too quiet"})
                continue
            (folder / f"{name}.txt").write_text(name.upper())
            rows.append({"file": f"{name}.txt", "length": len(name)})
        return rows


def seen_gpus() -> Worker:
    """Makes a worker whose rows say which GPUs its process sees."""

    def see(tasks: Sequence[Task], folder: Path) -> list[dict[str, Any]]:
        time.sleep(0.3)  # so that every process gets a shard
        return [{"gpus": os.environ.get("CUDA_VISIBLE_DEVICES", ""), "process": os.getpid()} for _ in tasks]

    return see
