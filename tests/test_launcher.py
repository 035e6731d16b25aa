"""The launcher itself: a command that nobody waited for is not taken for another."""

from __future__ import annotations

import pytest

from tests import launcher


def test_what_never_came_ends_the_command_and_leaves_the_next_one_alone(tmp_path):
    with pytest.raises(AssertionError, match=r"never came: Outcome\(code="):
        launcher.start(tmp_path, "corpora").signal_when(lambda: False, within_s=0.2)
    launcher.start(tmp_path, "corpora")  # and is never waited for
    after = launcher.start(tmp_path, "corpora", "emodb")
    assert after.pid > 1
    outcome = after.wait()
    assert outcome.code == 0 and "EmoDB" in outcome.out
