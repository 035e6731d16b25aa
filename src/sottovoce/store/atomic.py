"""Files that are there whole or not at all."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from sottovoce.errors import StoreError


def write_json(path: Path, content: Any) -> None:
    """Write JSON atomically: a reader sees the old file or the new one, never a part."""
    write_atomically(path, lambda partial: partial.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8"))


def read_json(path: Path, otherwise: Any) -> Any:
    """The content, or `otherwise` where there is none that can be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return otherwise


def write_atomically(path: Path, write: Callable[[Path], Any]) -> None:
    """Let `write` fill a hidden file beside `path`, then rename it into place.

    Raises:
        StoreError: the disk is full or may not be written.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(partial)
        partial.replace(path)
    except OSError as problem:
        raise full_disk_or(problem, path) from problem
    finally:
        with suppress(OSError):
            partial.unlink()


def full_disk_or(problem: OSError, path: Path) -> Exception:
    """The error a user can act on where the disk is full or read-only, else the problem itself."""
    if problem.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return StoreError(f"no space left on the disk of {path}. Free some and run the same command: it continues.")
    if problem.errno in (errno.EACCES, errno.EROFS, errno.EPERM, errno.ENOTDIR, errno.EEXIST):
        return StoreError(f"{path} cannot be written ({problem.strerror}). Choose another place (-o, --out, --store).")
    return problem
