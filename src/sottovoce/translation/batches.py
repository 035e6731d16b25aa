"""Batches whose members do not change each other's result, and what becomes of a batch that fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch

from sottovoce.errors import SottovoceError, TranslationError, WeightsError

Made = TypeVar("Made")


@dataclass(frozen=True)
class Failure:
    """Why there is no result."""

    reason: str


def alike(lengths: Mapping[int, int], most: int) -> list[list[int]]:
    """Positions of equal length in batches of at most `most` altogether, or of one alone.

    The longest come first: what does not fit into memory fails at once and not after hours.
    """
    batches: list[list[int]] = []
    for position in sorted(lengths, key=lambda p: (-lengths[p], p)):
        length = lengths[position]
        if batches and lengths[batches[-1][0]] == length and (len(batches[-1]) + 1) * length <= most:
            batches[-1].append(position)
        else:
            batches.append([position])
    return batches


def halving(
    batch: Sequence[int], work: Callable[[Sequence[int]], Sequence[Made]], names: Sequence[str]
) -> dict[int, Made | Failure]:
    """The result of `work` by position; a batch that raises is halved, down to the one that is the cause.

    Args:
        batch: positions.
        work: their results, in order.
        names: ids by position, for messages.

    Raises:
        WeightsError: the model cannot be loaded, which no utterance is to blame for.
        TranslationError: the GPU has failed, after which nothing works on it in this process; or there is no room for
            one utterance alone. A refusal is kept for good, and with more memory this would be none.
    """
    no_room = ""
    try:
        return dict(zip(batch, work(batch), strict=True))
    except WeightsError:
        raise
    except torch.AcceleratorError as problem:  # running out of memory is another kind of error
        raise TranslationError(
            f"the GPU failed ({_first_line(problem)}). What was done is kept: run the same command again; "
            "if it stops at the same place, run it once with --device cpu"
        ) from problem
    except SottovoceError as problem:
        failure = Failure(str(problem))
    except Exception as problem:
        # Models raise every kind, from want of memory to a KeyError in a tokenizer: these may not end the run.
        failure = Failure(f"the model failed: {_first_line(problem)}")
        no_room = _first_line(problem) if _is_want_of_memory(problem) else ""
    # Out of the handler: its traceback would hold the tensors that were too many.
    if len(batch) > 1:
        half = len(batch) // 2
        return halving(batch[:half], work, names) | halving(batch[half:], work, names)
    if no_room:
        raise no_room_for(names[batch[0]], no_room)
    return {batch[0]: failure}


def no_room_for(utterance: str, reason: str) -> TranslationError:
    """The error that ends a map where one utterance alone takes more memory than there is: no refusal to be kept."""
    return TranslationError(
        f"there is no room in memory for utterance {utterance}, even alone ({reason}). What was done "
        "is kept. Free memory or take a larger GPU and run the same command again; or cut the utterance with "
        "start_s and end_s, or leave it out of the manifest"
    )


def _is_want_of_memory(problem: Exception) -> bool:
    return isinstance(problem, torch.OutOfMemoryError | MemoryError) or "DefaultCPUAllocator" in str(problem)


def _first_line(problem: BaseException) -> str:
    return next(iter(str(problem).splitlines()), type(problem).__name__)
