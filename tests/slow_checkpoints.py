"""Imported by the server of `tests.launcher`: with SLOW_CHECKPOINTS set, one is long in the making, and met so."""

from __future__ import annotations

import os
import time

from transformers.trainer_callback import TrainerState

_save_to_json = TrainerState.save_to_json  # the last file of a checkpoint


def _save_later(state: TrainerState, path: str) -> None:
    time.sleep(float(os.environ.get("SLOW_CHECKPOINTS", 0)))
    _save_to_json(state, path)


TrainerState.save_to_json = _save_later
