"""Fixtures of the tests of corpora."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tests.corpora.web import Server


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that misbehaves as it is told."""
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield running
        running.shutdown()
        thread.join()
