"""What licences of recordings and weights mean for a model made of them: the strictest reading, in three ranks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import IntEnum

from sottovoce.corpora import catalogue

Row = tuple[str, str]
"""What is licensed, and the licence in the words of its card."""


class Rank(IntEnum):
    """How much a licence restricts what is made under it, from the least."""

    FREE = 0
    UNSETTLED = 1
    RESTRICTED = 2


_RESTRICTED = re.compile(r"\b(nc|nd)\b|non-?commercial|research|no derivatives", re.IGNORECASE)
_UNSETTLED = re.compile(r"unknown|not (stated|verified|disclosed)|those of|\bsa\b|see (its|the) page", re.IGNORECASE)
_FREE = re.compile(r"apache|\bmit\b|bsd|\bcc0\b|\bcc by\b|public domain|^none$|^as the source", re.IGNORECASE)
_CREATIVE_COMMONS = re.compile(r"CC (BY(?:-[A-Z]{2})*) (\d\.\d)")

_IN_WORDS = {
    Rank.FREE: "Nothing that it is made of restricts its use.",
    Rank.UNSETTLED: "Terms of something that it is made of are not known: find them out before you use or share it.",
    Rank.RESTRICTED: "Something that it is made of may be used for research or without commerce alone: take the same "
    "to hold for the model and for what it says.",
}


def rank(licence: str) -> Rank:
    """The rank of one licence; words that say nothing known are unsettled."""
    if _RESTRICTED.search(licence):
        return Rank.RESTRICTED
    return Rank.FREE if _FREE.search(licence) and not _UNSETTLED.search(licence) else Rank.UNSETTLED


def strictest(rows: Sequence[Row]) -> list[Row]:
    """The rows that restrict most; none where nothing restricts."""
    most = max((rank(licence) for _, licence in rows), default=Rank.UNSETTLED)
    return [row for row in rows if most and rank(row[1]) == most]


def in_words(rows: Sequence[Row]) -> str:
    """One sentence on what follows for the model."""
    return _IN_WORDS[max((rank(licence) for _, licence in rows), default=Rank.UNSETTLED)]


def front_matter(rows: Sequence[Row]) -> dict[str, str]:
    """`license`, and `license_name` where that is `other`, as a model card on the Hugging Face hub names them.

    A licence is named only where it alone restricts; two that differ, or one in the words of its owner, are `other`.
    """
    bound = {_hub_name(licence) for _, licence in rows if rank(licence) != Rank.FREE}
    if not bound:
        return {"license": "apache-2.0"}
    if len(bound) == 1 and (name := bound.pop()):
        return {"license": name}
    most = max(rank(licence) for _, licence in rows)
    return {"license": "other", "license_name": "non-commercial" if most == Rank.RESTRICTED else "not-settled"}


def of_corpus(name: str) -> str:
    """The licence of a corpus with a reader; that of any other is its owner's to state."""
    known = catalogue.corpora()
    return known[name].card.licence if name in known else "not stated: yours, or as its owner says"


def is_published(name: str) -> bool:
    """Whether anybody can get the corpus, and names of its speakers are codes that are public."""
    return name in catalogue.corpora()


def _hub_name(licence: str) -> str | None:
    found = _CREATIVE_COMMONS.fullmatch(licence)
    return f"cc-{found[1]}-{found[2]}".lower() if found else None
