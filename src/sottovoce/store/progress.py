"""How a long stage tells whoever watches how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from sottovoce.store.speeds import Speeds


class Progress(Protocol):
    """Shows stages. The command line draws bars; a library user may pass `quiet`."""

    def stage(self, title: str, total: int) -> AbstractContextManager[Callable[[int], None]]:
        """Open a stage of `total` steps; what it yields is called with the number of steps just done."""
        ...


class Quiet:
    """Shows nothing."""

    @contextmanager
    def stage(self, title: str, total: int) -> Iterator[Callable[[int], None]]:
        """See `Progress`."""
        yield lambda n: None


@contextmanager
def timed(
    progress: Progress, speeds: Speeds, title: str, total: int, measured_as: str | None = None
) -> Iterator[Callable[[int], None]]:
    """A stage whose speed is remembered, so that the next plan can say how long it takes."""
    with progress.stage(title, total) as done:
        watch = speeds.watch(measured_as or title, done)
        yield watch
        watch.stop()
