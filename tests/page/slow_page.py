"""A page on a model that takes its time and tells how many asked it at once.

What it was sent it forgets soon. It complains on the error stream when anything in it asks another machine.
"""

from __future__ import annotations

import sys
import threading
import time
from contextlib import suppress

import numpy as np

from sottovoce.page import blocks, hearing
from sottovoce.page.serving import serve

blocks.CHECKED_S, blocks.KEPT_S = 1, 10


class Slow:
    """See `use.answering.Model`. It says `angry` with .1 for each that asked at once, at the most."""

    emotions = ("angry", "sad")
    reliance = None

    def __init__(self) -> None:
        self.asking, self.most, self.lock = 0, 0, threading.Lock()

    def rule(self):
        return None

    def probabilities(self, waveforms):
        with self.lock:
            self.asking += 1
            self.most = max(self.most, self.asking)
        time.sleep(0.4)
        with self.lock:
            self.asking -= 1
        return np.tile([self.most / 10, 1 - self.most / 10], (len(waveforms), 1))


def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto") and "127.0.0.1" not in map(str, arguments):
        print(event, arguments, file=sys.stderr)


sys.addaudithook(watch)
with suppress(KeyboardInterrupt):
    serve(
        Slow(),
        "slow",
        "# A card",
        hearing.Listening(speech="all"),
        port=0,
        at_once=2,
        on_ready=lambda at: print(at, flush=True),
    )
