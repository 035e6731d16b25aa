"""Several processes that train one network, as `torchrun` starts them."""

from __future__ import annotations

import os

from sottovoce.errors import RecipeError


def is_first() -> bool:
    """Whether this process is the one that writes and reports; the others only help to train."""
    return os.environ.get("RANK", "0") == "0"


def share_of(batch_size: int) -> int:
    """What each process takes of a batch.

    Their number changes what is learned by rounding alone, but for two things: each process draws the masks of
    SpecAugment from the same numbers, and the last batch of an epoch, where it is smaller than the others, is filled up
    with utterances that were in the first.

    Raises:
        RecipeError: the processes cannot share a batch of this size.
    """
    n = _number()
    if batch_size % n:
        raise RecipeError(
            f"{n} processes cannot share a batch of {batch_size}: set schedule.batch_size to a multiple of {n}, or "
            "start another number of processes"
        )
    return batch_size // n


def wait() -> None:
    """Until all processes are here."""
    if _number() > 1:
        from accelerate import PartialState

        PartialState().wait_for_everyone()


def _number() -> int:
    return int(os.environ.get("WORLD_SIZE", 1))
