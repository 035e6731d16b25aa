"""Batches whose members do not change each other's result: all of one length, padding included."""

from __future__ import annotations

from collections.abc import Mapping


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
