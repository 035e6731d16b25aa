"""A model that does not fit ends the run: no utterance is to blame, and what is refused is never tried again."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sottovoce.errors import WeightsError
from sottovoce.speech.manifest import Utterance
from sottovoce.translation.seamless_m4t import SeamlessM4T
from tests.translation.checkpoints_m4t import tiny_m4t


def test_no_utterance_is_refused_for_want_of_room_for_the_model(tmp_path: Path, make_tone, monkeypatch) -> None:
    translator = SeamlessM4T("de", str(tiny_m4t(tmp_path / "m4t")))
    utterances = [Utterance(str(i), str(make_tone(f"{i}.wav")), "s", "sad") for i in range(2)]

    def full(self, *args, **kwargs):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 7 GiB\nand much more")

    monkeypatch.setattr(torch.nn.Module, "to", full)
    with pytest.raises(WeightsError, match=r"CUDA out of memory. Tried to allocate 7 GiB\)\. Free it"):
        translator.translate(utterances)
