"""The folder of what belongs to this machine and to no run: environments of translators, mirrors of stores at URIs."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """`$SOTTOVOCE_HOME`, or a folder of the user's. Safe to delete: everything in it can be made again."""
    chosen = os.environ.get("SOTTOVOCE_HOME")
    return Path(chosen) if chosen else Path.home() / ".local" / "share" / "sottovoce"
