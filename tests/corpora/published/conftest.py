"""A miniature copy of whichever corpus a test file is about."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import tone
from tests.corpora.miniature import corpus_of


@pytest.fixture
def folder(request, tmp_path) -> Path:
    """The file's `MINIATURE`, written."""
    return request.module.MINIATURE.write(tmp_path / corpus_of(request.module.__name__), tone)
